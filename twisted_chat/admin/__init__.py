"""The operator's tool: ``twisted-chat admin``, and the socket over which it reaches a running server."""
