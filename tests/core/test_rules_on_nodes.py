"""Bans and devices on two nodes: each decision concerns people and sessions wherever they are served."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import APPOINTED, LEFT, REMOVED, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.wire.irc_view import IrcView
from twisted_chat.wire.jsonlines import JsonView

from .nodes import PASSWORD, Node, arrive, register, settle
from .nodes import log_in as log_in_at


def come(nodes, number, alias, host="", view=None):
    return arrive(nodes[number], alias, nodes[1 - number], view=view, host=host)


def member(nodes, number, alias, role=""):
    return register(nodes[number], alias, nodes[1 - number], role=role)


def log_in(nodes, number, alias, host=""):
    return log_in_at(nodes[number], alias, nodes[1 - number], host=host)


def typed(nodes, person, line):
    person.heard()
    person.ask(line)
    settle(*nodes)
    return person.heard()


def test_a_guest_at_another_node_is_banned_by_the_address(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob", "192.0.2.7")
    carol = come(nodes, 1, "carol", "192.0.2.8")
    heard = typed(nodes, alice, "/ban bob 2h spam")
    assert any(line.startswith("-- 192.0.2.7 is banned for 2 hours") for line in heard)
    assert bob.session.gone and not carol.session.gone
    assert [str(ban.network) for ban in nodes[1].hub.decisions.bans.by_number.values()] == ["192.0.2.7/32"]


def test_the_neighbours_of_a_guest_are_named_wherever_they_are(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob", "192.0.2.7")
    come(nodes, 0, "carol", "192.0.2.7"), come(nodes, 1, "dan", "192.0.2.7")
    (refused,) = typed(nodes, alice, "/ban bob 1h")
    assert refused.startswith("!! 192.0.2.7 is also carol's and dan's: /ban 192.0.2.7 1h guests bars guests only")
    assert not bob.session.gone


def test_no_ban_covers_a_person_of_a_higher_role_at_another_node(nodes):
    alice, olga = member(nodes, 0, "alice", "admin"), member(nodes, 1, "olga", "owner")
    laptop = log_in(nodes, 1, "olga", "192.0.2.9")
    assert typed(nodes, alice, "/ban 192.0.2.0/24") == ["!! you may not do that to an owner"]
    assert not (laptop.session.gone or olga.session.gone)


def test_nobody_bans_the_address_of_a_session_of_theirs_at_another_node(nodes):
    alice = member(nodes, 0, "alice", "admin")
    log_in(nodes, 1, "alice", "192.0.2.9")
    assert typed(nodes, alice, "/ban 192.0.2.0/24 guests") == ["!! that covers your own address: ban less"]


def test_a_guest_whose_program_goes_on_from_another_address_is_banned_there(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob", "192.0.2.7", view=JsonView())
    bob.host = "198.51.100.1"
    nodes[1].hub.dispatcher.relocate(bob.session)
    nodes[1].journal.refuse()  # the disk is full for a moment
    settle(*nodes)
    heard = typed(nodes, alice, "/ban bob")
    assert any("198.51.100.1 is banned" in line for line in heard) and bob.session.gone


def test_a_session_at_another_node_is_listed_and_ended(nodes):
    alice = member(nodes, 0, "alice")
    phone, tablet = log_in(nodes, 1, "alice", "192.0.2.9"), log_in(nodes, 1, "alice", "192.0.2.10")
    listed = typed(nodes, alice, "/devices")
    names = {line.partition(":")[0]: line for line in listed if "another server" in line}
    (name,) = (name for name, line in names.items() if "192.0.2.9," in line)
    assert len(names) == 2
    name = name.removeprefix("-- ")
    heard = typed(nodes, alice, f"/devices {name} off")
    assert heard == ["-- ended: a terminal from 192.0.2.9, by way of another server"]
    assert phone.session.gone and not (tablet.session.gone or alice.session.gone)
    assert "!! you are logged out: another device of yours has ended this one" in phone.heard()
    assert typed(nodes, alice, f"/devices {name} off")[0].startswith("!! type it like this")


def test_nobody_ends_the_session_of_another_person(nodes):
    alice, bob = member(nodes, 0, "alice"), come(nodes, 1, "bob")
    asked = f"{bob.session.id >> 32}-{bob.session.id & 0xFFFFFFFF}"
    assert typed(nodes, alice, f"/devices {asked} off")[0].startswith("!! type it like this")
    with pytest.raises(ChatError, match="no such device"):
        nodes[0].hub.members.end_session(Ask(alice.session), bob.session.id, lambda: None)
    assert not bob.session.gone


@pytest.mark.parametrize("by", ["leave", "kick"])
def test_a_member_who_is_out_of_a_new_room_at_once_is_made_its_operator_once(nodes, by):
    alice, olga = member(nodes, 0, "alice"), member(nodes, 1, "olga", "admin")
    phone = log_in(nodes, 1, "alice")
    olga.ask("/join ops")
    settle(*nodes)
    alice.ask("/join dev")
    nodes[0].journal.commit()
    if by == "leave":
        phone.house.hub._move(LEFT, Ask(phone.session), "dev")
    else:
        data = {"room": "dev", "who": alice.session.person.account.who, "by": "olga"}
        nodes[1].journal.append(Event(REMOVED, "", "alice", origin=olga.session.id, data=data))
    for _ in range(20):  # not until they are quiet: without end they never are
        for node in nodes:
            node.journal.commit()
            node.journal.pull(100)
    assert not any(node.journal.waiting or node.journal.is_behind for node in nodes)
    events = nodes[0].journal.log.events
    assert sum(event.kind == APPOINTED and event.group == "dev" for event in events) == 1
    assert "dev" not in alice.session.rooms


def test_all_sessions_of_a_guest_who_registers_stay(nodes):
    laptop = arrive(nodes[0], "alice", nodes[1])
    phone = arrive(nodes[1], "alice", nodes[0], beside=laptop)
    nodes[0].hub.members.register(Ask(laptop.session, "/"), PASSWORD, lambda: None)
    settle(*nodes)
    bob = member(nodes, 1, "bob", "admin")
    typed(nodes, bob, "/ban 203.0.113.9")  # after which all sessions are checked
    assert not (phone.session.gone or laptop.session.gone)
    assert [seat.credential for seat in phone.session.person.seats] == [phone.session.person.account.number] * 2


def test_a_session_beside_a_members_ends_with_the_same_credential(nodes):
    laptop = register(nodes[0], "alice", nodes[1])
    phone = log_in(nodes, 1, "alice")
    command = arrive(nodes[1], "alice", nodes[0], beside=phone)
    nodes[0].hub.members.change_password(Ask(laptop.session, "/"), PASSWORD, lambda _tokens: None)
    nodes[0].journal.commit()
    late = nodes[1].connect()
    nodes[1].hub.claim(Ask(late.session), "alice", beside=phone.session.id)  # before it hears of that
    settle(*nodes)
    assert command.session.gone and phone.session.gone and not late.session.alias
    assert not laptop.session.gone


def test_a_session_that_resumes_at_another_node_does_not_outlive_its_credential(nodes):
    laptop, phone = member(nodes, 0, "alice"), log_in(nodes, 0, "alice")
    nodes[0].hub.members.change_password(Ask(laptop.session, "/"), PASSWORD, lambda _tokens: None)
    nodes[0].journal.commit()
    again = nodes[1].connect()
    nodes[1].hub.resume(Ask(again.session), phone.session.id)  # before anybody hears of the password
    nodes[1].journal.commit()
    settle(*nodes)
    assert again.session.gone and not laptop.session.gone


def test_a_person_who_leaves_a_room_while_they_are_removed_from_it_is_out_and_goes_on(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob")
    alice.ask("/kick bob")
    nodes[0].journal.commit()
    bob.ask("/leave lobby")  # before that node hears of it
    nodes[1].journal.commit()
    settle(*nodes)
    assert not bob.session.rooms and bob.session.may(posts=False)


def test_sessions_that_follow_one_that_came_by_a_code_outlive_the_next_decision(nodes):
    laptop, codes = member(nodes, 0, "alice", "admin"), []
    nodes[0].hub.members.grant(Ask(laptop.session, "/"), "code", "", codes.append)
    settle(*nodes)
    phone = log_in_at(nodes[1], "alice", nodes[0], secret=codes[0])
    command = arrive(nodes[1], "alice", nodes[0], beside=phone)
    again = nodes[0].connect()
    nodes[0].hub.resume(Ask(again.session), phone.session.id)
    settle(*nodes)
    typed(nodes, laptop, "/ban 203.0.113.9")  # after which all sessions are checked
    assert phone.session.gone and not (command.session.gone or again.session.gone)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_program_that_removes_a_person_at_another_node_is_answered_once_the_room_has_it(nodes, is_lost):
    log, alice = nodes[0].journal.log, member(nodes, 0, "alice", "admin")
    come(nodes, 1, "bob")
    nodes[0].hub.moderation.remove(Ask(alice.session, "x/1", waits=True), nodes[0].hub.rooms["lobby"], "bob")
    nodes[0].journal.commit()
    nodes[0].journal.pull(8)
    assert alice.session.pending and alice.session.asks
    if is_lost:  # before that node has removed bob
        log.bury(nodes[1].journal)
        nodes[1] = Node(log, Limits(), nodes[0])
    settle(*nodes)
    assert not alice.session.pending and not alice.session.asks
    assert [event.kind for event in nodes[0].hub.rooms["lobby"].tail].count(REMOVED) == 1


def test_what_a_member_does_at_one_node_says_so_at_the_other(nodes):
    alice = member(nodes, 0, "alice", "admin")
    come(nodes, 1, "bob")
    ira = come(nodes, 1, "ira", view=IrcView("chat.example", "double", frozenset({"account-tag", "away-notify"})))
    assert list(ira.session.rooms) == ["lobby"]
    ira.heard()
    for line in ("hi", "/away", "/back", "/kick bob", "/leave", "/join lobby"):
        typed(nodes, alice, line)
    lines = [line.rstrip("\r").split(" ")[:3] for line in ira.heard()]
    assert [(tags, source, command) for tags, source, command in lines] == [
        ("@account=alice", ":alice!~u@chat", command) for command in ("PRIVMSG", "AWAY", "AWAY", "KICK", "PART", "JOIN")
    ]


def test_who_is_watched_from_another_node_is_seen_to_go_away(nodes):
    alice = member(nodes, 0, "alice")
    ira = come(nodes, 1, "ira", view=IrcView("chat.example", "double", frozenset({"away-notify"})))
    typed(nodes, ira, "/leave lobby")
    ira.session.watching = {"alice"}
    ira.heard()
    typed(nodes, alice, "/away tea")
    assert ira.heard() == [":alice!~u@chat AWAY :tea\r"]
