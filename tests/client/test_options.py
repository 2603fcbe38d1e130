"""The command line of the bundled client, its file and its environment; and that the docs tell all of it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from twisted_chat.client.app import config, options
from twisted_chat.client.app.settings import STATUSES

PAGE = (Path(__file__).parents[2] / "docs/client.rst").read_text()


def options_of(parser):
    return [name for action in parser._actions for name in action.option_strings]


def test_every_option_stands_in_the_docs():
    for name in options_of(options.chat_parser()):
        assert f"``{name}" in PAGE, name


def test_every_exit_status_stands_in_the_docs_and_in_the_help():
    words = {
        int(status): words.replace("``", "") for status, words in re.findall(r"^(\d) {7}(.+)$", PAGE, re.MULTILINE)
    }
    assert words == STATUSES
    for told in STATUSES.values():
        assert told in options.chat_parser().format_help()


# -- times


@pytest.mark.parametrize(("written", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604800), ("5", 5)])
def test_a_time_is_read_as_people_write_it(written, seconds):
    assert options.duration(written) == seconds


@pytest.mark.parametrize("written", ["", "h", "1w", "-1", "1.5h", "1h30m"])
def test_an_invalid_time_is_refused(written):
    with pytest.raises(argparse.ArgumentTypeError, match="write 90s, 30m, 1h or 7d"):
        options.duration(written)


# -- what is set once and for all


def parsed(monkeypatch, tmp_path, lines, *arguments, **environ):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("CHAT_SERVER", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / config.NAME).write_text("\n".join(lines))
    return options.parse(["--listen", *arguments])


def test_the_file_and_the_environment_fill_in_missing_options(monkeypatch, tmp_path):
    lines = ["# mine", "", "server = chat.example.org", "alias=alice", "room = ops ", "tls = on", "patience = inf"]
    found = parsed(monkeypatch, tmp_path, lines)
    assert (found.address, found.alias, found.room) == ("chat.example.org:59000", "alice", "ops")
    assert (found.tls, found.patience) == (True, None)
    found = parsed(monkeypatch, tmp_path, lines, CHAT_SERVER="[::1]:7000")
    assert found.address == "[::1]:7000"
    found = parsed(monkeypatch, tmp_path, lines, "h:1", "-a", "bob", "--patience", "3", CHAT_SERVER="[::1]:7000")
    assert (found.address, found.alias, found.room, found.patience) == ("h:1", "bob", "ops", 3)


def test_without_a_file_everything_has_its_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CHAT_SERVER", raising=False)
    found = options.parse(["--listen", "-a", "x"])
    assert (found.address, found.room, found.patience, found.tls) == ("127.0.0.1:59000", "lobby", 60, False)
    assert found.display.stamps
    assert not found.is_stamped


def test_display_options_can_be_set_in_the_file(monkeypatch, tmp_path):
    found = parsed(monkeypatch, tmp_path, ["stamps = off", "numbers = on"], "-a", "x")
    assert str(found.display) == "stamps off, numbers on, colour on, moves on, echo on, bell on"
    assert not found.is_stamped  # a pipe prints what its command line says


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alias", "line 2: write it as NAME = VALUE"),
        ("colour = maybe", "line 2: colour is on or off"),
        ("nick = alice", "line 2: there is no setting nick, only server, alias"),
        ("server = a b", "'a b' is not an address"),
        ("patience = never", "is not a number of seconds"),
    ],
)
def test_an_invalid_line_is_refused_with_its_number(monkeypatch, tmp_path, capsys, line, why):
    with pytest.raises(SystemExit) as ended:
        parsed(monkeypatch, tmp_path, ["alias = alice", line])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_an_unreadable_file_is_reported(tmp_path):
    (tmp_path / config.NAME).mkdir()
    with pytest.raises(config.BadConfig, match=r"twisted-chat\.conf cannot be read"):
        config.read({"XDG_CONFIG_HOME": str(tmp_path)})
