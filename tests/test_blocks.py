"""Blocks: several lines that somebody says together, through each door and over a kill."""

from __future__ import annotations

import pytest

from twisted_chat.core import text
from twisted_chat.core.errors import BlockTooLong, NothingToSay, NotKept
from twisted_chat.core.limits import Limits
from twisted_chat.doors.person_talk import AFTER_A_BLOCK, IN_A_BLOCK

from .in_memory import Door
from .requests.test_program_door import TOKEN, Program

CODE = ["def f(x):", "\t# a comment", "", "    return x  ", "//TODO", "/quit", "``"]


@pytest.fixture
def alice(door):
    return Program(door, "alice", token=TOKEN)


def blocks(messages):
    """Return the number, the place in its block and the text of each line said."""
    return [(m["number"], m.get("block"), m["text"]) for m in messages if m.get("kind") == "said"]


# -- what can be said


def test_blank_lines_and_white_space_at_both_ends_are_kept_and_nothing_that_a_terminal_obeys():
    lines = ["\tif x:  ", "", "  ", "\x1b[31mred\x1b[0m \u202ex", "two\nlines", "\u200b", "\xa0x\xa0"]
    assert text.block(lines, 4096) == ["\tif x:  ", "", "  ", "red x", "two lines", "", "\xa0x\xa0"]


@pytest.mark.parametrize("lines", [[], [""], [" ", "\t", ""], ["\u200b", "\x1b[31m"]])
def test_a_block_in_which_nothing_can_be_seen_says_nothing(lines):
    with pytest.raises(NothingToSay):
        text.block(lines, 4096)


def test_a_block_may_be_as_long_as_its_limits_and_no_longer():
    assert len(text.block(["x"] * 200, 4096)) == 200
    with pytest.raises(BlockTooLong, match="it has 201 lines, and a block has at most 200"):
        text.block(["x"] * 201, 4096)
    assert text.block(["a", "é" * 50], 100) == ["a", "é" * 50]
    with pytest.raises(BlockTooLong, match="its line 2 is longer than 100 bytes"):
        text.block(["a", "é" * 51, "b"], 100)
    assert len(text.block(["x" * 100] * 8, 100)) == 8
    with pytest.raises(BlockTooLong, match="it has 801 bytes, and a block has at most 800"):
        text.block([*["x" * 100] * 8, "x"], 100)


# -- programs


def test_the_lines_of_a_block_have_numbers_in_a_row_and_positions_and_people_see_lines(door, alice):
    bob, carol = door.enter("bob"), Program(door, "carol")
    alice.heard()
    alice.asks("say", room="lobby", lines=CODE, id="c1")
    messages = alice.heard()
    assert blocks(messages) == [(n + 3, n, line) for n, line in enumerate(CODE, 1)]
    assert {(m["client"], m["id"]) for m in messages} == {(alice.client, "c1")}
    assert blocks(carol.heard()) == blocks(messages)
    assert bob.read() == "carol has connected to the chat room\n" + "".join(f"alice: {line}\n" for line in CODE)


def test_a_block_is_replayed_as_a_block(alice):
    alice.asks("say", room="lobby", lines=CODE).heard()
    history = alice.answer("history", room="lobby", after=1)["events"]
    assert [(event["block"], event["text"]) for event in history] == list(enumerate(CODE, 1))


def test_a_block_can_be_for_one_person_and_for_everyone(door, alice):
    bob = Program(door, "bob")
    alice.asks("tell", to="bob", lines=["a", "", "b"]).asks("broadcast", lines=["c", " d"])
    heard = bob.heard()
    assert blocks(heard) == [(2, 1, "a"), (3, 2, ""), (4, 3, "b"), (1, 1, "c"), (2, 2, " d")]
    assert [message["room"] for message in heard] == ["@bob"] * 3 + ["*"] * 2


def test_a_block_that_is_asked_for_again_is_said_once_and_answered_once(door, alice):
    bob = door.enter("bob")
    alice.asks("say", room="lobby", lines=["a", "b", "c"], id="x").heard()
    bob.read()
    assert alice.asks("say", room="lobby", lines=["a", "b", "c"], id="x").heard() == [
        {"result": "say", "id": "x", "room": "lobby", "number": 3, "repeated": True}
    ]
    assert bob.read() == ""
    alice.asks("say", room="lobby", text="after")
    assert bob.read() == "alice: after\n"


