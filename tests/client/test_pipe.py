"""``twisted-chat`` where there is no terminal: what is said, what is printed, and the exit status."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from ..fake_server import FakeServer
from ..processes import SCRIPTS, SECONDS, environment, free_port

pytestmark = pytest.mark.slow

PROGRAM = SCRIPTS / "twisted-chat"


@pytest.fixture
def server(twistd):
    return twistd()


def pipe(server, *options, given=b"", **more):
    """Run it with this input to its end."""
    command = [PROGRAM, f"127.0.0.1:{server.port}", "--alias", "ci", *options]
    return subprocess.run(command, capture_output=True, timeout=SECONDS, env=environment(), **({"input": given} | more))


def start(server, *options, **more):
    command = [PROGRAM, f"127.0.0.1:{server.port}", *options]
    files = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment(), **(files | more))


def in_room(server, alias="alice"):
    client = server.connect(alias)
    client.send("/join ops\n")
    client.read_until("in ops: ")
    return client


def wait_for(client, alias):
    """Wait until somebody is in the client's room."""
    names = ""
    while alias not in names:
        client.send("/who\n")
        client.read_until(" in ")
        names = client.read_until("\n")


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        (b"done\n", ["done"]),
        (b"done", ["done"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\n\na\n  \nb\n", ["a", "b"]),
        (b"/quit\n//x\n/help\n", ["/quit", "//x", "/help"]),
        ("grüße, 世界 🎉\n".encode(), ["grüße, 世界 🎉"]),
        (b"10%\r20%\x1b[31m!\n", ["10% 20%!"]),
        (b"x" * 4096, ["x" * 4096]),
        (b"", []),
    ],
    ids=["a line", "no end", "CRLF", "blank lines", "slashes", "UTF-8", "cursor", "the longest", "nothing"],
)
def test_each_line_is_said_and_nothing_printed(server, given, heard):
    with in_room(server) as alice:
        done = pipe(server, "--room", "ops", given=given)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        lines = alice.read_until("#ops ci has left!").splitlines()
        assert [line.removeprefix("#ops ci: ") for line in lines if line.startswith("#ops ci: ")] == heard


def test_a_file_is_said(server, tmp_path):
    path = tmp_path / "file"
    path.write_text("one\ntwo\n")
    with in_room(server) as alice, path.open("rb") as file:
        assert pipe(server, "--room", "ops", input=None, stdin=file).returncode == 0
        alice.read_until("#ops ci: one\n#ops ci: two\n")


def test_without_a_room_it_is_the_lobby(server):
    with server.connect("alice") as alice:
        assert pipe(server, given=b"hi\n").returncode == 0
        alice.read_until("\nci: hi\n")


def test_a_refused_line_is_reported_and_the_others_are_said(server):
    lines = [b"a", b"x" * 5000, b"\xff", b"y" * 2_000_000, b"\x1b[m\x07", b"b"]
    with in_room(server) as alice:
        done = pipe(server, "--room", "ops", given=b"\n".join(lines))
        assert done.returncode == 3
        alice.read_until("#ops ci: a\n#ops ci: b\n")
    complaints = done.stderr.decode().splitlines()
    assert len(complaints) == 4
    assert all(line.startswith("twisted-chat: ") for line in complaints)
    assert "that line is longer than 4,096 bytes" in done.stderr.decode()


def test_ten_thousand_lines_are_said(twistd):
    server = twistd("--no-limits")
    listener = start(server, "--alias", "log", "--room", "ops", "--listen")
    try:
        with in_room(server) as alice:
            wait_for(alice, "log")
            given = "".join(f"line {n}\n" for n in range(10_000)).encode()
            assert pipe(server, "--room", "ops", given=given).returncode == 0
        heard = []
        while len(heard) < 10_000:
            line = listener.stdout.readline()
            if line.startswith(b"#ops ci: "):
                heard.append(line)
        assert b"".join(heard) == given.replace(b"line", b"#ops ci: line")
    finally:
        listener.kill()
        listener.communicate(timeout=SECONDS)


def test_a_flood_is_slowed_down_and_said_completely(server):
    given = "".join(f"{n}\n" for n in range(90)).encode()
    with in_room(server) as alice:
        assert pipe(server, "--room", "ops", given=given).returncode == 0
        heard = alice.read_until("#ops ci has left!")
    assert [line for line in heard.splitlines() if ": " in line and "ci: " in line] == [
        f"#ops ci: {n}" for n in range(90)
    ]


