"""A real curl as people type it: each post does what is meant, or says in one line what to type instead."""

from __future__ import annotations

import json
import subprocess

import pytest

from ...processes import SECONDS, Twistd, environment


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests here, each of which uses a room of its own."""
    server = Twistd(tmp_path_factory.mktemp("server"), "--web", "tcp:0:interface=127.0.0.1", "--no-limits")
    yield server
    server.close()


@pytest.fixture
def curl(server, program, tmp_path):
    """Type a curl command at one path; return its exit status and what it printed."""
    path = program("curl", "curl")

    def run(where, *options, stdin=b"", url=server.url):
        done = subprocess.run(
            [path, "-sS", *options, url + where],
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            cwd=tmp_path,
            env=environment(),
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    return run


SPEAKER = ("-H", "Chat-Alias: ci")
FORM = "that is a form, as curl -F sends it: say a text with --data-raw 'TEXT', a file with --data-binary @FILE\n"
PUT = "to say the text of a file: curl --data-binary @FILE, or -X POST -T FILE\n"


def said(curl, room):
    """Return what was said in a room."""
    _status, page = curl(f"rooms/{room}/events")
    return [event["text"] for event in map(json.loads, page.splitlines()) if event["kind"] == "said"]


@pytest.mark.parametrize(
    "room, typed, lines",
    [
        ("d", ["-d", "one two & three"], ["one two & three"]),
        ("d-at", ["-d", "@lines"], ["onetwo"]),  # curl takes the line ends out: docs/http.rst says so
        ("raw", ["--data-raw", "@ada look"], ["@ada look"]),
        ("raw-percent", ["--data-raw", "100% of 50%25 done"], ["100% of 50%25 done"]),
        ("raw-address", ["--data-raw", "https://x.example/a%20b?c=d&e=f"], ["https://x.example/a%20b?c=d&e=f"]),
        ("raw-lines", ["--data-raw", "one\ntwo"], ["one", "two"]),
        ("binary", ["--data-binary", "@lines"], ["one", "two"]),
        ("stdin", ["--data-binary", "@-"], ["from", "a pipe"]),
        ("upload", ["-X", "POST", "-T", "lines"], ["one", "two"]),
        ("upload-stdin", ["-X", "POST", "-T", "-"], ["from", "a pipe"]),
        ("zip", ["--data-binary", "@lines.gz", "-H", "Content-Encoding: gzip"], ["one", "two"]),
    ],
)
def test_a_typed_text_is_said(curl, tmp_path, room, typed, lines):
    (tmp_path / "lines").write_text("one\ntwo\n")
    subprocess.run(["gzip", "-k", "lines"], cwd=tmp_path, check=True)
    status, answer = curl(f"rooms/{room}", "-f", *SPEAKER, *typed, stdin=b"from\na pipe\n")
    assert (status, json.loads(answer)["room"]) == (0, room)
    assert said(curl, room) == lines


@pytest.mark.parametrize(
    "typed, answer",
    [
        (["-F", "text=hi"], FORM),
        (["-F", "file=@lines"], FORM),
        (["-T", "lines"], PUT),
        (
            ["--data-urlencode", "text=a, b"],
            "that is percent-encoded: send it as it is, with --data-raw 'TEXT' or as text/plain\n",
        ),
        (["--json", '{"text":"hi"}'], "that is JSON: send the text as it is, with --data-raw 'TEXT'\n"),
        (["-d", ""], "there is nothing to say in that\n"),
        (["-X", "POST"], "there is nothing to say in that\n"),
        (
            ["--data-binary", "@zeros"],
            "that line is not UTF-8 (byte 0xFF at position 1): set your terminal to UTF-8 and send it again\n",
        ),
        (["-X", "DELETE"], "use GET, HEAD, POST, OPTIONS for this address\n"),
    ],
)
def test_a_refused_post_fails_with_one_line_that_says_what_to_type(curl, tmp_path, typed, answer):
    (tmp_path / "lines").write_text("one\ntwo\n")
    (tmp_path / "zeros").write_bytes(b"\xff\xfe")
    assert curl("rooms/refused", "--fail-with-body", *SPEAKER, *typed)[1].startswith(answer)
    status, printed = curl("rooms/refused", "-f", *SPEAKER, *typed)
    assert status == 22
    assert answer not in printed
    assert curl("rooms/refused", "-f")[0] == 22  # and no room was made


@pytest.mark.parametrize(
    "room, where, headers",
    [
        ("star", "", ["-H", "Chat-Alias*: UTF-8''%D0%90%D0%BD%D0%BD%D0%B0"]),
        ("percent", "", ["-H", "Chat-Alias: %D0%90%D0%BD%D0%BD%D0%B0"]),
        ("bytes", "", ["-H", "Chat-Alias: Анна"]),
        ("query", "?alias=%D0%90%D0%BD%D0%BD%D0%B0", []),
    ],
)
def test_an_alias_of_any_script_is_carried(curl, room, where, headers):
    assert curl(f"rooms/{room}{where}", "-f", *headers, "--data-raw", "hi")[0] == 0
    assert curl(f"rooms/{room}.txt?moves=off")[1] == f"#{room} Анна: hi\n"


def test_people_and_lines_can_be_queried(curl, server):
    client = server.connect("ada")
    try:
        client.send("/join asked\na needle\n")
        client.read_pong()
        assert json.loads(curl("rooms/asked/who")[1])["members"] == ["ada"]
        assert curl("rooms/asked/who", "-H", "Accept: text/plain") == (0, "ada\n")
        assert json.loads(curl("search?words=needle&room=asked")[1])["text"] == "a needle"
        assert curl("rooms/asked.txt?since=1h&moves=off")[1] == "#asked ada: a needle\n"
        assert curl("rooms/asked", "-H", "Accept: text/plain", "-G", "-d", "tail=1")[1] == "#asked ada: a needle\n"
        assert "#asked ada: a needle\n" in curl("rooms/asked.txt", "--compressed")[1]
    finally:
        client.close()


def test_an_alias_in_use_says_when_to_try_again_if_that_is_known(curl, server):
    client = server.connect("eva")
    try:
        _status, printed = curl("rooms/later", "-i", "-H", "Chat-Alias: eva", "--data-raw", "hi")
        assert "409 Conflict" in printed
        assert "Retry-After" not in printed  # she stays as long as she likes
    finally:
        client.close()


def test_https_on_the_http_port_fails_at_once_and_spoils_no_log(curl, server):
    status, _printed = curl("rooms", "-k", url=server.url.replace("http:", "https:"))
    assert status == 35  # what it is answered is no TLS
    assert "Traceback" not in server.log
