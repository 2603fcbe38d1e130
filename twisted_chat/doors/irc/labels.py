"""Labels: the answer to a message has the label of the message (ircv3.net/specs/extensions/labeled-response)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ...wire.irc import Message, serialise, with_tag
from ...wire.irc_view import EchoTag

CAPABILITY: Final = "labeled-response"
_MAX_LENGTH: Final = 64  # bytes of a label


class Labelled:
    """The answer to a message with a label: the replies so far, and the events that belong to it."""

    __slots__ = ("batch", "is_heard", "is_whole", "label", "lines", "posts")

    def __init__(self, label: str) -> None:
        self.label = label
        self.lines: list[bytes] = []  # replies that are not written yet
        self.posts: list[str] = []  # the idents of the posts: their echoes have the label
        self.batch = ""  # the name of the batch with all of it, which has begun or begins with the first echo
        self.is_heard = False  # the reader has heard an event of it, with the label or in the batch
        self.is_whole = False  # the message is obeyed: no further posts or requests follow

    @classmethod
    def of(cls, message: Message, caps: frozenset[str]) -> Labelled | None:
        """Return the answer to a message, if it has a label that counts."""
        label = message.tags.get("label", "") if CAPABILITY in caps else ""
        return cls(label) if 0 < len(label.encode()) <= _MAX_LENGTH else None

    def answer(self, server: str, new_batch: Callable[[], str]) -> bytes:
        """Return the rest of the answer: a message, a batch of several, an acknowledgement, or nothing more."""
        if self.batch:
            return self.in_batch() + _batch(server, f"-{self.batch}")
        if self.is_heard:
            return b""
        if not self.lines:
            return with_tag(serialise(Message("ACK", (), server)), "label", self.label)
        if len(self.lines) == 1:
            return with_tag(self.lines[0], "label", self.label)
        if self.lines[0].partition(b" BATCH +")[1] and b" BATCH -" in self.lines[-1]:  # it is one batch already
            return with_tag(self.lines[0], "label", self.label) + b"".join(self.lines[1:])
        return self.begin(server, new_batch()) + self.in_batch() + _batch(server, f"-{self.batch}")

    def begin(self, server: str, name: str) -> bytes:
        """Return the message that begins the batch with all of the answer."""
        self.batch = name
        return with_tag(_batch(server, f"+{name}", CAPABILITY), "label", self.label)

    def in_batch(self) -> bytes:
        """Return the replies so far, as they are in the batch."""
        lines, self.lines = self.lines, []
        return b"".join([line if line[:7] == b"@batch=" else with_tag(line, "batch", self.batch) for line in lines])

    def echoes(self, server: str, new_batch: Callable[[], str]) -> Mapping[str, EchoTag]:
        """Return the tag of each post's echo, by ident: the label, or a place in the batch that has it."""
        if len(self.posts) == 1 and not self.lines:
            return {self.posts[0]: EchoTag("label", self.label)}
        before = self.begin(server, new_batch())
        before += b"".join([with_tag(line, "batch", self.batch) for line in self.lines])
        tags = dict.fromkeys(self.posts, EchoTag("batch", self.batch))
        first, last = self.posts[0], self.posts[-1]
        tags[first] = tags[first]._replace(before=before)
        tags[last] = tags[last]._replace(after=_batch(server, f"-{self.batch}"))
        return tags


def _batch(server: str, *parameters: str) -> bytes:
    return serialise(Message("BATCH", parameters, server))
