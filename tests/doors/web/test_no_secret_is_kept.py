"""The secrets of members over HTTP, on a real server: they stand in none of its files, and in no line of its log."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

import pytest

from ...processes import SECONDS

PASSWORDS = ["four simple words", "four other words", "not that one, sorry"]


class Curl:
    """Asks a server over HTTP, with the cookie that it got."""

    def __init__(self, url):
        self.url = url
        self.origin = url.rstrip("/")
        self.cookie = ""

    def ask(self, path, body=None, **headers):
        """Return the status, and the answer as text."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                self.cookie = (answer.headers["Set-Cookie"] or self.cookie).partition(";")[0]
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


class Tab:
    """A talk over plain HTTP: one JSON object a post, and one a line of its endless answer."""

    def __init__(self, curl):
        self.curl = curl
        self._lines = urllib.request.urlopen(urllib.request.Request(f"{curl.url}talk", b""), timeout=SECONDS)
        self._secret = json.loads(self._lines.readline())["talk"]

    def ask(self, what, **fields):
        """Return the answer to a request."""
        body = json.dumps({"do": what, "id": what, **fields}).encode()
        assert self.curl.ask("talk", body, Chat_Talk=self._secret)[0] == 204
        while True:
            message = self.read()
            if message.get("id") == what and ("result" in message or "error" in message):
                return message

    def read(self):
        """Return the next message."""
        line = b"\n"
        while line == b"\n":  # a sign of life
            line = self._lines.readline()
        assert line, "the talk has ended"
        return json.loads(line)

    def read_said(self):
        """Return the text of the next line that is said."""
        message = self.read()
        while message.get("kind") != "said":
            message = self.read()
        return message["text"]

    def close(self):
        self._lines.close()


@pytest.mark.slow
def test_no_secret_is_in_a_file_or_in_the_log(twistd, tmp_path):
    server = twistd("--web", "tcp:0:interface=127.0.0.1", "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}")
    curl = Curl(server.url)
    tab = Tab(curl)
    tab.ask("hello", version=1, alias="alice")
    assert tab.ask("register", password=PASSWORDS[0])["result"] == "register"
    token, code = tab.ask("token", label="ci")["token"], tab.ask("code")["code"]
    log_in = json.dumps({"alias": "alice", "secret": PASSWORDS[0]}).encode()
    assert curl.ask("login", log_in)[0] == 204
    cookies = [curl.cookie.partition("=")[2]]
    assert curl.ask("login", log_in.replace(PASSWORDS[0].encode(), code.encode()))[0] == 204
    cookies.append(curl.cookie.partition("=")[2])
    assert all(cookie.startswith("tcd_") for cookie in cookies)
    wrong = "tct_" + "w" * 32
    basic = {"Authorization": "Basic " + base64.b64encode(f"alice:{token}".encode()).decode()}
    asked = [
        curl.ask("login", json.dumps({"alias": "alice", "secret": PASSWORDS[2]}).encode()),
        curl.ask("login", b'{"alias":"alice","secret":"' + PASSWORDS[2].encode() + b'"'),
        curl.ask("rooms/lobby", b"hi", Authorization=f"Bearer {token}"),
        curl.ask("rooms/lobby", b"hi", **basic),
        curl.ask("rooms/lobby", b"hi", Authorization=f"Bearer {wrong}"),
        curl.ask("rooms/lobby", b"hi", Cookie=curl.cookie, Origin=curl.origin),
        curl.ask("rooms/lobby", token.encode(), Chat_Alias="bob"),
        curl.ask(f"rooms/lobby/events?{token}={token}"),
        curl.ask(f"{token}/x", Cookie=curl.cookie, Authorization=f"Bearer {token}"),
        curl.ask("logout", b"", Cookie=curl.cookie, Origin=curl.origin),
    ]
    assert [status for status, _body in asked] == [401, 400, 201, 201, 401, 201, 400, 400, 404, 204]
    assert tab.ask("password", password=PASSWORDS[1])["tokens"] == 1
    tab.close()
    assert server.stop() == 0
    secrets = [*PASSWORDS, token, code, code.replace("-", ""), *cookies, wrong]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    for path in files:
        held = path.read_bytes()
        assert [secret for secret in secrets if secret.encode() in held] == [], path
