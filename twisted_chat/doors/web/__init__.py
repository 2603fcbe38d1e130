"""The web door: a browser's page, its WebSocket, and HTTP for scripts, on one port."""
