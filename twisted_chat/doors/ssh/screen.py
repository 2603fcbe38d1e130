"""A person's connection at a terminal: a row to type in, and above it all that they hear."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IDelayedCall

from ...core import text
from ...core.completion import KnownWords, first_argument, offers
from ...core.errors import ChatError
from ...core.session import Ask
from ...requests.table import COMMANDS
from ...wire.plain import PlainView
from ..splitter import END, Mark
from .channel import SessionChannel, SshTerminal
from .connection import SshChat, SshTalk
from .editor import Editor
from .outbox import ChannelOutbox

AT_ONCE = 256  # bytes of keys that are obeyed before others have their turn
NO_TERMINAL = ("", "dumb")  # they obey no control sequences: these get the lines of a pipe


class PastedBlock(Mark):
    """A block that was pasted: its lines are said as they are, whatever they begin with."""

    lines: Sequence[bytes]

    @classmethod
    def of(cls, lines: Sequence[bytes]) -> PastedBlock:
        """Return the mark of a block in the input."""
        mark = cls(b"/ a block")
        mark.lines = lines
        return mark


class RowOutbox:
    """The outbox of a terminal: what it sends is shown above the row."""

    def __init__(self, editor: Editor, channel: ChannelOutbox) -> None:
        self._editor = editor
        self._channel = channel

    @property
    def is_closed(self) -> bool:
        return self._channel.is_closed

    @is_closed.setter
    def is_closed(self, is_closed: bool) -> None:
        self._channel.is_closed = is_closed

    @property
    def keeps_up(self) -> bool:
        return self._channel.keeps_up

    @keeps_up.setter
    def keeps_up(self, keeps_up: bool) -> None:
        self._channel.keeps_up = keeps_up

    @property
    def status(self) -> int:
        """The exit status of the channel."""
        return self._channel.status

    @status.setter
    def status(self, status: int) -> None:
        self._channel.status = status

    def send(self, data: bytes | memoryview) -> bool:
        if data and not self.is_closed:
            self._editor.show(bytes(data))
        return self.keeps_up

    def drop(self, apology: bytes) -> None:
        self._editor.close()
        self._channel.drop(apology)

    def close(self, linger: bool) -> None:
        self._editor.close()
        self._channel.close(linger)

    def ended(self) -> None:
        """Do nothing: a channel ends with its close."""

    def lost(self) -> None:
        """Called when the channel is closed."""
        self._channel.lost()


class SshScreen(SshChat):
    """The connection of a person at a terminal."""

    _talk: ScreenTalk

    def __init__(self, channel: SessionChannel, terminal: SshTerminal) -> None:
        super().__init__(channel)
        self._editor = Editor(
            self._write, terminal.width, terminal.height, self, self.premises.limits.max_line
        )  # fmt: skip
        self._size: SshTerminal | None = None  # for which the row is not drawn yet
        self._typed = b""  # keys that are not obeyed yet
        self._is_at_end = False  # no more of them come
        self._next: IDelayedCall | None = None
        self._asks = False  # the row is the answer to a question

    def _begin_on_channel(self, view: PlainView) -> None:
        clock, limits = self.premises.clock, self.premises.limits
        inner = ChannelOutbox(self._channel, clock, limits, self.drained, self.stalled)
        self._channel.outbox = inner
        self._begin(RowOutbox(self._editor, inner), PlainView(eol="\r\n", colour=True))
        self.premises.hub.listen(self.session, self.session.ear._replace(bell=True))
        self._show_prompt()

    def _new_talk(self) -> ScreenTalk:
        return ScreenTalk(self, self._waiting)

    def _write(self, data: bytes) -> None:
        """Write to the terminal. A reader that does not keep up types nothing more, as its row would be drawn again."""
        outbox, reader = self._channel.outbox, self.session.reader
        if outbox is not None and not outbox.send(data) and reader is not None:
            reader.full()

    # -- keys

    def received(self, data: bytes) -> None:
        if not (self._outbox.is_closed or self._is_lost):
            self._typed += data
            self._type_on()

    def input_ended(self) -> None:
        self._peer_is_done = self._is_at_end = True
        self._type_on()

    def resized(self, terminal: SshTerminal) -> None:
        self._size = terminal
        self._guarded(self._resize)

    def _resize(self) -> None:
        """Draw the row for another size, if there is one: once a reader keeps up, or each size would wait as a row."""
        size = self._size
        if size is not None and self._outbox.keeps_up:
            self._size = None
            self._editor.resize(size.width, size.height)

    def _type_on(self) -> None:
        """Obey keys, as long as those before them are done and their lines taken."""
        if self._next is not None:
            return  # others have their turn first
        if self._typed and self._may_type:
            typed, self._typed = self._typed[:AT_ONCE], self._typed[AT_ONCE:]
            self._guarded(lambda: self._obey(typed))
        if self._outbox.is_closed or self._is_lost:
            self._typed = b""
        elif self._typed and self._may_type:
            self._next = self.premises.clock.callLater(0, self._take_turn)
        elif self._is_at_end and not self._typed:
            self._is_at_end = False
            self.asked_to_leave()
        self._channel.read_on(self.is_reading and not self._typed)

    @property
    def _may_type(self) -> bool:
        return self._outbox.keeps_up and self._delay is None and not self._waiting

    def _obey(self, typed: bytes) -> None:
        self.premises.hub.traffic.bytes_in += len(typed)
        wait = self.session.pace.take_bytes(len(typed), self.premises.clock.seconds())
        self._editor.feed(typed)
        if wait and not self._outbox.is_closed:
            self._slow_down(wait)

    def _take_turn(self) -> None:
        self._next = None
        self._type_on()

    def wake(self) -> None:
        super().wake()
        if not (self._outbox.is_closed or self._is_lost):
            self._guarded(self._resize)
            self._show_prompt()
            if self._typed and self._next is None:
                self._next = self.premises.clock.callLater(0, self._take_turn)

    def _read_on(self, on: bool) -> None:
        super()._read_on(on and not self._typed)

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return (*super()._calls(), self._next)

    # -- what the editor calls

    def entered(self, line: bytes) -> None:
        """Take a line at once, so that the row is ready for its answer: a secret that follows is not shown."""
        self._waiting.append(line)
        self.wake()

    def entered_block(self, lines: Sequence[bytes]) -> None:
        self._waiting.append(PastedBlock.of(lines))
        self.wake()

    def asked_to_leave(self) -> None:
        self._waiting.append(END)
        self.wake()

    def offers(self, before: str) -> Sequence[str]:
        hub, me = self.premises.hub, self.session
        words = KnownWords(
            {name: first_argument(command.arguments) for name, command in COMMANDS.items()},
            (room.name for room in hub.rooms_seen_by(me.person)),
            (person.alias for person in list(hub.aliases.values())),
            me.alias,
        )
        return offers(before, words)

    # -- the words before the row

    def _show_prompt(self) -> None:
        """Show the current room before the row, unless it is the answer to a question."""
        if self._asks:
            return
        view, current = self.session.ear.view, self.session.current
        self._editor.is_coloured = isinstance(view, PlainView) and view.colour
        self._editor.prompt(f"{current.name if current is not None else ''}> ")

    def prompt(self) -> None:
        self._asks = True
        self._editor.prompt("alias? ", is_question=True)

    def prompt_for_secret(self, prompt: str) -> None:
        self._asks = True
        self._editor.hide(True)
        self._editor.prompt(f"{prompt} ", is_question=True)

    def secret_read(self) -> None:
        self._asks = False
        self._editor.hide(False)
        self._show_prompt()

    def came_in(self) -> None:
        """Called when the person has an alias."""
        self._asks = False
        self._show_prompt()

    def drop_unfinished(self) -> bool:
        """Return False: what stands in the row is seen, and sent by nobody else."""
        return False


class ScreenTalk(SshTalk):
    """The lines of a person at a terminal."""

    __slots__ = ()

    _connection: SshScreen

    def take(self, most: int) -> int:
        block = self._waiting[0]
        return self._take_block(block) if isinstance(block, PastedBlock) else super().take(most)

    def entered(self) -> None:
        self._connection.came_in()
        super().entered()

    def _take_block(self, block: PastedBlock) -> int:
        """Say a block that was pasted."""
        me = self._connection.session
        if self.is_busy or not me.may(posts=True):
            return 0
        del self._waiting[0]
        if self._then is not None or not me.alias:
            me.refuse(ChatError("the block that you pasted is no answer, and was not said"))
        else:
            self._try(lambda ask: self._say(ask, block.lines))
        return len(block.lines)

    def _say(self, ask: Ask, block: Sequence[bytes]) -> None:
        lines = text.block(list(map(text.decoded, block)), self._connection.premises.limits.max_line)
        self._hub.say_block(ask, lines)
