"""A journal in a file, seen from outside: real servers that are killed and started again, and what people then have."""

from __future__ import annotations

import json
import re
import sys

import pytest

from .processes import SCRIPTS, run

pytestmark = pytest.mark.slow

EXPORT = [sys.executable, "-m", "twisted_chat", "export"]


def kill(server):
    server.process.kill()
    server.process.wait(30)


def test_after_kill_9_history_numbers_search_and_the_people_at_a_number_are_there(twistd):
    first = twistd()
    alice, bob = first.connect("alice"), first.connect("bob")
    alice.send("/topic the build\nhello\n/join ops\ndeploy done\n")
    alice.read_until("#ops alice: deploy done\n")
    bob.send("/msg alice psst\n")
    bob.read_until("psst\n")
    kill(first)
    second = twistd()
    carol = second.connect()
    carol.send("carol\n")
    assert "-- last said in lobby:\nalice: hello\n" in carol.read_until("quit leaves\n")
    carol.send("/set numbers on\n/history 2h\n/search hello\n/who lobby @3\n/topic\n/join ops 1\n")
    heard = carol.read_pong()
    assert (
        "1 alice has connected to the chat room\n"
        "2 bob has connected to the chat room\n"
        "3 alice has set the topic: the build\n"
        "4 alice: hello\n"
        "5 alice has left the chat room! (the server stopped)\n"
        "6 bob has left the chat room! (the server stopped)\n"
        "7 carol has connected to the chat room\n"
    ) in heard
    assert "-- found 1 line:\n4 alice: hello\n" in heard
    assert re.search("-- 2 in lobby at 3: (alice, bob|bob, alice)\n", heard)
    assert "-- topic of lobby: the build\n" in heard
    assert "2 #ops alice: deploy done\n3 #ops alice has left! (the server stopped)\n4 #ops carol has joined\n" in heard
    assert "psst" not in heard


def test_a_stop_and_a_start_keep_everything_too(twistd):
    first = twistd()
    first.connect("alice").send("hello\n")
    bob = first.connect("bob")
    bob.read_pong()
    assert first.stop() == 0
    heard = twistd().connect("carol").received.decode()
    assert "-- last said in lobby:\nalice: hello\n" in heard


def test_with_the_journal_in_memory_nothing_is_written_and_nothing_is_kept(twistd, tmp_path):
    first = twistd("--journal", "memory")
    first.wait_for_log("what it keeps, accounts too, ends with the server")
    alice = first.connect("alice")
    alice.send("/register\nfour simple words\nhello\n")
    alice.read_until("alice is yours now")
    alice.read_until("hello\n")
    impostor = first.connect()
    impostor.send("alice\n")
    impostor.read_until("password?")
    first.stop()
    second = twistd("--journal", "memory")
    assert "hello" not in second.connect("bob").received.decode()
    assert "connected" in second.connect("alice").received.decode()
    assert not list(tmp_path.glob("chat.sqlite*"))


def test_the_files_can_be_read_by_nobody_else(twistd, tmp_path):
    twistd().connect("alice")
    files = list(tmp_path.glob("chat.sqlite*"))
    assert len(files) >= 3
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


@pytest.mark.parametrize(
    "options, why",
    [
        (["--journal", "paper"], "--journal paper: give sqlite:FILE or memory"),
        (["--journal", "sqlite:"], "--journal sqlite:: give sqlite:FILE or memory"),
        (["--journal", "sqlite:no/such/folder/chat.sqlite"], "cannot use the journal: "),
        (["--journal", "sqlite:text"], "cannot use the journal: "),
        (["--keep", "much"], "--keep 'much' cannot be understood: give events of a room"),
        (["--grace", "-1"], "--grace -1: give a number, 0 or more"),
    ],
)
def test_an_unusable_file_is_refused_in_one_line(tmp_path, options, why):
    (tmp_path / "text").write_text("this is no database, whatever its name is\n" * 100)
    listen = ["--listen", "tcp:0:interface=127.0.0.1", "--web", "none"]
    status, _out, err = run(SCRIPTS / "twistd", "-n", "--pidfile=", "chat", *listen, *options, cwd=tmp_path)
    assert status == 1
    assert err.startswith(f"twistd chat: {why}")
    assert err.count("\n") == 1


def test_a_second_server_on_the_same_file_is_refused(twistd, tmp_path):
    twistd()
    listen = ["--listen", "tcp:0:interface=127.0.0.1", "--web", "none"]
    status, _out, err = run(SCRIPTS / "twistd", "-n", "--pidfile=", "chat", *listen, cwd=tmp_path)
    assert status == 1
    assert "is in use by another server" in err


def test_export_prints_the_kept_events_while_the_server_runs(twistd, tmp_path):
    server = twistd()
    alice = server.connect("alice")
    alice.send("hello\n/all news\n")
    alice.read_until("news\n")
    status, out, _err = run(*EXPORT, "lobby", cwd=tmp_path)
    events = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [(e["number"], e["kind"], e["text"]) for e in events] == [(1, "joined", ""), (2, "said", "hello")]
    _status, out, _err = run(*EXPORT, "lobby", "--text", cwd=tmp_path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:]{8} 2 alice: hello", out.splitlines()[1])
    assert '"news"' in run(*EXPORT, "*", cwd=tmp_path)[1]


def test_export_reports_mistakes_in_one_line(tmp_path):
    assert run(*EXPORT, "a b", cwd=tmp_path)[0] == 2
    status, out, err = run(*EXPORT, "lobby", "--journal", "nowhere", cwd=tmp_path)
    assert (status, out, err) == (1, "", "twisted-chat export: there is no file nowhere: give the server's journal\n")
    assert not list(tmp_path.iterdir())
