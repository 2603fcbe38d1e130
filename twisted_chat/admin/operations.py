"""Operations: what the operator can do to accounts, bans and guests, a function for each; and their table.

An operation is a generator: it yields until everything that it has asked for is kept, and returns the lines to print.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from ..core import keys, rules, text
from ..core.accounts import CODE, Account
from ..core.errors import BadUsage, ChatError
from ..core.events import (
    APPOINTED,
    BANNED,
    DROPPED,
    GUESTS_ADMITTED,
    GUESTS_REFUSED,
    RESTORED,
    SERVER,
    SUSPENDED,
    UNBANNED,
    Event,
)
from ..core.hub import Hub
from ..core.lasting import how_long_and_why, terms
from ..core.ports import Query
from ..core.session import Ask
from ..wire.plain import PlainView

Lines = Generator[None, None, Sequence[str]]
Function = Callable[[Hub, Ask, Sequence[str]], Lines]
ROLES = ("member", "admin", "owner")
MAX_LOG = 200  # events that are printed at once


@dataclass(frozen=True)
class Operation:
    """One thing that the operator can do."""

    name: str
    arguments: str
    least: int  # arguments
    most: int
    run: Function

    @property
    def usage(self) -> str:
        return f"twisted-chat admin {self.name} {self.arguments}".rstrip()

    @property
    def help(self) -> str:
        return " ".join((self.run.__doc__ or "").split())


OPERATIONS: dict[str, Operation] = {}  # by name, in the order of the help


def operation(arguments: str = "", least: int = 0, most: int = 0) -> Callable[[Function], Function]:
    """Put a function into the table, under its name without a final underscore."""

    def put(run: Function) -> Function:
        name = run.__name__.rstrip("_")
        OPERATIONS[name] = Operation(name, arguments, least, most, run)
        return run

    return put


def operate(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Return the steps of an operation, from the words of a command line.

    Raises: BadUsage, ChatError.
    """
    name, *arguments = words or [""]
    found = OPERATIONS.get(name)
    if found is None:
        raise ChatError(f"there is no operation {name}: twisted-chat admin --help lists them")
    if not found.least <= len(arguments) <= found.most:
        raise BadUsage(found.usage)
    return found.run(hub, ask, arguments)


# -- accounts


