"""For operators: the metrics."""
