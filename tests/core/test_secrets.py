"""Secrets: their forms, how they are told apart, and that none of them gets through where others read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import twisted_chat
from twisted_chat.core import secrets
from twisted_chat.core.errors import BadSecret, SecretSaid
from twisted_chat.core.secrets import DEVICE, HOOK, TOKEN, holds_secret, kind_of, new_code, new_token, verifier_of

from ..house import House, TurnJournal

PREFIXES = {TOKEN: "token", DEVICE: "device", HOOK: "hook"}
KEY = b"the journal's"
BASE62 = st.text("ABCXYZabcxyz0189", min_size=32, max_size=32)
TOKENS = st.builds(lambda prefix, rest: prefix + rest, st.sampled_from(sorted(PREFIXES)), BASE62)
CODES = st.text("CDFHJKMNPQRTVWXY23479", min_size=12, max_size=12)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_new_token_has_its_prefix_and_32_characters_and_is_another_each_time(prefix):
    made = {new_token(prefix) for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(prefix + "[0-9A-Za-z]{32}", one) for one in made)
    assert {kind_of(one) for one in made} == {PREFIXES[prefix]}
    assert set("".join(made)) >= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


def test_a_new_code_is_three_groups_of_four_without_characters_that_look_alike():
    made = {new_code() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch("(?:[A-Z0-9]{4}-){2}[A-Z0-9]{4}", one) for one in made)
    assert {kind_of(one) for one in made} == {"code"}
    assert not set("".join(made)) & set("0O1ILAEU2Z5S6G8B") - {"2"}


@given(TOKENS)
def test_a_token_is_known_by_its_prefix_even_if_it_was_cut(token):
    assert kind_of(token) == PREFIXES[token[:4]]
    assert kind_of(token[:20]) == PREFIXES[token[:4]]
    assert kind_of(token[1:]) == "password"


@given(CODES, st.lists(st.booleans(), min_size=12, max_size=12), st.sampled_from("- "), st.booleans(), st.booleans())
def test_a_code_is_read_in_any_case_and_with_or_without_hyphens(code, lows, sign, is_first, is_second):
    written = "".join(c.lower() if is_low else c for c, is_low in zip(code, lows, strict=True))
    written = written[:4] + sign * is_first + written[4:8] + sign * is_second + written[8:]
    assert kind_of(written) == "code"
    assert verifier_of(written, KEY) == verifier_of(code, KEY)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "greenteacups", "correct horse", "TCT_0123", "tcx_0123", "tct"),
        *("K7QF-2M9P-XD4", "K7QF-2M9P-XD4TT", "K7QF--2M9PXD4T", "K7QF2-M9PXD4T", "K7QF-2M9P-XD4T\n"),
        "\u212a7QF-2M9P-XD4T",  # Kelvin, which becomes k in lower case
    ],
)
def test_everything_else_can_only_be_a_password(text):
    assert kind_of(text) == "password"


@given(TOKENS, TOKENS, st.binary(min_size=1, max_size=64), st.binary(min_size=1, max_size=64))
def test_a_verifier_is_the_same_for_the_same_secret_and_key_only(one, other, key, other_key):
    assert re.fullmatch("[0-9a-f]{64}", verifier_of(one, key))
    assert (verifier_of(one, key) == verifier_of(other, key)) == (one == other)
    if key.rstrip(b"\0") != other_key.rstrip(b"\0"):  # a key is filled up with zeros (RFC 7693, section 2.9)
        assert verifier_of(one, key) != verifier_of(one, other_key)
    assert verifier_of(one, key)[:32] != _public_name(one, key)  # which others see, if a program says hello with one


def _public_name(token, key):
    journal = TurnJournal()
    journal.secret = key
    return House(journal=journal).hub.public_name(token)


# -- in a text


@given(TOKENS, st.text(), st.text())
def test_a_token_is_found_wherever_it_stands(token, before, after):
    assert holds_secret(before + token + after)
    with pytest.raises(SecretSaid):
        secrets.refuse_secrets("fine", before + token + after)


@given(st.text("tcdh_A0 \n", max_size=80))
def test_what_is_found_is_what_the_form_says(text):
    assert holds_secret(text) == bool(re.search("tc[tdh]_[0-9A-Za-z]{32}", text))


@pytest.mark.parametrize(
    "text", ["", "etc_", "tct_" + "x" * 31, "tct_" + "x" * 31 + "-x", "tcx_" + "x" * 32, "K7QF-2M9P-XD4T"]
)  # without accounts no code is valid
def test_an_ordinary_text_is_not_refused(text):
    secrets.refuse_secrets(text)


@given(st.sampled_from(["", "my code: ", "4477 2394 ", "hmmm "]), st.sampled_from(["", ".", " lets you in", "\n"]))
def test_a_code_is_found_in_each_way_to_write_it(before, after):
    code = new_code()
    for written in (code, code.lower(), code.replace("-", " "), code.replace("-", "")):
        assert secrets.holds_code(before + written + after)


@pytest.mark.parametrize(
    "text",
    [
        *("", "hmmm hmmm hmmm", "pfft-pfft-pfft", "4477 2394 7732", "call 2394-4477-7732 now", "strengthless"),
        *("K7QF-2M9P", "xK7QF-2M9P-XD4T", "K7QF-2M9P-XD4Tx", "a7f3c9d4e2b1", "K7QF_2M9P_XD4T", "the 7th of the 4th"),
        *("aaaa1111-bbbb-2222", "2026-11-30 17:44", "v1.24.37 rc2", "HTTP/1.1 404", "10.4.7.3", "sha 4f3d-92ac-77df"),
    ],
)
def test_ordinary_words_and_numbers_are_no_code(text):
    assert not secrets.holds_code(text)


# -- passwords


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("hunter22", "hunter22"),
        ("caf\u00e9s ok", "caf\u00e9s ok"),
        ("cafe\u0301s ok", "caf\u00e9s ok"),  # composed (NFC), so that each keyboard gives the same
        ("four\u3000words", "four words"),  # every space is the ASCII one
        ("\ufb01ve letters", "\ufb01ve letters"),  # but nothing else is mapped to what it looks like (NFKC)
        ("  kept  ", "  kept  "),
        ("Case Counts", "Case Counts"),
        ("\U0001f600\U0001f600", "\U0001f600\U0001f600"),  # eight bytes
        ("x" * 1024, "x" * 1024),
    ],
)
def test_a_password_is_taken_in_its_opaque_form(typed, kept):
    assert secrets.password(typed) == kept


@pytest.mark.parametrize(
    "typed, why",
    [
        ("", "it is too short, so give 8 characters or more, for example four words"),
        ("1234567", "it is too short, so give 8 characters or more, for example four words"),
        ("x" * 1025, "it has 1,025 bytes, and may have 1,024, so give a shorter one"),
        ("\u0344" * 340, "it has 1,360 bytes, and may have 1,024, so give a shorter one"),  # only once it is composed
        ("hunter\t22", "it has a control character, such as a tab, so type it without"),
        ("hunter22\x7f", "it has a control character, such as a tab, so type it without"),
        ("hunter\x0022", "it has a control character, such as a tab, so type it without"),
        ("e\u0301" * 8 + "\u200d", "it has a character that no password can have (U+200D), so type it without"),
        ("hunter22\ud800", "it has a character that no password can have (U+D800), so type it without"),
        (TOKEN + "x" * 32, "it looks like a token or a code of this server, so choose another"),
        ("k7qf2m9pxd4t", "it looks like a token or a code of this server, so choose another"),
    ],
)
def test_a_password_that_cannot_be_used_is_refused_with_the_reason(typed, why):
    with pytest.raises(BadSecret) as caught:
        secrets.password(typed)
    assert str(caught.value) == f"that password cannot be used: {why}"


@given(st.text(max_size=300))
def test_a_password_that_was_taken_is_taken_again_as_it_is(typed):
    try:
        kept = secrets.password(typed)
    except BadSecret as error:
        assert "\n" not in str(error)
    else:
        assert secrets.password(kept) == kept
        assert 8 <= len(kept.encode()) <= 1024


def test_the_page_and_the_server_know_the_same_commands_with_passwords():
    script = Path(twisted_chat.__file__).parent / "doors/web/static/talk.js"
    (page,) = re.findall(r"HAS_SECRET = /\^\\s\+\\/(.+)\(\\s\|\$\)/i\n", script.read_text())
    (server,) = re.findall(r"\\s\*/(.+)\(\?:\\s\.\*\)\?$", secrets._COMMAND.pattern)
    assert page == server.replace("?:", "")
    assert "nickserv" in page
