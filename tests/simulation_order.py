"""A run in which an admin keeps order: people are removed, kept out, silenced and banned, over kills and cuts."""

from __future__ import annotations

import re

from twisted_chat.admin.control import Operator

from .simulation import PEOPLE, PROGRAMS, ROOMS, Human, Simulation

ADMIN = "mona"
ACTS = (
    "/kick {}", "/kick {} enough", "/bar {} 3s", "/unbar {}", "/quiet {} 4s", "/quiet {} 30s noise", "/unquiet {}",
    "/invite {}", "/room listen", "/room open", "/room open",
)  # fmt: skip


class Admin(Human):
    """The admin, a bot at a netcat, who comes in with a token, says nothing, and notes nothing that she hears.

    A member who comes in again is given the private lines of before, perhaps again.
    """

    SAID = re.compile(rb"(?!)")

    def __init__(self, token):
        super().__init__(ADMIN)
        self.token = token
        self.acts = 0

    @property
    def first_line(self):
        return f"{ADMIN} {self.token}\n".encode()

    def feed(self, data):
        was_in = self.is_in
        super().feed(data)
        if self.is_in and not was_in:
            self.out += b"".join(f"/join {room}\n".encode() for room in ROOMS)


class KeptOrder(Simulation):
    """Also in the run: the acts of an admin."""

    def __init__(self, seed, *given):
        super().__init__(seed, *given)
        self.operate("add", ADMIN, "bot")
        (_words, token) = self.outcome
        self.operate("role", ADMIN, "admin")
        self.admin = Admin(token)
        self.readers.append(self.admin)
        self.steps += [self.act, self.ban]
        self.weights += [12, 0.5]

    def operate(self, *words):
        """Have the operator's tool do something."""
        outcomes = []
        Operator(self.server.hub, self.server.clock, outcomes.append).run(words)
        while not outcomes:
            self.advance(0.05)
        self.outcome = list(outcomes[0])

    def act(self):
        if self.admin.is_in and self.admin.pongs >= self.admin.pings:
            self.admin.acts += 1
            act = self.chance.choice(ACTS).format(self.chance.choice((*PROGRAMS, *PEOPLE)))
            self.admin.out += f"/join {self.chance.choice(ROOMS)}\n{act}\n".encode()

    def ban(self):
        """Ban an alias: the addresses are all the same."""
        words = "ban", self.chance.choice((*PROGRAMS, *PEOPLE)), "2s"
        Operator(self.server.hub, self.server.clock, lambda _outcome: None).run(words)