@pytest.mark.parametrize(
    "fields, code, words",
    [
        ({"lines": ["a", "x" * 4097, "c"]}, "block_too_long", "its line 2 is longer than 4,096 bytes"),
        ({"lines": ["a"] * 201}, "block_too_long", "it has 201 lines, and a block has at most 200"),
        ({"lines": ["", " "]}, "nothing_to_say", "nothing to say"),
        ({"lines": ["a"], "text": "a"}, "bad_request", 'either "text", a line, or "lines", a block'),
        ({}, "bad_request", 'either "text", a line, or "lines", a block'),
        ({"lines": ["a"], "act": True}, "bad_request", '"act" is for one line'),
        ({"lines": ["a"], "note": True}, "bad_request", '"note" is for one line'),
        ({"text": "a", "note": True, "act": True}, "bad_request", "an action or a note"),
        ({"lines": "a"}, "bad_request", '"lines" must be a list of strings, no more than 500'),
        ({"lines": ["a", 1]}, "bad_request", "must be a list of strings"),
        ({"lines": ["a"], "room": "ops"}, "not_in_room", "ops"),
    ],
)
def test_a_block_that_cannot_be_said_is_refused_as_a_whole_and_the_refusal_says_why(door, alice, fields, code, words):
    bob = door.enter("bob")
    alice.heard()
    refused = alice.answer("say", **({"room": "lobby"} | fields), id="x")
    assert (refused["error"], refused["id"]) == (code, "x")
    assert words in refused["text"]
    assert bob.read() == ""


def test_a_block_of_tabs_and_quotes_of_the_greatest_size_fits_a_request(alice):
    lines = ['\t"' * 2048] * 8
    alice.asks("say", room="lobby", lines=lines)
    assert [line for _number, _place, line in blocks(alice.heard())] == lines


def test_each_line_of_a_block_counts_for_the_pace():
    door = Door(Limits(lines_per_second=10, lines_at_once=20))
    alice = Program(door, "alice")
    door.clock.advance(10)
    alice.asks("say", room="lobby", lines=["x"] * 40).asks("say", room="lobby", text="later")
    assert any("slow down" in message["text"] for message in alice.heard())
    door.clock.advance(1.5)
    door.settle()
    assert alice.said() == []
    door.clock.advance(1)
    door.settle()
    assert [line for _room, _number, line in alice.said()] == ["later"]
    alice.peer.lose()
    door.close()


def test_a_block_that_cannot_be_kept_is_refused_once_and_may_be_said_later(door, alice):
    append, refused = door.journal.append, []
    door.journal.append = lambda *items: refused.extend(items)
    alice.asks("say", room="lobby", lines=["a", "b"], id="x")
    door.journal.append = append
    door.hub.dispatcher.refuse(refused, NotKept("disk full"))
    (answer,) = alice.heard()
    assert (answer["error"], answer["id"]) == ("not_kept", "x")
    alice.asks("say", room="lobby", lines=["a", "b"], id="x")
    assert blocks(alice.heard()) == [(2, 1, "a"), (3, 2, "b")]


def test_a_person_who_ignores_the_author_hears_no_line_of_a_block(door, alice):
    bob = door.enter("bob").send("/ignore alice\n")
    bob.read()
    alice.asks("say", room="lobby", lines=CODE)
    assert bob.read() == ""


def test_a_block_is_still_a_block_for_a_program_that_was_away(door, alice):
    carol = Program(door, "carol", token="c" * 16)
    carol.dies()
    alice.asks("say", room="lobby", lines=["a", "", "b"])
    again = Program(door)
    again.asks("hello", version=1, alias="carol", token="c" * 16, after={"lobby": 2})
    assert blocks(again.heard()) == [(3, 1, "a"), (4, 2, ""), (5, 3, "b")]


# -- people at the line door


@pytest.fixture
def bob(door):
    return door.enter("bob")


