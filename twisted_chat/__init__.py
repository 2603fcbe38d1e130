"""Group communication that anyone can reach with the tools already on their machine."""

__version__ = "0.1.0"
