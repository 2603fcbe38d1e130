"""Group communication that anyone can reach with what is already on their machine."""

__version__ = "0.1.0"
