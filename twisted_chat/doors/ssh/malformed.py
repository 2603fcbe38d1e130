"""The error for a packet that breaks the rules of SSH, and the errors by which conch meets one."""

from __future__ import annotations

import struct

from cryptography.exceptions import UnsupportedAlgorithm
from twisted.conch.error import ConchError
from twisted.conch.ssh.keys import BadKeyError


class Malformed(Exception):
    """A packet that breaks the rules; its text says which."""


# What conch and cryptography raise for bytes that they do not expect.
ERRORS = (
    *(Malformed, BadKeyError, ConchError, UnsupportedAlgorithm, struct.error),
    *(LookupError, ValueError, TypeError, ArithmeticError),
)
