"""The IRC wire: one line to a message and back, whatever the bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.wire.irc import (
    MAX_CLIENT_TAGS,
    MAX_MESSAGE,
    Message,
    fits,
    folded,
    is_too_long,
    left_for_text,
    parse,
    serialise,
    shortened,
    split,
)

WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n "), min_size=1)
MIDDLE = WORD.filter(lambda word: word[0] != ":")
COMMAND = st.from_regex(r"[A-Z]{1,9}|[0-9]{3}", fullmatch=True)
LAST = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"))
KEY = st.from_regex(r"\+?([a-z.-]{1,9}/)?[A-Za-z0-9-]{1,9}", fullmatch=True)
VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
MESSAGES = st.builds(
    lambda command, middles, last, source, tags: Message(command, (*middles, *last), source, tags),
    COMMAND,
    st.lists(MIDDLE, max_size=4),
    st.lists(LAST, max_size=1),
    st.just("") | WORD,
    st.dictionaries(KEY, VALUE, max_size=4),
)

# A line, and its tags, source, command and parameters.
LINES = [
    ("PING", {}, "", "PING", ()),
    ("ping", {}, "", "PING", ()),
    ("USER a 0 * b", {}, "", "USER", ("a", "0", "*", "b")),
    ("USER a 0 * :Al Ice", {}, "", "USER", ("a", "0", "*", "Al Ice")),
    # the last parameter begins after a colon, and has all spaces and colons after it
    ("TOPIC #tea :", {}, "", "TOPIC", ("#tea", "")),
    ("PRIVMSG #tea ::)", {}, "", "PRIVMSG", ("#tea", ":)")),
    ("PRIVMSG #tea :  two before, one after ", {}, "", "PRIVMSG", ("#tea", "  two before, one after ")),
    (":al PRIVMSG #tea :so :) ", {}, "al", "PRIVMSG", ("#tea", "so :) ")),
    (":al PRIVMSG #tea :  ", {}, "al", "PRIVMSG", ("#tea", "  ")),
    (":al MODE #tea :+i", {}, "al", "MODE", ("#tea", "+i")),
    (":al MODE #tea +oo bo :cy", {}, "al", "MODE", ("#tea", "+oo", "bo", "cy")),
    ("JOIN :#tea", {}, "", "JOIN", ("#tea",)),
    ("PRIVMSG #tea a:b", {}, "", "PRIVMSG", ("#tea", "a:b")),
    # several spaces are as one, and those at the end are nothing
    (":tea.example 432  #tea :No nickname", {}, "tea.example", "432", ("#tea", "No nickname")),
    (":tea.example MODE #tea +n ", {}, "tea.example", "MODE", ("#tea", "+n")),
    (":tea.example  MODE  #tea +o al  ", {}, "tea.example", "MODE", ("#tea", "+o", "al")),
    (":al AWAY", {}, "al", "AWAY", ()),
    (":al AWAY ", {}, "al", "AWAY", ()),
    ("@a=1  :al  AWAY", {"a": "1"}, "al", "AWAY", ()),
    # no other white space separates, and formatting codes are letters like all others
    (":a\tl JOIN #t\tea", {}, "a\tl", "JOIN", ("#t\tea",)),
    (":al!~a@\x02t\x0305e\x0f.example JOIN #tea", {}, "al!~a@\x02t\x0305e\x0f.example", "JOIN", ("#tea",)),
    # tags
    ("@id=123;c;+x.example/d= :al AWAY", {"id": "123", "c": "", "+x.example/d": ""}, "al", "AWAY", ()),
    ("@a=1;b=2;a=3 PING", {"a": "3", "b": "2"}, "", "PING", ()),
    ("@a=1;b=2;a PING", {"a": "", "b": "2"}, "", "PING", ()),
    ("@a=x=y PING", {"a": "x=y"}, "", "PING", ()),
    ("@a=/:@ PING", {"a": "/:@"}, "", "PING", ()),
    (r"@a=\:\s\\\r\n PING", {"a": "; \\\r\n"}, "", "PING", ()),
    (r"@a=b\\nc PING", {"a": r"b\nc"}, "", "PING", ()),
    (r"@a=b\1c PING", {"a": "b1c"}, "", "PING", ()),  # no escape: the backslash goes
    ("@a=b\\;c=d\\ PING", {"a": "b", "c": "d"}, "", "PING", ()),
    ("@;;=3;a PING", {"a": ""}, "", "PING", ()),
    # lines without a command
    ("", {}, "", "", ()),
    ("  ", {}, "", "", ()),
    ("@", {}, "", "", ()),
    ("@a", {"a": ""}, "", "", ()),
    (":", {}, "", "", ()),
    (":al", {}, "al", "", ()),
    (":al :hi", {}, "al", "", ()),
]  # fmt: skip


@pytest.mark.parametrize(("line", "tags", "source", "command", "parameters"), LINES)
def test_a_line_is_parsed(line, tags, source, command, parameters):
    for end in ("", "\n", "\r\n"):
        assert parse((line + end).encode()) == Message(command, parameters, source, tags)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (Message("PING"), "PING"),
        (Message("JOIN", ("#tea",), "al!~al@line"), ":al!~al@line JOIN #tea"),
        (Message("TOPIC", ("#tea", "")), "TOPIC #tea :"),
        (Message("PRIVMSG", ("#tea", "so it is")), "PRIVMSG #tea :so it is"),
        (Message("PRIVMSG", ("#tea", ":)")), "PRIVMSG #tea ::)"),
        (Message("AWAY", (), "al", {"b": "", "a": "; \\\r\n"}), r"@b;a=\:\s\\\r\n :al AWAY"),
        (Message("PRIVMSG", ("#tea", "grün")), "PRIVMSG #tea grün"),
    ],
)
def test_a_message_is_serialised(message, line):
    assert serialise(message) == f"{line}\r\n".encode()


def test_a_text_for_people_always_has_its_colon():
    assert serialise(Message("PRIVMSG", ("#tea", "hi")), is_text=True) == b"PRIVMSG #tea :hi\r\n"
    assert serialise(Message("AWAY"), is_text=True) == b"AWAY\r\n"


@given(MESSAGES, st.booleans())
def test_a_message_that_is_serialised_and_parsed_is_the_same(message, is_text):
    assert parse(serialise(message, is_text)) == message


@given(st.binary())
def test_no_bytes_are_too_strange_to_parse_and_what_came_can_be_sent_as_one_line(line):
    message = parse(line)
    sent = serialise(message)
    assert sent.endswith(b"\r\n")
    assert not set(b"\0\r\n") & set(sent[:-2])
    assert parse(sent).parameters == message.parameters or not message.command or message.command[0] in "@:"


def test_bytes_that_are_not_utf8_are_replaced():
    assert parse(b"PRIVMSG #tea :gr\xfcn") == Message("PRIVMSG", ("#tea", "gr\ufffdn"))


@given(st.lists(st.text(max_size=700), min_size=1, max_size=5))
def test_the_longest_parameters_are_cut_until_a_message_is_short_enough(parameters):
    sent = shortened(Message("332", ("al", *parameters), "chat.example"))
    assert len(serialise(sent, is_text=True)) <= 512
    for cut, whole in zip(sent.parameters[1:], parameters, strict=True):
        assert whole.encode("utf-8", "replace").decode().startswith(cut)


def test_a_message_that_is_short_enough_is_not_cut():
    message = Message("332", ("al", "#tea", "x" * 480), "chat")
    assert len(serialise(message, is_text=True)) <= 512
    assert shortened(message) == message


@pytest.mark.parametrize("hostile", ["a\r\nQUIT", "a\nQUIT", "a\0QUIT", "\ud800"])
def test_no_word_makes_a_second_line_or_an_error(hostile):
    for message in (
        Message("PRIVMSG", ("#tea", hostile)),
        Message("401", (hostile, "no such nickname")),
        Message("PRIVMSG", ("#tea", "hi"), hostile),
        Message("TAGMSG", ("#tea",), "al", {"+typing": hostile}),
    ):
        sent = serialise(message)
        assert sent.count(b"\n") == 1
        assert parse(sent).command == message.command or message.source


@pytest.mark.parametrize("word", ["", "a b", ":a", "a\rb"])
def test_a_parameter_that_cannot_stand_before_the_last_becomes_a_star(word):
    assert serialise(Message("403", ("al", word, "no such room"))) == b"403 al * :no such room\r\n"


@pytest.mark.parametrize(
    ("line", "is_beyond"),
    [
        (b"x" * (MAX_MESSAGE - 2), False),
        (b"x" * (MAX_MESSAGE - 1), True),
        (b"@" + b"t" * (MAX_CLIENT_TAGS - 2) + b" " + b"x" * (MAX_MESSAGE - 2), False),
        (b"@" + b"t" * (MAX_CLIENT_TAGS - 1) + b" PING", True),
        (b"@" + b"t" * MAX_CLIENT_TAGS, True),
        (b"@t " + b"x" * (MAX_MESSAGE - 1), True),
    ],
)
def test_tags_and_the_rest_of_a_line_have_a_limit_each(line, is_beyond):
    assert is_too_long(line) is is_beyond


def test_a_message_says_how_much_more_text_fits():
    begun = Message("PRIVMSG", ("#tea", ""), "al!~al@line", {"msgid": "not counted"})
    left = left_for_text(begun)
    full = begun._replace(parameters=("#tea", "x" * left), tags={})
    assert len(serialise(full, is_text=True)) == MAX_MESSAGE
    assert left_for_text(full) == 0
    assert left_for_text(full._replace(source="alice!~al@line")) == -3


@pytest.mark.parametrize(
    ("text", "most", "parts"),
    [
        ("", 5, [""]),
        ("tea", 5, ["tea"]),
        ("green", 5, ["green"]),
        ("green tea", 7, ["green ", "tea"]),
        ("a greentea", 7, ["a green", "tea"]),  # one space near the beginning is not worth a short part
        ("greentea", 5, ["green", "tea"]),
        ("grün", 3, ["gr", "ün"]),
        ("茶茶", 4, ["茶", "茶"]),
        ("茶茶", 1, ["茶", "茶"]),  # whatever is asked, a part has a character
        ("tea", -3, ["t", "e", "a"]),
    ],
)
def test_a_text_is_split_after_spaces_and_never_within_a_character(text, most, parts):
    assert split(text, most) == parts


@given(LAST, st.integers(4, 40))
def test_the_parts_of_a_text_fit_and_are_the_whole_text(text, most):
    parts = split(text, most)
    assert "".join(parts) == text
    assert all(len(part.encode()) <= most for part in parts)
    assert len(parts) == 1 or all(parts)


def test_names_are_compared_by_the_letters_a_to_z_only():
    assert folded("#TEA-ÜŞ[]\\^") == "#tea-ÜŞ[]\\^"


@pytest.mark.parametrize(
    ("mask", "name", "does"),
    [
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("a*", "Alice", True),
        ("*e", "alice", True),
        ("*l*c*", "alice", True),
        ("a?ice", "alice", True),
        ("?", "", False),
        ("?", "ab", False),
        ("[a]*", "alice", False),
        ("a**", "a", True),
        ("*ab", "aab", True),
        ("*ab", "aabb", False),
    ],
)
def test_a_mask_fits_names(mask, name, does):
    assert fits(mask, name) is does


def test_a_mask_of_many_stars_costs_little():
    assert not fits("*a" * 250 + "b", "a" * 400)
