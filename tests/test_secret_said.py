"""A secret that somebody says by a slip: it reaches nobody, in whatever way a text reaches others."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.errors import SecretSaid
from twisted_chat.core.secrets import DEVICE, HOOK, TOKEN, holds_secret
from twisted_chat.core.session import Ask
from twisted_chat.doors.web.api.refused import STATUSES
from twisted_chat.requests.table import COMMANDS, REQUESTS

from .doors.line.test_line_door import lab, quiet
from .requests.test_program_door import TOKEN as PROGRAMS_TOKEN
from .requests.test_program_door import Program
from .web import EventStream, WebPeer

SECRET = TOKEN + "8sXq2LmZ0aRk7TfW4nBv9HcJ3yPd6GeU"
REFUSED = f"!! {SecretSaid()}"


class Others:
    """Everybody who could hear what alice lets slip: a person, a program and a stream."""

    def __init__(self, door):
        self.bob = door.enter("bob", "127.0.0.1").send("/join ops\n")
        self.program = Program(door, "program", rooms=["lobby", "ops"])
        self.stream = EventStream(door, "/rooms/lobby/events")

    def look_around(self):
        """Return all that they heard, and can find out."""
        self.bob.send("/whois alice\n", "/who *\n", "/rooms\n", "/msg alice are you there?\n", "/history\n", "/topic\n")
        self.program.asks("history", room="ops").asks("who", room="*").asks("rooms")
        return self.bob.read() + json.dumps(self.program.heard()) + json.dumps(self.stream.heard())


@pytest.fixture
def others(door):
    return Others(door)


@pytest.fixture
def alice(door, others):
    """Alice, in two rooms; bob has written to her."""
    peer = door.enter("alice", "127.0.0.1").send("/join ops\n")
    others.bob.send("/msg alice hi\n")
    peer.read()
    return peer


# -- a space before a command


@pytest.mark.parametrize("space", ["  ", "\t", "\u00a0"])
@pytest.mark.parametrize("line", ["/Password {}", "/register {}", "/login bob {}", "/msg NickServ identify {}"])
def test_a_space_before_a_command_says_no_password(alice, others, space, line):
    alice.send(f"one\n{space}{line.format('hunter2hunter2')}\n")
    heard = others.look_around()
    assert "hunter2" not in heard and "alice: one" in heard


def test_a_space_before_a_command_that_asks_for_a_password_asks_for_it(alice, others):
    alice.send(" /register\nhunter2hunter2\nhunter2hunter2\n")
    assert "hunter2" not in others.look_around()
    assert "password" in alice.read()


def test_a_line_that_a_program_passes_on_from_a_person_says_no_password_either(others):
    others.program.asks("join", room="lobby").asks("type", text="  /login bob hunter2hunter2").asks(
        "type", text=" then"
    )
    heard = others.bob.read()
    assert "program:  then" in heard and "hunter2" not in heard


@pytest.mark.parametrize(
    "line", [" /usr/bin/passwd", " and /register makes a member", "//register makes a member", " /"]
)
def test_other_lines_with_a_slash_are_said(alice, others, line):
    alice.send(f"{line}\n")
    assert f"alice: {line.replace('//', '/')}\n" in others.bob.read()


# -- people


@pytest.mark.parametrize("prefix", [TOKEN, DEVICE, HOOK])
@pytest.mark.parametrize(
    "line",
    [
        *("{}", "a {} b", "//{}", "x{}", "{}x"),
        *("/say {}", "/me shows {}", "/to lobby {}", "/all {}", "/msg bob {}", "/reply {}"),
        *("/topic {}", "/away {}", "/leave ops {}", "/quit {}"),
        "\x1b[1m{}\x1b[0m",
        "tct\bt{}",
    ],
)
def test_it_is_refused_in_each_line_that_others_would_read(alice, others, line, prefix):
    alice.send(line.format(prefix + SECRET[4:]) + "\n")
    assert alice.read().splitlines() == [REFUSED]
    assert not alice.is_closed
    assert not holds_secret(others.look_around())


@pytest.mark.parametrize("rest", ["{}", "bob {}", "lobby {}", "ops {}", "lobby @{}"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lets_it_through(alice, others, name, rest):
    alice.send(f"/{name} {rest.format(SECRET)}\n")
    assert not holds_secret(others.look_around())


@pytest.fixture
def owner(door, others, alice):
    """Alice, who may do everything, and bob, who is a member."""
    for alias in ("alice", "bob"):
        ask = Ask(door.session(alias))
        door.hub.members.register(ask, "four simple words", lambda: None)
        door.settle()
    account = door.session("alice").person.account
    door.hub.members.operate(
        Ask(door.session("alice")), "appointed", "alice", {"account": account.number, "role": "owner"}
    )
    door.settle()
    alice.read()
    return alice


@pytest.mark.parametrize(
    "line",
    [
        *("/kick bob {}", "/bar bob {}", "/bar bob 7d {}", "/quiet bob {}", "/quiet bob 10m x{}"),
        *("/ban bob {}", "/ban 198.51.100.7 7d {}", "/guests off {}", "/suspend bob {}"),
    ],
)
def test_it_is_refused_in_each_reason_of_an_operator(owner, others, line):
    owner.send(line.format(SECRET) + "\n")
    assert owner.read().splitlines() == [REFUSED]
    owner.send("/audit\n")
    assert not holds_secret(owner.read() + others.look_around())


@pytest.mark.parametrize("rest", ["{}", "bob {}", "bob 7d {}", "198.51.100.7 {}", "off {}"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_of_an_owner_lets_it_through(owner, others, name, rest):
    owner.send(f"/{name} {rest.format(SECRET)}\n", "/audit\n")
    owner.read()
    owner.send("/audit\n")
    assert not holds_secret(owner.read() + others.look_around())


CODE = "K7QF-2M9P-XD4T"  # it is no valid one: while any code is valid, its form alone is refused


@pytest.fixture
def code(owner, door):
    """The last code of the owner, which nobody has used."""
    owner.send("/code\n")
    return owner.read().split()[1]


@pytest.mark.parametrize(
    "line",
    [
        *("{}", "alice {}", "//{}", "/say {}", "/me shows {}", "/to lobby {}", "/all {}", "/msg bob {}", "/reply {}"),
        *("/topic {}", "/away {}", "/leave ops {}", "/quit {}", "/kick bob {}", "/bar bob 7d {}", "/join {}"),
    ],
)
def test_a_code_is_refused_while_it_is_valid(owner, others, code, line):
    for written in (code, code.lower().replace("-", "")):
        owner.read()
        owner.send(line.format(written) + "\n")
        assert owner.read().splitlines() == [REFUSED]
        assert written not in others.look_around()


def test_a_code_that_is_used_or_over_can_be_said(door, owner, others, code):
    others.bob.read()
    with_code = door.connect("192.0.2.9").send(f"alice {code}\n")
    assert "you are now connected!" in with_code.read()
    owner.send(f"{code}\n")
    assert f"alice: {code}" in others.bob.read()
    owner.send("/code\n", f"{CODE}\n")
    assert REFUSED in owner.read()
    door.clock.advance(601)
    owner.send(f"{CODE}\n")
    assert f"alice: {CODE}" in others.bob.read()


def test_of_lines_that_come_together_only_the_one_with_a_code_is_not_said(owner, others, code):
    others.bob.read()
    owner.send(f"one\n{code}\ntwo\n```\nthree\n  {code}\n```\n")
    heard = [line.removeprefix("#ops ") for line in others.bob.read().splitlines()]
    assert heard == ["alice: one", "alice: two", "alice: three"]
    assert owner.read().splitlines().count(REFUSED) == 2


def test_a_program_and_a_post_over_http_say_no_code_either(door, owner, others, code):
    for what, fields in (
        ("say", {"room": "lobby", "text": code}),
        ("tell", {"to": "bob", "text": code}),
        ("call", {"to": "bob", "name": "x", "text": code}),
        ("retitle", {"room": "lobby", "text": code}),
    ):
        (answer,) = others.program.asks(what, **fields).heard()[-1:]
        assert answer["error"] == "secret_said"
    answer = WebPeer(door).ask("POST", "/rooms/lobby", code.encode(), Chat_Alias="rolf")
    assert answer.status == 400
    assert code not in others.look_around()


def test_a_guest_where_nobody_is_a_member_says_what_looks_like_a_code(alice, others):
    others.bob.read()
    alice.send(f"serial {CODE}\n")
    assert others.bob.read() == f"#ops alice: serial {CODE}\n"


def test_of_lines_that_come_together_only_the_one_with_it_is_not_said(alice, others):
    others.bob.read()
    alice.send(f"one\ntwo\nmy {SECRET}\nthree\n{SECRET}\n/me waves\nfour\n")
    heard = [line.removeprefix("#ops ") for line in others.bob.read().splitlines()]
    assert heard == ["alice: one", "alice: two", "alice: three", "* alice waves", "alice: four"]
    assert alice.read().splitlines().count(REFUSED) == 2


def test_of_a_block_typed_at_the_line_door_only_its_line_is_not_said(alice, others):
    others.bob.read()
    alice.send(f"```\none\n{SECRET}\n  two\n", f"  key = {SECRET}\n", "three\n```\n", "after\n")
    heard = [line.removeprefix("#ops ") for line in others.bob.read().splitlines()]
    assert heard == ["alice: one", "alice:   two", "alice: three", "alice: after"]
    assert alice.read().splitlines().count(REFUSED) == 2


def test_nobody_hears_it_as_an_alias(door, others):
    peer = door.connect().send(f"{SECRET}\n", f"ci {SECRET}\n", f"ci\n{SECRET}\n")
    assert peer.read().splitlines()[-1] == REFUSED  # the last was an alias, and then a line
    assert not holds_secret(others.look_around())


def test_the_labs_client_cannot_say_it_either(door, others):
    peer = lab(door, "alice")
    peer.read()
    quiet(peer.send(f"alice: {SECRET}", "alice: fine"))
    assert "that is a secret, and it was not said" in peer.read()
    heard = others.look_around()
    assert "alice: fine" in heard
    assert not holds_secret(heard)


# -- programs

SENSIBLE = {"room": "ops", "to": "bob", "alias": "alice", "text": "x", "name": "roll", "words": "x", "version": 1}
REQUESTS_WITH_TEXT = [
    ("say", {"room": "ops", "text": SECRET}),
    ("say", {"room": "ops", "text": f"a {SECRET}", "act": True}),
    ("say", {"room": "ops", "lines": ["a", f"  {SECRET}", "b"]}),
    ("say", {"room": "ops", "text": "x", "id": SECRET}),
    ("say", {"room": "ops", "lines": ["a", "b"], "id": SECRET}),
    ("broadcast", {"text": SECRET}),
    ("broadcast", {"lines": ["a", SECRET]}),
    ("tell", {"to": "bob", "text": SECRET}),
    ("tell", {"to": "bob", "lines": [SECRET, "b"]}),
    ("leave", {"room": "ops", "text": SECRET}),
    ("retitle", {"room": "ops", "text": SECRET}),
    ("quit", {"text": SECRET}),
    ("type", {"text": f"/me {SECRET}"}),
    ("call", {"name": "roll", "to": "program", "text": SECRET}),
    ("call", {"name": SECRET, "to": "program"}),
    ("call", {"name": "roll", "room": "ops", "text": SECRET}),
    ("say", {"room": "ops", "text": "fine", "id": SECRET}),
    ("say", {"room": "ops", "lines": ["fine", "too"], "id": SECRET}),
    ("call", {"name": "roll", "to": "program", "id": SECRET}),
]


@pytest.mark.parametrize("what, fields", REQUESTS_WITH_TEXT)
def test_it_is_refused_in_each_request_that_others_would_read(door, others, what, fields):
    alice = Program(door, "alice", rooms=["lobby", "ops"], token=PROGRAMS_TOKEN)
    answer = alice.answer(what, **fields)
    assert (answer["error"], answer["text"]) == ("secret_said", str(SecretSaid()))
    assert alice.answer("ping")["result"] == "ping"
    assert not holds_secret(others.look_around())


def test_it_is_refused_in_an_answer_to_a_call(door, others):
    caller, program = Program(door, "caller"), others.program
    caller.asks("call", name="roll", to="program")
    call = next(message["call"] for message in program.heard() if message["kind"] == "called")
    assert program.answer("answer", call=call, text=SECRET)["error"] == "secret_said"
    assert program.answer("answer", call=call, text="four")["result"] == "answer"
    assert [message["text"] for message in caller.heard() if message.get("kind") == "answered"] == ["four"]


def texts():
    for name, entry in REQUESTS.items():
        for key, field in entry.fields.items():
            if field.kind in (str, list):
                needed = {one.key: SENSIBLE.get(one.key, "x/1") for one in entry.needed}
                yield pytest.param(name, needed | {key: SECRET if field.kind is str else [SECRET]}, id=f"{name} {key}")


@pytest.mark.parametrize("name, fields", [*texts()])
def test_no_field_of_a_request_lets_it_through(door, others, name, fields):
    if name == "hello":
        Program(door).asks(name, **fields)
    else:
        Program(door, "alice", rooms=["lobby", "ops"]).asks(name, **fields)
    assert not holds_secret(others.look_around())


# -- HTTP


@pytest.mark.parametrize("path", ["/rooms/lobby", "/rooms/ops", "/people/bob", "/everyone"])
@pytest.mark.parametrize("body", [SECRET, f"a\n{SECRET}\nb"])
def test_a_post_with_it_is_refused_before_anybody_comes_in(door, others, path, body):
    answer = WebPeer(door).ask("POST", path, body.encode(), Chat_Alias="alice")
    assert (answer.status, answer.text) == (400, f"{SecretSaid()}\n")
    assert "secret_said" not in STATUSES  # it is the asker's mistake, as all that is not listed
    heard = others.look_around()
    assert "alice has" not in heard
    assert not holds_secret(heard)


def test_an_idempotency_key_that_is_one_is_refused(door, others):
    answer = WebPeer(door).ask("POST", "/rooms/lobby", b"fine", Chat_Alias="alice", Idempotency_Key=SECRET)
    assert (answer.status, answer.text) == (400, f"{SecretSaid()}\n")
    assert not holds_secret(others.look_around())
