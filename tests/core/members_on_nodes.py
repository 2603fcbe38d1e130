"""Members on several nodes: they register, log in on any of them, and decide who may enter and speak."""

from __future__ import annotations

from twisted_chat.core import rules
from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import APPOINTED, BANNED, GUESTS_ADMITTED, GUESTS_REFUSED, RESTORED, SUSPENDED, UNBANNED
from twisted_chat.core.gate import Attempt, Proof
from twisted_chat.core.session import Ask

from .nodes import ALIASES, PASSWORD, ROOMS, Nodes

MOST = 15  # sessions
HOSTS = ("", "", "192.0.2.7", "192.0.2.8", "198.51.100.1")
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
        own = [self.register, self.log_in, self.log_in, self.log_in, self.grant, self.sanction, self.relocate]
        own += [self.revoke, self.end_session, self.ban_a_guest, self.change_password, self.admit]
        return [*super().deeds(), *own, *decisions, *decisions]

    def step(self):
        self.log.seconds += self.chance.random() * SECONDS
        for node in self.nodes:
            node.now = self.log.seconds
        super().step()

    def arrival(self):
        person = super().arrival()
        person.host = self.chance.choice(HOSTS)
        return person

    def check(self):
        super().check()
        for node in self.nodes:
            assert not node.hub.dispatcher._effects._removals._waiting
            for person in node.people:
                session = person.session
                if not session.gone and session.person is not None:  # or a decision should have ended it
                    node.hub.state.refuse_stay(session.person, session.id, session.host, self.log.seconds, "", "")
                    assert not session.asks and session.pending.asking >= 0

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
                person.host = host
                self.guarded(lambda: node.hub.claim(Ask(person.session), alias, proof=answer))

        host = self.chance.choice(HOSTS)
        node.hub.gate.prove(Attempt(alias, secret, host, False), proved)

    def member(self):
        members = [one for one in self.everyone() if one.session.person and one.session.person.account]
        members = [one for one in members if one.session.leaving is None and one.session.may(posts=False)]
        if not members:
            raise ChatError("no member can do anything now")
        return self.chance.choice(members)

    def revoke(self):
        person = self.member()
        credentials = person.house.hub.members.credentials(person.session)
        if credentials:
            number = self.chance.choice(credentials).number
            person.house.hub.members.revoke(Ask(person.session, "/"), [number], lambda: None)

    def change_password(self):
        if self.chance.random() < 0.2:
            person = self.member()
            person.house.hub.members.change_password(Ask(person.session, "/"), PASSWORD, lambda _tokens: None)

    def end_session(self):
        """End another session of one's own, on any node."""
        person = self.member()
        session = self.chance.choice(person.session.person.sessions)
        if session != person.session.id:
            person.house.hub.members.end_session(Ask(person.session, "/"), session, lambda: None)

    def ban_a_guest(self):
        """Ban a guest's address, as an admin types it; what follows from the neighbours is typed, too."""
        if self.chance.random() < 0.3:
            admin, guest = self.member(), self.someone()
            scope = self.chance.choice(("", "guests", "guests", "all"))
            admin.ask(f"/ban {guest.session.alias} 90s {scope}")

    def relocate(self):
        """A program goes on from another address."""
        person = self.someone()
        if person.session.program:
            person.host = self.chance.choice(HOSTS)
            person.house.hub.dispatcher.relocate(person.session)

    def admit(self):
        """Close the chat to guests, or open it."""
        kind = GUESTS_REFUSED if self.chance.random() < 0.1 else GUESTS_ADMITTED
        self.operate(kind, "")

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
        ask = Ask(person.session, f"x/{len(self.log.events)}", waits=self.chance.random() < 0.5)
        getattr(person.house.hub.moderation, act)(ask, room, alias)

    def appoint(self):
        person, room, alias = self._operator()
        role = self.chance.choice(("operator", "operator", "member"))
        person.house.hub.moderation.appoint(Ask(person.session), room, alias, role)

    def restrict(self):
        person, room, _alias = self._operator()
        access = self.chance.choice(("open", "open", "private", "listen"))
        person.house.hub.moderation.restrict(Ask(person.session), room, access)

    def _operator(self):
        """Return somebody, as a rule an operator or a host, a room, and an alias, as a rule of somebody there."""
        person = self.someone()
        hub = person.house.hub
        rooms = [hub.rooms[name] for name in ROOMS if name in hub.rooms]
        operated = [
            room
            for room in rooms
            if rules.role_of(person.session.person, hub.decisions.rules.get(room.name)) >= rules.HOST
        ]
        room = self.chance.choice(operated or rooms)
        return person, room, self.chance.choice([*(one.alias for one in room.people), *ALIASES])
