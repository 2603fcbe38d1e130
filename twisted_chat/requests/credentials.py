"""Credentials: what programs ask for their own account: a password, a code, tokens, and the devices that are logged in.

People type the commands of accounts.py for it. A secret stands only in the request or the result that is about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.accounts import CODE, DEVICE, KEY, TOKEN, Credential
from ..core.errors import ChatError
from ..core.hub import Hub
from ..core.secrets import PASSWORD_MOST
from ..core.session import Ask
from .fields import About, Count, FirstNumber, Rule, Time
from .table import Done, JsonRequest, Result, Steps, request

NewPassword = Annotated[str, Rule(longest=PASSWORD_MOST)]


@request("the result")
@dataclass(frozen=True)
class RegisterRequest(JsonRequest):
    """Make the alias that the program has the account of its person, with a password."""

    password: NewPassword

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        hub.members.register(ask, self.password, lambda: None)
        yield
        return Done()


@dataclass(frozen=True)
class PasswordResult(Result):
    tokens: Annotated[Count, About("How many tokens are still valid.")]
    keys: Annotated[Count, About("How many keys are still valid.")]


@request("the result; sessions that came by a password, a device or a code end, but for this one")
@dataclass(frozen=True)
class PasswordRequest(JsonRequest):
    """Change the password of the account."""

    password: NewPassword

    def run(self, hub: Hub, ask: Ask) -> Steps[PasswordResult]:
        stay: list[Credential] = []
        hub.members.change_password(ask, self.password, stay.extend)
        yield
        return PasswordResult(*(sum(one.kind == kind for one in stay) for kind in (TOKEN, KEY)))


@dataclass(frozen=True)
class CodeResult(Result):
    code: str
    until: Time


@request("the result, with a code that is valid once, for ten minutes")
@dataclass(frozen=True)
class CodeRequest(JsonRequest):
    """Make a code, with which one more device logs in."""

    def run(self, hub: Hub, ask: Ask) -> Steps[CodeResult]:
        made: list[str] = []
        hub.members.grant(ask, CODE, "", made.append)
        yield
        newest = [one for one in hub.members.credentials(ask.session) if one.kind == CODE][-1]
        return CodeResult(made[-1], newest.until)


@dataclass(frozen=True)
class TokenResult(Result):
    token: Annotated[str, About("It acts as the member. Nobody can see it again.")]


@request("the result")
@dataclass(frozen=True)
class TokenRequest(JsonRequest):
    """Make a token, with which scripts act as the member."""

    label: Annotated[str, Rule(longest=text.ALIAS_LENGTH), About("What it is for.")]

    def run(self, hub: Hub, ask: Ask) -> Steps[TokenResult]:
        if not text.clean(self.label).strip():
            raise ChatError("give the token a name, so that you know later what it is for")
        made: list[str] = []
        hub.members.grant(ask, TOKEN, self.label, made.append)
        yield
        return TokenResult(made[-1])


@dataclass(frozen=True)
class DeviceResult(Result):
    device: Annotated[str, About("The secret with which this device logs in. Nobody can see it again.")]


@request("the result")
@dataclass(frozen=True)
class DeviceRequest(JsonRequest):
    """Make a secret with which this device logs in again without the password."""

    label: Annotated[str, Rule(longest=text.ALIAS_LENGTH), About("The name of the device in the member's list.")]

    def run(self, hub: Hub, ask: Ask) -> Steps[DeviceResult]:
        made: list[str] = []
        hub.members.grant(ask, DEVICE, self.label, made.append)
        yield
        return DeviceResult(made[-1])


@dataclass(frozen=True)
class CredentialShown(Result):
    number: FirstNumber
    kind: Annotated[str, About('"device", "token", "code" or "key".')]
    label: str
    since: Time
    until: Time | None
    at: Annotated[str, About("The address that it was granted to; empty: the server's own machine.")]
    own: Annotated[bool, About("This session came by it.")]
    fingerprint: Annotated[str, About("Of a key; else empty.")]
    used: Time | None = None  # of a device: when the day began on which it was used last


@dataclass(frozen=True)
class DevicesResult(Result):
    devices: Annotated[list[CredentialShown], Rule(items=0), About("The oldest first, with tokens, codes and keys.")]


@request("the result")
@dataclass(frozen=True)
class DevicesRequest(JsonRequest):
    """List the devices that are logged in, and the tokens, codes and keys that are valid."""

    def run(self, hub: Hub, ask: Ask) -> DevicesResult:
        me = ask.session.person
        own = me.credential_of(ask.session.id) if me is not None else 0
        uses = hub.dispatcher.profiles.uses_of(me, me.account) if me is not None and me.account is not None else {}
        return DevicesResult([_shown(one, own, uses.get(one.number)) for one in hub.members.credentials(ask.session)])


def _shown(one: Credential, own: int, used: float | None) -> CredentialShown:
    until, since = round(one.until, 3) or None, round(one.since, 3)
    return CredentialShown(
        one.number, one.kind, one.label, since, until, one.at, one.number == own, one.fingerprint, used
    )


@request("the result; sessions and streams that came by it end")
@dataclass(frozen=True)
class RevokeRequest(JsonRequest):
    """End a device, a token, a code or a key, by its number in the result of "devices"."""

    number: FirstNumber

    def run(self, hub: Hub, ask: Ask) -> Steps[Done]:
        hub.members.revoke(ask, [self.number], lambda: None)
        yield
        return Done()
