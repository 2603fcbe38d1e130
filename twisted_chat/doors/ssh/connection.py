"""A person's connection through the ssh door: the plain lines of a pipe, or the rows of a terminal."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall

from ...core import text
from ...core.errors import Banned, TakenOver
from ...core.session import Ask
from ...requests import accounts
from ...wire.plain import PROMPT, PlainView
from ..connection import Connection
from ..delays import cancel
from ..person_talk import PersonTalk
from ..premises import Premises
from ..splitter import END, LineSplitter
from .auth import SshCaller, UserKey
from .channel import SessionChannel, SshTerminal
from .outbox import ChannelOutbox

DEAF_SECONDS = 1.0  # after a pipe is asked for another alias: its lines were sent before, and are no answer


class SshConnection(Connection):
    """The part that a person's and a command's connection share: one channel."""

    def __init__(self, channel: SessionChannel) -> None:
        transport = channel.conn.transport
        super().__init__(transport.premises, transport.address)
        assert transport.caller is not None, "only a client that has logged in opens channels"
        self.caller: SshCaller = transport.caller
        self._channel = channel
        self._transport = transport
        self._outbox: ChannelOutbox

    @property
    def kind(self) -> str:
        return "ssh"

    @property
    def is_overheard(self) -> bool:
        return False

    @property
    def key(self) -> UserKey | None:
        """The key that they have signed with."""
        return self.caller.key

    @property
    def key_fingerprint(self) -> str:
        """The fingerprint of that key, empty without one."""
        return self.caller.fingerprint

    @property
    def proven_key(self) -> str:
        return self.key_fingerprint

    def abort(self) -> None:
        self._channel.abort()

    @property
    def has_hung_up(self) -> bool:
        return self._transport.has_hung_up

    def closed(self) -> None:
        """Called when the channel is closed."""
        self._channel.outbox = None
        self._end()

    def resized(self, terminal: SshTerminal) -> None:
        """Called when the terminal has another size."""

    def _begin_on_channel(self, view: PlainView) -> None:
        clock, limits = self.premises.clock, self.premises.limits
        outbox = ChannelOutbox(self._channel, clock, limits, self.drained, self.stalled)
        self._channel.outbox = outbox
        self._begin(outbox, view)

    def _read_on(self, on: bool) -> None:
        self._channel.read_on(on)

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return ()


class SshChat(SshConnection):
    """The connection of a person who talks through a pipe: ``ssh -T host``, or with no terminal on the other side."""

    _talk: SshTalk

    def __init__(self, channel: SessionChannel) -> None:
        super().__init__(channel)
        self._terminal = channel.terminal
        self._deaf: IDelayedCall | None = None  # until then, what comes was sent before the question
        self._early: list[bytes] = []  # what has come meanwhile

    def begin(self) -> None:
        """Begin, and claim the alias that the client's user name is."""
        self._splitter = LineSplitter(self.premises.limits.max_line)
        self._begin_on_channel(PlainView(eol=self._channel.eol))
        self._talk = self._new_talk()
        hub = self.premises.hub
        try:
            hub.decisions.bans.refuse_address(self.host, hub.now(), self.key_fingerprint)
        except Banned as error:
            self._refuse(error)
            return
        if hub.decisions.accounts.with_key(self.key_fingerprint) is not None:
            self._guarded(self._talk.log_in_by_key)
            self.wake()
        elif is_alias_like(self.caller.user):
            self.premises.visits.give_way(self.caller.user, self.host, self.key_fingerprint)
            own = own_chat(self.premises, self.caller)
            if own is not None:
                own.give_way_to_own_key()
            self._waiting.append(self.caller.user.encode())
            self.wake()
        else:
            self.prompt()

    def _refuse(self, error: Banned) -> None:
        self.session.refuse(error)
        self._close()

    def _new_talk(self) -> SshTalk:
        return SshTalk(self, self._waiting)

    def received(self, data: bytes) -> None:
        if self._outbox.is_closed or self._is_lost:
            return
        self._guarded(lambda: self._take_chunk(data))

    def _take_chunk(self, data: bytes) -> None:
        wait = self.session.pace.take_bytes(len(data), self.premises.clock.seconds())
        self._take(self._splitter.feed(data))
        if wait:
            self._slow_down(wait)
        self.wake()

    def give_way_to_own_key(self) -> None:
        """Leave, because the same person comes in again: an old connection may only seem to be alive."""
        self.session.refuse(TakenOver())
        self.premises.hub.leave_all(self.session, "")

    def input_ended(self) -> None:
        self._peer_is_done = True
        if not self._outbox.is_closed:
            self._guarded(self._take_the_rest)

    def _take_the_rest(self) -> None:
        rest = self._splitter.take()
        self._take([rest, END] if rest else [END])
        self.wake()

    def _take(self, lines: list[bytes]) -> None:
        if self._deaf is None:
            self._waiting += lines
        else:
            self._early += lines

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return (self._deaf,)

    def _close(self, linger: bool = True) -> None:
        if not self.session.came_by:
            self._outbox.status = 1  # they never came in
        super()._close(linger)

    # -- called by the talk

    def prompt(self) -> None:
        self._outbox.send(PROMPT)
        if self._terminal is None:
            cancel(self._deaf)
            self._deaf = self.premises.clock.callLater(DEAF_SECONDS, self._hear)

    def _hear(self) -> None:
        """Take input again. The lines of a pipe that came meanwhile were sent before the question."""
        self._deaf = None
        early, self._early = self._early, []
        if early:
            self._waiting[:] = early
            self._guarded(self._talk.drop_early)
            self.wake()

    def claims(self) -> None:
        """Do nothing: the view is right from the start."""

    @property
    def can_ask(self) -> bool:
        return True

    def prompt_for_secret(self, prompt: str) -> None:
        self.session.write(prompt.encode())

    def secret_read(self) -> None:
        """Do nothing: nothing was hidden."""

    def drop_unfinished(self) -> bool:
        return self._splitter.drop()


class SshTalk(PersonTalk):
    """The lines of a person over ssh."""

    __slots__ = ("_key",)

    def __init__(self, connection: SshChat, waiting: list[bytes]) -> None:
        super().__init__(connection, waiting)
        self._key = connection.key

    def entered(self) -> None:
        if self._key is not None:  # an agent offers several, and the first one counts
            self._connection.session.notice(f"you are known by the key {self._key.words}")
        super().entered()

    def log_in_by_key(self) -> None:
        """Enter as the member whose key the client has, whatever its user name is."""
        self.is_busy = True
        accounts.log_in_by_key(self._hub, Ask(self._connection.session))

    def drop_early(self) -> None:
        """Drop the lines that were sent before the question could be read: they are no alias."""
        self._ask_again()


def own_chat(premises: Premises, caller: SshCaller) -> SshChat | None:
    """Return the connection of a guest in the chat who has the wanted alias, and came with the same key."""
    wanted = text.key(caller.user)
    for connection in premises.connections:
        if isinstance(connection, SshChat) and caller.key is not None and connection.key == caller.key:
            alias = connection.session.alias
            if alias and text.key(alias) == wanted and not connection.session.gone:
                return connection
    return None


def is_alias_like(user: str) -> bool:
    """Return whether a user name can be taken for the answer to ``alias?``: one word, and no command."""
    return bool(user) and user[:1] != "/" and len(user.split()) == 1 and user.isprintable()
