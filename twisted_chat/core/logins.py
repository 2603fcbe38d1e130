"""Log-ins that last: the device secrets of browsers, and the keys, with which a member logs in again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import secrets, text
from .accounts import DEVICE, KEY, Account, Accounts
from .dispatcher import Dispatcher
from .errors import ChatError, Overheard
from .events import GRANTED, REVOKED, SERVER, Event, Fact
from .gate import Proof
from .members import CREDENTIALS, UNNAMED
from .session import Ask, Session

_YOURS = "that key is registered already: /devices lists it"
_TAKEN = "that key opens another account: an account needs a key of its own"
DEVICES: Final = 50  # devices of one account: one more revokes the oldest


class Logins:
    """The requests of sessions that have a proof but no alias, and of members for their keys."""

    def __init__(
        self, accounts: Accounts, dispatcher: Dispatcher, secret: Callable[[], bytes], now: Callable[[], float]
    ) -> None:
        """``secret`` returns the journal's; ``now``: see Hub."""
        self._accounts = accounts
        self._dispatcher = dispatcher
        self._secret = secret
        self._now = now

    def use(self, ask: Ask, proof: Proof) -> None:
        """Use up the code of a proof; see ``refuse``."""
        data: dict[str, object] = {"account": proof.account.number, "credentials": [proof.credential], "used": True}
        self._send(ask, self._event(REVOKED, ask, proof.account, data))

    def grant_device(self, ask: Ask, proof: Proof, label: str) -> str:
        """Grant a device secret, and return it; it is not shown again."""
        account, host = proof.account, ask.session.door.host if ask.session.door is not None else ""
        data: dict[str, object] = {"account": account.number, "credential": DEVICE, "label": label}
        if host:
            data["at"] = host
        too_many = _devices(account)[: -(DEVICES - 1)]
        if too_many:
            data["instead"] = too_many
        secret = secrets.new_token(secrets.DEVICE)
        event = self._event(GRANTED, ask, account, data)
        self._send(ask, Fact.of(event, secrets.verifier_of(secret, self._secret())))
        return secret

    def add_key(self, ask: Ask, fingerprint: str, label: str, then: Callable[[], None]) -> None:
        """Add a key to the asker's account; ``then`` is called once it opens that.

        ``fingerprint``: see keys.py. Raises: ChatError, Overheard.
        """
        session = ask.session
        account = session.person.account if session.person is not None else None
        if account is None:
            raise ChatError(f"{session.alias} is nobody's name yet: /register makes it yours")
        if session.is_overheard:  # and others could change it on the way
            raise Overheard
        self._refuse_key(account, fingerprint)
        data: dict[str, object] = {"account": account.number, "credential": KEY, "fingerprint": fingerprint}
        shown = text.clean(label.strip())[: text.ALIAS_LENGTH]
        data |= {name: value for name, value in (("label", shown), ("at", session.host)) if value}

        def finished(own: Ask) -> None:
            ask.number, ask.error = own.number, ask.error or own.error
            if own.error is None and not self._accounts.opens(account, fingerprint):
                ask.refuse(ChatError(_TAKEN))  # another request was first, and this one would take its place some day
                self.revoke(Ask(session), account, own.number)
            elif own.error is None:
                then()

        own = Ask(session, ask.ident or UNNAMED, finished)
        self._send(own, self._event(GRANTED, own, account, data))

    def _refuse_key(self, account: Account, fingerprint: str) -> None:
        if self._accounts.with_key(fingerprint) is not None:
            raise ChatError(_YOURS if self._accounts.opens(account, fingerprint) else _TAKEN)
        if len(account.credentials) - len(account.over(self._now())) >= CREDENTIALS:
            raise ChatError(f"you have {CREDENTIALS} tokens, devices and keys: /devices and /token end some")

    def refuse(self, session: Session, proof: Proof) -> None:
        """Refuse a proof that is not valid any more; of a code, unless this session was the first to use it.

        Raises: ChatError.
        """
        proof.account.refuse(proof.credential, self._now(), session.id)

    def revoke(self, ask: Ask, account: Account, credential: int) -> None:
        """Revoke a credential, by its number: sessions and streams that used it end."""
        data: dict[str, object] = {"account": account.number, "credentials": [credential]}
        self._send(ask, self._event(REVOKED, ask, account, data))

    def _event(self, kind: str, ask: Ask, account: Account, data: dict[str, object]) -> Event:
        return Event(kind, SERVER, account.alias, account.alias, ask.session.id, ident=ask.ident, data=data)

    def _send(self, ask: Ask, event: Event) -> None:
        self._dispatcher.send(event, ask.session)
        ask.appended()


def _devices(account: Account) -> list[int]:
    """Return the numbers of an account's devices, the oldest first."""
    return [one.number for one in account.credentials if one.kind == DEVICE]
