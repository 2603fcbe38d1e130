"""The rules for every test: no leaks, no unseen failures, an end in time; pytest-twisted checks none of them."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import pytest_twisted
from hypothesis import HealthCheck, settings
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher

from . import in_memory as doors
from . import processes
from .browser import chromium, driver, engine, firefox, house, houses, people, window  # noqa: F401 -- for all tests
from .web import WebPeer

# Beside other work a machine is slow now and then, which tells nothing of a test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


PROGRAMS = {"engine", "chromium", "firefox", "houses", "twistd", "program", "preloaded"}  # fixtures that start some
TURNS = 3  # of the reactor, in which what a test has ended may end
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}  # events that Python audits
started = []  # such events since a test, or what it asks for, began
sys.addaudithook(lambda event, _arguments: event in STARTS and started.append(event))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as slow what asks for a program. What is slow is not measured for coverage: that is of the pure files."""
    for item in items:
        if not PROGRAMS.isdisjoint(item.fixturenames):
            item.add_marker("slow")
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    started.clear()


def pytest_sessionfinish(session):
    """In CI nothing may be missing, so a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def quick_tests_start_no_program(request):
    """Fail a test that starts a program and is not marked as slow."""
    yield
    assert not started or request.node.get_closest_marker("slow"), f"{started}: mark the test with pytest.mark.slow"


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """Fail a test that leaves a delayed call or a connection, or lets a failure be only logged."""
    failures = []

    def observe(event):
        if "log_failure" in event:
            failures.append(event["log_failure"])

    calls_before = set(reactor.getDelayedCalls())
    readers_before = set(reactor.getReaders())
    globalLogPublisher.addObserver(observe)
    observe.expected = failures.clear
    gc.collect()
    gc.freeze()  # what was there before is left out of the next collection, which then takes a hundredth of the time
    try:
        yield observe
        gc.collect()  # a failed Deferred that nobody waits for is logged when it is freed
    finally:
        globalLogPublisher.removeObserver(observe)
    left = calls_since(calls_before)
    for _turn in range(TURNS):
        if any(call.getTime() <= reactor.seconds() for call in left):
            pytest_twisted.blockon(deferLater(reactor, 0))  # Twisted's own last steps are due at once, in the next turn
            left = calls_since(calls_before)
    left += [reader for reader in set(reactor.getReaders()) - readers_before if hasattr(reader, "getHost")]
    for leak in left:
        if hasattr(leak, "cancel"):
            leak.cancel()
    assert not left, f"left behind: {left}"
    assert not failures, f"logged failures: {[f.getTraceback() for f in failures]}"


def calls_since(before):
    """Return the delayed calls that wait now, without some from before."""
    return [call for call in set(reactor.getDelayedCalls()) - before if call.active()]


@pytest.fixture
def logged_failures(nothing_is_left_behind):
    """Call it once the failures that a test provokes are logged: they are forgiven, and returned as a count."""
    return nothing_is_left_behind.expected


@pytest.fixture
def zone(monkeypatch):
    """Be in India, whose time is no whole number of hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def door():
    """A server in memory, whose line door a test connects to."""
    door = doors.Door()
    yield door
    door.close()


@pytest.fixture
def curl(door):
    """One connection to the web door of a server in memory, which asks what a test asks."""
    return WebPeer(door)


@pytest.fixture
def twistd(tmp_path):
    """Start ``twistd chat`` with some options, on a free port; it is stopped with the test."""
    started = []

    def start(*options, **more):
        server = processes.Twistd(tmp_path, *options, **more)
        started.append(server)
        return server

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory):
    """Return the library to preload that ``tests/NAME.c`` makes, or skip the test; in CI that is a failure."""

    @functools.cache
    def build(name):
        library = tmp_path_factory.mktemp("preloaded") / f"{name}.so"
        source = Path(__file__).parent / f"{name}.c"
        try:
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], check=True)
        except FileNotFoundError:
            reason = "there is no C compiler (Debian: gcc libc6-dev)"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return library

    return build


@pytest.fixture
def program():
    """Return the path of a program that a test needs, or skip the test; in CI that is a failure."""

    def find(name, package):
        path = shutil.which(name)
        if path is None:
            reason = f"{name} is not installed (Debian: {package})"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find