def test_with_only_said_nothing_but_posts_is_printed(server):
    with in_room(server) as alice:
        alice.send("first\n")
        listener = start(
            server, "--alias", "log", "--room", "ops", "--listen", "--tail", "9", "--only", "said", "--wait", "bye"
        )
        wait_for(alice, "log")
        pipe(server, "--room", "ops", given=b"disk full\n")
        alice.send("/topic news\n/me waves\nbye\n")
        heard, _errors = listener.communicate(timeout=SECONDS)
    assert heard == b"#ops alice: first\n#ops ci: disk full\n#ops * alice waves\n#ops alice: bye\n"


def test_a_listener_prints_until_its_output_is_closed(server):
    with in_room(server) as alice:
        listener = start(server, "--alias", "log", "--room", "ops", "--listen")
        head = subprocess.Popen(["head", "-2"], stdin=listener.stdout, stdout=subprocess.PIPE)
        listener.stdout.close()
        alice.read_until("#ops log has joined\n")
        alice.send("one\n/all two\nthree\n")
        assert head.communicate(timeout=SECONDS)[0] == b"#ops alice: one\n[alice -> all] two\n"
        assert listener.wait(SECONDS) == 0  # though its own input is open
        assert listener.stderr.read() == b""
        listener.stdin.close()
        listener.stderr.close()


def test_a_listener_goes_on_after_its_input_and_ends_with_a_signal(server):
    with in_room(server) as alice:
        listener = start(server, "--alias", "log", "--room", "ops", "--listen")
        listener.stdin.write(b"here\n")
        listener.stdin.close()
        listener.stdin = None
        alice.read_until("#ops log: here\n")
        alice.send("one\n")
        assert [listener.stdout.readline() for _ in range(2)] == [b"#ops log: here\n", b"#ops alice: one\n"]
        listener.send_signal(signal.SIGINT)
        assert listener.communicate(timeout=SECONDS) == (b"", b"")
        assert listener.returncode == 128 + signal.SIGINT


def test_a_server_that_stops_is_status_1(server):
    listener = start(server, "--alias", "log", "--listen", "--patience", "0")
    with server.connect("alice") as alice:
        wait_for(alice, "log")
    server.stop()
    _heard, complaint = listener.communicate(timeout=SECONDS)
    assert listener.returncode == 1
    assert complaint == b"twisted-chat: the connection is lost: the server is stopping: goodbye\n"


def test_everything_is_printed_for_a_slow_reader(twistd):
    server = twistd("--no-limits")
    listener = start(server, "--alias", "log", "--room", "ops", "--listen", "--patience", "0")
    with in_room(server) as alice:
        wait_for(alice, "log")
        alice.send("".join(f"{n:060}\n" for n in range(2000)) + "/ping x\n")
        alice.read_until("pong x")
        assert server.stop() == 0
    heard = listener.communicate(timeout=SECONDS)[0].splitlines()
    assert [line for line in heard if b"#ops alice: " in line] == [f"#ops alice: {n:060}".encode() for n in range(2000)]
    assert listener.returncode == 1


def test_a_server_that_is_killed_before_all_lines_are_said_is_status_1(server):
    with in_room(server) as alice:
        saying = start(server, "--alias", "ci", "--room", "ops", "--patience", "0.5")
        saying.stdin.write(b"one\n")
        saying.stdin.flush()
        alice.read_until("ci: one")
        server.close()
        _heard, complaint = saying.communicate(b"two\n", timeout=SECONDS)
        assert saying.returncode == 1
        assert complaint.startswith(b"twisted-chat: the connection is lost")


