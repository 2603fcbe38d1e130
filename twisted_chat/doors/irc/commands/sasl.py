"""SASL: to log in while one connects, by a password, a code or a token, or by a certificate.

https://ircv3.net/specs/extensions/sasl-3.2 and https://modern.ircdocs.horse/#authenticate-message.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from functools import partial

from ....core.errors import ChatError
from ....core.gate import Attempt, Proof
from ....core.session import Ask
from ....wire.irc import Message, serialise
from ....wire.irc_view import source
from .. import numerics
from ..marks import member_of
from ..numerics import IrcRefused
from ..table import capability, command
from ..talk import IrcTalk

_CHUNK = 400  # letters of base64 in one message; a shorter one is the last
_MAX_LENGTH = 3 * _CHUNK  # a password has 200 characters at most

_MECHANISMS = ("PLAIN", "EXTERNAL")

capability("sasl", ",".join(_MECHANISMS))


@command("AUTHENTICATE", least=1, is_early=True)
def authenticate(talk: IrcTalk, message: Message) -> None:
    """Begin to log in, by naming a mechanism, or go on."""
    word = message.parameters[0]
    registration = talk.registration
    is_logged_in = member_of(talk) is not None if registration is None else registration.proof is not None
    if is_logged_in:
        raise IrcRefused(numerics.ERR_SASLALREADY)
    if registration is None:
        raise IrcRefused(numerics.ERR_SASLFAIL._replace(text="Log in as you connect: QUIT first"))
    if word == "*":
        registration.mechanism, registration.given = "", ""
        raise IrcRefused(numerics.ERR_SASLABORTED)
    if not registration.mechanism:
        _begin(talk, word.upper())
    elif len(word) > _CHUNK or len(registration.given) + len(word) > _MAX_LENGTH:
        registration.mechanism, registration.given = "", ""
        raise IrcRefused(numerics.ERR_SASLTOOLONG)
    else:
        registration.given += word if word != "+" else ""
        if len(word) < _CHUNK:
            _finish(talk)


def _begin(talk: IrcTalk, mechanism: str) -> None:
    if mechanism not in _MECHANISMS:
        talk.reply(numerics.RPL_SASLMECHS, ",".join(_MECHANISMS))
        raise IrcRefused(numerics.ERR_SASLFAIL)
    assert talk.registration is not None, "the caller has checked"
    talk.registration.mechanism = mechanism
    talk.write(serialise(Message("AUTHENTICATE", ("+",))))


def _finish(talk: IrcTalk) -> None:
    """Check what the client has given.

    Raises: IrcRefused.
    """
    registration = talk.registration
    assert registration is not None, "the caller has checked"
    mechanism, given = registration.mechanism, registration.given
    registration.mechanism, registration.given = "", ""
    attempt = (_plain if mechanism == "PLAIN" else _external)(talk, given)

    def prove(ask: Ask) -> None:
        talk.hub.past.ask(ask, partial(talk.hub.gate.prove, attempt), proved)

    def proved(proof: Proof) -> None:
        registration.proof = proof

    talk.request(prove, partial(_logged_in, talk), refused=partial(_is_refused, talk))


def _decoded(given: str) -> bytes:
    """Return the bytes in base64.

    Raises: IrcRefused.
    """
    try:
        return b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise IrcRefused(numerics.ERR_SASLFAIL) from None


def _plain(talk: IrcTalk, given: str) -> Attempt:
    """Return the attempt to log in by alias and secret: ``[AS] NUL ALIAS NUL SECRET`` (RFC 4616).

    Raises: IrcRefused.
    """
    try:
        wanted, alias, secret = _decoded(given).decode().split("\0")
    except ValueError:  # there are others than three, or it is not UTF-8
        raise IrcRefused(numerics.ERR_SASLFAIL) from None
    if not alias or not secret or wanted not in ("", alias):
        raise IrcRefused(numerics.ERR_SASLFAIL)
    return Attempt(alias, secret, talk.session.host, talk.session.is_overheard)


def _external(talk: IrcTalk, given: str) -> Attempt:
    """Return the attempt to log in by the certificate that the client has shown over TLS (RFC 4422, appendix A).

    Raises: IrcRefused.
    """
    wanted = _decoded(given).decode("utf-8", "replace")
    key = talk.session.door.proven_key if talk.session.door is not None else ""
    if not key:
        words = "SASL authentication failed: your client has shown no certificate, which goes over TLS"
        raise IrcRefused(numerics.ERR_SASLFAIL._replace(text=words))
    return Attempt(wanted, "", talk.session.host, talk.session.is_overheard, key=key)


def _logged_in(talk: IrcTalk) -> None:
    registration = talk.registration
    assert registration is not None and registration.proof is not None, "it was proved"
    alias = registration.proof.account.alias
    talk.reply(numerics.RPL_LOGGEDIN, source(registration.nick or "*"), alias, f"You are now logged in as {alias}")
    talk.reply(numerics.RPL_SASLSUCCESS)


def _is_refused(talk: IrcTalk, error: ChatError) -> None:
    talk.reply(numerics.ERR_SASLFAIL._replace(text=f"SASL authentication failed: {error}"))
    talk.count_failure()  # the check of a secret takes long, also for an alias that nobody has