@pytest.fixture
def carol(door, bob):
    carol = Program(door, "carol")
    bob.read()
    return carol


def test_between_fences_each_line_is_said_as_it_is(bob, carol):
    bob.send("before\n```python\n" + "\n".join(CODE) + "\n```\nafter\n/ping on\n")
    assert bob.read().splitlines() == [f"bob: {line}" for line in ("before", *CODE, "after")] + ["-- pong on"]
    heard = blocks(carol.heard())
    assert [(place, line) for _number, place, line in heard] == [(None, "before"), *enumerate(CODE, 1), (None, "after")]


def test_a_person_who_types_a_block_sees_once_how_to_end_it_and_that_it_has_ended(bob):
    bob.send("```\n")
    assert bob.read() == f"-- {IN_A_BLOCK}\n"
    bob.send("  x = 1\n", "/help\n")
    assert bob.read() == "bob:   x = 1\nbob: /help\n"
    bob.send("```\n", "/ping\n")
    assert bob.read() == f"-- {AFTER_A_BLOCK}\n-- pong\n"


def test_a_block_that_comes_in_pieces_is_one_block(bob, carol):
    bob.send("``", "`\n a", "a\n\n", "b\n``", "`\n")
    assert [place_and_line[1:] for place_and_line in blocks(carol.heard())] == [(1, " aa"), (2, ""), (3, "b")]


def test_editing_keys_and_controls_do_in_a_block_what_they_do_elsewhere(bob, carol):
    bob.send("```\n  a\x08b\x1b[31m\n```\n")
    assert [line for _number, _place, line in blocks(carol.heard())] == ["  b"]


@pytest.mark.parametrize("line", ["````", "```a b```", "x ```", "``", "``` and so on"])
def test_a_line_that_is_not_a_fence_is_said(bob, line):
    bob.send(f"{line}\n/ping\n")
    assert bob.read() == f"bob: {line}\n-- pong\n"


def test_a_fence_with_a_language_does_not_end_a_block(bob, carol):
    bob.send("```\n```python\nx\n```\n")
    assert [line for _number, _place, line in blocks(carol.heard())] == ["```python", "x"]


def test_an_endless_block_goes_on_as_others_and_its_lines_never_become_commands():
    door = Door(Limits().lifted())
    bob, carol = door.enter("bob"), Program(door, "carol")
    bob.read()
    bob.send("```\n" + "/quit\n" * 450 + "```\n/ping\n")
    assert bob.read() == "bob: /quit\n" * 450 + "-- pong\n"
    places = [place for _number, place, _line in blocks(carol.heard())]
    assert places == [*range(1, 201), *range(1, 201), *range(1, 51)]
    door.close()


def test_a_line_too_long_or_not_in_utf8_is_refused_and_the_block_goes_on(bob, carol):
    bob.send(b"```\na\n" + b"x" * 4097 + b"\n/b \xe9\n/c\n```\n")
    assert [(place, line) for _number, place, line in blocks(carol.heard())] == [(1, "a"), (2, "/c")]
    assert [line[:16] for line in bob.read().splitlines() if line[:2] == "!!"] == ["!! that line is "] * 2


@pytest.mark.parametrize("end", ["\x04", None])
def test_the_end_of_the_input_ends_a_block_and_the_person_leaves(bob, carol, end):
    bob.send("```\nx\n")
    bob.send(end) if end else bob.end()
    assert bob.is_closed
    heard = carol.heard()
    assert blocks(heard)[0][1:] == (1, "x")
    assert heard[-1]["kind"] == "left"


def test_a_block_after_a_join_is_said_in_that_room(door, bob):
    dora = Program(door, "dora", rooms=["ops"])
    bob.send("/join ops\n```\n/leave\n```\n")
    assert [(m["room"], m["block"], m["text"]) for m in dora.heard() if m["kind"] == "said"] == [("ops", 1, "/leave")]


def test_another_persons_line_may_come_between_the_lines_of_a_typed_block(door, bob, carol):
    bob.send("```\na\n")
    door.enter("dora").send("hi\n")
    bob.send("b\n```\n")
    assert [found[1:] for found in blocks(carol.heard())] == [(1, "a"), (None, "hi"), (2, "b")]
