"""Accounts: registration, the ways to log in, and the devices and tokens that can log in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ..core import text
from ..core.accounts import Account
from ..core.errors import ChatError, NotAMember
from ..core.events import LOBBY, POSTS, Event
from ..core.gate import Attempt, Proof
from ..core.hub import Hub
from ..core.past import HISTORY_PAGE
from ..core.ports import Query
from ..core.session import Ask
from .table import command
from .words import plural, word

PROMPT = "password?"


@command(asks=True)
def register(hub: Hub, ask: Ask, rest: str) -> None:
    """Make your alias yours for good. The password is asked for on a line of its own."""
    _refuse_words("register", rest)

    def given(password: str) -> None:
        hub.members.register(ask, password, done)

    def done() -> None:
        ask.notice(f"{ask.session.alias} is yours now: from another device, give this password after the alias")

    if ask.session.person is not None and ask.session.person.account is not None:
        raise ChatError(f"{ask.session.alias} is yours already: /password changes the password")
    ask.ask_secret(PROMPT, given)


@command(asks=True)
def password(hub: Hub, ask: Ask, rest: str) -> None:
    """Change your password. It is asked for on a line of its own; your other devices have to log in again, and tokens
    stay valid."""
    _refuse_words("password", rest)
    hub.members.credentials(ask.session)  # guests have none

    def given(password: str) -> None:
        hub.members.change_password(ask, password, done)

    def done(tokens: int) -> None:
        stay = f"; {plural(tokens, 'token')} still valid: /token lists them" if tokens else ""
        ask.notice(f"your password is changed, and your other devices have to log in again{stay}")

    ask.ask_secret("new password?", given)


@command(arguments="ALIAS [CODE]", asks=True)
def login(hub: Hub, ask: Ask, rest: str) -> None:
    """Log in as a member. Your rooms come along. Without a code, the password is asked for on a line of its own."""
    alias, secret = word(rest.strip())
    me = ask.session.person
    if me is not None and me.account is not None:
        raise ChatError(f"you are logged in as {me.alias}: /quit first")
    refuse_stranger(hub, alias)
    given = partial(_log_in_again, hub, ask, alias)
    if secret.strip():
        given(secret.strip())
    else:
        ask.ask_secret(PROMPT, given)


def _refuse_words(name: str, rest: str) -> None:
    """Refuse a password on the line of the command, where it is easily sent to others by a typing mistake."""
    if rest.strip():
        raise ChatError(f"type /{name} alone: the password is asked for on a line of its own")


# -- logging in, also at a door's prompt


def refuse_stranger(hub: Hub, alias: str) -> None:
    """Refuse an alias that is not a member's.

    Raises: BadAlias, NotAMember.
    """
    wanted = text.alias(alias)
    if hub.decisions.accounts.called(wanted) is None:
        raise NotAMember(wanted)


def log_in(hub: Hub, ask: Ask, alias: str, secret: str) -> None:
    """Claim a member's alias for a session without one, once the secret is proved."""
    _prove(hub, ask, alias, secret, partial(_enter, hub, ask))


def _log_in_again(hub: Hub, ask: Ask, alias: str, secret: str) -> None:
    """Log a guest in: their session ends, and another begins on the same connection, in the same rooms."""

    def proved(proof: Proof) -> None:
        door, rooms = ask.session.door, tuple(ask.session.rooms)
        assert door is not None, "somebody waits for the answer"
        again = Ask(hub.sessions[door.renew()])
        known = proof.profile.rooms
        wanted = (*known, *(room for room in rooms if room not in known))
        try:
            _enter(hub, again, proof._replace(profile=proof.profile._replace(rooms=wanted)))
        except ChatError as error:
            again.refuse(error)
        again.session.settle()

    _prove(hub, ask, alias, secret, proved)


def _prove(hub: Hub, ask: Ask, alias: str, secret: str, then: Callable[[Proof], None]) -> None:
    attempt = Attempt(alias, secret, ask.session.host, ask.session.is_overheard)
    hub.past.ask(ask, partial(hub.gate.prove, attempt), then)


def came_in(hub: Hub, ask: Ask) -> None:
    """Join the rooms of a member who has come in, and show them the private lines that they have not been given."""
    me = ask.session.person
    account = me.account if me is not None else None
    if me is None or account is None:
        return
    for room in account.rooms:
        if room not in me.told and hub.state.lets_in(me, room, hub.now()):
            hub.join(Ask(ask.session), room)
    given = hub.dispatcher.profiles.last_given(account)
    query = Query(me.address, given, since=account.since, kinds=POSTS, most=HISTORY_PAGE, newest=True)
    hub.past.recall(ask, query, lambda found: _show_private(hub, ask, account, found))


def _show_private(hub: Hub, ask: Ask, account: Account, found: Sequence[Event]) -> None:
    me = ask.session.person
    if me is None or not found or found[-1].number <= hub.dispatcher.profiles.last_given(account):
        return  # another device was first
    ask.notice(f"{'more than ' * (len(found) == HISTORY_PAGE)}{plural(len(found), 'line')} for you since you left:")
    ask.show_again(found, ask.reader.told_day)
    ask.session.correspondent = hub.state.directory.called(found[-1].author)
    hub.dispatcher.profiles.given(me, found[-1].number)


def _enter(hub: Hub, ask: Ask, proof: Proof) -> None:
    hub.claim(ask, proof.account.alias, proof.profile.rooms or (LOBBY,), proof=proof)
