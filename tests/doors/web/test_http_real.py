"""HTTP for scripts over real sockets: TLS, and a server that is killed while scripts post and streams are read."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import threading
import time

import pytest

from twisted_chat.journals.sqlite.queries import export

from ...processes import SECONDS, Twistd, free_port, make_certificate, run, wait_until

pytestmark = pytest.mark.slow

SPEAKERS, LINES = 4, 60


class House:
    """A server that is started again on the same ports and file."""

    def __init__(self, folder):
        self.folder, self.port, self.web = folder, free_port(), free_port()
        self.server = None

    def start(self):
        at = "interface=127.0.0.1"
        options = ("--listen", f"tcp:{self.port}:{at}", "--web", f"tcp:{self.web}:{at}", "--journal", "sqlite:chat.db")
        self.server = Twistd(self.folder, *options, "--no-limits", "--remember", "20")

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(SECONDS)

    def ask(self, method, path, body=None, **headers):
        """Return the status and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=SECONDS)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask_until_answered(self, *asked, **headers):
        """Try until there is a server; return the status and the body of its answer."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                return self.ask(*asked, **headers)
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < end
                time.sleep(0.02)  # between two tries


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.start()
    yield house
    house.server.close()


class EventSource(threading.Thread):
    """Reads a stream as a browser's EventSource does, and reconnects with the last id after every cut."""

    def __init__(self, house, path):
        super().__init__(daemon=True)
        self.house, self.path = house, path
        self.events, self.last, self.begun = [], None, 0
        self.is_over = False
        self.start()

    def run(self):
        while not self.is_over:
            try:
                self._read()
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # before it reconnects

    def _read(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.house.web, timeout=SECONDS)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last} if self.last else {})
        try:
            connection.request("GET", self.path, headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            fields = {}
            while (line := answer.readline()) and not self.is_over:
                self._take(line.decode().rstrip("\n"), fields)
        finally:
            connection.close()

    def _take(self, line, fields):
        if line:
            name, _colon, value = line.partition(": ")
            fields[name] = value
            return
        if "id" in fields:
            self.last = fields["id"]
        self.begun += "retry" in fields
        if "data" in fields:
            self.events.append(json.loads(fields["data"]))
        fields.clear()


def speak(house, name):
    """Say all lines of one speaker, each again under its key until it is answered."""
    for number in range(LINES):
        key = f"{name}-{number}"
        answer = house.ask_until_answered(
            "POST", "/rooms/ops", f"{name} {number}", Chat_Alias=name, Idempotency_Key=key
        )
        assert answer[0] in (200, 201), answer


def test_a_stream_that_is_resumed_over_a_kill_has_every_line_once_and_no_post_is_said_twice(house):
    assert house.ask("POST", "/rooms/ops", "first", Chat_Alias="ci", Idempotency_Key="k")[0] == 201
    streams = [EventSource(house, f"/rooms/ops/events{query}") for query in ("", "?after=0")]
    wait_until(lambda: all(stream.begun for stream in streams))
    names = [f"speaker{number}" for number in range(SPEAKERS)]
    speakers = [threading.Thread(target=speak, args=(house, name), daemon=True) for name in names]
    for speaker in speakers:
        speaker.start()
    for heard in (40, 120):
        wait_until(lambda heard=heard: all(len(stream.events) > heard for stream in streams))
        house.kill()
        house.start()
    for speaker in speakers:
        speaker.join(SECONDS)
        assert not speaker.is_alive()
    assert json.loads(house.ask("POST", "/rooms/ops", "last", Chat_Alias="ci")[1])["repeated"] is False
    wait_until(lambda: all(stream.events[-1]["text"] == "last" for stream in streams))
    for stream in streams:
        stream.is_over = True
    kept = [(event.number, event.kind, event.author, event.text) for event in export(house.folder / "chat.db", "ops")]
    for stream in streams:
        heard = [(event["number"], event["kind"], event["author"], event["text"]) for event in stream.events]
        assert heard == kept[len(kept) - len(heard) :]
        assert stream.begun == 3
    assert len(streams[1].events) == len(kept)
    for name in names:
        said = [text for _number, kind, author, text in kept if (kind, author) == ("said", name)]
        assert said == [f"{name} {number}" for number in range(LINES)]
    assert house.ask("POST", "/rooms/ops", "first", Chat_Alias="ci", Idempotency_Key="k") == (
        200,
        '{"room":"ops","number":2,"repeated":true}\n',
    )


def test_a_netcat_and_a_stream_see_one_curl_post_once(house, program):
    curl = program("curl", "curl")
    stream = EventSource(house, "/rooms/lobby/events")
    post = [curl, "-s", "-d", "deploy done", "-H", "Chat-Alias: ci", "-H", "Idempotency-Key: d1"]
    with house.server.connect("nc") as nc:
        wait_until(lambda: stream.begun)
        for _ in range(2):
            status, output, _errors = run(*post, f"http://127.0.0.1:{house.web}/rooms/lobby")
            assert status == 0
            assert '"number":' in output
        assert nc.read_pong().count("ci: deploy done\n") == 1
        wait_until(lambda: [event["text"] for event in stream.events].count("deploy done") == 1)
    stream.is_over = True


def test_curl_speaks_tls_reads_a_stream_and_the_server_stops_with_it_open(program, twistd, tmp_path):
    curl = program("curl", "curl")
    make_certificate(tmp_path)
    server = twistd("--web", "ssl:0:interface=127.0.0.1:privateKey=key.pem:certKey=cert.pem", "--no-limits")
    assert server.url.startswith("https:")
    trusted = [curl, "-s", "--cacert", tmp_path / "cert.pem"]
    lines = "".join(f"{number} {'x' * 3000}\n" for number in range(10))
    for _ in range(20):
        posted = run(*trusted, "--data-binary", "@-", "-H", "Chat-Alias: ci", f"{server.url}rooms/ops", given=lines)
        assert '"number":' in posted[1]
    following = ["-N", "-H", "Accept: text/event-stream", f"{server.url}rooms/ops/events?after=0"]
    heard = tmp_path / "heard"
    with heard.open("wb") as file:
        stream = subprocess.Popen([*map(str, trusted), *following], stdout=file)
    try:
        wait_until(lambda: b'"number":201,' in heard.read_bytes())
        assert server.stop() == 0
        assert stream.wait(SECONDS) == 0  # the last chunk came: it is no cut
    finally:
        stream.kill()
        stream.wait(SECONDS)
    data = [json.loads(line[5:]) for line in heard.read_text().splitlines() if line.startswith("data:")]
    assert [event["number"] for event in data[:201]] == list(range(1, 202))


def test_the_web_door_is_reached_over_a_unix_socket(program, twistd, tmp_path):
    curl = program("curl", "curl")
    server = twistd("--web", f"unix:{tmp_path}/web.sock", "--per-address", "1")
    server.wait_for_log("the web door is at")
    over = [curl, "-s", "--unix-socket", tmp_path / "web.sock"]
    assert run(*over, "-d", "hi", "-H", "Chat-Alias: ci", "http://localhost/rooms/ops")[1] == (
        '{"room":"ops","number":2,"repeated":false}\n'
    )
    assert run(*over, "http://localhost/rooms/ops.txt?tail=1")[1] == "#ops ci: hi\n"
