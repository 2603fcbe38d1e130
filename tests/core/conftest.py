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
    """Two hubs on one journal, which have to report no fault, and have the state that a third one begins with."""
    log, limits = SharedLog(), Limits()
    nodes = [Node(log, limits), Node(log, limits)]
    settle(*nodes)
    yield nodes
    living = [node for node in nodes if not node.journal.is_gone]
    settle(*living)
    for node in living:
        assert node.faults == []
        assert node.state == living[0].state
        assert Node(log, limits, node).state == node.state
