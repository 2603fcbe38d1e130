"""Labels on IRC: each labelled message has exactly one answer with its label."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import NotKept
from twisted_chat.wire.irc import parse

from ...irc import SERVER, enter, member

CAPS = "labeled-response batch"


@pytest.fixture
def alice(door):
    return enter(door, "alice", "tea", caps=CAPS)


def tags(line):
    return parse(line.encode()).tags


def test_one_message_has_the_label(alice):
    assert alice.ask("@label=x1 PING abc") == [f"@label=x1 :{SERVER} PONG {SERVER} :abc"]
    assert alice.ask("@label=x2 PRIVMSG #nowhere :hi") == [f"@label=x2 :{SERVER} 403 alice #nowhere :No such channel"]


def test_several_messages_are_a_batch_with_the_label(alice):
    begin, *within, end = alice.ask("@label=x1 WHOIS alice")
    assert begin == f"@label=x1 :{SERVER} BATCH +1 labeled-response" and end == f":{SERVER} BATCH -1"
    assert all(tags(line)["batch"] == "1" and "label" not in tags(line) for line in within)
    assert [parse(line.encode()).command for line in within] == ["311", "319", "312", "320", "317", "318"]
    assert alice.ask("@label=x2 NAMES #tea")[0] == f"@label=x2 :{SERVER} BATCH +2 labeled-response"


def test_a_message_without_an_answer_is_acknowledged(alice):
    assert alice.ask("@label=x1 PONG abc") == [f"@label=x1 :{SERVER} ACK"]


def test_a_request_is_answered_once_it_has_happened(alice):
    assert (
        alice.ask("@label=x1 AWAY :lunch")[-1] == f"@label=x1 :{SERVER} 306 alice :You have been marked as being away"
    )
    assert alice.ask("@label=x2 JOIN #cake") == [
        f"@label=x2 :{SERVER} BATCH +1 labeled-response",
        "@batch=1 :alice!~u@chat JOIN #cake",
        f"@batch=1 :{SERVER} 353 alice = #cake :@alice",
        f"@batch=1 :{SERVER} 366 alice #cake :End of /NAMES list",
        f":{SERVER} BATCH -1",
    ]
    alice.send("MODE #cake -o alice")
    assert alice.ask("@label=x3 MODE #cake +i") == [f"@label=x3 :{SERVER} 482 alice #cake :You're not channel operator"]


def test_a_change_of_modes_has_the_label_or_is_in_a_batch(alice):
    alice.send("JOIN #cake")
    assert alice.ask("@label=x1 MODE #cake +im") == ["@label=x1 :alice!~u@chat MODE #cake +im"]
    assert alice.ask("@label=x2 MODE #cake +tb eve") == [
        f"@label=x2 :{SERVER} BATCH +1 labeled-response",
        "@batch=1 :alice!~u@chat MODE #cake +b eve!*@*",
        "@batch=1 :alice!~u@chat MODE #cake +t",
        f":{SERVER} BATCH -1",
    ]
    assert alice.ask("@label=x3 MODE #cake +t") == [f"@label=x3 :{SERVER} ACK"]


def test_a_post_is_acknowledged_once_it_is_kept(door, alice):
    bob = enter(door, "bob", "tea")
    assert alice.ask("@label=x1 PRIVMSG #tea :hi") == [f"@label=x1 :{SERVER} ACK"]
    assert bob.read() == [":alice!~u@chat PRIVMSG #tea :hi"]
    bob.send("AWAY :lunch")
    assert alice.ask("@label=x2 PRIVMSG bob :hi") == [f"@label=x2 :{SERVER} 301 alice bob :lunch"]


def test_the_event_of_a_request_is_its_answer_and_has_the_label(door, alice):
    bob = enter(door, "bob", "tea", caps=CAPS)
    assert alice.ask("@label=x1 TOPIC #tea :hot") == ["@label=x1 :alice!~u@chat TOPIC #tea :hot"]
    assert alice.ask("@label=x2 NICK anna") == ["@label=x2 :alice!~u@chat NICK anna"]
    assert alice.ask("@label=x3 PART #tea :bye") == ["@label=x3 :anna!~u@chat PART #tea :bye"]
    assert bob.read() == [
        ":alice!~u@chat TOPIC #tea :hot",
        ":alice!~u@chat NICK anna",
        ":anna!~u@chat PART #tea :bye",
    ]
    assert alice.ask("@label=x4 NICK anna") == [f"@label=x4 :{SERVER} ACK"]
    assert alice.ask("@label=x5 NICK bob")[0].startswith(f"@label=x5 :{SERVER} 433 anna bob :")
    assert alice.ask("NICK alice") == [":anna!~u@chat NICK alice"]
    assert alice.chat.session.ear.view.own is None


def test_a_kick_is_answered_by_itself(door, alice):
    bob, eve = enter(door, "bob", "tea"), enter(door, "eve", "tea")
    assert alice.ask("@label=x1 KICK #tea bob :spam") == ["@label=x1 :alice!~u@chat KICK #tea bob :spam"]
    assert eve.read() == [":alice!~u@chat KICK #tea bob :spam"] == bob.read()
    assert alice.ask("@label=x2 KICK #tea bob")[0].startswith(f"@label=x2 :{SERVER} 441 alice bob #tea :")


def test_the_events_of_a_message_to_several_rooms_are_a_batch(alice):
    lines = alice.ask("@label=x1 JOIN #tea,#cake,#pie,a")
    assert lines[0] == f"@label=x1 :{SERVER} BATCH +1 labeled-response" and lines[-1] == f":{SERVER} BATCH -1"
    assert all(tags(line) == {"batch": "1"} for line in lines[1:-1])
    codes = [parse(line.encode()).command for line in lines[1:-1]]
    assert codes == ["JOIN", "353", "366"] * 2 + ["403"], codes
    assert alice.ask("@label=x2 PART #cake,#pie,#nowhere") == [
        f"@label=x2 :{SERVER} BATCH +2 labeled-response",
        "@batch=2 :alice!~u@chat PART #cake",
        "@batch=2 :alice!~u@chat PART #pie",
        f"@batch=2 :{SERVER} 403 alice #nowhere :No such channel",
        f":{SERVER} BATCH -2",
    ]


def test_the_lines_of_others_stay_in_their_order_and_have_no_label(door, alice):
    bob = enter(door, "bob", "cake")
    alice.chat.dataReceived(b"@label=x1 JOIN #cake\r\n")
    bob.send("PRIVMSG #cake :welcome")
    lines = alice.read()
    assert lines[:2] == [f"@label=x1 :{SERVER} BATCH +1 labeled-response", "@batch=1 :alice!~u@chat JOIN #cake"]
    assert lines.count(":bob!~u@chat PRIVMSG #cake :welcome") == 1 and lines[-1] == f":{SERVER} BATCH -1"


@pytest.mark.parametrize("echo", ["", "echo-message"])
def test_the_refusals_of_a_message_to_several_and_its_echo_are_one_answer(door, echo):
    alice = enter(door, "alice", "tea", caps=f"{CAPS} {echo}")
    answer = alice.ask("@label=x1 PRIVMSG no-one,#tea :hi")
    refusal = f":{SERVER} 401 alice no-one :No such nick/channel"
    if not echo:
        assert answer == [f"@label=x1 {refusal}"]
        return
    assert answer == [
        f"@label=x1 :{SERVER} BATCH +1 labeled-response",
        f"@batch=1 {refusal}",
        "@batch=1 :alice!~u@chat PRIVMSG #tea :hi",
        f":{SERVER} BATCH -1",
    ]


def test_the_echo_of_a_post_has_the_label_and_nothing_else_has(door):
    alice = enter(door, "alice", "tea", caps=f"{CAPS} echo-message")
    bob = enter(door, "bob", "tea", caps=f"{CAPS} echo-message")
    assert alice.ask("@label=x1 PRIVMSG #tea :hi") == ["@label=x1 :alice!~u@chat PRIVMSG #tea :hi"]
    assert bob.read() == [":alice!~u@chat PRIVMSG #tea :hi"]
    assert alice.ask("PRIVMSG #tea :ho") == [":alice!~u@chat PRIVMSG #tea :ho"]
    bob.read()
    assert alice.ask("@label=x2 NOTICE bob :psst") == ["@label=x2 :alice!~u@chat NOTICE bob :psst"]
    assert bob.read() == [":alice!~u@chat NOTICE bob :psst"]
    assert alice.ask("@label=x3 PRIVMSG #tea :\x02") == [f"@label=x3 :{SERVER} 412 alice :No text to send"]


def test_posts_of_one_turn_keep_their_order_and_their_labels(door):
    alice, bob = enter(door, "alice", "tea", caps=f"{CAPS} echo-message"), enter(door, "bob", "tea")
    lines = [f"@label=n{number} PRIVMSG #tea :line {number}\r\n" for number in range(20)]
    alice.chat.dataReceived("".join(lines).encode())
    bob.send("PRIVMSG #tea :between")
    heard = [line for line in alice.read() if "between" not in line]
    assert heard == [f"@label=n{number} :alice!~u@chat PRIVMSG #tea :line {number}" for number in range(20)]
    assert alice.chat.session.ear.view.labels == ()


def ask_with_a_full_disk(door, monkeypatch, peer, message):
    """Return what a client reads whose message is not kept."""
    batch = []
    monkeypatch.setattr(door.journal, "append", lambda *events: batch.extend(events))
    assert peer.ask(message) == []
    door.hub.dispatcher.refuse(batch, NotKept("its disk is full"))
    door.settle()
    return peer.read()


def test_a_post_that_could_not_be_kept_is_refused_with_its_label(door, monkeypatch):
    alice = enter(door, "alice", "tea", caps=f"{CAPS} echo-message standard-replies")
    (answer,) = ask_with_a_full_disk(door, monkeypatch, alice, "@label=x1 PRIVMSG #tea :hi")
    assert answer.startswith(f"@label=x1 :{SERVER} FAIL PRIVMSG NOT_KEPT :") and "its disk is full" in answer
    assert alice.chat.session.ear.view.labels == ()


def test_a_request_that_could_not_be_kept_is_refused_with_its_label(door, monkeypatch):
    alice = enter(door, "alice", "tea", caps=f"{CAPS} standard-replies")
    (answer,) = ask_with_a_full_disk(door, monkeypatch, alice, "@label=x1 TOPIC #tea :hi")
    assert answer.startswith(f"@label=x1 :{SERVER} FAIL TOPIC NOT_KEPT :")
    assert alice.chat.session.ear.view.own is None


def test_a_line_that_cannot_be_taken_is_refused_with_its_label(alice):
    (answer,) = alice.ask("@label=x1 PRIVMSG #tea :" + "x" * 600)
    assert answer == f"@label=x1 :{SERVER} 417 alice :Input line was too long"
    (answer,) = alice.ask(b"@label=x2 PRIVMSG #tea :\xff\r\n")
    assert answer.startswith(f"@label=x2 :{SERVER} FAIL PRIVMSG INVALID_UTF8 :")
    assert alice.ask(b"@label=x3 NOTICE #tea :\xff\r\n") == [f"@label=x3 :{SERVER} ACK"]
    assert alice.ask("@label=x4") == []


@pytest.mark.parametrize("label", ["", "x" * 65])
def test_a_label_that_is_empty_or_too_long_is_none(alice, label):
    assert alice.ask(f"@label={label} PING abc") == [f":{SERVER} PONG {SERVER} :abc"]


def test_without_the_capability_a_label_is_ignored(door):
    assert enter(door, "bob").ask("@label=x1 PING abc") == [f":{SERVER} PONG {SERVER} :abc"]


def test_without_batches_only_an_answer_of_one_message_has_the_label(door):
    alice = enter(door, "alice", "tea", caps="labeled-response echo-message")
    enter(door, "bob")
    assert alice.ask("@label=x1 PING abc") == [f"@label=x1 :{SERVER} PONG {SERVER} :abc"]
    assert alice.ask("@label=x2 TOPIC #tea :hot") == ["@label=x2 :alice!~u@chat TOPIC #tea :hot"]
    assert alice.ask("@label=x3 PRIVMSG bob,#tea,eve :hi") == [
        f":{SERVER} 401 alice eve :No such nick/channel",
        ":alice!~u@chat PRIVMSG bob :hi",
        ":alice!~u@chat PRIVMSG #tea :hi",
    ]
    for line in ("JOIN #cake", "NAMES #cake", "JOIN #a,#b"):
        assert all(tags(answer) == {} for answer in alice.ask(f"@label=x4 {line}"))
        assert "BATCH" not in alice.codes(f"@label=x5 {line}")


def test_of_a_line_to_oneself_and_its_echo_only_the_echo_has_the_label(door):
    alice = enter(door, "alice", caps=f"{CAPS} echo-message")
    line = ":alice!~u@chat PRIVMSG alice :hi"
    assert alice.ask("@label=x1 PRIVMSG alice :hi") == [line, f"@label=x1 {line}"]


def test_the_echoes_of_a_message_to_several_are_a_batch(door):
    alice = enter(door, "alice", "tea", caps=f"{CAPS} echo-message")
    enter(door, "bob"), enter(door, "carl")
    assert alice.ask("@label=x1 PRIVMSG bob,#tea,carl :hi") == [
        f"@label=x1 :{SERVER} BATCH +1 labeled-response",
        "@batch=1 :alice!~u@chat PRIVMSG bob :hi",
        "@batch=1 :alice!~u@chat PRIVMSG #tea :hi",
        "@batch=1 :alice!~u@chat PRIVMSG carl :hi",
        f":{SERVER} BATCH -1",
    ]
    assert alice.chat.session.ear.view.labels == ()


def test_a_message_to_several_is_acknowledged_once(door, alice):
    enter(door, "bob"), enter(door, "carl")
    assert alice.ask("@label=x1 PRIVMSG bob,#tea,carl :hi") == [f"@label=x1 :{SERVER} ACK"]


def test_the_label_of_join_is_on_all_of_its_answer_whatever_becomes_of_each_room(door):
    member(door, "olga", "tea", "cake").send("MODE #tea +k a-secret-for-tea", "MODE #cake +i")
    alice = enter(door, "alice", caps="labeled-response batch", host="127.0.0.1")
    shown = ["JOIN", "353", "366"]
    for asked, answer in (
        ("#tea a-secret-for-tea", shown),
        ("#tea,#pie wrong-words", ["475", *shown]),
        ("#cake,#pie,#tea ,,a-secret-for-tea", ["473", *shown, *shown]),
    ):
        lines = alice.ask(f"@label=x JOIN {asked}")
        begin, *parts, end = map(parse, map(str.encode, lines))
        assert (begin.command, dict(begin.tags)) == ("BATCH", {"label": "x"}) and end.command == "BATCH"
        assert [part.command for part in parts] == answer, asked
        assert {part.tags.get("batch") for part in parts} == {begin.parameters[0][1:]}
        alice.send("JOIN 0")
    assert alice.ask("@label=y JOIN #tea wrong-words")[0].startswith(f"@label=y :{SERVER} 475 ")
    assert alice.ask("@label=z JOIN #pie,bad")[-1].endswith(" BATCH -4")
