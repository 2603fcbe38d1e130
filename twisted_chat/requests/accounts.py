"""Accounts: registration, the ways to log in, and the devices and tokens that can log in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from ..core import text
from ..core.accounts import CODE, DAY, DEVICE, KEY, TOKEN, Account, Credential
from ..core.days import day_of, time_of
from ..core.durations import span
from ..core.errors import BadUsage, ChatError, NotAMember
from ..core.events import LOBBY, OPENING_BITS, POSTS, Event
from ..core.gate import Attempt, Proof
from ..core.hub import Hub
from ..core.members import CODE_SECONDS
from ..core.past import HISTORY_PAGE
from ..core.ports import Query
from ..core.session import Ask
from .keys import key_name, key_words
from .table import command
from .words import plural, word

PROMPT: Final = "password?"
SESSION_MASK: Final = (1 << OPENING_BITS) - 1


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
    """Change your password. It is asked for on a line of its own; your other devices have to log in again. Tokens and
    keys stay valid."""
    _refuse_words("password", rest)
    hub.members.credentials(ask.session)  # guests have none

    def given(password: str) -> None:
        hub.members.change_password(ask, password, done)

    def done(stays: Sequence[Credential]) -> None:
        tokens, keys = (sum(one.kind == kind for one in stays) for kind in (TOKEN, KEY))
        stay = f"; {plural(tokens, 'token')} still valid: /token lists them" if tokens else ""
        stay += f"; {plural(keys, 'key')} still valid: /key lists them" if keys else ""
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


# -- devices and tokens


@command()
def code(hub: Hub, ask: Ask, rest: str) -> None:
    """Make a code for one more device. It is valid once, for ten minutes, and is given behind the alias."""
    alias = ask.session.alias

    def made(secret: str) -> None:
        until = hub.now() + CODE_SECONDS
        ask.notice(f"{secret} lets one more device in as {alias}, once, until {time_of(until)}: {alias} {secret}")

    hub.members.grant(ask, CODE, "", made)


@command(arguments="[N off]")
def devices(hub: Hub, ask: Ask, rest: str) -> None:
    """List where you are logged in. ``/devices N off`` ends one of them, by its number in the list."""
    listed = _devices(hub, ask)
    number, what = word(rest.strip())
    if not number:
        ask.notice(*(f"{name}: {one.words}" for name, one in listed.items()), "/devices N off ends one")
    elif what.strip() != "off" or number not in listed:
        raise BadUsage("/devices N off, where N is a number that /devices shows")
    elif listed[number].session == ask.session.id:
        raise ChatError("that is this device: /quit leaves")
    else:
        _end(hub, ask, listed[number])


class _Device(NamedTuple):
    words: str
    session: int  # its id; 0: it is not here now
    credential: int  # of its own; 0: it came by the password, a code, a token or a key, which others may have, too


def _devices(hub: Hub, ask: Ask) -> dict[str, _Device]:
    """Return the sessions and the devices of a member by names that stay the same while they last."""
    valid = hub.members.credentials(ask.session)
    own = {one.number: one for one in valid if one.kind == DEVICE}
    keys = {one.number: one for one in valid if one.kind == KEY}
    me = ask.session.person
    uses = hub.dispatcher.profiles.uses_of(me, me.account) if me is not None and me.account is not None else {}
    found: dict[str, _Device] = {}
    for seat in me.seats if me is not None else ():
        session, used = hub.sessions.get(seat.session), seat.credential
        what = own.pop(used).label if used in own else "a program" if seat.program else "a terminal"
        by = f" by the key {key_name(keys[used])}" if used in keys else ""
        credential = used if what != "a terminal" else 0
        if session is not None:
            here = "this one, " * (session is ask.session)
            words = f"{here}{what} {_place(session.host)}{by}, for {span(hub.seconds() - session.since)}"
            found[str(session.id & SESSION_MASK)] = _Device(words, session.id, credential)
        else:  # a session of another node may have the same number
            words = f"{what} {_place(seat.host)}{by}, by way of another server"
            found[f"{seat.opening}-{seat.session & SESSION_MASK}"] = _Device(words, seat.session, credential)
    for credential, one in own.items():
        last = _days_ago(hub.now(), uses.get(credential, one.since))
        words = f"{one.label or 'a device'} {_place(one.at)}, not here now, used {last}"
        found[f"d{credential}"] = _Device(words, 0, credential)
    for credential, one in keys.items():
        words = f"{key_words(one)}, added {_place(one.at)} on {day_of(one.since).words}"
        found[key_name(one)] = _Device(words, 0, credential)
    return found


def _days_ago(now: float, when: float) -> str:
    days = round((now - now % DAY - (when - when % DAY)) / DAY)
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def _place(host: str) -> str:
    return f"from {host}" if host else "on the server's machine"


def _end(hub: Hub, ask: Ask, device: _Device) -> None:
    def done() -> None:
        ask.notice(f"ended: {device.words}")

    own = {one.number for one in hub.members.credentials(ask.session) if one.kind in (DEVICE, KEY)}
    if device.credential in own:
        hub.members.revoke(ask, [device.credential], done)
    else:
        hub.members.end_session(ask, device.session, done)


@command(arguments="[NAME [off]]")
def token(hub: Hub, ask: Ask, rest: str) -> None:
    """Make a token for a script. It acts as you; NAME tells you later what it is for. Without NAME, list your tokens;
    ``/token NAME off`` ends one."""
    name, what = word(rest.strip())
    tokens = [one for one in hub.members.credentials(ask.session) if one.kind == TOKEN]
    if not name:
        names = [f"{one.label}, since {day_of(one.since).words}" for one in tokens]
        ask.notice(*(names or ["you have no token: /token NAME makes one"]))
    elif not what.strip():
        hub.members.grant(ask, TOKEN, name, partial(_show_token, ask, name))
    elif what.strip() != "off":
        raise BadUsage("/token NAME makes a token, /token NAME off ends it")
    else:
        numbers = [one.number for one in tokens if one.label == text.clean(name)]
        hub.members.revoke(ask, numbers, lambda: ask.notice(f"the token {text.clean(name)} is valid no longer"))


def _show_token(ask: Ask, name: str, secret: str) -> None:
    ask.notice(
        f"{secret} acts as {ask.session.alias}; it is shown this once, and /token {text.clean(name)} off ends it"
    )


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


def log_in_by_key(hub: Hub, ask: Ask) -> None:
    """Claim the alias of the account that the key of a connection opens."""
    _prove(hub, ask, "", "", partial(_enter, hub, ask))


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
    """Prove an account with a secret or, without one, with the key of the connection."""
    key = "" if secret else ask.session.proven_key
    attempt = Attempt(alias, secret, ask.session.host, ask.session.is_overheard, key)
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
    show_missed(hub, ask)


def show_missed(hub: Hub, ask: Ask) -> None:
    """Show a member who has come in the private lines that they have not been given."""
    me = ask.session.person
    account = me.account if me is not None else None
    if me is None or account is None:
        return
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
