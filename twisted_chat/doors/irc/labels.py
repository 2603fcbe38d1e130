"""Labels: the answer to a message has the label of the message (ircv3.net/specs/extensions/labeled-response)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ...wire.irc import Message, serialise, with_tag
from ...wire.irc_view import AnswerTag

CAPABILITY: Final = "labeled-response"
_MAX_LENGTH: Final = 64  # bytes of a label


class Labelled:
    """The answer to a message with a label: the replies so far, and the events that belong to it."""

    __slots__ = ("batch", "has_batches", "is_heard", "is_whole", "label", "lines", "posts")

    def __init__(self, label: str, has_batches: bool) -> None:
        """``has_batches``: the client knows them; without them an answer of several messages has no label."""
        self.label = label
        self.has_batches = has_batches
        self.lines: list[bytes] = []  # replies that are not written yet
        self.posts: list[str] = []  # the idents of the posts: their echoes have the label
        self.batch = ""  # the name of the batch with all of it, which has begun or begins with the first echo
        self.is_heard = False  # the reader has heard an event of it, with the label or in the batch
        self.is_whole = False  # the message is obeyed: no further posts or requests follow

    @classmethod
    def of(cls, message: Message, caps: frozenset[str]) -> Labelled | None:
        """Return the answer to a message, if it has a label that counts."""
        label = message.tags.get("label", "") if CAPABILITY in caps else ""
        return cls(label, "batch" in caps) if 0 < len(label.encode()) <= _MAX_LENGTH else None

    def answer(self, server: str, new_batch: Callable[[], str]) -> bytes:
        """Return the rest of the answer: a message, a batch of several, an acknowledgement, or nothing more."""
        if self.batch:
            return self.in_batch() + self.end(server)
        if self.is_heard:
            return b""
        if not self.lines:
            return with_tag(serialise(Message("ACK", (), server)), "label", self.label)
        if len(self.lines) == 1:
            return with_tag(self.lines[0], "label", self.label)
        if self.lines[0].partition(b" BATCH +")[1] and b" BATCH -" in self.lines[-1]:  # it is one batch already
            return with_tag(self.lines[0], "label", self.label) + b"".join(self.lines[1:])
        return self.begin(server, new_batch()) + self.in_batch() + self.end(server)

    def begin(self, server: str, name: str) -> bytes:
        """Return the message that begins the batch with all of the answer."""
        self.batch = name
        return with_tag(_batch(server, f"+{name}", CAPABILITY), "label", self.label) if self.has_batches else b""

    def end(self, server: str) -> bytes:
        """Return the message that ends the batch."""
        return _batch(server, f"-{self.batch}") if self.has_batches else b""

    def in_batch(self) -> bytes:
        """Return the replies so far, as they are in the batch, and forget them."""
        written = b"".join(map(self._in_batch, self.lines))
        self.lines.clear()
        return written

    def event(self) -> AnswerTag:
        """Return the tag of an event in the batch."""
        return AnswerTag("batch", self.batch) if self.has_batches else AnswerTag("", "")

    def echoes(self, server: str, new_batch: Callable[[], str]) -> Mapping[str, AnswerTag]:
        """Return the tag of each post's echo, by ident: the label, or a place in the batch that has it."""
        if len(self.posts) == 1 and not self.lines:
            return {self.posts[0]: AnswerTag("label", self.label)}
        before = self.begin(server, new_batch())
        before += b"".join(map(self._in_batch, self.lines))
        tags = dict.fromkeys(self.posts, self.event())
        first, last = self.posts[0], self.posts[-1]
        tags[first] = tags[first]._replace(before=before)
        tags[last] = tags[last]._replace(after=self.end(server))
        return tags

    def _in_batch(self, line: bytes) -> bytes:
        is_within = line[:7] == b"@batch="  # of another batch, which is a part of the answer
        return line if is_within or not self.has_batches else with_tag(line, "batch", self.batch)


def _batch(server: str, *parameters: str) -> bytes:
    return serialise(Message("BATCH", parameters, server))
