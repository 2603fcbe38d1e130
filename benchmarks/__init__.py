"""Measure this server beside others, on a user's own machine: ``python -m benchmarks``."""
