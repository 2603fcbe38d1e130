"""Who is called what: aliases, what looks like them, and the public names of programs."""

from __future__ import annotations

from . import text
from .errors import AliasTaken
from .member import Member


class Directory:
    """Finds members by their names, of which each is one member's only."""

    def __init__(self) -> None:
        self.aliases: dict[str, Member] = {}  # by key
        self.looks: dict[str, Member] = {}  # by what an alias can be taken for
        self.clients: dict[str, Member] = {}  # by the public name of their program

    def refuse_taken(self, member: Member, alias: str) -> None:
        """Raises: AliasTaken, if somebody else has this alias, or one that looks like it."""
        holder = self.aliases.get(text.key(alias), member)
        if holder is not member:
            raise AliasTaken(alias, seconds=holder.door.free_in())
        for look in text.looks(alias):
            holder = self.looks.get(look, member)
            if holder is not member:
                raise AliasTaken(alias, holder.alias, holder.door.free_in())

    def take(self, member: Member, alias: str) -> None:
        """Give an alias that is free to a member, beside the one that they may have."""
        self.aliases[text.key(alias)] = member
        self.looks.update(dict.fromkeys(text.looks(alias), member))

    def give_back(self, member: Member, but: str = "") -> None:
        """Free a member's alias, but for what it has in common with their next one."""
        if member.key != text.key(but):
            del self.aliases[member.key]
        for look in text.looks(member.alias) - text.looks(but):
            del self.looks[look]

    def introduce(self, member: Member, client: str) -> None:
        """Give a member's program its public name, by which it is known after a reconnect."""
        self.forget_client(member)
        member.client = client
        self.clients[client] = member

    def forget_client(self, member: Member) -> None:
        """Forget the public name of a member's program, unless it has another member by now."""
        if self.clients.get(member.client) is member:
            del self.clients[member.client]
