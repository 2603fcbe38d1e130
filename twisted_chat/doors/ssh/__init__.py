"""The ssh door: OpenSSH, PuTTY and every other ssh client, in a terminal, in a pipe, or for one command."""
