"""Keys: those with which a member logs in without a password, over ssh or with a TLS certificate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core import keys, text
from ..core.accounts import KEY, Credential
from ..core.errors import BadKey, BadUsage
from ..core.hub import Hub
from ..core.keys import PublicKey
from ..core.session import Ask, Session
from .fields import About, Rule
from .table import COMMANDS, JsonRequest, Result, Steps, command, request
from .words import word

LONGEST = 6000  # characters of a key as it is written


@command(arguments="[add [KEY]]")
def key(hub: Hub, ask: Ask, rest: str) -> None:
    """List the keys with which you log in without a password. ``/key add`` adds the one that you have come with, over
    ssh; KEY is the line of a .pub file, or the fingerprint of a key. ``/devices N off`` ends one."""
    what, given = word(rest.strip())
    if what == "add":
        added = _meant(ask.session, given.strip())
        hub.logins.add_key(ask, added.fingerprint, added.label, lambda: _say(ask, added))
    elif what:
        raise BadUsage(COMMANDS["key"].usage)
    else:
        own = [one for one in hub.members.credentials(ask.session) if one.kind == KEY]
        ask.notice(*(f"{key_name(one)}: {key_words(one)}" for one in own), "/key add adds one, /devices N off ends one")


def _say(ask: Ask, added: PublicKey) -> None:
    ask.notice(f"the key {added.fingerprint} opens {ask.session.alias} from now on: /devices lists it and ends it")


def _meant(session: Session, words: str) -> PublicKey:
    """Return the key that is meant: the one given, or that of the session, perhaps with a name.

    Raises: BadKey.
    """
    if keys.is_key(words) or len(words) > text.ALIAS_LENGTH:
        return keys.read(words)
    if not session.proven_key:
        raise BadKey("you have come without a key: give the line of its .pub file, as in /key add ssh-ed25519 AAAA...")
    return PublicKey(session.proven_key, words)


def key_name(one: Credential) -> str:
    """Return the name of a key in the list of a member's devices."""
    return f"k{one.number}"


def key_words(one: Credential) -> str:
    """Return a key as its owner recognises it."""
    return f"the key {one.label + ' ' if one.label else ''}{one.fingerprint}"


@dataclass(frozen=True)
class KeyResult(Result):
    fingerprint: str


@request("the result")
@dataclass(frozen=True)
class KeyRequest(JsonRequest):
    """Add a key, with which the member logs in over ssh, or with a TLS certificate, and needs no password."""

    add: Annotated[str, Rule(longest=LONGEST), About("The line of a .pub file, or a fingerprint.")]

    def run(self, hub: Hub, ask: Ask) -> Steps[KeyResult]:
        added = keys.read(self.add)
        hub.logins.add_key(ask, added.fingerprint, added.label, lambda: None)
        yield
        return KeyResult(added.fingerprint)
