"""The server while an admin keeps order, through kills, power cuts and bad networks; and faults that it has to find.

With SIMULATION_STEPS it takes so many steps; a failure prints its seed: ``KeptOrder(SEED, WITHOUT).run(STEPS)``.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from twisted_chat.core.rules import RoomRules

from .simulation import FAULTS
from .simulation_order import KeptOrder

pytestmark = pytest.mark.slow

WITHOUT = tuple(fault for fault in FAULTS if fault != "clock")  # bans and silences last by the wall clock
STEPS = int(os.environ.get("SIMULATION_STEPS", "30000"))
LONGEST = 600  # steps of one run


@pytest.mark.timeout(600 + STEPS // 50)
def test_nothing_is_lost_and_nobody_is_heard_who_may_not_be_while_an_admin_keeps_order():
    kinds = Counter()
    for seed in range(STEPS // LONGEST):
        run = KeptOrder(seed, WITHOUT)
        violations = run.run(LONGEST)
        assert not violations, f"KeptOrder({seed}, WITHOUT).run({LONGEST}): {violations[:5]}"
        kinds.update(event.kind for events in run.disk.logs.values() for event in events)
    assert all(kinds[kind] for kind in ("removed", "barred", "quieted", "unquieted", "restricted", "banned")), kinds


def test_a_server_that_lets_the_silenced_speak_is_caught(monkeypatch):
    monkeypatch.setattr(RoomRules, "refuse_quieted", lambda *_given: None)
    found = {violation.rule for seed in range(20) for violation in KeptOrder(seed, ()).run(400)}
    assert "quiet" in found
