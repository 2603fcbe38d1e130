"""The door for operators: metrics."""
