"""The library against a real server: from Twisted, from asyncio, over TLS, and in the example bot."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.defer import Deferred, gatherResults

from twisted_chat.client import CannotConnect, ChatError, ConnectionLost, Refused, connect
from twisted_chat.core.events import JOINED, SAID

from ..processes import SECONDS, free_port

BOT = Path(__file__).parents[2] / "docs/bot.py"


@pytest.fixture
def server(twistd):
    return twistd()


def at(server):
    return f"127.0.0.1:{server.port}"


async def all_three(server, other):
    """Use each call once, under whatever runs this, and return what one's own events were."""
    async with await connect(at(server), alias="rolf", rooms=["ops"]) as chat:
        assert (chat.alias, chat.rooms) == ("rolf", ("ops",))
        await chat.say("ops", "/multicast")
        await chat.say("lobby", "in another room")
        await chat.tell("other", "unicast")
        await chat.broadcast("broadcast")
        await chat.leave("lobby")
        with pytest.raises(Refused, match="nobody here is called nobodyhere"):
            await chat.tell("nobodyhere", "hi")
        with pytest.raises(ChatError, match="longer than 4,096 bytes"):
            await chat.say("ops", "x" * 5000)
        other.send("/msg rolf psst\n")
        found = []
        async for event in chat:
            found.append(tuple(event[:4]))
            if event.author == "other":
                assert event.when > 1_700_000_000
                break
        return found


WHAT_ALL_THREE_HEAR = [
    (SAID, "ops", "rolf", "/multicast"),
    (SAID, "lobby", "rolf", "in another room"),
    (SAID, "@other", "rolf", "unicast"),
    (SAID, "*", "rolf", "broadcast"),
    (SAID, "@rolf", "other", "psst"),
]


async def test_the_three_calls_work_under_twisted(server):
    with server.connect("other") as other:
        assert await all_three(server, other) == WHAT_ALL_THREE_HEAR


def test_the_three_calls_work_under_asyncio(server):
    with server.connect("other") as other:
        assert asyncio.run(all_three(server, other)) == WHAT_ALL_THREE_HEAR
        other.read_until("[rolf -> other] unicast\n")
        other.read_until("[rolf -> all] broadcast\n")


