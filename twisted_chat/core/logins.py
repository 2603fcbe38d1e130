"""Log-ins that last: a browser that has proved an account gets a device secret, with which it logs in again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import secrets
from .accounts import DEVICE, Account
from .dispatcher import Dispatcher
from .events import GRANTED, REVOKED, SERVER, Event, Fact
from .gate import Proof
from .session import Ask, Session

DEVICES: Final = 50  # devices of one account: one more revokes the oldest


class Logins:
    """The requests of sessions that have a proof but no alias. Each is done once its ask is."""

    def __init__(self, dispatcher: Dispatcher, secret: Callable[[], bytes], now: Callable[[], float]) -> None:
        """``secret`` returns the journal's; ``now``: see Hub."""
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
