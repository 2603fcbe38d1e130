"""The line door: telnet, netcat and other clients that send lines."""
