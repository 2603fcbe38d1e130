"""Fixtures of the core's tests."""

from __future__ import annotations

import pytest

from twisted_chat.core.limits import Limits

from ..house import faultless
from .nodes import Node, SharedLog, settle


@pytest.fixture
def house():
    """A hub in memory, which has to report no fault."""
    yield from faultless()


@pytest.fixture
def nodes():
    """Two hubs on one journal, which have to report no fault."""
    log = SharedLog()
    nodes = [Node(log, Limits()), Node(log, Limits())]
    settle(*nodes)
    yield nodes
    assert [node.faults for node in nodes] == [[], []]
