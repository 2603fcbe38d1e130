"""Capability negotiation: CAP, version 302 (ircv3.net/specs/extensions/capability-negotiation)."""

from __future__ import annotations

from ....wire.irc import Message, left_for_text
from .. import numerics
from ..numerics import IrcRefused
from ..table import CAPABILITIES, capability, command
from ..talk import IrcTalk

capability("account-notify")
capability("account-tag")
capability("cap-notify")
capability("chghost")  # nothing to do: hosts never change
capability("draft/no-implicit-names")
capability("echo-message")
capability("extended-join")
capability("labeled-response")
capability("message-tags")
capability("multi-prefix")
capability("no-implicit-names")
capability("server-time")
capability("standard-replies")
capability("userhost-in-names")

_IMPLIED = "cap-notify"  # by version 302: its clients cannot take it off


@command("CAP", least=1, is_early=True)
def cap(talk: IrcTalk, message: Message) -> None:
    """List capabilities, or take some on or off."""
    what = message.parameters[0].upper()
    subcommand = _SUBCOMMANDS.get(what)
    if subcommand is None:
        raise IrcRefused(numerics.ERR_INVALIDCAPCMD, message.parameters[0])
    subcommand(talk, message.parameters[1] if len(message.parameters) > 1 else "")


def _ls(talk: IrcTalk, version: str) -> None:
    """List the offered capabilities as the version in this request has them; the newest version stays known."""
    _begin(talk)
    is_302 = version.isascii() and version.isdecimal() and len(version) < 9 and int(version) >= 302
    if is_302:
        talk.knows_302 = True
        talk.caps = talk.premises.shared({*talk.caps, _IMPLIED})
    offered = []
    for name, one in sorted(CAPABILITIES.items()):
        if one.is_offered(talk):
            offered.append(f"{name}={one.value}" if one.value and is_302 else name)
    _list(talk, "LS", offered, in_lines=is_302)


def _list_own(talk: IrcTalk, rest: str) -> None:
    _list(talk, "LIST", sorted(talk.caps), in_lines=talk.knows_302)


def _list(talk: IrcTalk, what: str, names: list[str], in_lines: bool) -> None:
    """Send names; with ``in_lines`` in several lines if need be, all but the last of which have a star."""
    most = left_for_text(Message("CAP", (talk.nick, what, "*", ""), talk.premises.name))
    lines: list[list[str]] = [[]]
    for name in names:
        if len(" ".join([*lines[-1], name])) > most and in_lines:
            lines.append([])
        lines[-1].append(name)
    for line in lines[:-1]:
        talk.cap(what, "*", " ".join(line))
    talk.cap(what, " ".join(lines[-1]))


def _req(talk: IrcTalk, wanted: str) -> None:
    """Take all of the capabilities on or off, or none."""
    _begin(talk)
    caps = set(talk.caps)
    for word in wanted.split():
        name = word.removeprefix("-")
        found = CAPABILITIES.get(name)
        is_kept = word[0] == "-" and name == _IMPLIED and talk.knows_302
        if found is None or is_kept or (word[0] != "-" and not found.is_offered(talk)):
            talk.cap("NAK", wanted)
            return
        caps.discard(name) if word[0] == "-" else caps.add(name)
    talk.caps = talk.premises.shared(caps)
    talk.cap("ACK", wanted)
    talk.listen()
    if talk.watchlist is not None:
        talk.watchlist.follow()


def _end(talk: IrcTalk, rest: str) -> None:
    if talk.registration is not None:
        talk.registration.is_negotiating = False
        talk.registration.go_on(talk)


def _begin(talk: IrcTalk) -> None:
    """Wait with the registration until the client has sent CAP END."""
    if talk.registration is not None:
        talk.registration.is_negotiating = True


_SUBCOMMANDS = {"LS": _ls, "LIST": _list_own, "REQ": _req, "END": _end}
