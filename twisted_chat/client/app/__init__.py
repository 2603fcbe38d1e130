"""The bundled client's program: on a terminal, in a pipe, and for single commands."""
