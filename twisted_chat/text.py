"""Hygiene: what may be an alias, a room name, a line. Pure functions on str.

The law: nothing that a person wrote can move a cursor, recolour a terminal, reorder a line or end it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from itertools import islice, takewhile

from precis_i18n import get_profile

from .errors import BadAlias, BadRoom, NothingToSay, NotUtf8

ALIAS_LENGTH = 24  # characters
ROOM_LENGTH = 32  # characters
TOPIC_LENGTH = 300  # characters; a longer one is cut
TRIED = 4  # times that length are looked at: composing makes a name shorter

# Names that would let a person pass for the server, or for a group of people.
RESERVED = frozenset(
    "admin administrator alias all announcement anonymous broadcast chat everybody everyone from help here "
    "host lobby me moderator nobody notice operator owner root server service somebody someone "
    "staff sysop system telnet to twisted_chat you".split()
)

# Escape sequences go as a whole: CSI, OSC/DCS/APC/PM/SOS with their text (ECMA-48 5.4, 5.6), then other ESC x.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)

# Format characters (Cf) that letters and emoji need: the two joiners, and the signs that Arabic, Syriac and
# Kaithi put around numbers (Prepended_Concatenation_Mark in Unicode's PropList.txt).
_WELCOME_FORMATS = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_ENDS_OF_LINES = re.compile("[\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029]+")

# What a line editor does with a key: erase a character (BS, DEL), a word (^W), the line (^U, ^C).
_EDITS = re.compile("[\x03\x08\x15\x17\x7f]")


def decoded(line: bytes) -> str:
    """Decode one line.

    Raises: NotUtf8, which names the first bad byte; positions count from 1.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUtf8(line[error.start], error.start + 1) from None


def plain(lines: list[bytes]) -> list[str]:
    """Decode, edit and clean lines that are just said, together; up to the first that is, or turns out to be, another.

    Others are those that begin with a slash, perhaps only once they are edited, and those that are not UTF-8.
    """
    if not lines:
        return []
    joined = b"\n" + b"\n".join(lines)
    command = joined.find(b"\n/")
    if command >= 0:
        joined = joined[:command]
    try:
        whole = joined.decode("utf-8")
    except UnicodeDecodeError as error:
        whole = joined[: joined.rfind(b"\n", 0, error.start)].decode("utf-8")
    read = whole.split("\n")[1:]
    if whole.replace("\n", "").isprintable():
        return [line.rstrip() for line in read] if " \n" in whole or whole[-1:] == " " else read
    cleaned = (clean(edited(line)) for line in read)
    return list(takewhile(lambda line: line[:1] != "/", cleaned))


def edited(line: str) -> str:
    """Apply the editing keys that a character-at-a-time terminal left inside a finished line."""
    if line.isprintable() or not _EDITS.search(line):
        return line
    kept: list[str] = []
    for character in line:
        if character in "\x08\x7f":
            del kept[-1:]
        elif character in "\x03\x15":
            kept.clear()
        elif character == "\x17":
            while kept and kept[-1].isspace():
                kept.pop()
            while kept and not kept[-1].isspace():
                kept.pop()
        else:
            kept.append(character)
    return "".join(kept)


def clean(line: str) -> str:
    """Take out what a terminal would obey instead of show, and white space at the end."""
    if line.isprintable():  # no C0, C1, format character or separator but the space: nearly every line
        return line.rstrip()
    line = _ENDS_OF_LINES.sub(" ", _ESCAPES.sub("", line))
    return "".join(filter(_is_welcome, line)).rstrip()


def _is_welcome(character: str) -> bool:
    if character == "\t" or character.isprintable():
        return True
    category = unicodedata.category(character)
    if category == "Cf":
        return character in _WELCOME_FORMATS
    # Unassigned means newer than this Python's tables, an emoji as a rule; never a noncharacter (Unicode 23.7).
    return category in ("Zs", "Co") or (category == "Cn" and not _is_noncharacter(ord(character)))


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def said(line: str) -> str:
    """Return what can be said of a line.

    Raises: NothingToSay.
    """
    line = clean(line)
    if not line or line.isspace():
        raise NothingToSay
    return line


