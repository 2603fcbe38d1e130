"""The messages of one IRC client: registration first, then commands.

A command is a function in a file of ``commands``, where it is found by itself. It answers through the talk::

    @command("TOPIC", least=1)
    def topic(talk: IrcTalk, message: Message) -> None:
        \"\"\"Show or set the topic of a room.\"\"\"
        room = talk.room_in(message.parameters[0])                       # raises IrcRefused, which is answered
        if len(message.parameters) == 1:
            talk.reply(numerics.RPL_TOPIC, f"#{room.name}", room.topic)  # answers at once
        else:
            retitle = partial(talk.hub.retitle, topic=message.parameters[1], wanted=room.name)
            talk.request(retitle, about=f"#{room.name}")                 # asks the hub, and waits for the outcome

``request`` calls its function with an Ask. The next message is taken once nothing is pending; then ``then`` is called,
after the events of the request were written, or the refusal is answered with its numeric (refusals.py), about the room
or the nick that ``about`` names. ``post`` is for lines: their events are the answer, so it waits for nothing.

A capability or a token of 005 is one call in such a file, too: ``capability("setname")``,
``token("WHOX")``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from ...core import text
from ...core.errors import ChatError, NotUtf8, SecretAsked, SecretSaid
from ...core.room import Room
from ...core.session import Ask
from ...requests import accounts
from ...wire import irc
from ...wire.irc import Message
from ..splitter import TOO_LONG, Mark
from . import numerics, rooms, welcome
from .answers import NOTHING, LabelledReplies, Requested
from .numerics import IrcRefused
from .premises import IrcPremises
from .registration import Registration
from .replies import TalkConnection
from .runs import run_of
from .table import COMMANDS, IrcCommand
from .watchlist import Watchlist

_ANSWER: Final = 8192  # bytes of answers that count as one line more: a long list costs as much as many lines


class IrcTalk(LabelledReplies):
    """The messages of one client, in their order. While a request is pending, no other is taken, except posts."""

    __slots__ = (
        "_asked", "_shown", "_waiting", "closing", "knows_302", "marks", "registration", "watchlist",
    )  # fmt: skip

    takes_while_behind = False

    def __init__(self, premises: IrcPremises, connection: TalkConnection, waiting: list[bytes]) -> None:
        """``waiting``: the lines that were received and not taken yet."""
        super().__init__(premises, connection)
        self.knows_302 = False  # it understands that version of capability negotiation
        self.registration: Registration | None = Registration()  # until it is complete
        self.marks: Mapping[str, int] = NOTHING  # up to when the person has read, where only this connection knows it
        self.watchlist: Watchlist | None = None  # the aliases that the client watches, once it watches any
        self.closing = "Connection closed"  # the reason in the ERROR at the end
        self._waiting = waiting
        self._asked: tuple[Requested, ...] = ()
        self._shown: tuple[str, ...] = ()  # the rooms that the client has been shown

    # -- for commands

    def request(
        self,
        do: Callable[[Ask], object],
        then: Callable[[], None] | None = None,
        about: str = "",
        refused: Callable[[ChatError], None] | None = None,
        is_heard: bool = False,
    ) -> None:
        """Ask the hub for something, and call ``then`` once it is done, or answer the refusal.

        ``refused`` is called instead of an answer. ``is_heard``: the client hears the event of it, which answers it.
        """
        ask = Ask(self.session, self._new_ident(), waits=True)
        asked = Requested(ask, self._command, about, then, refused, is_heard)
        try:
            do(ask)
        except ChatError as error:
            self._refused(asked, error)
        else:
            self._asked += (asked,)
            self.go_on()

    def room_in(self, wanted: str) -> Room:
        """Return a room that the person is in, by its name with the #.

        Raises: IrcRefused.
        """
        room = self.room_called(wanted)
        if room.name not in self.session.rooms:
            raise IrcRefused(numerics.ERR_NOTONCHANNEL, f"#{room.name}")
        return room

    def room_called(self, wanted: str) -> Room:
        """Return a room that the person can see, by its name with the #.

        Raises: IrcRefused.
        """
        room = self.hub.rooms.get(
            wanted[1:] if wanted[:1] == "#" else ""
        )  # as they are told; the long way takes longer
        room = room or self.hub.rooms.get(rooms.name_of(wanted))
        if room is None or not self.hub.may_see(self.session.person, room):
            raise IrcRefused(numerics.ERR_NOSUCHCHANNEL, wanted)
        return room

    def show_room(self, name: str, then: Callable[[], None] = lambda: None) -> None:
        """Show a room, whose JOIN the client has seen, unless the person has left it; then call ``then``."""
        room = self.session.rooms.get(name)
        if room is not None:
            self._shown += (name,)
            rooms.show_join(self, room, then)
        else:
            then()

    def welcome(self) -> None:
        """Greet the client, whose alias is claimed."""
        registration = self.registration
        assert registration is not None, "it has asked for the alias"
        self.registration = None
        welcome.send(self)
        for room in self.session.rooms.values():  # a member's other devices are in these
            rooms.show_own_join(self, room)
        self._shown = tuple(self.session.rooms)
        accounts.show_missed(self.hub, Ask(self.session))
        person = self.session.person
        if registration.away is not None and person is not None and (registration.away or len(person.sessions) == 1):
            self.request(partial(self.hub.go_away, why=registration.away))  # without a reason, other devices count

    def close(self, words: str) -> None:
        """End the connection."""
        self._connection.goodbye(words)

    def leave(self, why: str) -> None:
        """Leave the chat; the connection ends once all is done that was asked for before. No secret is a reason."""
        self.closing = f"Quit: {why}" if why else "Quit"
        try:
            self.hub.leave_all(self.session, why)
        except SecretSaid:
            self.hub.leave_all(self.session, "")
        self.listen()

    # -- called by the connection

    @property
    def is_busy(self) -> bool:
        """Return whether a request waits for its outcome, or the client has not been shown a room that it is in."""
        return bool(self._asked) or (self._shown != tuple(self.session.rooms) and self.registration is None)

    def take(self, most: int) -> int:
        """Take as many messages as can be taken now; return how many."""
        taken, waiting, me = 0, self._waiting, self.session
        was_behind = me.is_behind  # then the connection is lost
        while waiting and taken < most and not self._asked and me.leaving is None and me.is_behind == was_behind:
            said = self._take_run(most - taken)
            if said:
                taken += said
                continue
            line = waiting[0]
            message = Message("") if isinstance(line, Mark) else irc.parse(line)
            entry = COMMANDS.get(message.command)
            if not me.may(posts=entry is not None and entry.posts and bool(me.alias)):
                break
            del waiting[0]
            self._take(line, message, entry)
            taken += 1 + self.written // _ANSWER
            self.written %= _ANSWER
        return taken

    def go_on(self) -> None:
        """Answer the requests that are done by now."""
        me = self.session
        while self._asked and not me.pending:
            asked, self._asked = self._asked, ()
            for one in asked:
                if me.leaving is not None:
                    return
                self._command = one.command
                if one.ask.error is not None:
                    self._refused(one, one.ask.error)
                elif one.then is not None:
                    one.then()
            if not self._asked:
                self._is_answered()
        if self.registration is None and not me.pending and me.leaving is None:
            for name in [name for name in me.rooms if name not in self._shown]:
                self.show_room(name)  # another device of the person has entered it
            self._shown = tuple(me.rooms)

    def entered(self) -> None:
        """Do nothing: the claim is a request, and greets when it is done."""

    def stop(self) -> None:
        """Called when the connection is lost: take the messages that were read, and no more."""
        self._asked = ()
        if self.watchlist is not None:
            self.watchlist.remove(list(self.watchlist.aliases.values()))

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Refuse to ask: the next line of a client is no answer.

        Raises: SecretAsked.
        """
        raise SecretAsked(prompt)

    def renewed(self) -> None:
        """Refuse another session.

        Raises: ChatError.
        """
        raise ChatError("log in as you connect: /quit first")

    # -- helpers

    def _take_run(self, most: int) -> int:
        """Take the leading lines that are said in one room, all at once; return how many."""
        me = self.session
        if self.registration is not None or not me.may(posts=True):
            return 0
        name, texts = run_of(self._waiting, self.prefix, most)
        room = me.rooms.get(name)
        if room is None or not texts:
            return 0
        del self._waiting[: len(texts)]
        self._command = "PRIVMSG"
        try:
            self.hub.say_lines(Ask(me), texts, room)
        except ChatError as error:
            for _text in texts:
                self.refuse(error, f"#{name}")
        return len(texts)

    def _take(self, line: bytes, message: Message, entry: IrcCommand | None) -> None:
        self._command = message.command
        self._begin_answer(message)
        with self.answering():
            if isinstance(line, Mark):
                self._take_mark(line)
            elif irc.is_too_long(line):
                raise IrcRefused(numerics.ERR_INPUTTOOLONG)
            elif message.command and self._is_utf8(line):
                self._obey(message, entry)
        self._is_obeyed(self._asked)

    def _take_mark(self, mark: Mark) -> None:
        if mark is TOO_LONG:
            self.hub.traffic.hit("line_too_long")
            raise IrcRefused(numerics.ERR_INPUTTOOLONG)
        self.leave("")

    def _obey(self, message: Message, entry: IrcCommand | None) -> None:
        if self.registration is not None and not (entry is not None and entry.is_early):
            raise IrcRefused(numerics.ERR_NOTREGISTERED)
        if entry is None:
            raise IrcRefused(numerics.ERR_UNKNOWNCOMMAND, message.command)
        if len(message.parameters) < entry.least:
            raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, message.command)
        entry.run(self, message)

    def _is_utf8(self, line: bytes) -> bool:
        """Return whether a line can be read; refuse it if not (ircv3.net/specs/extensions/utf8-only)."""
        try:
            text.decoded(line)
        except NotUtf8:
            if self._command != "NOTICE":
                command = self._command if self._command.isascii() else "*"
                self.fail(command, "INVALID_UTF8", words="Message rejected, your client must use UTF-8")
            return False
        return True

    def _refused(self, asked: Requested, error: ChatError) -> None:
        self._is_refused()
        if asked.refused is not None:
            asked.refused(error)
        else:
            self.refuse(error, asked.about)
