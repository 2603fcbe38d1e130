"""One post by a command, ``ssh host say ROOM TEXT``: the client's exit status is 0 once the journal has kept it."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Final

from twisted.python.failure import Failure

from ...core import text
from ...core.errors import BadUsage, BlockTooLong, ChatError, LineTooLong, NothingToSay, SecretNeeded
from ...core.events import EVERYONE
from ...core.gate import Attempt, Proof
from ...core.session import Ask, Session
from ..visits import Author, NotNow, Post, TooFast
from .auth import SshCaller
from .channel import SessionChannel, SshTerminal
from .connection import own_chat

SAY: Final = "say"
USAGE: Final = "say ROOM TEXT, or say ROOM with the text on standard input; ROOM may be @ALIAS, or * for everyone"


class ExecSay:
    """The post of one command: a visit, or a line beside the person's own session in the chat."""

    def __init__(self, channel: SessionChannel, rest: str) -> None:
        """``rest``: the words after ``say``."""
        transport = channel.conn.transport
        assert transport.caller is not None, "only a client that has logged in opens channels"
        self._caller: SshCaller = transport.caller
        self._premises = transport.premises
        self._address = transport.address
        self._host = transport.host
        self._channel = channel
        self._group, _space, self._text = rest.strip().partition(" ")
        self._input = b""
        self._is_over = False

    # -- called by the channel

    def begin(self) -> None:
        if not self._group or (self._channel.terminal is not None and not self._text.strip()):
            self._end(BadUsage(USAGE))  # no key of a terminal would end the input
        elif self._text.strip():
            self._try([self._text])

    def received(self, data: bytes) -> None:
        if self._is_over or self._text.strip():
            return
        self._input += data
        if len(self._input) > text.BLOCK_SIZE * self._premises.limits.max_line:
            self._end(BlockTooLong("standard input is longer than a block may be"))

    def input_ended(self) -> None:
        if not (self._is_over or self._text.strip()):
            self._guarded_input()

    def resized(self, terminal: SshTerminal) -> None:
        """Do nothing: it shows nothing."""

    def stop(self) -> None:
        self._end(NotNow("the server is stopping: this was not said"))

    def closed(self) -> None:
        self._is_over = True

    # -- the post

    def _guarded_input(self) -> None:
        try:
            lines = text.decoded(self._input).replace("\r\n", "\n").strip("\n").split("\n")
        except ChatError as error:
            self._end(error)
        else:
            self._try(lines)

    def _try(self, lines: Sequence[str]) -> None:
        try:
            self._say(self._checked(lines))
        except ChatError as error:
            self._end(error)

    def _checked(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the lines as they can be said.

        Raises: NothingToSay, LineTooLong, BlockTooLong, SecretSaid.
        """
        most = self._premises.limits.max_line
        if not any(text.clean(line).strip() for line in lines):
            raise NothingToSay
        if len(lines) > 1:
            found = text.block(lines, most)
        else:
            found = [text.clean(lines[0]).strip()]
            if len(found[0].encode()) > most:
                raise LineTooLong(most)
        self._premises.hub.refuse_secrets(*found)  # before anybody comes in to say it
        return found

    def _say(self, lines: Sequence[str]) -> None:
        """Say lines as the member whose key the client has, or as a guest.

        Raises: ChatError.
        """
        hub, key = self._premises.hub, self._caller.fingerprint
        hub.decisions.bans.refuse_address(self._host, hub.now(), key)
        if hub.decisions.accounts.with_key(key) is not None:
            hub.gate.prove(Attempt("", "", self._host, is_overheard=False, key=key), partial(self._proved, lines))
        else:
            self._say_as(text.alias(self._caller.user), None, lines)

    def _proved(self, lines: Sequence[str], found: Proof | ChatError) -> None:
        if isinstance(found, ChatError):
            self._end(found)
            return
        try:
            self._say_as(found.account.alias, found, lines)
        except ChatError as error:
            self._end(error)

    def _say_as(self, alias: str, proof: Proof | None, lines: Sequence[str]) -> None:
        """Say lines in a visit, or beside a guest's own session.

        Raises: ChatError.
        """
        group = self._group if self._group == EVERYONE or self._group[0] == "@" else text.room(self._group)
        post = Post(group, _ident(alias, group), lines)
        own = own_chat(self._premises, self._caller) if proof is None else None
        if own is not None and (group[0] in "@*" or group in own.session.rooms):
            self._say_beside(own.session, post)
        else:
            secret = self._caller.fingerprint if proof is None else ""
            author = Author(alias, self._host, secret, proof)
            self._premises.visits.say(author, post).addCallbacks(lambda _kept: self._end(None), self._failed)

    def _say_beside(self, session: Session, post: Post) -> None:
        """Say lines as a session that is here.

        Raises: ChatError.
        """
        now = self._premises.clock.seconds()
        wait = session.pace.wait(now)
        if wait:
            raise TooFast(math.ceil(wait))
        ask = Ask(session, post.ident, self._is_done)
        hub, (line, *more) = self._premises.hub, post.lines
        if more:
            hub.say_block(ask, post.lines, post.group)
        elif post.group == EVERYONE:
            hub.broadcast(ask, line)
        elif post.group[0] == "@":
            hub.tell(ask, post.group[1:], line)
        else:
            hub.say(ask, line, post.group)
        session.pace.take_lines(len(post.lines), now)

    # -- the outcome

    def _is_done(self, ask: Ask) -> None:
        """Called while the hub may be delivering: end in another turn."""
        self._premises.clock.callLater(0, self._end, ask.error)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        self._end(error if isinstance(error, ChatError) else ChatError("sorry, a fault of ours"))

    def _end(self, error: ChatError | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        if error is not None:
            self._channel.write_error(words_of(error))
        self._channel.exit(0 if error is None else 1)


def words_of(error: ChatError) -> str:
    """Return a refusal as one line for standard error."""
    if isinstance(error, SecretNeeded):
        return f"{error.alias} is a member's name: connect with a key of theirs, or as somebody else"
    return str(error)


def _ident(alias: str, group: str) -> str:
    """Return the ident of a post: no other has it."""
    who = hashlib.sha256(f"{text.key(alias)}\n{text.key(group)}".encode()).hexdigest()
    return f"ssh-{who[:16]}/{secrets.token_hex(16)}"
