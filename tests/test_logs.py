"""The log as JSON: one object a line for whatever is logged, and for all of it."""

from __future__ import annotations

import io
import itertools
import json
import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel, LogPublisher
from twisted.python import log as older_log
from twisted.python.failure import Failure

from twisted_chat.logs import JsonLines

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Log:
    """A logger, and the objects that came of it."""

    def __init__(self):
        self.file = io.StringIO()
        self.observer = JsonLines(self.file)
        self.logger = Logger("chat", observer=self.observer)

    @property
    def lines(self):
        text = self.file.getvalue()
        assert text.isascii()
        assert text.endswith("\n")
        return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]

    @property
    def line(self):
        (line,) = self.lines
        assert STAMP.fullmatch(line["time"])
        return line


@pytest.fixture
def log():
    return Log()


def test_an_event_is_its_time_level_namespace_text_and_fields(log):
    log.logger.warn("{address} said {count} lines", address="127.0.0.1:1", count=3, share=0.5, known=True, room=None)
    line = log.line
    del line["time"]
    assert line == {
        "level": "warn",
        "namespace": "chat",
        "text": "127.0.0.1:1 said 3 lines",
        "address": "127.0.0.1:1",
        "count": 3,
        "share": 0.5,
        "known": True,
        "room": None,
    }


def test_the_time_is_the_events_to_the_millisecond(log):
    log.observer({"log_time": 1_700_000_000.1239, "log_format": "hi"})
    assert log.line["time"] == "2023-11-14T22:13:20.123Z"


@pytest.mark.parametrize("when", [None, "noon", math.nan, math.inf, 10.0**30, object()])
def test_an_event_without_a_time_has_that_of_its_line(log, when):
    log.observer({"log_time": when, "log_format": "hi"})
    assert log.line["text"] == "hi"


@pytest.mark.parametrize("level", list(LogLevel.iterconstants()))
def test_every_level_has_its_name(log, level):
    log.logger.emit(level, "hi")
    assert log.line["level"] == level.name


def test_values_that_are_not_plain_are_in_the_text_only(log):
    log.logger.info("{path} {numbers}", path=io, numbers=[1, 2], part=math.nan, whole=math.inf)
    line = log.line
    assert set(line) == {"time", "level", "namespace", "text"}
    assert line["text"].endswith("[1, 2]")


def test_a_field_cannot_replace_a_standard_one(log):
    named = {"text": "a", "level": "b", "namespace": "c", "time": "d", "traceback": "e"}
    log.observer({"log_format": "{text} {level} {namespace} {time}", "log_namespace": "chat", **named})
    line = log.line
    assert (line["text"], line["level"], line["namespace"]) == ("a b c d", "info", "chat")
    assert "traceback" not in line


def test_a_failure_has_its_traceback(log):
    try:
        int("no such\nthing")
    except ValueError:
        log.logger.failure("that went wrong for {alias}", alias="alice")
    line = log.line
    assert (line["level"], line["text"], line["alias"]) == ("critical", "that went wrong for alice", "alice")
    assert line["traceback"].startswith("Traceback")
    assert r"ValueError: invalid literal for int() with base 10: 'no such\nthing'" in line["traceback"]


def test_no_alias_makes_a_second_line_in_the_log(log):
    log.logger.info("{alias}", alias='x\r\n\u2028{"level": "critical"}\x1b[2J\ud800')
    assert log.line["level"] == "info"
    assert log.line["alias"] == 'x\r\n\u2028{"level": "critical"}\x1b[2J\ud800'


class Hostile:
    """An object whose ``repr`` raises."""

    def __repr__(self):
        raise ZeroDivisionError

    __str__ = __format__ = __float__ = __repr__

    def __getattr__(self, name):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"log_format": None},
        {"log_format": "{missing}"},
        {"log_format": "{it}", "it": Hostile()},
        {"log_format": b"bytes {it}", "it": 1},
        {"log_format": "hi", "log_failure": Hostile()},
        {"log_format": "hi", "log_failure": "none"},
        {"log_format": "hi", "log_level": "unknown"},
        {"log_format": "hi", "log_level": Hostile()},
        {"log_format": "hi", "log_namespace": Hostile()},
        {"log_format": "hi", "log_time": Hostile()},
        {"log_format": "hi", 7: "seven", "it": Hostile()},
        {"log_format": Hostile()},
    ],
    ids=itertools.count(),
)
def test_no_event_makes_it_raise_and_each_is_one_line(log, event):
    log.observer(event)
    assert log.line["text"] or not event.get("log_format")


names = st.sampled_from("log_format log_time log_level log_namespace log_failure time text message isError x".split())
values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(Hostile)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first draw makes tables of all letters
@given(st.dictionaries(names, values))
def test_whatever_an_event_holds_it_is_one_line(event):
    log = Log()
    log.observer(event)
    assert {"time", "level", "namespace", "text"} <= set(log.line)


def test_events_of_the_older_log_are_printed_too():
    log = Log()
    publisher = older_log.LogPublisher(publishPublisher=LogPublisher(log.observer))
    publisher.msg("from", "before")
    publisher.msg("eventually", system="elsewhere", isError=0)
    assert [line["text"] for line in log.lines] == ["from before", "eventually"]
    assert set(log.lines[0]) == {"time", "level", "namespace", "text"}


def test_an_error_in_the_older_log_has_its_traceback_in_its_text():
    log = Log()
    publisher = older_log.LogPublisher(publishPublisher=LogPublisher(log.observer))
    publisher.msg(failure=Failure(ValueError("old")), why="why", isError=1)
    assert log.line["text"].startswith("why\nTraceback")
    assert "ValueError: old" in log.line["text"]
    assert log.line["level"] == "critical"


class Closed(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.parametrize("file", [Closed(), io.StringIO()], ids=["broken", "closed"])
def test_a_log_without_a_reader_is_no_fault(file):
    observer = JsonLines(file)
    if not isinstance(file, Closed):
        file.close()
    observer({"log_format": "hi"})


# -- as an administrator gets it


def test_twistd_prints_it_and_nothing_else(twistd):
    server = twistd(before=["--logger", "twisted_chat.logs.json_lines"])
    with server.connect("alice") as alice:
        where = f"127.0.0.1:{alice.socket.getsockname()[1]}"
    server.wait_for_log("connection has ended")
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert all({"time", "level", "namespace", "text"} <= set(line) for line in lines)
    (named,) = [line for line in lines if line["text"].startswith("the alias of")]
    assert (named["address"], named["alias"], named["level"]) == (where, "alice", "info")
    (listens,) = [line for line in lines if line["text"].startswith("listening on")]
    assert listens["where"] == f"127.0.0.1:{server.port}"
    assert set(listens) == {"time", "level", "namespace", "text", "where"}
    assert lines[-1]["text"] == "Server Shut Down."
