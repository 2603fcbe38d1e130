"""Chat over plain HTTP: rooms, lines, streams and posts."""