@pytest.mark.parametrize(
    ("options", "status", "complaint"),
    [
        (["--alias", "a b"], 3, "that alias cannot be used"),
        (["--room", "a b"], 3, "that room name cannot be used"),
        (["--room", ""], 3, "that room name cannot be used"),
        (["--ca", "/nonexistent"], 2, "cannot be read"),
        (["--nonsense"], 2, "unrecognized arguments"),
        (["--tail", "3"], 2, "--tail is for --listen"),
        (["--listen", "--wait", "("], 2, "is not a regular expression"),
        (["--listen", "--timeout", "3"], 2, "--timeout is for --wait"),
        (["--listen", "--tail", "1", "--after", "1"], 2, "give one of them"),
        (["--listen", "--since", "1h", "--after", "1"], 2, "give one of them"),
        (["--listen", "--since", "yesterday"], 2, "write 90s, 30m, 1h or 7d"),
        (["--listen", "--fail", "x"], 2, "--fail is for --wait"),
        (["--listen", "--from", "x"], 2, "--from is for --wait"),
        (["--stamps"], 2, "--stamps is for --listen"),
        (["--patience", "-1"], 2, "is not a number of seconds"),
    ],
)
def test_each_failure_has_its_status(server, options, status, complaint):
    done = pipe(server, *options, given=b"x\n")
    assert done.returncode == status
    assert complaint in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_an_alias_that_is_taken_is_status_3(server):
    with server.connect("ci"):
        done = pipe(server, given=b"x\n")
        assert (done.returncode, done.stderr) == (3, b"twisted-chat: ci is taken: choose another alias\n")


@pytest.mark.parametrize("address", ["host:x", "[::1", "host:99999", "http://127.0.0.1:59080/"])
def test_a_bad_address_is_status_2(address):
    done = subprocess.run([PROGRAM, address, "--alias", "ci"], capture_output=True, input=b"", timeout=SECONDS)
    assert done.returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [["-a", b"caf\xe9"], ["-a", "x", "-r", b"caf\xe9"], ["say", "ops", b"caf\xe9", "-a", "x"], ["search", b"caf\xe9"]],
)
def test_input_that_is_not_utf_8_is_refused_and_not_altered(arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, input=b"", timeout=SECONDS, env=environment())
    assert done.returncode == 2
    assert b"is not UTF-8: set your terminal to UTF-8" in done.stderr


def test_no_server_is_status_1():
    port = free_port()
    command = [sys.executable, "-m", "twisted_chat", f"127.0.0.1:{port}", "--alias", "ci", "--patience"]
    done = subprocess.run([*command, "0"], capture_output=True, input=b"", timeout=SECONDS, env=environment())
    told = b"twisted-chat: cannot connect to 127.0.0.1:%d: nothing listens there\n" % port
    assert (done.returncode, done.stderr) == (1, told)
    done = subprocess.run([*command, "1"], capture_output=True, input=b"", timeout=SECONDS, env=environment())
    first = b"twisted-chat: 127.0.0.1:%d: nothing listens there; trying again for up to 1 seconds\n" % port
    assert (done.returncode, done.stderr) == (1, first + told)


def test_a_server_that_comes_later_is_waited_for(twistd):
    port = free_port()
    command = [PROGRAM, f"127.0.0.1:{port}", "--alias", "ci"]
    saying = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    saying.stdin.write(b"at last\n")
    saying.stdin.close()
    assert b"nothing listens there; trying again for up to 60 seconds" in saying.stderr.readline()
    server = twistd("--listen", f"tcp:{port}:interface=127.0.0.1")
    with server.connect("alice") as alice:
        while "ci: at last" not in alice.read_until("\n"):
            """It may be among what was last said."""
    assert saying.wait(SECONDS) == 0
    saying.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_after_a_signal_it_leaves_the_chat(server, number):
    with in_room(server) as alice:
        listener = start(server, "--alias", "log", "--room", "ops", "--listen", stdin=subprocess.DEVNULL)
        alice.read_until("#ops log has joined\n")
        listener.send_signal(number)
        alice.read_until("#ops log has left!\n")
        assert listener.communicate(timeout=SECONDS) == (b"", b"")
        assert listener.returncode == 128 + number


def test_nohup_is_heeded(server):
    with in_room(server) as alice:
        command = f"trap '' HUP; exec {PROGRAM} 127.0.0.1:{server.port} --alias log --room ops --listen"
        listener = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        alice.read_until("#ops log has joined\n")
        listener.send_signal(signal.SIGHUP)
        alice.send("still there?\n")
        assert listener.stdout.readline() == b"#ops alice: still there?\n"
        listener.terminate()
        listener.communicate(timeout=SECONDS)


