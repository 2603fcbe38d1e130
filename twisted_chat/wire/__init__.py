"""Wires: formats for events, one file each."""
