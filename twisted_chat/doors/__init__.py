"""Doors: the ways in, one file each, and the parts that they share."""
