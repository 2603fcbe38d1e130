"""The ssh door of a server in memory, and clients at it."""

from __future__ import annotations

import pytest

from .in_memory import SshDoorInMemory


@pytest.fixture
def ssh(door):
    """The ssh door of that server: call it for a client that has logged in."""
    ssh = SshDoorInMemory(door)
    yield ssh
    ssh.close()
