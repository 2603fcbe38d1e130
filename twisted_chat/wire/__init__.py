"""Wires: events to bytes and back, one file a format."""
