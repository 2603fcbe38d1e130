"""Subjects: what each decision is about, under which its event stands until another event takes its place.

A subject is a short string, such as that of the access to a room. A journal opens with all events that stand, and need
not know what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from .access import has_password
from .data import FOUNDS, HOSTED, is_hosted

EXPELLED_SECONDS: Final = 60.0  # before a removed person may return to the room, unless invited
INVITED_SECONDS: Final = 86400.0  # in which an invited guest may enter; a member's invitation has no end


class Decided(Protocol):
    """An event, as far as its subject depends on it."""

    @property
    def group(self) -> str:
        """Return its log."""

    @property
    def number(self) -> int:
        """Return its number in the log."""

    @property
    def when(self) -> float:
        """Return when it happened."""

    @property
    def about(self) -> int:
        """Return the number of the event that it is about."""

    @property
    def data(self) -> Mapping[str, Any] | None:
        """Return its data."""


class Standing(NamedTuple):
    """Where an event stands."""

    sets: str = ""  # the subject of which this is the newest event; empty: it does not stand
    clears: tuple[str, ...] = ()  # subjects of which no event, and no verifier, stands any more
    secret: str = ""  # the subject of its verifier, if it is a Fact; one that sets nothing only replaces a verifier
    until: float = 0.0  # when it has no effect any more, in seconds since the epoch; 0: it has no end


Stands = Callable[[Decided], Standing]


def _data(event: Decided) -> dict[str, Any]:
    return dict(event.data or {})


def _end(event: Decided) -> float:
    return float(_data(event).get("until", 0.0))


def until_lifted(subject: str) -> Stands:
    """Return where an event stands whose subject is always the same."""
    return lambda event: Standing(subject)


def lifted(subject: str) -> Stands:
    """Return where the event that ends such a subject stands: nowhere."""
    return lambda event: Standing(clears=(subject,))


# -- in a room


def in_room(sets: str, *clears: str) -> Stands:
    """Return where a rule of a room about a person stands, and which rules it ends; ``sets`` may be empty."""

    def standing(event: Decided) -> Standing:
        if is_hosted(event.data):
            return Standing()
        begin, end = event.group, _data(event)["who"]
        cleared = tuple(f"{begin} {rule} {end}" for rule in clears)
        return Standing(f"{begin} {sets} {end}", cleared, until=_end(event)) if sets else Standing(clears=cleared)

    return standing


def removal(event: Decided) -> Standing:
    """Return where the removal of a person from a room stands, for its minute."""
    return in_room("removed")(event)._replace(until=event.when + EXPELLED_SECONDS)


def invitation(event: Decided) -> Standing:
    """Return where an invitation stands, a guest's for a day."""
    if is_hosted(event.data):
        return Standing()
    until = 0.0 if _data(event)["who"].startswith("#") else event.when + INVITED_SECONDS
    return in_room("invited", "barred", "removed")(event)._replace(until=until)


def restriction(event: Decided) -> Standing:
    """Return where a room's access stands. Its password stands beside it, until the access is without one."""
    data, room, hosts = _data(event), event.group, f"{event.group} hosts'"
    if not is_hosted(data):  # what the hosts have decided is over with it
        gone = () if has_password(data["access"]) else (f"{room} password",)
        return Standing(f"{room} access", (*gone, f"{hosts} access", f"{hosts} password"), f"{room} password")
    gone = () if has_password(data[HOSTED]) else (f"{hosts} password",)
    if not data[HOSTED]:
        return Standing(clears=(f"{hosts} access", *gone))
    return Standing(f"{hosts} access", gone, f"{hosts} password")


def operator(event: Decided) -> Standing:
    """Return where an appointment in a room stands. That of its founder stands beside one by another operator."""
    data = _data(event)
    if data["role"] != "operator":
        return in_room("", "operator", "founder")(event)
    return in_room("founder" if data.get(FOUNDS) else "operator")(event)


# -- in the server's log


def of_account(subject: str, clears: bool = False) -> Stands:
    """Return where an event about an account stands; or, with ``clears``, that none stands there after it."""

    def standing(event: Decided) -> Standing:
        name = f"{subject} {_data(event)['account']}"
        return Standing(clears=(name,)) if clears else Standing(name, until=_end(event))

    return standing


def registration(event: Decided) -> Standing:
    """Return where a registration stands, with its password."""
    return Standing(f"account {event.number}", secret=f"credential {event.number}")


def drop(event: Decided) -> Standing:
    """Return where the drop of an account stands, which ends all of its credentials."""
    data = _data(event)
    return Standing(f"dropped {data['account']}", tuple(f"credential {old}" for old in data.get("credentials", ())))


def name(event: Decided) -> Standing:
    """Return where a new name stands. Each does: who may register or be renamed next depends on all names before."""
    return Standing(f"name {event.number}")


def credential(event: Decided) -> Standing:
    """Return where a credential stands, and which older ones it ends."""
    subject = f"credential {event.number}"
    older = tuple(f"credential {old}" for old in _data(event).get("instead", ()))
    return Standing(subject, older, subject, _end(event))


def revocation(event: Decided) -> Standing:
    """Return which credentials a revocation ends."""
    return Standing(clears=tuple(f"credential {number}" for number in _data(event)["credentials"]))


def rehash(event: Decided) -> Standing:
    """Return whose verifier is replaced."""
    return Standing(secret=f"credential {_data(event)['credential']}")


def ban(event: Decided) -> Standing:
    """Return where a ban stands."""
    return Standing(f"ban {event.number}", until=_end(event))


def unban(event: Decided) -> Standing:
    """Return which ban is lifted."""
    return Standing(clears=(f"ban {event.about}",))
