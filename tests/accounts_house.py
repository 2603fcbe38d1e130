"""Members of a house without Twisted: people with accounts, and with roles."""

from __future__ import annotations

import json

from twisted_chat.core.errors import ChatError
from twisted_chat.core.gate import Attempt
from twisted_chat.core.session import Ask
from twisted_chat.requests import table
from twisted_chat.requests.checked import checked
from twisted_chat.wire import jsonlines

PASSWORD = "four simple words"


def register(house, alias, *rooms, role="", view=None):
    """Return a member who has just registered, in the lobby and some rooms; everyone has read their lines."""
    person = house.enter(alias, view=view)
    done = []
    house.hub.members.register(Ask(person.session), PASSWORD, lambda: done.append(True))
    house.settle()
    assert done == [True]
    if role:
        appoint(house, alias, role)
    person.type(*(f"/join {room}" for room in rooms))
    for reader in house.people:
        reader.heard()
    return person


def appoint(house, alias, role):
    """Give a member a role, as the operator of the server does."""
    account = house.hub.members.called(alias)
    house.hub.members.operate(
        Ask(house.connect().session), "appointed", account.alias, {"account": account.number, "role": role}
    )
    house.settle()


def log_in(house, alias, view=None):
    """Return another session of a member; everyone has read all that they were sent."""
    answers = []
    house.hub.gate.prove(Attempt(alias, PASSWORD, "", False), answers.append)
    house.settle()
    person = house.connect(view)
    house.hub.claim(Ask(person.session), alias, proof=answers[0])
    house.settle()
    for reader in house.people:
        reader.heard()
    return person


def request(person, **fields):
    """Send a request as a program does; return its answer."""
    line = json.dumps({"id": "7", **fields}).encode()
    entry, ident, record = checked(jsonlines.parse(line), 4096)
    ask = Ask(person.session, f"x/{ident}", waits=not entry.posts)
    try:
        steps = record.run(person.house.hub, ask)
    except ChatError as error:
        ask.refuse(error)
        raise
    person.house.settle()
    if steps is None or isinstance(steps, table.Result):
        return steps
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        except ChatError as error:
            ask.refuse(error)
            raise
        person.house.settle()
        if ask.error is not None:
            raise ask.error
