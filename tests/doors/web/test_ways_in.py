"""Every way in over HTTP, held against every end: a member who may not come in, comes in by none of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ...requests.test_program_door import TOKEN, Program
from ...web import Browser, EventStream, Talk, WebPeer
from ..members import PASSWORD, Member, as_operator
from .test_http_members import basic, bearer
from .test_login import HERE, ORIGIN, cookie_of, log_in

ROOM = "/rooms/secret"  # a private one, with alice in it


def posts(path="/rooms/lobby"):
    return lambda door, headers: WebPeer(door, HERE).ask("POST", path, b"hi", **headers).status in (200, 201)


def reads(door, headers):
    return WebPeer(door, HERE).ask("GET", f"{ROOM}/events", **headers).status == 200


def hears(door, headers):
    stream = EventStream(door, f"{ROOM}/events", HERE, **headers)
    return stream.status == 200 and not stream.is_closed


def hello(peer, **fields):
    def come(door, headers):
        program = Program(door, peer=peer(door, HERE, Origin=ORIGIN, **headers))
        return program.answer("hello", version=1, **fields).get("role") == "member"

    return come


def with_(kind, way, **more):
    """Return a way in, with the headers that carry a secret of this kind."""

    def come(door, secrets):
        carried = {
            "bearer": lambda: bearer(secrets.token),
            "basic": lambda: basic("alice", secrets.token),
            "cookie": lambda: {"Cookie": secrets.cookie, "Origin": ORIGIN},
        }[kind]()
        return way(door, carried | more)

    return come


def says(name, peer=Browser, **fields):
    """Return a way in by the secret in hello."""
    return lambda door, secrets: hello(peer, secret=getattr(secrets, name), **fields)(door, {})


WAYS = {
    **{f"{kind} posts": with_(kind, posts()) for kind in ("bearer", "basic", "cookie")},
    **{f"{kind} tells": with_(kind, posts("/people/bob")) for kind in ("bearer", "cookie")},
    **{f"{kind} broadcasts": with_(kind, posts("/everyone")) for kind in ("bearer", "cookie")},
    **{f"{kind} tries again": with_(kind, posts(), Idempotency_Key="k1") for kind in ("bearer", "cookie")},
    **{f"{kind} reads": with_(kind, reads) for kind in ("bearer", "basic", "cookie")},
    **{f"{kind} hears": with_(kind, hears) for kind in ("bearer", "basic", "cookie")},
    "password logs in": lambda door, secrets: log_in(WebPeer(door, HERE), PASSWORD).status == 204,
    "code logs in": lambda door, secrets: log_in(WebPeer(door, HERE), secrets.code).status == 204,
    "cookie opens a WebSocket": lambda door, secrets: hello(Browser)(door, {"Cookie": secrets.cookie}),
    "cookie and alias open a WebSocket": lambda door, secrets: hello(Browser, alias="alice")(
        door, {"Cookie": secrets.cookie}
    ),
    "cookie begins a talk": lambda door, secrets: hello(Talk)(door, {"Cookie": secrets.cookie}),
    "password in hello": says("password", alias="alice"),
    "code in hello": says("code", alias="alice"),
    "token in hello": says("token"),
    "token in the hello of a talk": says("token", Talk),
    "program resumes": lambda door, secrets: hello(Browser, alias="alice", token=TOKEN)(door, {}),
}
BY_PASSWORD = {"password logs in", "password in hello"}
BY_TOKEN = {name for name in WAYS if name.startswith(("bearer", "basic", "token"))}


def suspend(door, alice):
    as_operator(door, "suspend", "alice", "spam")


def revoke(door, alice):
    alice.revoke_all()


def change_password(door, alice):
    alice.ask("change_password", "four other words", lambda tokens: None)


ENDS = {
    "suspended": (suspend, set()),
    "dropped": (lambda door, alice: as_operator(door, "drop", "alice"), set()),
    "banned by name": (lambda door, alice: as_operator(door, "ban", "alice"), set()),
    "revoked": (revoke, BY_PASSWORD | {"program resumes"}),
    "a new password": (change_password, BY_TOKEN),
}


@pytest.fixture
def secrets(door):
    """Every secret of alice, who is at the line door, and in a private room."""
    door.enter("bob")
    alice = Member(door)
    alice.peer.send("/join secret\n", "/room private\n")
    found = SimpleNamespace(
        alice=alice, token=alice.grant("token", "ci"), code=alice.grant("code"), password=PASSWORD, cookie=""
    )
    found.cookie = cookie_of(log_in(WebPeer(door, HERE)))
    for headers in (bearer(found.token), {"Cookie": found.cookie, "Origin": ORIGIN}):
        said = WebPeer(door, HERE).ask("POST", "/rooms/lobby", b"hi", Idempotency_Key="k1", **headers)
        assert said.status in (200, 201)
    program = Program(door, peer=Browser(door, HERE))
    program.answer("hello", version=1, alias="alice", secret=PASSWORD, token=TOKEN)
    program.peer.lose()  # its grace period has begun
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_member_comes_in_by_it(door, secrets, way):
    assert WAYS[way](door, secrets)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_member_who_may_not_come_in_does_not_come_in_by_it(door, secrets, way, end):
    act, stays = ENDS[end]
    act(door, secrets.alice)
    assert WAYS[way](door, secrets) == (way in stays)
