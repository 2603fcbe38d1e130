"""The line editor of the ssh door, as a person at a terminal sees it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes, wcwidth

from twisted_chat.core import text
from twisted_chat.doors.ssh import editor as editor_module
from twisted_chat.doors.ssh.editor import MAX_ANSWERS, Editor
from twisted_chat.doors.ssh.row import columns_of, shown

from ...terminal import Terminal

UP, DOWN, RIGHT, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"
WORD_LEFT, WORD_RIGHT = b"\x1b[1;5D", b"\x1b[1;3C"
HOME, END, ENTER, ERASE, TAB = b"\x01", b"\x05", b"\r", b"\x7f", b"\t"


def pasted(words):
    return b"\x1b[200~" + words.encode() + b"\x1b[201~"


class Person:
    """A person at a terminal with an editor, and what the chat gets from them."""

    def __init__(self, columns=40, rows=8, max_line=200, prompt="ops> "):
        self.terminal = Terminal(columns, rows)
        self.lines, self.blocks, self.ends, self.words = [], [], 0, []
        self.editor = Editor(self.terminal.write, columns, rows, self, max_line)
        self.editor.prompt(prompt)

    def entered(self, line):
        self.lines.append(line.decode())

    def entered_block(self, lines):
        self.blocks.append([line.decode() for line in lines])

    def asked_to_leave(self):
        self.ends += 1

    def offers(self, before):
        last = before.split(" ")[-1]
        return sorted(word for word in self.words if word.casefold().startswith(last.casefold()))

    def types(self, *pieces):
        for piece in pieces:
            self.editor.feed(piece if isinstance(piece, bytes) else piece.encode())
        return self

    def hears(self, *lines):
        self.editor.show("".join(f"{line}\r\n" for line in lines).encode())
        return self

    @property
    def sees(self):
        return self.terminal.rows

    @property
    def row(self):
        """Return the row, with a bar where the cursor is."""
        x, y = self.terminal.cursor
        cells = [self.terminal.screen.buffer[y][column].data for column in range(self.terminal.screen.columns)]
        return ("".join(cells[:x]) + "|" + "".join(cells[x:])).rstrip()


def test_a_typed_line_is_entered_and_leaves_the_row():
    person = Person().types("hi", " there")
    assert person.row == "ops> hi there|"
    person.types(ENTER)
    assert person.lines == ["hi there"]
    assert person.row == "ops> |"


def test_an_empty_row_enters_nothing():
    assert Person().types(ENTER, "   ", ENTER, b"\r\n").lines == []


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_each_end_of_line_enters_once(end):
    assert Person().types(b"a" + end + b"b" + end).lines == ["a", "b"]


def test_a_line_arrives_above_the_half_typed_one_and_the_cursor_stays():
    person = Person().types("half", LEFT, LEFT).hears("bob: hi", "bob: you there?")
    assert person.sees == ["bob: hi", "bob: you there?", "ops> half"]
    assert person.row == "ops> ha|lf"
    assert person.types("l", ENTER).lines == ["hallf"]


def test_a_long_line_that_arrives_wraps_above_the_row():
    person = Person(columns=20).types("half").hears("bob: " + "x" * 30)
    assert person.sees == ["bob: " + "x" * 15, "x" * 15, "ops> half"]


def test_lines_that_arrive_scroll_the_screen_and_keep_the_row_last():
    person = Person(rows=4).types("half").hears(*map(str, range(9)))
    assert person.sees == ["6", "7", "8", "ops> half"]


def test_a_long_row_scrolls_sideways_and_never_wraps():
    person = Person(columns=20).types("abcdefghijklmnopqrstuvwxyz")
    assert len(person.sees) == 1
    assert person.row.startswith("ops> ") and person.row.endswith("xyz|")
    assert person.types(HOME).row == "ops> |abcdefghijklmn"
    assert person.types(END, ENTER).lines == ["abcdefghijklmnopqrstuvwxyz"]


def test_a_resize_draws_the_row_for_the_new_width():
    person = Person(columns=40).hears("bob: hi").types("abcdefghijklmnopqrstuvwxyz")
    person.terminal.resize(20, 8)
    person.editor.resize(20, 8)
    assert person.sees[0] == "bob: hi"
    assert person.row.endswith("xyz|") and len(person.row) <= 20
    person.terminal.resize(60, 8)
    person.editor.resize(60, 8)
    assert person.types(HOME).row == "ops> |abcdefghijklmnopqrstuvwxyz"


def test_a_terminal_without_a_size_is_taken_for_one_of_80_columns():
    person = Person()
    person.editor.resize(0, 0)
    assert b"x" * 70 in person.types("x" * 70).terminal.written[-1]


@pytest.mark.parametrize(
    "keys, row",
    [
        (["one two", ERASE], "one tw|"),
        (["one two", b"\x08"], "one tw|"),
        (["one two", HOME, b"\x04"], "|ne two"),
        (["one two", HOME, b"\x1b[3~"], "|ne two"),
        (["one two", LEFT, LEFT, RIGHT], "one tw|o"),
        (["one two", b"\x02\x02\x06"], "one tw|o"),
        (["one two", b"\x1bOD"], "one tw|o"),
        (["one two", b"\x1b[H"], "|one two"),
        (["one two", b"\x1b[1~"], "|one two"),
        (["one two", b"\x1bOH", b"\x1b[4~"], "one two|"),
        (["one two", HOME, b"\x1b[F"], "one two|"),
        (["one two", HOME, b"\x1bOF"], "one two|"),
        (["one two", WORD_LEFT], "one |two"),
        (["one two", WORD_LEFT, b"\x1bb"], "|one two"),
        (["one two", HOME, WORD_RIGHT], "one| two"),
        (["one two", HOME, b"\x1bf\x1bf"], "one two|"),
        (["one two", b"\x1b\x1b[D"], "one |two"),
        (["one two", b"\x1bOd"], "one |two"),
        (["one two-three", b"\x17"], "one |"),
        (["one two-three", b"\x1b\x7f"], "one two-|"),
        (["one two ", b"\x17"], "one |"),
        (["one two", HOME, b"\x1bd"], "| two"),
        (["one two", HOME, b"\x1b[3;5~"], "| two"),
        (["one two", WORD_LEFT, b"\x0b"], "one |"),
        (["one two", WORD_LEFT, b"\x15"], "|two"),
        (["one two", WORD_LEFT, b"\x0b", HOME, b"\x19"], "two|one"),
        (["one", b"\x17", "two ", b"\x19"], "two one|"),
        (["one two", b"\x03"], "|"),
    ],
)
def test_the_keys_of_a_line_editor(keys, row):
    assert Person().types(*keys).row == ("ops> " + row).rstrip()


UNKNOWN = [
    b"\x1b[15~", b"\x1b[[A", b"\x1bOP", b"\x1b[Z", b"\x1b[1;2P", b"\x1b[?1;2c", b"\x1b[I", b"\x1bx",
    b"\x1b]11;rgb:0/0/0\x07",
    b"\x1b]11;rgb:0/0/0\x1b\\", b"\x1bP1$r0m\x1b\\", b"\x00", b"\x1c", b"\xc2\x9b", b"\x1b[5~",
    b"\x1b[<0;3;3M",
]  # fmt: skip


@pytest.mark.parametrize("sequence", UNKNOWN)
def test_keys_that_the_editor_does_not_know_do_nothing_in_any_pieces(sequence):
    for pieces in ([sequence], [bytes([byte]) for byte in sequence]):
        person = Person().types("ab", LEFT, *pieces, "c")
        assert person.row == "ops> ac|b", pieces


def test_a_control_string_without_an_end_does_not_swallow_the_next_line():
    assert Person().types(b"\x1b]0;title", ENTER, "hi", ENTER).lines == ["hi"]


def test_an_accent_without_a_letter_is_seen_on_a_circle():
    person = Person().types("\u0301", LEFT)
    assert person.row == "ops> |◌\u0301"
    assert person.types("e", ENTER).lines == ["e\u0301"]


def test_letters_with_accents_wide_ones_and_emoji_are_one_character_each():
    typed = "e\u0301漢👨\u200d👩\u200d👧🇩🇪"
    person = Person().types(typed)
    assert person.editor.row.text == typed
    for left in ("e\u0301漢👨\u200d👩\u200d👧", "e\u0301漢", "e\u0301", ""):
        person.types(ERASE)
        assert person.editor.row.text == left
    person.types(typed, HOME, RIGHT)
    assert person.editor.row.cursor == 2
    person.types(RIGHT, RIGHT, RIGHT)
    assert person.editor.row.cursor == len(typed)


def test_the_cursor_stands_behind_wide_characters_where_they_end():
    person = Person().types("漢字x", LEFT)
    assert person.terminal.cursor[0] == len("ops> ") + 4
    assert person.types("y").terminal.current == "ops> 漢字yx"


def test_a_character_in_two_pieces_arrives_whole():
    euro = "€".encode()
    assert Person().types(euro[:1], euro[1:2], euro[2:], ENTER).lines == ["€"]


def test_bytes_that_are_not_utf_8_are_left_out_and_the_person_is_told():
    person = Person().types(b"na\xefve", ENTER)
    assert person.lines == ["nave"]
    assert "-- your terminal does not send UTF-8" in person.sees[0]


def test_up_and_down_call_up_earlier_lines_and_the_half_typed_one():
    person = Person().types("one", ENTER, "two", ENTER, "half")
    assert person.types(UP).row == "ops> two|"
    assert person.types(b"\x10").row == "ops> one|"
    assert person.types(UP).row == "ops> one|"
    assert person.types(DOWN, b"\x0e").row == "ops> half|"
    assert person.types(DOWN).row == "ops> half|"


def test_only_the_last_200_lines_are_kept():
    person = Person()
    for count in range(250):
        person.types(str(count), ENTER)
    person.types(*[UP] * 300)
    assert person.row == "ops> 50|"


def test_many_long_lines_are_forgotten_sooner():
    person = Person(max_line=4096)
    for count in range(20):
        person.types(f"{count} " + "x" * 4000, ENTER)
    person.types(*[UP] * 30)
    assert person.editor.row.text.startswith("16 ")


def test_control_r_finds_earlier_lines():
    person = Person(columns=60).types("deploy one", ENTER, "hello", ENTER, "deploy two", ENTER, "half")
    assert person.types(b"\x12", "dep").row == "(search: dep) |deploy two"
    assert person.types(b"\x12").row == "(search: dep) |deploy one"
    assert person.types(ERASE, ERASE, ERASE, "hel").row == "(search: hel) |hello"
    assert person.types(ENTER).row == "ops> |hello"
    assert person.lines[-1] == "deploy two"
    assert person.types(ENTER).lines[-1] == "hello"


@pytest.mark.parametrize("key", [b"\x03", b"\x07"])
def test_a_search_that_is_given_up_brings_the_half_typed_line_back(key):
    person = Person(columns=60).types("one", ENTER, "half", b"\x12", "on", key)
    assert person.row == "ops> half|"


def test_a_search_that_finds_nothing_rings():
    assert Person().types("one", ENTER, b"\x12", "z", "z").terminal.bells == 2


def test_control_d_leaves_on_an_empty_row_only():
    assert Person().types("a", b"\x04").ends == 0
    assert Person().types(b"\x04").ends == 1


def test_control_c_clears_the_row_and_on_an_empty_one_explains_how_to_leave():
    person = Person().types("half", b"\x03")
    assert person.sees == ["ops>"]
    assert person.types(b"\x03").sees == ["-- Ctrl-D or /quit leaves", "ops>"]
    assert person.ends == 0


def test_control_l_clears_the_screen_and_keeps_the_row():
    person = Person().hears("bob: hi").types("half", b"\x0c")
    assert person.sees == ["ops> half"]
    assert person.terminal.cursor == (9, 0)


# -- pastes


def test_a_paste_stays_in_the_row_until_enter():
    person = Person().types(pasted("/quit\n"))
    assert person.row == "ops> /quit|"
    assert person.lines == []
    assert person.types(ENTER).lines == ["/quit"]


def test_a_paste_of_several_lines_is_one_block_whose_lines_are_no_commands():
    person = Person().types("see: ", pasted("one\r\n/quit\r\n\r\nthree\r\n"))
    assert person.row == "ops> see: one↵/quit↵↵three|"
    person.types(ENTER)
    assert (person.lines, person.blocks) == ([], [["see: one", "/quit", "", "three"]])


def test_a_long_block_is_said_after_a_question():
    person = Person(columns=60).types(pasted("\n".join("abcdef")), ENTER)
    assert person.blocks == []
    assert person.sees[0] == "-- 6 lines: Enter says them all, Ctrl-C drops them"
    assert person.types(ENTER).blocks == [list("abcdef")]


def test_an_edit_after_the_question_asks_again():
    person = Person(columns=60).types(pasted("\n".join("abcdef")), ENTER, "x", ENTER)
    assert person.blocks == []
    assert person.types(b"\x03", ENTER).blocks == []


def test_control_characters_in_a_paste_are_harmless():
    person = Person().types(pasted("a\x1b[2Jb\x03\x04\x15c\x9b31m\x07"))
    assert person.row == "ops> abc|"
    assert person.ends == 0


def test_the_end_of_a_paste_may_come_in_pieces():
    person = Person().types(*[bytes([byte]) for byte in pasted("a\x1b[20b")], "c")
    assert person.editor.row.text == "ac"


def test_a_line_has_a_limit_and_the_bell_rings_beyond_it():
    person = Person(max_line=10).types("é" * 5, "x")
    assert (person.editor.row.text, person.terminal.bells) == ("é" * 5, 1)


def test_a_paste_over_the_limit_is_refused_whole():
    for words in ("x" * 11, "x\n" * 201, "x" * 8 + "\n" + "x" * 80, "y" * 100_000):
        person = Person(columns=120, max_line=10).types("a", pasted(words))
        assert person.editor.row.text == "a"
        assert person.sees[0].startswith("!! nothing was pasted: a line has at most 10 bytes")


def test_a_block_with_a_line_over_the_limit_stays_in_the_row():
    person = Person(columns=60, max_line=10).types(pasted("x" * 20 + "\ny"), ENTER)
    assert (person.lines, person.blocks) == ([], [])
    assert person.sees[0] == "!! a line has at most 10 bytes: make it shorter"


# -- completion


def test_tab_completes_the_only_word_that_fits():
    person = Person()
    person.words = ["/join ", "/kick "]
    assert person.types("/jo", TAB).row == "ops> /join |"


def test_tab_completes_as_far_as_the_words_agree_and_then_lists_them():
    person = Person()
    person.words = ["operations ", "opera "]
    assert person.types("join op", TAB).row == "ops> join opera|"
    assert person.types(TAB).sees == ["opera  operations", "ops> join opera"]


def test_tab_completes_before_the_cursor_and_keeps_the_rest():
    person = Person()
    person.words = ["alice: "]
    assert person.types("a hi", HOME, RIGHT, TAB).row == "ops> alice: | hi"


def test_tab_without_a_word_that_fits_rings():
    assert Person().types("x", TAB).terminal.bells == 1


def test_keys_that_come_together_have_three_answers_at_most():
    person = Person(columns=60, rows=40)
    person.words = ["alice ", "albert "]
    person.types((b"al" + TAB + b"\x15") * 50 + b"\x03" * 50)
    assert person.sees == ["albert  alice"] * 3 + ["ops>"]
    assert person.types(b"\x03").sees[3:] == ["-- Ctrl-D or /quit leaves", "ops>"]


def test_further_tabs_that_come_together_cost_nothing(monkeypatch):
    looked = []
    monkeypatch.setattr(editor_module, "last_word", lambda before: looked.append(before) or before)
    Person(max_line=4096).types("x" * 4000, TAB * 1000)
    assert len(looked) == MAX_ANSWERS


def test_a_long_list_of_words_leaves_half_of_the_screen():
    person = Person(columns=20, rows=8)
    person.words = [f"name{count:03} " for count in range(300)]
    person.types("n", TAB, TAB)
    assert person.sees[-2] == "-- and 292 more"


# -- questions


def test_a_secret_is_shown_as_asterisks_and_not_kept():
    person = Person().types("half")
    person.editor.prompt("password? ", is_question=True)
    person.editor.hide(True)
    assert person.types("hunter2").row == "password? *******|"
    person.types(LEFT, ENTER)
    assert person.lines == ["hunter2"]
    person.editor.hide(False)
    person.editor.prompt("ops> ")
    assert person.row == "ops> half|"
    assert person.types(b"\x15", UP).row == "ops> |".rstrip()
    assert b"hunter2" not in b"".join(person.terminal.written)


def test_an_empty_secret_is_an_answer():
    person = Person()
    person.editor.prompt("password? ", is_question=True)
    person.editor.hide(True)
    assert person.types(ENTER).lines == [""]


def test_what_is_cut_from_a_secret_cannot_be_put_back_elsewhere():
    person = Person()
    person.editor.prompt("password? ", is_question=True)
    person.editor.hide(True)
    person.types("hunter2", b"\x15")
    person.editor.hide(False)
    person.editor.prompt("ops> ")
    assert person.types(b"\x19").editor.row.text == ""


def test_a_line_typed_ahead_of_the_answer_stays():
    person = Person()
    person.editor.prompt("alias? ", is_question=True)
    person.types("bob", ENTER, "hello")
    person.editor.prompt("ops> ")
    assert person.row == "ops> hello|"


def test_a_closed_editor_leaves_the_terminal_as_it_was():
    person = Person().types("half")
    person.editor.close()
    person.hears("goodbye")
    assert person.sees == ["goodbye"]
    assert person.terminal.written[-2].endswith(b"\x1b[?2004l")
    assert person.types("x").sees == ["goodbye"]


def test_a_key_is_one_write_and_a_letter_at_the_end_one_byte():
    person = Person().types("a")
    before = len(person.terminal.written)
    person.types("b")
    assert person.terminal.written[before:] == [b"b"]


# -- any bytes

ENDS_OF_LINES = {0x2028, 0x2029}  # left out when typed; the chat makes a space of them
KEYS = st.sampled_from(
    [UP, DOWN, LEFT, RIGHT, HOME, END, ERASE, TAB, ENTER, WORD_LEFT, WORD_RIGHT, b"\x12", b"\x0b", b"\x17", b"\x19",
     b"\x03", b"\x1b[200~", b"\x1b[201~", b"\x1b[", b"\x1b", b"\x1bO"]
)  # fmt: skip
PIECES = st.one_of(
    st.binary(max_size=8), st.text(alphabet="ab 漢e\u0301\u0300ñ\u200d\u0e33", max_size=6).map(str.encode), KEYS
)


@given(st.lists(PIECES, max_size=30), st.integers(1, 50), st.booleans())
def test_whatever_is_typed_the_row_shows_the_text_around_the_cursor(pieces, columns, hears):
    person = Person(columns=columns)
    person.words = ["alice ", "albert "]
    for piece in pieces:
        person.types(piece)
        if hears:
            person.hears("bob: hi")
    person.types(b"\x1b[201~\x07")  # ends a paste, a search and any sequence
    line, cursor = person.editor.row.text, person.editor.row.cursor
    before, after = line[:cursor], line[cursor:]
    assert cursor in {0, *boundaries(line)}
    x, y = person.terminal.cursor
    lead = "ops> " if columns > 10 else ""
    cells = [person.terminal.screen.buffer[y][column].data for column in range(columns)]
    seen_before, seen_after = seen("".join(cells[:x])), seen("".join(cells[x:]))
    assert seen_before.startswith(seen(lead))
    seen_before = seen_before[len(seen(lead)) :]
    assert drawn(before).endswith(seen_before)
    assert drawn(after).startswith(seen_after)
    room = max(1, columns - 1 - len(lead))
    if columns_of(line) <= room // 2:  # then it has never scrolled
        assert (seen_before, seen_after) == (drawn(before), drawn(after))
    elif before and columns_of(list(iter_graphemes(before))[-1]) <= room // 2:
        assert columns_of(lead) < x < columns


@given(st.lists(st.one_of(KEYS, st.text(alphabet="ab 漢ñ", max_size=6).map(str.encode)), max_size=30).map(b"".join))
def test_keys_mean_the_same_in_any_pieces(data):
    whole, pieces = Person().types(data), Person().types(*[bytes([byte]) for byte in data])
    for person in (whole, pieces):
        person.types(b"\x1b[201~")
    assert (whole.lines, whole.blocks, whole.ends) == (pieces.lines, pieces.blocks, pieces.ends)
    assert (whole.editor.row.text, whole.editor.row.cursor) == (pieces.editor.row.text, pieces.editor.row.cursor)


def boundaries(words):
    """Return the ends of all characters, as people see them."""
    at, found = 0, []
    for character in iter_graphemes(words):
        at += len(character)
        found.append(at)
    return found


def drawn(words):
    """Return a text as the row shows it, as far as pyte keeps it; spaces end a row unseen, so they do not count."""
    return seen("".join(map(shown, iter_graphemes(words))))


def seen(words):
    kept = "".join(c for c in words if c != " " and (wcwidth(c) > 0 or unicodedata.combining(c)))
    return unicodedata.normalize("NFD", kept)


def test_the_chat_says_all_that_the_editor_takes():
    for code in range(0x20, 0x3000):
        if not 0x7F <= code < 0xA0:
            typed = f"a{chr(code)}b"
            assert Person().types(typed).editor.row.text == text.clean(typed) or code in ENDS_OF_LINES, hex(code)
