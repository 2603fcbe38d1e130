"""Requests: what people and programs can ask of the hub."""
