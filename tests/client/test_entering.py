"""Coming in for the first time: what is tried again, when, and for how long; and the file that keeps who one is."""

from __future__ import annotations

import asyncio
import stat

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import NoRouteError
from twisted.internet.task import Clock

from twisted_chat.client import CannotConnect, Refused, Watcher, connect, on_asyncio, on_twisted, reconnector
from twisted_chat.client.app.settings import status_of
from twisted_chat.client.entering import MARGIN, enter
from twisted_chat.client.errors import BadAuthorities
from twisted_chat.client.identity import BadIdentity, token_in
from twisted_chat.client.on_twisted import TwistedDriver
from twisted_chat.client.pending import PendingRequests

from ..fake_server import FakeServer
from ..processes import SECONDS
from .test_parts import Wire

HELLO = ("rolf", ["lobby"], None)


class Tries:
    """A session whose hellos fail in turn, and one who watches it."""

    def __init__(self, *errors, patience=60.0):
        self.clock = Clock()
        self.errors = list(errors)
        self.times = []
        self.told = []
        watcher = Watcher()
        watcher.failed = self.told.append
        self.done = Deferred.fromCoroutine(
            enter(self, TwistedDriver(self.clock, self.clock.seconds), watcher, patience, HELLO)
        )
        self.result = []
        self.done.addBoth(self.result.append)

    async def hello(self, *hello):
        assert hello == HELLO
        self.times.append(self.clock.seconds())
        if self.errors:
            raise self.errors.pop(0)

    def pass_time(self, seconds):
        for _ in range(seconds * 10):
            self.clock.advance(0.1)
        return self

    @property
    def error(self):
        return self.result[0].value


def test_a_missing_server_is_tried_again_with_growing_pauses():
    tries = Tries(*[CannotConnect("nothing listens there")] * 4).pass_time(15)
    assert tries.result == [None]
    pauses = [later - earlier for earlier, later in zip(tries.times, tries.times[1:], strict=False)]
    assert len(pauses) == 4
    assert pauses == sorted(pauses)
    assert tries.told == ["nothing listens there"] * 4


def test_patience_has_an_end():
    tries = Tries(*[CannotConnect("nothing listens there")] * 99, patience=5).pass_time(4)
    assert not tries.result
    tries.pass_time(2)
    assert str(tries.error) == "nothing listens there"
    assert max(tries.times) == pytest.approx(5, abs=0.2)  # the last try is at the very end
    assert not tries.clock.getDelayedCalls()


def test_without_patience_there_is_one_try():
    tries = Tries(CannotConnect("nothing listens there"), patience=0)
    assert str(tries.error) == "nothing listens there"


def test_for_ever_is_for_ever():
    tries = Tries(*[CannotConnect("nothing listens there")] * 50, patience=None)
    for _ in range(50):
        tries.clock.advance(2 * reconnector.LONGEST_PAUSE)
    assert tries.result == [None]


@pytest.mark.parametrize(
    "error", [CannotConnect("no TLS there", may_pass=False), Refused("no such alias", "bad_alias")]
)
def test_a_permanent_failure_is_raised_at_once(error):
    assert Tries(error).error is error


def test_an_alias_that_will_be_free_is_waited_for():
    tries = Tries(Refused("rolf is taken", "alias_taken", 12)).pass_time(12)
    assert not tries.result
    tries.pass_time(1)
    assert tries.result == [None]
    assert tries.times[1] == pytest.approx(12 + MARGIN, abs=0.2)


def test_an_alias_that_will_be_free_too_late_is_not_waited_for():
    assert Tries(Refused("rolf is taken", "alias_taken", 12), patience=10).error.code == "alias_taken"


# -- what may pass


