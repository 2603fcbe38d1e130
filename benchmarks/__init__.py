"""Benchmarks of this server and others, on the user's own machine: ``python -m benchmarks``."""
