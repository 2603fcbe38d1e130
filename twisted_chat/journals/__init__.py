"""Journals: one file each, one contract (interfaces.Journal)."""
