"""KICK and INVITE: what a room's operators do to people."""

from __future__ import annotations

from functools import partial

from ....core import text
from ....wire import irc_text
from ....wire.irc import Message, listed
from .. import numerics
from ..numerics import IrcRefused
from ..table import capability, command, targets, token
from ..talk import IrcTalk

MAX_KICKS = 4  # people in one message
KICK_LENGTH = 200  # characters of a reason

capability("invite-notify")
targets(MAX_KICKS, "KICK")
token("KICKLEN", KICK_LENGTH)


@command("KICK", least=2)
def kick(talk: IrcTalk, message: Message) -> None:
    """Remove people from a room, with a reason."""
    room = talk.room_in(message.parameters[0])
    why = text.clean(irc_text.without_formats(message.parameters[2])) if len(message.parameters) > 2 else ""
    for nick in listed(message.parameters[1])[:MAX_KICKS]:
        with talk.answering():
            if talk.hub.state.directory.called(nick) not in room.people:
                raise IrcRefused(numerics.ERR_USERNOTINCHANNEL, nick, f"#{room.name}")
            remove = partial(talk.hub.moderation.remove, room=room, alias=nick, why=why[:KICK_LENGTH])
            talk.request(remove, about=f"#{room.name}", is_heard=True)


@command("INVITE")
def invite(talk: IrcTalk, message: Message) -> None:
    """Ask a person into a room: they may enter it whatever its access is. Without parameters, list the invitations."""
    if not message.parameters:
        _show_invitations(talk)
        return
    if len(message.parameters) < 2:
        raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, "INVITE")
    nick, wanted = message.parameters[:2]
    room = talk.room_in(wanted)
    person, account = talk.hub.state.directory.called(nick), talk.hub.decisions.accounts.called(nick)
    if person is None and account is None:
        raise IrcRefused(numerics.ERR_NOSUCHNICK, nick)
    if person in room.people:
        raise IrcRefused(numerics.ERR_USERONCHANNEL, nick, f"#{room.name}")
    invited = partial(talk.reply, numerics.RPL_INVITING, nick, f"#{room.name}")
    do = partial(talk.hub.moderation.invite, room=room, alias=nick, may_only_tell=True)
    talk.request(do, invited, about=f"#{room.name}")


def _show_invitations(talk: IrcTalk) -> None:
    """Show the rooms that a person is invited to, and not in."""
    me, now = talk.session.person, talk.hub.now()
    for room, rules in talk.hub.decisions.rules.items():
        if me is not None and room not in me.rooms and rules.has_invited(me, now):
            talk.reply(numerics.RPL_INVITELIST, f"#{room}")
    talk.reply(numerics.RPL_ENDOFINVITELIST)
