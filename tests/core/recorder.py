"""A view for tests: a line is the place of its event in a list, so that the bytes tell which events were heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from twisted_chat.core.ports import View


@dataclass(eq=False)
class Recorder(View):
    events: list = field(default_factory=list)

    is_greeted: ClassVar[bool] = True
    wants_notices: ClassVar[bool] = True
    marks_days: ClassVar[bool] = True
    catches_up: ClassVar[bool] = False

    def encode(self, events, bell=False):
        first = len(self.events)
        self.events.extend(events)
        return b"".join(b"%d\n" % number for number in range(first, len(self.events)))

    def encode_again(self, events, ident, day):
        return self.encode(events)

    def each(self, events, encoded):
        return encoded.splitlines(keepends=True)

    def read(self, data):
        return [self.events[int(line)] for line in data.splitlines()]
