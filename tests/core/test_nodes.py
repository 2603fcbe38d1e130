"""Two and three hubs on one journal: the same fold, one order, and nobody is left behind when a node is lost."""

from __future__ import annotations

import os

import pytest

from .members_on_nodes import MemberNodes
from .nodes import Nodes

STEPS = int(os.environ.get("NODE_STEPS", 100_000))
RUNS = 25


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("seed", range(RUNS))
def test_hubs_on_one_journal_end_with_equal_states_whatever_happens_when(seed, moves):
    Nodes(seed, 2 + seed % 2, moves).run(STEPS // RUNS // 2)


@pytest.mark.parametrize("seed", range(RUNS))
def test_members_and_their_decisions_are_the_same_on_all_nodes(seed):
    MemberNodes(seed, 2 + seed % 2).run(STEPS // RUNS // 2)
