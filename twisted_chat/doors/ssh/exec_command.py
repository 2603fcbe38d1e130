"""One slash command, ``ssh host rooms``: the answer on standard output, a refusal on standard error, an exit status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ...core.days import Day
from ...core.errors import ChatError, LineTooLong
from ...core.events import NOTICED, Event
from ...core.gate import Attempt, Proof
from ...core.reader import LIVE
from ...core.session import Ask
from ...requests import table
from ...requests.words import word
from ...wire.plain import PlainView
from ..splitter import END
from .channel import SessionChannel, SshTerminal
from .connection import SshConnection, own_chat
from .exec_say import words_of

IN: Final = "in"  # as in: ssh host in ops history 20


@dataclass(frozen=True)
class SilentView(PlainView):
    """The view until the command runs: nothing of how its author comes in is part of the answer."""

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return b""

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        return [b""] * len(events)


@dataclass(frozen=True)
class AnswerView(PlainView):
    """The view of a command's answer: the server's words, and events of the past; refusals go to standard error."""

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return super().encode([event for event in events if event.kind == NOTICED], bell)

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        return PlainView(eol=self.eol).encode_again(events, ident, day)

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        return [self.encode([event]) for event in events]


class ExecCommand(SshConnection):
    """The connection of one command.

    Its author comes in without a room, unless the command names one, so nobody sees them come and go.
    """

    _talk: ExecTalk

    def __init__(self, channel: SessionChannel, words: str) -> None:
        """``words``: the command, with or without its slash; ``in ROOM`` may stand before it."""
        super().__init__(channel)
        room, line = "", words
        first, rest = word(words)
        if first == IN:
            room, line = word(rest.lstrip())
        self._room, self._line = room, line.lstrip()

    def begin(self) -> None:
        self._begin_on_channel(SilentView(eol=self._channel.eol))
        line = self._line if self._line[:1] == "/" else f"/{self._line}"
        self._talk = ExecTalk(self, self._room, line, self._finish)
        wait = self.session.pace.take_lines(1, self.premises.clock.seconds())
        if wait:
            self._slow_down(wait)
        self.wake()

    @property
    def eol(self) -> str:
        """Return the end of a line of the answer."""
        return self._channel.eol

    @property
    def is_delayed(self) -> bool:
        """Return whether it has to wait, because too much came from its address."""
        return self._delay is not None

    def received(self, data: bytes) -> None:
        """Drop the input: a command takes none."""

    def input_ended(self) -> None:
        """Do nothing: the answer follows all the same."""

    def resized(self, terminal: SshTerminal) -> None:
        """Do nothing: the answer has lines of any length."""

    def _finish(self, error: ChatError | None) -> None:
        if error is not None:
            self._outbox.status = 1
            self._channel.write_error(words_of(error))
        self.premises.hub.leave_all(self.session, "")


class ExecTalk:
    """The steps of one command: the claim, the room, the request, and the end once all of its answer is written."""

    takes_while_behind = False

    def __init__(
        self, connection: ExecCommand, room: str, line: str, on_done: Callable[[ChatError | None], None]
    ) -> None:
        """``room``: to be in, if it is not empty. ``on_done`` gets the refusal, if there is one."""
        self._connection = connection
        self._hub = connection.premises.hub
        self._room, self._line = room, line
        self._on_done = on_done
        self._steps = [self._check, self._prove, self._claim, *([self._enter] if room else []), self._run]
        self._proof: Proof | None = None  # of a member
        self._ident = f"{connection.session.id:x}/1"  # no other session ever has this id
        self._ask = Ask(connection.session, self._ident)  # of the step before
        self.is_busy = True

    def go_on(self) -> None:
        """Called when all earlier steps may have happened."""
        while self.is_busy:
            session, reader = self._connection.session, self._connection.session.reader
            if self._connection.is_delayed or session.gone or not session.may(posts=False):
                return
            if self._ask.error is not None:
                self._end(self._ask.error)
            elif self._steps:
                self._try(self._steps.pop(0))
            elif reader is None or reader.state == LIVE:
                self._end(None)
            else:
                return

    def _try(self, step: Callable[[Ask], None]) -> None:
        ask = self._ask = Ask(self._connection.session, self._ident, lambda _ask: None)
        try:
            step(ask)
        except ChatError as error:
            self._end(error)

    def _check(self, ask: Ask) -> None:
        most = self._connection.premises.limits.max_line
        if len(self._line.encode()) > most:
            raise LineTooLong(most)

    def _prove(self, ask: Ask) -> None:
        hub, key = self._hub, self._connection.key_fingerprint
        if hub.decisions.accounts.with_key(key) is not None:
            attempt = Attempt("", "", self._connection.host, is_overheard=False, key=key)
            hub.past.ask(ask, partial(hub.gate.prove, attempt), self._proved)

    def _proved(self, proof: Proof) -> None:
        self._proof = proof

    def _claim(self, ask: Ask) -> None:
        caller, premises = self._connection.caller, self._connection.premises
        if self._proof is not None:
            self._hub.claim(ask, self._proof.account.alias, rooms=(), proof=self._proof)
            return
        premises.visits.give_way(caller.user, self._connection.host, caller.fingerprint)
        own = own_chat(premises, caller)
        self._hub.claim(ask, caller.user, rooms=(), beside=own.session.id if own is not None else 0)

    def _enter(self, ask: Ask) -> None:
        self._hub.join(ask, self._room)

    def _run(self, ask: Ask) -> None:
        session = self._connection.session
        view = AnswerView(eol=self._connection.eol)
        self._hub.listen(session, session.ear._replace(view=view))
        table.obey(self._hub, ask, table.parse(self._line))

    def _end(self, error: ChatError | None) -> None:
        self.is_busy = False
        self._on_done(error)

    # -- what a connection asks of any talk

    def take(self, most: int) -> int:
        """Take the end of the input, when the connection is lost: leave."""
        waiting = self._connection._waiting
        is_end = END in waiting
        waiting.clear()
        if is_end:
            self._hub.leave_all(self._connection.session, "")
        return 1

    def entered(self) -> None:
        """Do nothing: nobody is greeted."""

    def stop(self) -> None:
        """Do nothing: the request is done all the same."""

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Refuse to ask for a secret.

        Raises: ChatError.
        """
        raise ChatError("a command by ssh cannot ask for a secret: use a terminal, as in ssh -t host")

    def renewed(self) -> None:
        """Called before another session begins on this connection, which no command here does."""