@pytest.mark.parametrize(
    ("greeting", "may_pass"),
    [(b"SSH-2.0-OpenSSH\r\n", False), (b"!! too many connections from your address\n", True)],
)
def test_a_foreign_server_is_not_tried_again_and_a_full_one_is(greeting, may_pass):
    wire = Wire()
    greeted = wire.run(wire.chat.greeted())
    wire.listener.received(greeting)
    wire.listener.lost("")
    caught = []
    greeted.addErrback(lambda failure: caught.append(failure.value))
    assert caught[0].may_pass is may_pass


async def test_a_server_that_comes_later_is_found(monkeypatch):
    monkeypatch.setattr(reconnector, "FIRST_PAUSE", 0.01)
    server = FakeServer()
    server.stop()
    tried = []

    class Starter(Watcher):
        def failed(self, why):
            tried.append(why)
            if len(tried) == 2:
                server.start()

    async with connect(server.address, alias="rolf", watcher=Starter()) as chat:
        assert chat.alias == "rolf"
    assert tried == ["nothing listens there"] * 2
    server.close()


def test_the_reason_why_a_host_cannot_be_reached_is_in_words():
    assert on_twisted._why(NoRouteError(osError=113)) == "No route to host"


@pytest.mark.parametrize("driver", [on_asyncio._context, lambda ca: on_twisted._over_tls(None, "host", ca)])
def test_a_file_without_certificates_is_named_as_the_reason(tmp_path, driver):
    (tmp_path / "ca").write_text("nothing")
    for name, why in (("ca", "has no certificate"), ("nowhere", "cannot be read: No such file")):
        with pytest.raises(BadAuthorities, match=why):
            driver(str(tmp_path / name))


def test_only_a_file_of_certificates_is_blamed_on_ca(capsys):
    assert [status_of(error) for error in (BadAuthorities("x holds none"), ValueError("invalid hostname"))] == [2, 2]
    assert capsys.readouterr().err == "twisted-chat: --ca: x holds none\ntwisted-chat: invalid hostname\n"


# -- who one is


def test_an_identity_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "bot.identity"
    token = token_in(str(path))
    assert 16 <= len(token) <= 128
    assert token_in(str(path)) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["bot.identity"]


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        ("x" * 32, 0o644, "may be read by others, who could pass for you: chmod 600 "),
        ("x" * 32, 0o660, "may be read by others"),
        ("", 0o600, "has no token: name a file that does not exist yet"),
        ("two words that are long enough", 0o600, "has no token"),
        ("x" * 2000, 0o600, "has no token"),
        ("é" * 20, 0o600, "has no token"),
    ],
)
def test_a_file_without_a_token_is_refused(tmp_path, content, mode, why):
    path = tmp_path / "id"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(BadIdentity, match=why):
        token_in(str(path))
    with pytest.raises(ValueError, match=why):
        connect(alias="rolf", identity=str(path))


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        token_in(str(tmp_path / "nowhere" / "id"))


def test_requests_of_two_processes_never_share_an_id():
    """Or the server would take the second's posts for those that it has kept already."""
    driver = TwistedDriver(Clock())
    assert PendingRequests(driver, "a-").new_id() != PendingRequests(driver, "b-").new_id()


async def say_and_die(server, path, rooms):
    chat = await connect(server.address, alias="rolf", rooms=rooms, identity=path)
    await chat.say_all(rooms[0], ["one", "two", "three"])
    chat.abort()
    await chat.ended()
    return chat


def test_each_process_says_its_own_lines_and_is_in_its_own_rooms(twistd, tmp_path):
    server = twistd()
    server.address = f"127.0.0.1:{server.port}"

    async def main():
        path = str(tmp_path / "id")
        await say_and_die(server, path, ["ops", "dev"])
        async with connect(server.address, alias="rolf", rooms=["ops"], identity=path) as chat:
            assert chat.rooms == ("ops",)
            await chat.say("ops", "four")
            said = [(event.kind, event.text) for event in await chat.history("ops")]
            assert said == [("joined", ""), *(("said", words) for words in ("one", "two", "three", "four"))]

    asyncio.run(asyncio.wait_for(main(), SECONDS))
