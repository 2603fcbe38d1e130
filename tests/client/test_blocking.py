"""The library in a script without ``async``."""

from __future__ import annotations

import threading

import pytest

from twisted_chat.client import CannotConnect, ChatError, Refused, blocking

from ..fake_server import FakeServer
from ..processes import free_port


@pytest.fixture
def server():
    fake = FakeServer()
    yield fake
    fake.close()


def test_each_call_returns_once_it_is_done(server):
    with blocking.connect(server.address, alias="rolf", rooms=["ops"]) as chat:
        assert (chat.alias, chat.rooms) == ("rolf", ("ops",))
        assert chat.say("ops", "hi").number == 2
        assert chat.say_all("ops", ["a", " ", "b"]) == ["there is nothing to say in that"]
        assert chat.tell("bob", "psst").group == "@bob"
        assert chat.broadcast("all").group == "*"
        with pytest.raises(Refused, match="nobody here is called nobody"):
            chat.tell("nobody", "hi")
        server.say("dev", "old")
        assert [event.text for event in chat.join("dev")] == ["old"]
        assert [event.text for event in chat.history("ops", after=2)] == ["a", "b"]
        chat.leave("dev")
        assert chat.rooms == ("ops",)
        assert chat.request("ping")["result"] == "ping"
    assert server.asked("quit")


def test_next_waits_no_longer_than_its_timeout(server):
    with blocking.connect(server.address, alias="rolf") as chat:
        assert chat.next(timeout=0.01) is None
        server.say("lobby", "one", "two")
        assert chat.next(timeout=30).text == "one"
        assert next(iter(chat)).text == "two"
        threading.Timer(0.05, chat.close).start()
        assert list(chat) == []  # ends with the chat


def test_a_failed_connect_leaves_no_thread_behind(server):
    server.taken.add("rolf")
    with pytest.raises(ChatError, match="rolf is taken"):
        blocking.connect(server.address, alias="rolf")
    with pytest.raises(CannotConnect):
        blocking.connect(f"127.0.0.1:{free_port()}", alias="rolf", patience=0)
    with pytest.raises(ZeroDivisionError), blocking.connect(server.address, alias="rob"):
        raise ZeroDivisionError
    server.wait_for("quit")
    assert [thread for thread in threading.enumerate() if thread.name == "twisted_chat"] == []
