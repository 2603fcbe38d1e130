"""The costs of the ssh door: how long one step of a log-in takes, and the memory of an idle session."""

from __future__ import annotations

import time

import pytest

from benchmarks import ssh as benchmark

from .in_memory import SshPeer, key

GOAL = 0.005  # seconds, of a whole log-in and so of each step
BUSY = 2  # times as long, where other work disturbs the caches
IDLE = 14 * 1024  # bytes


def test_no_step_of_a_log_in_blocks_the_others(door, ssh):
    steps, log_ins = [], []

    class Timed(SshPeer):
        def pump(self):
            server = self.server.dataReceived

            def timed(data):
                began = time.thread_time()
                server(data)
                steps[-1].append(time.thread_time() - began)

            self.server.dataReceived = timed
            try:
                super().pump()
            finally:
                del self.server.dataReceived

    for number in range(12):
        steps.append([])
        peer = Timed(ssh)
        peer.log_in(f"a{number}", key())
        peer.open().shell()
        log_ins.append(sum(steps[-1]))
        peer.lose()
    assert min(max(each) for each in steps[2:]) < GOAL
    assert sorted(log_ins)[len(log_ins) // 2] < BUSY * GOAL


@pytest.mark.slow
def test_an_idle_session_and_a_log_in_cost_little():
    with benchmark.server() as (pid, port):
        here = [benchmark.SshMember(port, f"warm{number}").enter() for number in range(50)]
        before = benchmark.memory_of(pid)
        here += [benchmark.SshMember(port, f"m{number}").enter() for number in range(250)]
        assert (benchmark.memory_of(pid) - before) / 250 < IDLE
        for member in here:
            member.sock.close()
        seconds = benchmark.seconds_of(pid)
        for number in range(100):
            benchmark.SshMember(port, f"alone{number}").enter().sock.close()
        assert (benchmark.seconds_of(pid) - seconds) / 100 < BUSY * GOAL


@pytest.mark.slow
def test_an_idle_session_at_a_terminal_costs_little():
    with benchmark.server() as (pid, port):
        assert benchmark.idle_size(pid, port, 250, has_terminal=True) < IDLE
