"""Labels: the answer to a message has the label of the message (ircv3.net/specs/extensions/labeled-response)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ...wire.irc import Message, serialise, with_tag
from ...wire.irc_view import EchoTag

CAPABILITY: Final = "labeled-response"
_MAX_LENGTH: Final = 64  # bytes of a label


class Labelled:
    """The answer to a message with a label, as far as it is there."""

    __slots__ = ("label", "lines", "posts")

    def __init__(self, label: str) -> None:
        self.label = label
        self.lines: list[bytes] = []
        self.posts: list[str] = []  # the idents of what it says: their echoes, or an acknowledgement, have the label

    @classmethod
    def of(cls, message: Message, caps: frozenset[str]) -> Labelled | None:
        """Return the answer to a message, if it has a label that counts."""
        label = message.tags.get("label", "") if CAPABILITY in caps else ""
        return cls(label) if 0 < len(label.encode()) <= _MAX_LENGTH else None

    def answer(self, server: str, new_batch: Callable[[], str]) -> bytes:
        """Return the one labelled answer: a message, a batch of several, or an acknowledgement."""
        if self.posts:
            return b"".join(self.lines)  # such as that the person is away
        if not self.lines:
            return self.acknowledgement(server)
        if len(self.lines) == 1:
            return with_tag(self.lines[0], "label", self.label)
        if self.lines[0].partition(b" BATCH +")[1] and b" BATCH -" in self.lines[-1]:  # it is one batch already
            return with_tag(self.lines[0], "label", self.label) + b"".join(self.lines[1:])
        name = new_batch()
        begin = with_tag(_batch(server, f"+{name}", CAPABILITY), "label", self.label)
        lines = [line if line[:7] == b"@batch=" else with_tag(line, "batch", name) for line in self.lines]
        return begin + b"".join(lines) + _batch(server, f"-{name}")

    def echoes(self, server: str, new_batch: Callable[[], str]) -> Mapping[str, EchoTag]:
        """Return what the echo of each post has, by ident: the label, or a place in the batch that has it."""
        if len(self.posts) == 1:
            return {self.posts[0]: EchoTag("label", self.label)}
        name = new_batch()
        tags = dict.fromkeys(self.posts, EchoTag("batch", name))
        first, last = self.posts[0], self.posts[-1]
        begin = with_tag(_batch(server, f"+{name}", CAPABILITY), "label", self.label)
        tags[first] = tags[first]._replace(before=begin)
        tags[last] = tags[last]._replace(after=_batch(server, f"-{name}"))
        return tags

    def acknowledgement(self, server: str) -> bytes:
        """Return the message that says that it is done."""
        return with_tag(serialise(Message("ACK", (), server)), "label", self.label)


def _batch(server: str, *parameters: str) -> bytes:
    return serialise(Message("BATCH", parameters, server))
