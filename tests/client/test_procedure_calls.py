"""Group communication as procedure calls, against a real server, from Twisted and from asyncio."""

from __future__ import annotations

import asyncio

import pytest

from twisted_chat.client import CallFailed, ChatError, NoAnswer, connect


@pytest.fixture
def server(twistd):
    return twistd()


def at(server):
    return f"127.0.0.1:{server.port}"


async def a_crew(server, *aliases):
    """Return some chats, in one room."""
    return [await connect(at(server), alias=alias, rooms=["ops"], patience=0) for alias in aliases]


async def close(*chats):
    for chat in chats:
        await chat.close()


async def calls(server):
    """Call in every way that is there, under whatever runs this."""
    alice, bob, carol = crew = await a_crew(server, "alice", "bob", "carol")

    @bob.answers
    @carol.answers
    def add(a, b):
        return a + b

    @bob.answers
    async def busy():
        return {"load": await bob.history("ops", limit=1) and [1, None, "ü"]}

    bob.answers(lambda: 1 / 0, "broken")
    assert await alice.call("bob", "add", a=2, b=3) == 5
    assert await alice.call("BOB", "busy") == {"load": [1, None, "ü"]}
    with pytest.raises(CallFailed, match="division by zero"):
        await alice.call("bob", "broken")
    with pytest.raises(CallFailed, match="there is no function dig here"):
        await alice.call("bob", "dig")
    with pytest.raises(CallFailed, match="unexpected keyword argument"):
        await alice.call("bob", "add", a=2, c=3)
    answers = await alice.call_all("ops", "add", a="x", b="y")
    assert (answers.values, answers.failures, answers.silent) == ({"bob": "xy", "carol": "xy"}, {}, [])
    answers = await alice.call_all("ops", "broken")
    assert answers.failures == {"bob": "division by zero", "carol": "there is no function broken here"}
    with pytest.raises(ChatError, match="nobody here is called nobodyhere"):
        await alice.call("nobodyhere", "add")
    with pytest.raises(ValueError, match="wait is"):
        await alice.call_all("ops", "add", wait="some")
    await close(*crew)


async def test_calls_under_twisted(server):
    await calls(server)


def test_calls_under_asyncio(server):
    asyncio.run(calls(server))


def after(count, wait):
    """Return a function that waits for the answers to a call, and whose time begins once so many have come."""

    async def begin(call, timeout):
        while len(call.answers.values) < count:
            await asyncio.sleep(0.01)
        await wait(call, timeout)

    return begin


def test_silent_programs_are_listed_and_the_call_need_not_wait_for_them(server, monkeypatch):
    async def main():
        alice, bob, carol, dora = crew = await a_crew(server, "alice", "bob", "carol", "dora")
        over = asyncio.Event()

        async def never():
            await over.wait()

        for chat in (bob, carol):
            chat.answers(lambda: 1, "one")
        dora.answers(never, "one")
        with monkeypatch.context() as patch:
            patch.setattr(alice._calls, "_wait", after(2, alice._calls._wait))
            answers = await alice.call_all("ops", "one", timeout=0.2)
        assert (answers.values, answers.silent) == ({"bob": 1, "carol": 1}, ["dora"])
        for wait, least in [("majority", 2), ("first", 1), (1, 1), (2, 2)]:
            answers = await asyncio.wait_for(alice.call_all("ops", "one", wait=wait, timeout=60), 20)
            assert len(answers.values) >= least
            assert "dora" in answers.silent
        with pytest.raises(NoAnswer, match="dora did not answer"):
            await alice.call("dora", "one", timeout=0.2)
        over.set()
        await close(*crew)

    asyncio.run(main())


def test_a_call_that_is_given_up_leaves_nothing_behind(server):
    async def main():
        alice, bob = crew = await a_crew(server, "alice", "bob")
        over = asyncio.Event()
        bob.answers(over.wait, "never")

        async def is_pending():
            while not alice._calls._pending:
                await asyncio.sleep(0.01)

        call = asyncio.ensure_future(alice.call("bob", "never", timeout=60))
        await asyncio.wait_for(is_pending(), 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not (alice._calls._pending or alice._calls._early or alice._calls._asking)
        over.set()
        await close(*crew)

    asyncio.run(main())


def test_nobody_else_sees_a_call_and_a_person_is_not_called(server):
    person = server.connect("person")
    person.send("/join ops\n")
    person.read_pong()

    async def main():
        alice, bob = crew = await a_crew(server, "alice", "bob")
        bob.answers(lambda: 1, "one")
        answers = await alice.call_all("ops", "one")
        assert answers.values == {"bob": 1}
        with pytest.raises(ChatError, match="person cannot be called"):
            await alice.call("person", "one")
        assert len(await alice.history("ops")) == 3
        await close(*crew)

    asyncio.run(main())
    assert "one" not in person.read_pong()
    person.close()


def test_an_answer_too_long_to_send_is_a_failure(server):
    async def main():
        alice, bob = crew = await a_crew(server, "alice", "bob")
        bob.answers(lambda: "x" * 5000, "much")
        with pytest.raises(CallFailed, match="the answer cannot be sent: that line is longer than 4,096 bytes"):
            await alice.call("bob", "much")
        with pytest.raises(ChatError, match="longer than 4,096 bytes"):
            await alice.call("bob", "much", x="x" * 5000)
        await close(*crew)

    asyncio.run(main())


def test_functions_may_call_each_other_while_they_answer(server):
    async def main():
        alice, bob = crew = await a_crew(server, "alice", "bob")

        async def ping(n):
            return n if n == 0 else await bob.call("alice", "pong", n=n - 1)

        async def pong(n):
            return n if n == 0 else await alice.call("bob", "ping", n=n - 1)

        bob.answers(ping)
        alice.answers(pong)
        assert await asyncio.wait_for(alice.call("bob", "ping", n=6), 20) == 0
        await close(*crew)

    asyncio.run(main())