def alias(wanted: str) -> str:
    """Return an alias in the form to show: as typed, but width-mapped and composed (RFC 8265, section 3.4).

    Raises: BadAlias.
    """
    shown = _name(wanted.strip(), "UsernameCasePreserved", ALIAS_LENGTH, BadAlias)
    if key(shown) in RESERVED or looks(shown) & _reserved_looks():
        raise BadAlias(f"{shown} is a word of the server's own")
    return shown


def key(name: str) -> str:
    """What makes two aliases, or two room names, the same: PRECIS UsernameCaseMapped (RFC 8265, section 3.3).

    A name that PRECIS refuses, or that is longer than any, is its own key, and so nobody's.
    """
    return _key(name) if len(name) <= TRIED * ROOM_LENGTH else name


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    try:
        return str(get_profile("UsernameCaseMapped").enforce(name))
    except UnicodeError:
        return name


def room(wanted: str) -> str:
    """Return a room's name, which is its own key: in small letters, without the # that some people type.

    Raises: BadRoom.
    """
    return _name(wanted.strip().removeprefix("#"), "UsernameCaseMapped", ROOM_LENGTH, BadRoom)


def _name(wanted: str, profile: str, length: int, error: type[BadAlias] | type[BadRoom]) -> str:
    if not wanted:
        raise error("it is empty")
    if len(wanted) > TRIED * length:  # before PRECIS, whose time grows with the length
        raise error(f"it is longer than {length} characters")
    try:
        name = str(get_profile(profile).enforce(wanted))
    except UnicodeError:
        name = ""
    if not _is_name(name):
        raise error("use letters and digits, then also - _ and . within it, and no spaces")
    if len(name) > length:
        raise error(f"it is longer than {length} characters")
    return name


def _is_name(name: str) -> bool:
    """A letter or digit, then letters, digits, their combining marks and ``-_.`` only."""
    return name[:1].isalnum() and all(c in "-_." or unicodedata.category(c)[0] in "LNM" for c in name)


def prepare() -> None:
    """Read the tables now that would be read for the first alias, when there may be no descriptor left for it."""
    alias("prepared")


def looks(name: str) -> frozenset[str]:
    """What makes two aliases look alike: skeletons by Unicode's table of confusables (UTS #39, section 4).

    Two skeletons, because the case matters to the look (PauI, Paul) and does not (B0B, bob): of the alias as
    it is shown, and of it in small letters. Aliases that share one look alike.
    """
    return frozenset({_skeleton(name).casefold(), _skeleton(name.casefold()).casefold()})


def _skeleton(name: str) -> str:
    table = _prototypes()
    decomposed = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFD", "".join([table.get(c, c) for c in decomposed]))


@cache
def _prototypes() -> dict[str, str]:
    """Return what each character looks like: a letter to the letter or letters that stand for it.

    confusable-homoglyphs ships the table as links in both directions and keeps all 16 MB of it in memory, so it is
    read here and only the letters that PRECIS lets into a name are kept. Each look is a star: the prototype in
    its centre is a run of letters (rn, for m), or else the one that links to many.
    """
    data = resources.files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8")
    links: dict[str, list[dict[str, str]]] = json.loads(data)
    table: dict[str, str] = {}
    for letter, alike in links.items():
        if len(letter) > 1 or len(alike) > 1 or not letter.isalnum():
            continue
        if unicodedata.normalize("NFKC", letter) != letter:
            continue
        prototype = alike[0]["c"].replace("\u200e", "")
        if len(prototype) == 1 and len(links.get(prototype, ())) == 1 and prototype > letter:
            continue  # the two link only to each other: the lower one is the prototype
        table[letter] = prototype
    return table


@cache
def _reserved_looks() -> frozenset[str]:
    return frozenset().union(*map(looks, RESERVED))


def listed(items: Iterable[str], most: int, count: int) -> str:
    """Join names for a person to read, at most ``most`` of the ``count`` that there are."""
    shown = ", ".join(islice(items, most))
    return f"{shown} and {count - most:,} more" if count > most else shown
