"""The library over cuts, gaps and repeats, against a server that makes them: under asyncio and under Twisted."""

from __future__ import annotations

import asyncio
import time

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from twisted_chat.client import (
    CannotConnect,
    ConnectionLost,
    Refused,
    Watcher,
    connect,
    pending,
    reach,
    reconnector,
    unknown_outcomes,
)
from twisted_chat.client import inbox as inboxes
from twisted_chat.core.events import JOINED, NOTICED, SAID, SKIPPED, skipped

from ..fake_server import FakeServer
from ..processes import SECONDS


@pytest.fixture
def server():
    fake = FakeServer()
    yield fake
    fake.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(reconnector, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(unknown_outcomes, "AGAIN_SECONDS", 0.01)


def both(scenario):
    """Make two tests of a scenario: one that runs it in a task of asyncio's, and one on the reactor."""

    async def under_twisted(server):
        await scenario(server)

    def under_asyncio(server):
        asyncio.run(asyncio.wait_for(scenario(server), SECONDS))

    for test, where in ((under_twisted, "twisted"), (under_asyncio, "asyncio")):
        test.__name__ = test.__qualname__ = f"test_{scenario.__name__}_under_{where}"
        globals()[test.__name__] = test
    return scenario


async def pause(seconds=0.005):
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await deferLater(reactor, seconds)
    else:
        await asyncio.sleep(seconds)


async def until(condition):
    """Run until a condition is true; return its value."""
    end = time.monotonic() + SECONDS
    while not (answer := condition()):
        assert time.monotonic() < end
        await pause()
    return answer


async def take(chat, count):
    return [await chat.__anext__() for _ in range(count)]


async def texts(chat, count):
    return [event.text for event in await take(chat, count)]


def begin(coroutine):
    """Run something beside the test; return a list that gets its result, or its exception."""
    done = []

    async def whole():
        try:
            done.append(await coroutine)
        except Exception as error:
            done.append(error)

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        from twisted.internet.defer import Deferred

        done_by = Deferred.fromCoroutine(whole())
    else:
        done_by = loop.create_task(whole())
    begin.kept = done_by
    return done


def bot(server, **more):
    return connect(server.address, alias="rolf", **more)


# -- without a cut


@both
async def each_call_returns_its_event(server):
    async with await bot(server, rooms=["ops"]) as chat:
        said = await chat.say("ops", "hi")
        assert (said.kind, said.group, said.author, said.text, said.number) == (SAID, "ops", "rolf", "hi", 2)
        assert said.when == 1_700_000_000.125
        assert (await chat.tell("bob", "psst")).group == "@bob"
        assert (await chat.broadcast("all")).number == 1
        assert await texts(chat, 3) == ["hi", "psst", "all"]


@both
async def a_refusal_is_raised_with_its_code(server):
    async with await bot(server) as chat:
        with pytest.raises(Refused, match="nobody here is called nobody") as caught:
            await chat.tell("nobody", "hi")
        assert caught.value.code == "nobody_called"
        with pytest.raises(Refused, match="longer than 4,096 bytes"):
            await chat.say("lobby", "x" * 4097)
        assert await chat.say_all("lobby", ["a", "é" * 2049, "x" * 4096]) != []
        assert [len(text) for text in server.texts("lobby")] == [1, 4096]


@both
async def join_returns_the_last_lines_and_yields_no_event(server):
    server.say("ops", "one", "two")
    async with await bot(server) as chat:
        assert [event.text for event in await chat.join("ops")] == ["one", "two"]
        assert chat.rooms == ("lobby", "ops")
        await chat.leave("ops")
        server.say("lobby", "hi")
        assert await texts(chat, 1) == ["hi"]


@both
async def events_can_begin_after_a_number(server):
    server.say("ops", *"abcd")
    async with await bot(server, rooms=["ops"], after={"ops": 2}) as chat:
        assert await texts(chat, 2) == ["c", "d"]


@both
async def a_taken_alias_is_refused_and_another_may_be_claimed(server):
    server.taken.add("bob")
    chat = await reach(server.address)
    with pytest.raises(Refused, match="bob is taken"):
        await chat.claim("bob")
    await chat.claim("rob")
    assert chat.alias == "rob"
    assert server.connections == 1
    await chat.close()


# -- cuts


@both
async def events_go_on_where_they_were_cut(server):
    async with await bot(server, rooms=["ops"]) as chat:
        server.say("ops", "one")
        assert await texts(chat, 1) == ["one"]
        server.cut()
        server.say("ops", "two", "three")
        server.say("*", "all")
        server.say("@rolf", "psst")
        heard = await take(chat, 5)
        assert [e.text for e in heard if e.kind == SAID and e.group == "ops"] == ["two", "three"]
        assert [e.text for e in heard if e.group in ("*", "@rolf")] == ["all", "psst"]
        assert sorted(e.number for e in heard if e.group == "ops") == [3, 4, 5]
    first, again = server.asked("hello")
    assert first["token"] == again["token"]
    assert len(first["token"]) >= 16
    assert again["after"] == {"ops": 2, "*": 0, "@": 1}
    assert again["journal"] == "j1"


@both
async def a_line_that_was_not_kept_is_said_again_once(server):
    server.cut_before.add("two")
    server.cut_after.add("four")
    async with await bot(server) as chat:
        assert await chat.say_all("lobby", ["one", "two", "three", "four", "five"]) == []
        assert server.texts("lobby") == ["one", "two", "three", "four", "five"]
        heard = []
        while len(heard) < 5:
            event = await chat.__anext__()
            if event.kind == SAID:
                heard.append(event.text)
        assert heard == ["one", "two", "three", "four", "five"]
        assert server.connections == 3


@both
async def a_request_with_an_unknown_outcome_is_sent_again_under_the_same_id(server):
    server.unknown.update({"two": 2, "three": 1})
    async with await bot(server) as chat:
        assert await chat.say_all("lobby", ["one", "two", "three"]) == []
        assert sorted(server.texts("lobby")) == ["one", "three", "two"]
    asked = [request["id"] for request in server.asked("say") if request["text"] == "two"]
    assert len(asked) == 3
    assert len(set(asked)) == 1


@both
async def an_outcome_that_stays_unknown_is_raised_as_unknown(server):
    server.unknown["lost"] = 1000
    async with await bot(server, patience=0.1) as chat:
        with pytest.raises(Refused, match="is not known") as refused:
            await chat.say("lobby", "lost")
        assert refused.value.code == "unknown"


@both
async def a_tell_whose_event_is_lost_still_yields_an_event(server):
    server.cut_after.add("psst")
    async with await bot(server) as chat:
        told = await chat.tell("bob", "psst")
        assert (told.group, told.text, told.number) == ("@bob", "psst", 1)
        assert server.texts("@bob") == ["psst"]
        heard = await take(chat, 2)
        assert [e.text for e in heard if e.kind == SAID] == ["psst"]


@both
async def calls_that_begin_while_the_server_is_away_wait(server):
    async with await bot(server) as chat:
        server.stop()
        saying = begin(chat.say("lobby", "hi"))
        asking = begin(chat.request("ping"))
        await pause(0.05)
        assert not saying
        assert chat.unacknowledged == 2
        server.start()
        await until(lambda: saying and asking)
        assert saying[0].text == "hi"
        assert asking == [{"result": "ping", "id": "3"}]


@both
async def many_cuts_lose_and_repeat_nothing(server):
    wanted = [str(n) for n in range(3000)]
    async with await bot(server, rooms=["ops"]) as chat:
        for n in range(0, 3000, 100):
            (server.cut_after if n % 200 else server.cut_before).add(str(n))
        saying = begin(chat.say_all("ops", wanted))
        numbers, heard = [], []
        while len(heard) < 3000:
            event = await chat.__anext__()
            numbers.append(event.number)
            if event.kind == SAID:
                heard.append(event.text)
        await until(lambda: saying)
        assert saying == [[]]
    assert sorted(heard, key=int) == wanted
    assert sorted(server.texts("ops"), key=int) == wanted
    assert numbers == list(range(2, len(numbers) + 2))
    assert server.connections == 31


@both
async def no_more_than_a_thousand_posts_are_unacknowledged(server):
    async with await bot(server) as chat:
        server.is_mute = True
        saying = begin(chat.say_all("lobby", [str(n) for n in range(1500)]))
        await until(lambda: chat.unacknowledged >= pending.MAX_POSTS)
        await pause(0.05)
        assert chat.unacknowledged == pending.MAX_POSTS
        server.is_mute = False
        server.cut()
        await until(lambda: saying)
        assert server.texts("lobby") == [str(n) for n in range(1500)]


@both
async def rooms_and_the_current_one_are_the_same_after_a_cut(server):
    async with await bot(server, rooms=["a", "b", "c"]) as chat:
        await chat.type(["/join b"])
        await chat.leave("c")
        server.cut()
        await until(lambda: len(server.asked("hello")) == 2)
        assert await chat.ask("/ping x") == ["pong x"]
        assert (chat.rooms, chat.current) == (("a", "b"), "b")
        assert server.peers[0].current == "b"


@both
async def a_renamed_program_resumes_under_the_new_alias(server):
    async with await bot(server) as chat:
        await chat.request("nick", alias="robot")
        assert chat.alias == "robot"
        server.cut()
        await until(lambda: len(server.asked("hello")) == 2)
        again = server.asked("hello")[1]
        assert again["alias"] == "robot"
        assert "@" not in again["after"]  # it is the log of another name


# -- what cannot be had any more


@both
async def deleted_events_are_reported(server):
    async with await bot(server) as chat:
        server.say("lobby", "one")
        await take(chat, 1)
        server.cut()
        server.say("lobby", *"abcdef")
        server.forget("lobby", 6)
        told, *rest = await take(chat, 3)
        assert told == skipped("lobby", 3, 6)
        assert [event.number for event in rest] == [7, 8]


@both
async def another_journal_starts_over(server):
    async with await bot(server) as chat:
        server.say("lobby", *"abc")
        await take(chat, 3)
        server.stop()
        server.begin_anew()
        server.say("lobby", "new")
        server.start()
        told, one = await take(chat, 2)
        assert told.kind == NOTICED
        assert "another" in told.text
        assert (one.text, one.number) == ("new", 1)


@both
async def a_journal_that_went_back_is_reported(server):
    async with await bot(server) as chat:
        server.say("lobby", *"abc")
        await take(chat, 3)
        server.stop()
        del server.log("lobby").events[2:]
        server.start()
        told = await chat.__anext__()
        assert (told.kind, told.text) == (NOTICED, "the server has lost the events of lobby after number 3")
        server.say("lobby", "d")
        assert await texts(chat, 1) == ["d"]


@both
async def an_event_that_is_left_out_is_fetched(server):
    async with await bot(server) as chat:
        server.leave_out["lobby", 3] = 1
        server.say("lobby", *"abcd")
        heard = await take(chat, 4)
        assert [event.text for event in heard] == ["a", "b", "c", "d"]
        assert server.connections == 2


@both
async def an_event_that_is_always_left_out_is_reported(server):
    async with await bot(server) as chat:
        server.leave_out["lobby", 3] = 99
        server.say("lobby", *"abcd")
        heard = await take(chat, 4)
        assert heard[1] == skipped("lobby", 3, 3)
        assert [(event.kind, event.text) for event in heard] == [
            (SAID, "a"),
            (SKIPPED, ""),
            (SAID, "c"),
            (SAID, "d"),
        ]
        assert server.connections == 2


@both
async def a_repeated_event_is_dropped(server):
    async with await bot(server) as chat:
        server.say("lobby", "a")
        server.everyone(server.log("lobby").events[-1])
        server.say("lobby", "b")
        assert await texts(chat, 2) == ["a", "b"]


# -- the end of patience


@both
async def without_patience_a_cut_is_the_end(server):
    chat = await bot(server, patience=0)
    server.say("lobby", "last")
    server.everyone({"kind": "noticed", "text": "the server is stopping: goodbye", "ends": True})
    await until(lambda: chat._session.hearing.last_words)
    saying = begin(chat.request("who", room="lobby"))
    server.stop()
    await until(lambda: chat.is_lost)
    assert (await chat.__anext__()).text == "last"
    await chat.__anext__()
    with pytest.raises(ConnectionLost, match=r"the server is stopping: goodbye|it was cut off"):
        await chat.__anext__()
    with pytest.raises(ConnectionLost):
        await chat.say("lobby", "hi")
    await until(lambda: saying)
    await chat.close()


@both
async def patience_has_an_end(server):
    chat = await bot(server, patience=1)
    server.stop()
    with pytest.raises(ConnectionLost, match="nothing listens there"):
        await chat.say("lobby", "hi")
    with pytest.raises(ConnectionLost):
        await chat.__anext__()
    await chat.close()


@both
async def an_alias_that_somebody_else_took_is_refused_at_last(server):
    chat = await bot(server, patience=1)  # for three tries, also on a busy machine
    server.taken.add("rolf")
    server.cut()
    with pytest.raises(Refused, match="rolf is taken"):
        await chat.say("lobby", "hi")
    assert len(server.asked("hello")) > 2
    await chat.close()
    await pause()  # Twisted had begun to connect


@both
async def a_person_may_choose_another_alias(server):
    class Chooser(Watcher):
        async def another_alias(self, refused):
            return "rob"

    chat = await reach(server.address, watcher=Chooser())
    await chat.claim("rolf")
    server.taken.add("rolf")
    server.cut()
    await chat.say("lobby", "hi")
    assert chat.alias == "rob"
    await chat.close()


@both
async def a_chat_whose_credential_is_revoked_ends_and_does_not_come_again(server):
    server.secrets["rolf"] = "tct_one"
    chat = await bot(server, secret="tct_one")
    server.everyone({"error": "credential_revoked", "text": "you are logged out: it was ended", "id": None})
    server.peers[-1].end()
    shown = await chat.__anext__()
    assert (shown.kind, shown.text) == ("refused", "you are logged out: it was ended")
    with pytest.raises(Refused) as refused:
        await chat.__anext__()
    assert refused.value.code == "credential_revoked"
    assert len(server.asked("hello")) == 1
    await chat.close()


@both
async def a_secret_that_is_revoked_during_a_cut_is_tried_once(server):
    server.secrets["rolf"] = "tct_one"
    chat = await bot(server, secret="tct_one")
    server.secrets["rolf"] = "tct_two"
    server.cut()
    with pytest.raises(Refused) as refused:
        await chat.say("lobby", "hi")
    assert refused.value.code == "wrong_secret"
    assert len(server.asked("hello")) == 2
    await chat.close()


@both
async def a_person_may_log_in_again_after_a_cut(server):
    class Keeper(Watcher):
        async def log_in_again(self, refused):
            chat.use_secret("tct_two")
            return "rolf"

    server.secrets["rolf"] = "tct_one"
    chat = await reach(server.address, watcher=Keeper())
    await chat.claim("rolf", secret="tct_one")
    server.secrets["rolf"] = "tct_two"
    server.cut()
    await chat.say("lobby", "hi")
    assert chat.alias == "rolf"
    await chat.close()


@both
async def a_chat_can_be_closed_while_it_is_lost(server):
    chat = await bot(server)
    server.stop()
    saying = begin(chat.say("lobby", "hi"))
    await pause(0.03)
    await chat.close()
    await until(lambda: saying)
    assert isinstance(saying[0], ConnectionLost)
    with pytest.raises(StopAsyncIteration):
        await chat.__anext__()


# -- backpressure


@both
async def a_slow_program_is_sent_events_slowly_and_misses_none(server):
    async with await bot(server) as chat:
        server.say("lobby", "0")
        assert await texts(chat, 1) == ["0"]
        server.say("lobby", *(f"{n} {'x' * 1000}" for n in range(1, 20_000)))
        await pause(0.3)
        assert len(chat._session.inbox._events) <= inboxes.FULL
        heard = [text.split()[0] for text in await texts(chat, 19_999)]
        assert heard == [str(n) for n in range(1, 20_000)]
        assert server.connections == 1


@both
async def say_with_a_full_inbox_does_not_block_and_loses_nothing(server):
    async with await bot(server) as chat:
        server.say("lobby", "0")
        assert await texts(chat, 1) == ["0"]
        server.say("lobby", *map(str, range(1, 15_000)))
        await chat.say("lobby", "mine")  # its acknowledgement stands behind all of them
        assert len(chat._session.inbox._events) <= inboxes.MAX_EVENTS
        heard = [event.text for event in await take(chat, 15_001) if event.kind != JOINED]
        assert heard == [*map(str, range(1, 15_000)), "mine"]
        assert server.connections == 2


@both
async def a_program_that_never_iterates_keeps_the_newest_events(server):
    async with await bot(server) as chat:
        server.say("lobby", *map(str, range(inboxes.MAX_EVENTS + 5)))
        await chat.request("ping")
        told, first = await take(chat, 2)
        assert (told.kind, told.text) == (NOTICED, "5 events were not taken in time: they are missing here")
        assert first.text == "5"


# -- foreign servers


@pytest.mark.parametrize(
    ("greeting", "why"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "it does not speak JSON Lines, it says: SSH-2.0-OpenSSH"),
        (b"!! too many connections from your address\r\n", "it says: too many connections from your address"),
        (b"[1]\n", "it does not speak JSON Lines"),
        (b"alias?" + b"!! that alias cannot be used\nalias?", "it says: that alias cannot be used"),
    ],
    ids=["ssh", "full", "a list", "an older server"],
)
async def test_another_kind_of_server_is_recognized(server, greeting, why):
    server.greeting = greeting
    server.is_mute = True
    with pytest.raises(CannotConnect, match=rf"^cannot connect to 127.0.0.1:\d+: {why}"):
        await bot(server, patience=0)
