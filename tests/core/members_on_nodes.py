"""Members on several nodes: they register, log in on any of them, and decide who may enter and speak."""

from __future__ import annotations

from twisted_chat.core import rules
from twisted_chat.core.events import APPOINTED, BANNED, RESTORED, SUSPENDED, UNBANNED
from twisted_chat.core.gate import Attempt, Proof
from twisted_chat.core.session import Ask

from .nodes import ALIASES, ROOMS, Nodes

PASSWORD = "four simple words"  # of everybody
MOST = 15  # sessions
SECONDS = 5.0  # that a step takes at most


class MemberNodes(Nodes):
    """Nodes and people of whom some are members. The first has to be an owner, or nobody would appoint anybody."""

    def __init__(self, seed, count):
        super().__init__(seed, count, moves=True)
        self.secrets = []  # codes and tokens, with their aliases
        self.operators = {}  # a session of the operator's tool at each node
        self.nodes[0].hub.members.add(self.operator(self.nodes[0]), "olga")
        self.settle()
        (account,) = self.nodes[0].hub.decisions.accounts.by_number.values()
        self.operate(APPOINTED, "olga", {"account": account.number, "role": "owner"})
        self.settle()

    def deeds(self):
        decisions = [self.remove, self.remove, self.bar, self.unbar, self.invite, self.restrict, self.appoint]
        decisions += [self.quiet, self.unquiet]
        own = [self.register, self.log_in, self.log_in, self.log_in, self.grant, self.sanction]
        return [*super().deeds(), *own, *decisions, *decisions]

    def step(self):
        self.log.seconds += self.chance.random() * SECONDS
        for node in self.nodes:
            node.now = self.log.seconds
        super().step()

    # -- accounts

    def operator(self, node):
        if node not in self.operators:
            self.operators[node] = node.connect()
        return Ask(self.operators[node].session)

    def operate(self, kind, alias, data=None, about=0):
        node = self.chance.choice(self.nodes)
        node.hub.members.operate(self.operator(node), kind, alias, data, about)

    def register(self):
        person = self.someone()
        person.house.hub.members.register(Ask(person.session, "/"), PASSWORD, lambda: None)

    def grant(self):
        person, kind = self.someone(), self.chance.choice(("code", "token"))
        alias = person.session.alias
        ask = Ask(person.session, "/")
        person.house.hub.members.grant(ask, kind, "", lambda secret: self.secrets.append((alias, secret)))

    def log_in(self):
        """Come in as a member, by a password or another secret, which may not be valid any more."""
        node = self.chance.choice(self.nodes)
        alias, secret = self.chance.choice([*self.secrets[-5:], (self.chance.choice(ALIASES), PASSWORD)])

        def proved(answer):
            if self.is_closed or node not in self.nodes or sum(1 for _ in self.everyone()) >= MOST:
                return
            if isinstance(answer, Proof):
                person = node.connect()
                self.guarded(lambda: node.hub.claim(Ask(person.session), alias, proof=answer))

        node.hub.gate.prove(Attempt(alias, secret, "", False), proved)

    def sanction(self):
        """Suspend an account or ban a guest, end that, or make an admin; not often, or nobody is here."""
        if self.chance.random() < 0.7:
            return
        decisions = self.chance.choice(self.nodes).hub.decisions
        if self.chance.random() < 0.5:
            account = self.chance.choice(list(decisions.accounts.by_number.values()))
            kind = self.chance.choice((SUSPENDED, RESTORED, APPOINTED, APPOINTED))
            data = {"role": "admin"} if kind == APPOINTED else {"until": self.log.seconds + 300}
            self.operate(kind, account.alias, {"account": account.number, **data})
        elif decisions.bans.by_number:
            self.operate(UNBANNED, "", about=self.chance.choice(list(decisions.bans.by_number)))
        else:
            alias = self.chance.choice(ALIASES)
            self.operate(BANNED, alias, {"who": alias.lower(), "until": self.log.seconds + 300})

    # -- rooms

    def remove(self):
        self._moderate("remove")

    def bar(self):
        self._moderate("bar")

    def unbar(self):
        self._moderate("unbar")

    def quiet(self):
        self._moderate("quiet")

    def unquiet(self):
        self._moderate("unquiet")

    def invite(self):
        self._moderate("invite")

    def _moderate(self, act):
        person, room, alias = self._operator()
        getattr(person.house.hub.moderation, act)(Ask(person.session), room, alias)

    def appoint(self):
        person, room, alias = self._operator()
        role = self.chance.choice(("operator", "operator", "member"))
        person.house.hub.moderation.appoint(Ask(person.session), room, alias, role)

    def restrict(self):
        person, room, _alias = self._operator()
        access = self.chance.choice(("open", "open", "private", "listen"))
        person.house.hub.moderation.restrict(Ask(person.session), room, access)

    def _operator(self):
        """Return somebody, as a rule an operator, a room, and an alias, as a rule of somebody there."""
        person = self.someone()
        hub = person.house.hub
        rooms = [hub.rooms[name] for name in ROOMS if name in hub.rooms]
        operated = [
            room for room in rooms if rules.role_of(person.session.person, hub.decisions.rules.get(room.name)) > 1
        ]
        room = self.chance.choice(operated or rooms)
        return person, room, self.chance.choice([*(one.alias for one in room.people), *ALIASES])
