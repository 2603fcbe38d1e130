"""A minute in which members of every kind come, go and die at every door; SOAK_SECONDS=900 SOAK_MEMBERS=30 is longer.

A failure prints its SOAK_SEED, which chooses the same members and deeds, though not the same moments.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest

from .every_door import EveryDoor
from .processes import wait_until
from .soak import ROOMS, Soak, descriptors, growth
from .soak_lives import GRACE, STALL

pytestmark = pytest.mark.slow

SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))
MEMBERS = int(os.environ.get("SOAK_MEMBERS", "30"))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))


@pytest.mark.timeout(SECONDS * 2 + 240)
def test_nothing_is_lost_doubled_or_left_over_and_memory_stays_flat(twistd, tmp_path):
    print(f"SOAK_SEED={SEED} SOAK_SECONDS={SECONDS} SOAK_MEMBERS={MEMBERS}")
    doors = EveryDoor(tmp_path)
    limits = ("--grace", str(GRACE), "--stall", str(STALL), "--remember", "20", "--send-buffer", "4096")
    server = twistd(*doors.options, *limits, "--no-limits")
    server.wait_for_log("metrics are at")
    idle = descriptors_of_an_idle_server(server, doors)
    soak = Soak(doors, server, tmp_path / "chat.sqlite", MEMBERS, SEED)
    asyncio.run(soak.run(SECONDS))
    soak.see_that_nobody_is_left(idle)
    assert server.stop() == 0
    violations = soak.judge()
    print(soak.done, f"{len(soak.samples)} samples, grown by {growth(soak.samples) / 2**20:.2f} MiB")
    print([(round(when), size >> 10) for when, size in soak.samples[:: len(soak.samples) // 30 or 1]], "s, KiB")
    assert not violations, "\n".join(told(violations))


def told(violations):
    """Yield how many there are of each rule, and the first of them."""
    for rule, count in Counter(violation.rule for violation in violations).items():
        first = [violation.sentence for violation in violations if violation.rule == rule][:5]
        yield "\n  ".join((f"{rule}: {count}", *first))


@pytest.mark.parametrize("leak, grown", [(0, 0), (10_000, 6_000_000)])
def test_a_leak_is_distinguished_from_peaks_and_filling_caches(leak, grown):
    chance = random.Random(1)
    samples = []
    for when in range(0, 901, 2):
        peak = 30_000_000 if when % 100 == 0 else 0
        samples.append((when, 60_000_000 + min(when, 250) * 40_000 + when * leak + peak + chance.randrange(500_000)))
    assert growth(samples) == pytest.approx(grown, abs=100_000)


def descriptors_of_an_idle_server(server, doors):
    """Use each part of the server, in all rooms, and return the descriptors that are open after it."""
    with doors.connect("line") as person:
        joins = "".join(f"/join {room}\n" for room in ROOMS)
        person.send(f"first\n{joins}/history 5\n/search first\n/quit\n")
        person.read_to_end()
    doors.get("websocket", "/rooms")
    wait_until(lambda: not doors.measured("members"))
    return descriptors(server)
