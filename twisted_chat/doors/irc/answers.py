"""The answers to the messages of one IRC client, which have the labels of the messages.

An answer is what the talk writes, and the events that the message makes, as the client hears them: the echo of a post,
or its own JOIN. The view puts the label on these, so that they stay in their order with all that others do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ...core.errors import ChatError
from ...core.session import Ask
from ...wire.irc import Message
from ...wire.irc_view import AnswerTag, Own
from .labels import Labelled
from .people import WALLOPS
from .premises import IrcPremises
from .replies import Replies, TalkConnection

NOTHING: Final = MappingProxyType[Any, Any]({})  # shared by all talks without any


class Requested(NamedTuple):
    """A request that waits for its outcome."""

    ask: Ask
    command: str
    about: str
    then: Callable[[], None] | None
    refused: Callable[[ChatError], None] | None
    is_heard: bool  # the client hears the event of it, which answers it


class LabelledReplies(Replies):
    """Writes the answers to one client's messages: of each with a label, exactly one message or batch has it."""

    __slots__ = ("_batches", "_idents", "_labelled", "_labels", "_own", "modes")

    def __init__(self, premises: IrcPremises, connection: TalkConnection) -> None:
        super().__init__(premises, connection)
        self.modes = premises.shared(())  # the user modes, a letter each
        self._idents = 0
        self._batches = 0
        self._labelled: Labelled | None = None  # the answer to the message that is being obeyed, if it has a label
        self._labels: Mapping[str, AnswerTag] = NOTHING  # of posts whose echo is still to come, by ident
        self._own: AnswerTag | None = None  # of all other events of the client's own, while a request is pending

    def post(self, do: Callable[[Ask], object], about: str = "") -> None:
        """Say something; a refusal is answered.

        A label is on the echo or, without that, on the message that says that it is kept.
        """
        labelled, ask = self._labelled, Ask(self.session)
        if labelled is not None:
            ask = Ask(self.session, self._new_ident(), then=partial(self._is_posted, labelled, self._command, about))
        try:
            do(ask)
        except ChatError as error:
            self.refuse(error, about)
        else:
            if labelled is not None:
                labelled.posts.append(ask.ident)

    def listen(self) -> None:
        """Hear in the way that the capabilities and the user modes ask for."""
        shown = self.caps | {"wallops"} if WALLOPS in self.modes else self.caps
        view = self.premises.view(shown)
        ear = self.premises.ear(view, has_echo="echo-message" in self.caps)
        is_leaving = self.session.leaving is not None  # which ERROR answers
        if self._labels or self._own is not None or is_leaving:
            is_own = self._own is not None or is_leaving
            own = Own(self.session.id, self.session.alias, self._own) if is_own else None
            ear = ear._replace(view=replace(view, labels=tuple(self._labels.items()), own=own))
        self.hub.listen(self.session, ear)

    def write(self, data: bytes) -> None:
        labelled = self._labelled
        if labelled is None:
            super().write(data)
            return
        labelled.lines += data.splitlines(keepends=True)
        if labelled.batch and self._own is not None:  # it has begun: replies stand between the events
            super().write(labelled.in_batch())

    def new_batch(self) -> str:
        """Return the name of another batch."""
        self._batches += 1
        return str(self._batches)

    def expect_event(self) -> None:
        """Called when one of several events is asked for that answer the message: all of the answer is in a batch."""
        labelled = self._labelled
        if labelled is not None and self._own is None:
            super().write(labelled.begin(self.premises.name, self.new_batch()) + labelled.in_batch())
            self._own = labelled.event()
            self.listen()

    # -- for the talk

    def _begin_answer(self, message: Message) -> None:
        """Begin the answer to a message."""
        if message.command:
            self._labelled = Labelled.of(message, self.caps)

    def _is_obeyed(self, requests: Sequence[Requested]) -> None:
        """Called when a message is obeyed, but for its pending requests: label the events that are to come."""
        labelled = self._labelled
        if labelled is None:
            return
        labelled.is_whole = True
        if labelled.posts and "echo-message" in self.caps:
            self._labels = {**self._labels, **labelled.echoes(self.premises.name, self.new_batch)}
            self.listen()
        elif self._own is None and any(one.is_heard and one.ask.left for one in requests):
            if len(requests) == 1 and requests[0].then is None and not labelled.lines:
                labelled.is_heard = True  # unless it is refused
                self._own = AnswerTag("label", labelled.label)
            else:
                super().write(labelled.begin(self.premises.name, self.new_batch()))
                self._own = labelled.event()
            self.listen()
        if not requests:
            self._is_answered()

    def _is_refused(self) -> None:
        """Called when a request of the message is refused: its event is not heard."""
        if self._labelled is not None:
            self._labelled.is_heard = False

    def _is_answered(self) -> None:
        """Send the rest of the answer to a message with a label, unless it waits for posts."""
        labelled = self._labelled
        if labelled is None or not labelled.is_whole:
            return
        self._labelled = None
        if self._own is not None:
            self._own = None
            self.listen()
        if not labelled.posts:
            labelled.is_heard = labelled.is_heard and not self.session.is_behind
            self.write(labelled.answer(self.premises.name, self.new_batch))

    # -- helpers

    def _new_ident(self) -> str:
        self._idents += 1
        return f"{self.session.id:x}/{self._idents}"

    def _is_posted(self, labelled: Labelled, command: str, about: str, ask: Ask) -> None:
        """Called when a post with a label is kept, or refused: the echo, if there is any, has had the label."""
        is_heard = ask.ident in self._labels and not self.session.is_behind and ask.error is None
        self._forget_label(ask)
        if is_heard and not labelled.is_heard:
            labelled.is_heard = True
            labelled.lines.clear()  # they came before the echo
        if ask.error is not None:
            others, self._labelled, self._command = (self._labelled, self._command), labelled, command
            self.refuse(ask.error, about)
            self._labelled, self._command = others
        if ask.ident != labelled.posts[-1]:
            return
        if not labelled.is_heard:
            labelled.batch = ""  # it has not begun
        elif is_heard:
            return  # the last echo has ended it
        super().write(labelled.answer(self.premises.name, self.new_batch))

    def _forget_label(self, ask: Ask) -> None:
        if ask.ident in self._labels:
            self._labels = {ident: label for ident, label in self._labels.items() if ident != ask.ident}
            self.listen()