def test_an_asyncio_program_runs_no_reactor(server):
    script = (
        "import asyncio, sys\n"
        "from twisted_chat.client import connect\n"
        "async def main():\n"
        f"    async with await connect('{at(server)}', alias='rolf') as chat:\n"
        "        await chat.say('lobby', 'hi')\n"
        "asyncio.run(main())\n"
        "assert 'twisted.internet.reactor' not in sys.modules\n"
        "assert 'prompt_toolkit' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=SECONDS)


async def test_without_rooms_the_program_is_in_the_lobby(server):
    async with await connect(at(server), alias="rolf") as chat:
        assert chat.rooms == ("lobby",)


async def test_events_have_the_numbers_of_their_room(server):
    async with await connect(at(server), alias="rolf", rooms=["ops"]) as chat:
        await chat.say_all("ops", ["a", "b"])
        assert [(await chat.__anext__()).number for _ in "ab"] == [2, 3]


async def test_say_all_says_lines_in_order_and_returns_the_refusals(server):
    async with await connect(at(server), alias="rolf") as chat:
        (why,) = await chat.say_all("lobby", ["a", "x" * 5000, "b"])
        assert why.startswith("that line is longer than")
        assert [(await chat.__anext__()).text for _ in "ab"] == ["a", "b"]


async def test_a_list_of_lines_is_said_as_a_block_or_not_at_all(server):
    async with await connect(at(server), alias="rolf") as chat:
        first = await chat.say("lobby", ["if x:", "", "\t/quit  "])
        told = await chat.tell("rolf", ["a", " b"])
        await chat.broadcast(["c", "d"])
        events = [await chat.__anext__() for _ in range(7)]
        assert [(event.text, event.data) for event in events] == [
            ("if x:", {"block": 1}),
            ("", {"block": 2}),
            ("\t/quit  ", {"block": 3}),
            ("a", {"block": 1}),
            (" b", {"block": 2}),
            ("c", {"block": 1}),
            ("d", {"block": 2}),
        ]
        assert (first, told) == (events[0], events[3])
        for lines, why in ((["a", "x" * 4097], "line 2"), (["a\nb"], "line break"), (["", " "], "nothing to say")):
            with pytest.raises(ChatError, match=why):
                await chat.say("lobby", lines)


async def test_a_line_of_the_longest_length_can_be_said(server):
    async with await connect(at(server), alias="rolf", rooms=["ops"]) as chat:
        await chat.say("ops", "x" * 4096)


async def test_join_returns_earlier_lines_and_no_event_comes_twice(server):
    with server.connect("alice") as alice:
        alice.send("/join ops\none\n/ping x\n")
        alice.read_until("pong x")
        async with await connect(at(server), alias="rolf", rooms=[]) as chat:
            assert [event.text for event in await chat.join("ops")] == ["one"]
            alice.send("two\n")
            assert (await chat.__anext__()).text == "two"


async def test_many_calls_at_once_each_get_their_own_answer(server):
    async with await connect(at(server), alias="rolf") as chat:
        calls = [chat.tell("rolf" if n % 2 else "nobodyhere", str(n)) for n in range(20)]
        done = await gatherResults([Deferred.fromCoroutine(call).addErrback(lambda f: f.type) for call in calls])
        assert [getattr(one, "text", one) for one in done[:4]] == [Refused, "1", Refused, "3"]
        texts = [event.text async for event in take(chat, 10)]
        assert texts == [str(n) for n in range(1, 20, 2)]


async def take(chat, count):
    async for event in chat:
        yield event
        count -= 1
        if not count:
            return


@pytest.mark.parametrize("alias", ["", "a b", "server", "x" * 99, "a\nb"])
async def test_a_refused_alias_is_raised(server, alias):
    with pytest.raises(ChatError):
        await connect(at(server), alias=alias)


async def test_a_refused_room_is_raised(server):
    with pytest.raises(ChatError, match="that room name cannot be used"):
        await connect(at(server), alias="rolf", rooms=["no room"])


async def test_a_string_is_not_a_list_of_rooms(server):
    with pytest.raises(TypeError):
        await connect(at(server), alias="rolf", rooms="ops")


async def test_nobody_listens_under_twisted():
    with pytest.raises(CannotConnect, match=r"cannot connect to 127.0.0.1:.*: nothing listens there"):
        await connect(f"127.0.0.1:{free_port()}", alias="rolf", patience=0)


def test_nobody_listens_under_asyncio():
    with pytest.raises(ConnectionError, match=r"cannot connect to 127.0.0.1:.*: nothing listens there"):
        asyncio.run(connect(f"127.0.0.1:{free_port()}", alias="rolf", patience=0))


async def lose(server):
    chat = await connect(at(server), alias="rolf", patience=0)
    server.stop()
    with pytest.raises(ConnectionLost, match="the server is stopping: goodbye"):
        async for _event in chat:
            pass
    with pytest.raises(ConnectionError):
        await chat.say("lobby", "hi")
    await chat.close()


async def test_a_lost_connection_is_raised_under_twisted(server):
    await lose(server)


def test_a_lost_connection_is_raised_under_asyncio(server):
    asyncio.run(lose(server))


async def test_a_program_that_takes_its_events_slowly_misses_none(twistd):
    server = twistd("--no-limits")
    async with await connect(at(server), alias="slow") as slow, await connect(at(server), alias="fast") as fast:
        assert (await slow.__anext__()).kind == JOINED
        for start in range(0, 6000, 1000):
            await fast.say_all("lobby", [str(n) for n in range(start, start + 1000)])
        heard = [event.text async for event in take(slow, 6000)]
        assert heard == [str(n) for n in range(6000)]


# -- TLS


@pytest.fixture
def authority(tmp_path):
    """Write a key and a certificate for 127.0.0.1 that vouches for itself; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_path, path = tmp_path / "key.pem", tmp_path / "cert.pem"
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    key_path.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    path.write_bytes(certificate.public_bytes(pem))
    return key_path, path


@pytest.fixture
def tls_server(twistd, authority):
    key, certificate = authority
    return twistd("--listen", f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}")


async def over_tls(server, ca):
    async with await connect(at(server), alias="rolf", tls=True, ca=ca) as chat:
        await chat.say("lobby", "in secret")
        return (await chat.__anext__()).text


async def test_tls_to_a_trusted_server_under_twisted(tls_server, authority):
    assert await over_tls(tls_server, str(authority[1])) == "in secret"


def test_tls_to_a_trusted_server_under_asyncio(tls_server, authority):
    assert asyncio.run(over_tls(tls_server, str(authority[1]))) == "in secret"


async def test_an_unknown_authority_is_not_trusted_under_twisted(tls_server):
    with pytest.raises(CannotConnect, match="its certificate is not trusted"):
        await over_tls(tls_server, None)


def test_an_unknown_authority_is_not_trusted_under_asyncio(tls_server):
    with pytest.raises(CannotConnect, match="its certificate is not trusted"):
        asyncio.run(over_tls(tls_server, None))


async def test_another_hosts_certificate_is_not_trusted(tls_server, authority):
    with pytest.raises(CannotConnect, match="its certificate is not trusted"):
        await connect(f"localhost:{tls_server.port}", alias="rolf", tls=True, ca=str(authority[1]))


async def test_a_server_without_tls_is_recognized(server):
    with pytest.raises(CannotConnect, match="no TLS there"):
        await over_tls(server, None)


# -- the example


def start_bot(server, folder):
    return subprocess.Popen([sys.executable, BOT, at(server)], stdout=subprocess.PIPE, text=True, cwd=folder)


def test_the_example_bot_greets_and_answers(server, tmp_path):
    bot = start_bot(server, tmp_path)
    try:
        assert bot.stdout.readline() == "rolf is in lobby\n"
        with server.connect("alice") as alice:
            alice.read_until("rolf: welcome, alice: say !help to see what I can do\n")
            alice.send("!time\n!roll\n/msg rolf !help\n")
            alice.read_until("rolf: alice: it is ")
            alice.read_until("rolf: alice: you rolled ")
            alice.read_until("[rolf -> alice] I know !time, !roll and !help\n")
        assert asyncio.run(call_the_bot(server)) == 1
    finally:
        bot.kill()
        bot.communicate(timeout=SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_the_example_bot_can_be_restarted_at_once(server, tmp_path, number):
    with server.connect("alice") as alice:
        bot = start_bot(server, tmp_path)
        assert bot.stdout.readline() == "rolf is in lobby\n"
        bot.send_signal(number)
        status = bot.wait(SECONDS)
        bot.stdout.close()
        assert status == (-number if number == signal.SIGKILL else 128 + number)
        if number != signal.SIGKILL:
            alice.read_until("rolf has left the chat room!")
        bot = start_bot(server, tmp_path)
        try:
            assert bot.stdout.readline() == "rolf is in lobby\n"
            alice.send("!help\n")
            alice.read_until("rolf: alice: I know !time, !roll and !help")
        finally:
            bot.kill()
            bot.communicate(timeout=SECONDS)


async def call_the_bot(server):
    async with await connect(at(server), alias="caller") as chat:
        return await chat.call("rolf", "roll", sides=1)


def test_the_example_bot_is_short():
    assert len(BOT.read_text().splitlines()) < 70
