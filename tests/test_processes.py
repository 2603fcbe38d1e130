"""Free ports, the rules of conftest.py, and the aliases in browsers: tests of what other tests rely on."""

from __future__ import annotations

import ast
import socket
from collections import defaultdict
from pathlib import Path

import pytest
from twisted.internet import reactor

from .processes import free_port


def test_a_free_port_is_for_its_servers_and_for_nobody_else():
    port = free_port()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    for _ in "one", "the next":
        with (
            socket.create_server(("127.0.0.1", port)) as listener,
            socket.create_connection(("127.0.0.1", port)) as client,
            listener.accept()[0],
        ):
            assert client.getsockname() != client.getpeername()
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_what_a_test_has_ended_may_end_in_the_next_turn_of_the_reactor():
    reactor.callLater(0, reactor.callLater, 0, list)  # as a connection does that was aborted


PAGES = sorted((Path(__file__).parent / "doors" / "web").glob("test_*.py"))
SHARED = {"house", "people", "phone"}  # fixtures that lead to the one server without limits


def own_aliases(path):
    """Yield the beginning of each alias that a test of a browser gives at the shared server, and the test's name."""
    for test in ast.parse(path.read_text()).body:
        if isinstance(test, ast.FunctionDef) and not SHARED.isdisjoint(one.arg for one in test.args.args):
            for call in ast.walk(test):
                named = getattr(call, "func", None)
                if getattr(named, "attr", getattr(named, "id", "")) in ("enter", "people") and call.args:
                    literal = next((one for one in ast.walk(call.args[0]) if isinstance(one, ast.Constant)), None)
                    if literal is not None and literal.value:
                        yield literal.value.casefold(), f"{path.name}: {test.name}"


def test_no_two_tests_of_browsers_share_an_alias():
    """Whose window was closed may still be there in the next test, for the grace period."""
    tests = defaultdict(set)
    for path in PAGES:
        for alias, test in own_aliases(path):
            tests[alias].add(test)
    assert len(tests) > 100
    assert {alias: names for alias, names in tests.items() if len(names) > 1} == {}