@operation("ALIAS", 1, 1)
def owner(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Make ALIAS an owner of the chat, with a new account if need be, and print a code to log in with."""
    account = hub.decisions.accounts.called(words[0])
    if account is None:
        account = yield from _added(hub, ask, words[0])
    if account.role != "owner":
        hub.members.operate(ask, APPOINTED, account.alias, {"account": account.number, "role": "owner"})
        yield
    return [f"{account.alias} is an owner of this chat", *(yield from _code(hub, ask, account))]


@operation("[TEXT]", 0, 1)
def list_(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """List the accounts, or those with TEXT in their alias: role, and whether the member is here."""
    yield from ()
    wanted = text.key(words[0]) if words else ""
    accounts = [one for one in hub.decisions.accounts.by_number.values() if wanted in text.key(one.alias)]
    return [_line(hub, account) for account in sorted(accounts, key=lambda account: text.key(account.alias))]


def _line(hub: Hub, account: Account) -> str:
    person = hub.state.directory.called(account.alias)
    is_here = person is not None and person.account is account
    what = [account.role] + ["bot"] * account.is_bot + ["dropped"] * account.is_dropped
    what += ["suspended"] * account.is_suspended(hub.now()) + ["here"] * is_here
    return f"{account.alias}: {', '.join(what)}"


@operation("ALIAS [bot]", 1, 2)
def add(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Make an account, and print a code to log in with; with "bot", for a program: print a token."""
    if words[1:] not in ([], ["bot"]):
        raise BadUsage(OPERATIONS["add"].usage)
    is_bot = bool(words[1:])
    account = yield from _added(hub, ask, words[0], is_bot)
    if is_bot:
        return (yield from _token(hub, ask, account, "operator"))
    return (yield from _code(hub, ask, account))


@operation("ALIAS", 1, 1)
def code(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Print a code with which ALIAS can log in once, within an hour, for example after a forgotten password."""
    return (yield from _code(hub, ask, hub.members.called(words[0])))


@operation("ALIAS [NAME]", 1, 2)
def token(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Print a token with which a program can act as ALIAS until it is revoked."""
    return (yield from _token(hub, ask, hub.members.called(words[0]), words[1] if words[1:] else "operator"))


@operation("ALIAS member|admin|owner", 2, 2)
def role(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Change the role of a member."""
    account = hub.members.called(words[0])
    if words[1] not in ROLES:
        raise BadUsage(OPERATIONS["role"].usage)
    hub.members.operate(ask, APPOINTED, account.alias, {"account": account.number, "role": words[1]})
    yield
    return [f"{account.alias} is {'an' if words[1] != 'member' else 'a'} {words[1]} now"]


@operation("ALIAS [7d] [WHY ...]", 1, 100)
def suspend(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Refuse log-ins as ALIAS, for good or for some time (10m, 2h, 7d), and end the sessions."""
    account = hub.members.called(words[0])
    hub.members.operate(ask, SUSPENDED, account.alias, {"account": account.number, **_until_and_why(hub, words[1:])})
    yield
    return [f"{account.alias} is suspended: twisted-chat admin restore {account.alias} ends it"]


@operation("ALIAS", 1, 1)
def restore(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Admit log-ins as ALIAS again."""
    account = hub.members.called(words[0])
    hub.members.operate(ask, RESTORED, account.alias, {"account": account.number})
    yield
    return [f"{account.alias} may log in again"]


@operation("ALIAS [WHY ...]", 1, 100)
def drop(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Drop the account ALIAS for good. Nobody can have the alias after it."""
    account = hub.members.called(words[0])
    data = {"account": account.number, "credentials": account.numbers, **_why(words[1:])}
    hub.members.operate(ask, DROPPED, account.alias, data)
    yield
    return [f"the account of {account.alias} is dropped, and the alias stays reserved"]


@operation("ALIAS NEW", 2, 2)
def rename(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Give an account another alias. Its sessions end, and its secrets stay."""
    account = hub.members.called(words[0])
    former = account.alias
    hub.members.rename(ask, account, words[1])
    yield
    return [f"{former} is {account.alias} from now on"]


# -- who may come in


@operation("ALIAS|ADDRESS|NETWORK [7d] [guests] [WHY ...]", 1, 100)
def ban(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Refuse people who come as ALIAS, from an address or a network, or with a key, given by its fingerprint; with
    "guests", members may log in from there."""
    target, (seconds, scope, why) = words[0], terms(" ".join(words[1:]))
    data: dict[str, object] = {}
    try:
        if fingerprint := keys.fingerprint(target):
            data["key"] = target = fingerprint
        else:
            data["network"] = target = str(rules.network(target))
    except ValueError:
        account = hub.decisions.accounts.called(target)
        target = account.alias if account is not None else text.alias(target)
        data["who"] = account.who if account is not None else text.key(target)
    if scope == "guests":
        data["guests"] = True
    data |= rules.ending(hub.now(), seconds, why)
    hub.members.refuse_ban(data, hub.protected)
    hub.members.operate(ask, BANNED, target, data)
    yield
    number = max(hub.decisions.bans.by_number)
    return [f"{target} is banned: twisted-chat admin unban {number} ends it"]


@operation("NUMBER", 1, 1)
def unban(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Lift a ban, by its number."""
    number = int(words[0]) if words[0].isascii() and words[0].isdigit() else 0
    target = hub.members.banned(number)
    hub.members.operate(ask, UNBANNED, target, about=number)
    yield
    return [f"{target} is not banned any more"]


@operation()
def bans(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """List the bans with their numbers."""
    yield from ()
    standing = list(hub.decisions.bans.standing(hub.now()))
    return [_ban(one) for one in standing] or ["nobody is banned"]


def _ban(ban: rules.Ban) -> str:
    until = f", until {_when(ban.until)}" if ban.until else ""
    guests = ", guests only" if ban.is_for_guests else ""
    why = f" ({ban.why})" if ban.why else ""
    return f"{ban.number}: {ban.target}{guests}{until}, by {ban.author} on {_when(ban.when)}{why}"


@operation("on|off [WHY ...]", 1, 100)
def guests(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Open the chat to guests, or close it to them; those who are here stay."""
    if words[0] not in ("on", "off"):
        raise BadUsage(OPERATIONS["guests"].usage)
    is_on = words[0] == "on"
    hub.members.operate(ask, GUESTS_ADMITTED if is_on else GUESTS_REFUSED, "", _why(words[1:]) or None)
    yield
    return ["guests may come in" if is_on else "only members may come in from now on"]


@operation("[COUNT]", 0, 1)
def log(hub: Hub, ask: Ask, words: Sequence[str]) -> Lines:
    """Print the newest events of the server's log: who did what to whom, when and why."""
    count = words[0] if words else "20"
    if not (count.isascii() and count.isdigit() and 0 < int(count) <= MAX_LOG):
        raise ChatError(f"give a number of events from 1 to {MAX_LOG}")
    found: list[Event] = []
    hub.past.recall(ask, Query(SERVER, most=int(count), newest=True), found.extend)
    yield
    view = PlainView(stamps=True, dates=True, numbers=True)
    return view.encode(found).decode().splitlines() or ["the log is empty"]


# -- helpers


def _added(hub: Hub, ask: Ask, wanted: str, is_bot: bool = False) -> Generator[None, None, Account]:
    alias = hub.members.add(ask, wanted, is_bot)
    yield
    return hub.members.called(alias)


def _code(hub: Hub, ask: Ask, account: Account) -> Lines:
    secret = hub.members.operators_secret(ask, account, CODE)
    yield
    how = "answer alias? with the next line, once and within an hour; /password then sets a password"
    return [how, f"{account.alias} {secret}"]


def _token(hub: Hub, ask: Ask, account: Account, name: str) -> Lines:
    if any(one.kind == "token" and one.label == name for one in account.credentials):
        raise ChatError(f"{account.alias} has a token called {name}: give another name")
    secret = hub.members.operators_secret(ask, account, "token", name)
    yield
    return [f"this token acts as {account.alias}, and is not shown again:", secret]


def _until_and_why(hub: Hub, words: Sequence[str]) -> dict[str, object]:
    return rules.ending(hub.now(), *how_long_and_why(" ".join(words)))


def _why(words: Sequence[str]) -> dict[str, object]:
    return rules.ending(0.0, 0, text.reason(" ".join(words)))


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