def test_with_its_identity_a_killed_client_resumes_at_once(server, tmp_path):
    identity = ("--alias", "log", "--room", "ops", "--listen", "--identity", tmp_path / "log.identity")
    with in_room(server) as alice:
        for words in ("one", "two"):
            listener = start(server, *identity)
            if words == "one":
                alice.read_until("#ops log has joined\n")
            else:
                listener.stdin.write(b"back\n")
                listener.stdin.flush()
                alice.read_until("#ops log: back\n")
            listener.kill()
            listener.communicate(timeout=SECONDS)
        alice.send("/ping x\n")
        assert "left" not in alice.read_until("pong x")


def test_without_an_identity_a_new_client_waits_for_the_alias_of_a_killed_one(twistd):
    server = twistd("--grace", "2")
    with in_room(server) as alice:
        listener = start(server, "--alias", "ci", "--listen")
        wait_for_anywhere(alice, "ci")
        listener.kill()
        listener.communicate(timeout=SECONDS)
        done = pipe(server, "--room", "ops", given=b"hi\n")
        assert done.returncode == 0
        assert re.search(r"ci is taken: it may be free in [12] seconds?; .* trying again", done.stderr.decode())
        alice.read_until("#ops ci: hi\n")


def test_two_clients_with_one_identity_do_not_fight_for_it(server, tmp_path):
    identity = ("--alias", "log", "--room", "ops", "--listen", "--identity", tmp_path / "log.identity")
    with in_room(server) as alice:
        first = start(server, *identity)
        alice.read_until("#ops log has joined\n")
        second = start(server, *identity, stdin=subprocess.DEVNULL)
        _heard, complaint = first.communicate(timeout=SECONDS)
        assert first.returncode == 1
        assert b"another connection has said hello with your token" in complaint
        alice.send("hi\n")
        assert second.stdout.readline() == b"#ops alice: hi\n"
        second.terminate()
        second.communicate(timeout=SECONDS)


def wait_for_anywhere(client, alias):
    names = ""
    while alias not in names:
        client.send("/who *\n")
        client.read_until(" here: ")
        names = client.read_until("\n")


def test_without_a_terminal_a_missing_alias_is_status_2(server):
    command = [PROGRAM, f"127.0.0.1:{server.port}"]
    done = subprocess.run(command, capture_output=True, input=b"x\n", timeout=SECONDS)
    assert done.returncode == 2
    assert b"--alias is needed" in done.stderr


def test_closed_files_are_no_trouble(server):
    script = f"exec {PROGRAM} 127.0.0.1:{server.port} --alias ci <&- >&-"
    assert subprocess.run(["sh", "-c", script], timeout=SECONDS).returncode == 0


# -- cuts


@pytest.fixture
def cuts():
    fake = FakeServer()
    yield fake
    fake.close()


def test_every_line_is_said_once_over_cuts(cuts):
    cuts.cut_before.add("30")
    cuts.cut_after |= {"10", "60"}
    done = pipe(cuts, given="".join(f"{n}\n" for n in range(100)).encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert cuts.texts("lobby") == [str(n) for n in range(100)]
    assert cuts.connections == 4


def test_a_listener_resumes_after_a_cut(cuts):
    listener = start(cuts, "--alias", "log", "--listen")
    try:
        cuts.wait_for("hello")
        cuts.say("lobby", "one")
        assert listener.stdout.readline() == b"bob: one\n"
        cuts.cut()
        cuts.say("lobby", "two")
        assert listener.stdout.readline() == b"bob: two\n"
    finally:
        listener.kill()
        listener.communicate(timeout=SECONDS)


def test_the_modes_of_the_files_are_left_as_they_were(server):
    script = (
        "import os, subprocess, sys\n"
        f"subprocess.run(['{PROGRAM}', '127.0.0.1:{server.port}', '--alias', 'ci'], timeout=30, check=True)\n"
        "assert os.get_blocking(0)\n"
    )
    subprocess.run([sys.executable, "-c", script], input=b"hi\n", check=True, timeout=SECONDS)


def test_help_and_version_are_printed():
    told = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=SECONDS)
    assert told.returncode == 0
    for word in (
        "--alias",
        "--room",
        "--listen",
        "--tls",
        "--ca",
        "--patience",
        "--tail",
        "--wait",
        "exit status",
        "127.0.0.1:59000",
    ):
        assert word in told.stdout
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=SECONDS)
    assert told.stdout.startswith("twisted-chat ")
