"""Hygiene of texts: valid aliases, room names and lines. Pure functions on str.

The law: no text of a person can move a cursor, recolour a terminal, reorder a line or end it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import islice, product, takewhile

from precis_i18n import get_profile

from .errors import BadAlias, BadRoom, BlockTooLong, NothingToSay, NotUtf8, ReasonTooLong, TopicTooLong
from .secrets import holds_secret, is_command, refuse_secrets

ALIAS_LENGTH = 24  # characters
ALIAS_SIGNS = "-_.[]{}\\|^`"  # after its first character; the last seven are common in nicks of IRC
ROOM_LENGTH = 32  # characters
ROOM_SIGNS = "-_."  # likewise
TOPIC_LENGTH = 300  # characters
REASON_LENGTH = 200  # characters
BLOCK_LINES = 200  # lines in one block ...
BLOCK_SIZE = 8  # ... and its bytes, as a multiple of the longest line's
IDENT = "[A-Za-z0-9._:-]{1,64}"  # a regular expression: a program's own name for its request
MAX_ONES = 4  # digits 1 in an alias of which each may stand for another letter; of more, all for the same
TRIED = 4  # multiple of the length that is examined: composing makes a name shorter

# Names with which a person could pass for the server, for a group of people, or for the services of other networks of
# IRC, to which people there send their passwords.
RESERVED = frozenset(
    "admin administrator alias all announcement anonymous audit bot botserv broadcast channel chanserv chat everybody "
    "everyone from global help here hook host hostserv lobby me memoserv mod moderator nickserv nobody notice operator "
    "operserv owner root saslserv server service services somebody someone staff sysop system telnet to twisted_chat "
    "webhook you".split()
)

# Escape sequences are removed whole: CSI, OSC/DCS/APC/PM/SOS with their text (ECMA-48 5.4, 5.6), then other ESC x.
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

# Invisible or blank, although Python calls them printable: default ignorable code points (Unicode,
# DerivedCoreProperties.txt), fillers, the braille blank, and the joiners of _WELCOME_FORMATS that join nothing.
_BLANKS = (
    r"\s\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\ufff0-\ufff8\U00013441\U00013442\U00016fe4\U0001d159\U000e0000-\U000e0fff"
)
_BLANK = re.compile(f"[{_BLANKS}]*")
_BLANK_AMONG_LINES = re.compile(rf"\n[{_BLANKS}]+(?=\n|\Z)")
_INVISIBLE = re.compile(f"[{_BLANKS}]")

FENCE = "```"  # as in Markdown
_FENCE = re.compile(r"```[\w+#.-]*\s*")

# The keys of a line editor: erase a character (BS, DEL), a word (^W), the line (^U, ^C).
_EDITS = re.compile("[\x03\x08\x15\x17\x7f]")


def decoded(line: bytes) -> str:
    """Decode one line.

    Raises: NotUtf8, with the first bad byte; positions count from 1.
    """
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUtf8(line[error.start], error.start + 1) from None


def shown(name: str) -> str:
    """Quote any text in ASCII, and shorten it."""
    return json.dumps(name if len(name) <= 40 else name[:40] + "...")


def plain(lines: list[bytes]) -> list[str]:
    """Decode, edit and clean the leading lines that are plain posts; stop before the first other line.

    Such a line begins with a slash or a fence, perhaps only after editing, has a secret in it or is a command that may
    have one, although a space comes first, or is not in UTF-8.
    """
    if not lines:
        return []
    joined = b"\n" + b"\n".join(lines)
    for other in (b"\n/", b"\n```"):
        begin = joined.find(other)
        if begin >= 0:
            joined = joined[:begin]
    try:
        whole = joined.decode("utf-8")
    except UnicodeDecodeError as error:
        whole = joined[: joined.rfind(b"\n", 0, error.start)].decode("utf-8")
    read = whole.split("\n")[1:]
    is_clean = whole.replace("\n", "").isprintable() and (whole.isascii() or not _BLANK_AMONG_LINES.search(whole))
    if is_clean and not ("\n " in whole and "/" in whole) and not holds_secret(whole):
        return [line.rstrip() for line in read] if " \n" in whole or whole[-1:] == " " else read
    cleaned = (clean(edited(line)) for line in read)
    return list(takewhile(lambda line: not _is_special(line), cleaned))


def _is_special(line: str) -> bool:
    return line.startswith(("/", FENCE)) or holds_secret(line) or is_command(line)


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
    """Remove the characters that a terminal would obey instead of show, and white space at the end.

    A line without anything visible becomes empty.
    """
    return harmless(line).rstrip()


def harmless(line: str) -> str:
    """Remove the characters that a terminal would obey instead of show; keep white space, which a block needs.

    A line without anything visible, unless it is ASCII, becomes empty.
    """
    if not line.isprintable():  # it has a C0, C1 or format character, or a separator other than the space: few lines do
        line = "".join(filter(is_welcome, _ENDS_OF_LINES.sub(" ", _ESCAPES.sub("", line))))
    return "" if not line.isascii() and _BLANK.fullmatch(line) else line


def is_welcome(character: str) -> bool:
    """Return whether a terminal shows a character, and does not obey it."""
    if character == "\t" or character.isprintable():
        return True
    category = unicodedata.category(character)
    if category == "Cf":
        return character in _WELCOME_FORMATS
    # Unassigned means newer than this Python's tables, usually an emoji; but not a noncharacter (Unicode 23.7), or a
    # code point that is reserved for invisible characters.
    is_new = category == "Cn" and not (_is_noncharacter(ord(character)) or _INVISIBLE.match(character))
    return is_new or category in ("Zs", "Co")


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def said(line: str) -> str:
    """Return a line as it can be said.

    Raises: NothingToSay.
    """
    line = clean(line)
    if not line or line.isspace():
        raise NothingToSay
    return line


def reason(wanted: str) -> str:
    """Return the reason for an act on a person, as others read it; it may be empty.

    Raises: ReasonTooLong, SecretSaid.
    """
    cleaned = clean(wanted.strip())
    if len(cleaned) > REASON_LENGTH:
        raise ReasonTooLong(len(cleaned), REASON_LENGTH)
    refuse_secrets(cleaned)
    return cleaned


def block(lines: Sequence[str], max_line: int) -> list[str]:
    """Return the lines of a block as they can be said, with empty lines and white space at both ends.

    Raises: BlockTooLong, NothingToSay.
    """
    if len(lines) > BLOCK_LINES:
        raise BlockTooLong(f"it has {len(lines):,} lines, and a block has at most {BLOCK_LINES}")
    sizes = [len(line.encode()) for line in lines]
    longest = max(sizes, default=0)
    if longest > max_line:
        raise BlockTooLong(f"its line {sizes.index(longest) + 1} is longer than {max_line:,} bytes")
    if sum(sizes) > BLOCK_SIZE * max_line:
        raise BlockTooLong(f"it has {sum(sizes):,} bytes, and a block has at most {BLOCK_SIZE * max_line:,}")
    kept = list(map(harmless, lines))
    if not any(map(str.strip, kept)):
        raise NothingToSay
    return kept


def is_fence(line: str) -> bool:
    """Return whether a line begins a block: three backquotes, perhaps with the name of a language after them."""
    return line.startswith(FENCE) and bool(_FENCE.fullmatch(line))


def topic(wanted: str) -> str:
    """Return a text as the topic of a room; empty clears it.

    Raises: TopicTooLong.
    """
    title = clean(wanted)
    if len(title) > TOPIC_LENGTH:
        raise TopicTooLong(len(title), TOPIC_LENGTH)
    return title


def alias(wanted: str) -> str:
    """Return an alias in the form to show: as typed, but width-mapped and composed (RFC 8265, section 3.4).

    Raises: BadAlias.
    """
    shown = _name(wanted.strip(), "UsernameCasePreserved", ALIAS_LENGTH, ALIAS_SIGNS, BadAlias)
    if shown.endswith("."):  # as at the end of a sentence
        raise BadAlias("a full stop cannot be its last character")
    if key(shown) in RESERVED or looks_as_member(shown) & _reserved_looks():
        raise BadAlias(f"{shown} is reserved, choose another", is_reserved=True)
    return shown


def key(name: str) -> str:
    """Return the common form of equal aliases or room names: PRECIS UsernameCaseMapped (RFC 8265, section 3.3).

    A name that PRECIS refuses, or that is too long, is its own key; no person or room has it.
    """
    return _key(name) if len(name) <= TRIED * ROOM_LENGTH else name


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    if name.isascii() and name.isprintable() and " " not in name:
        return name.lower()  # as PRECIS has it, which takes 200 times as long, and a start has very many
    try:
        return str(get_profile("UsernameCaseMapped").enforce(name))
    except UnicodeError:
        return name


def room(wanted: str) -> str:
    """Return a room's name, which is its own key: in lower case, without the # that some people type.

    Raises: BadRoom.
    """
    return _name(wanted.strip().removeprefix("#"), "UsernameCaseMapped", ROOM_LENGTH, ROOM_SIGNS, BadRoom)


def _name(wanted: str, profile: str, length: int, signs: str, error: type[BadAlias] | type[BadRoom]) -> str:
    if not wanted:
        raise error("it is empty")
    if len(wanted) > TRIED * length:  # before PRECIS, whose time grows with the length
        raise error(f"it is longer than {length} characters")
    try:
        name = str(get_profile(profile).enforce(wanted))
    except UnicodeError:
        name = ""
    if not _is_name(name, signs):
        raise error(f"use letters and digits, then also {' '.join(signs)} within it, and no spaces")
    if len(name) > length:
        raise error(f"it is longer than {length} characters")
    return name


def _is_name(name: str, signs: str) -> bool:
    """Return whether a name is a letter or digit, then letters, digits, their combining marks and some signs only."""
    if not name[:1].isalnum() or _INVISIBLE.search(name):
        return False
    return all(c in signs or unicodedata.category(c)[0] in "LNM" for c in name)


def prepare() -> None:
    """Load the tables for aliases now: later no file descriptor may be free for them."""
    alias("prepared")


def looks(name: str) -> frozenset[str]:
    """Return the looks of an alias: skeletons by Unicode's table of confusables (UTS #39, section 4).

    Aliases that share a look are alike. Case can matter (PauI, Paul) or not (B0B, bob): so there is a look of the alias
    as shown and one in lower case. Both also come without the lines that marks draw below and through letters, since
    an underlined bob looks like bob.
    """
    forms = (name, name.casefold())
    return frozenset(_skeleton(form).casefold() for form in (*forms, *map(_without_lines, forms)))


def looks_as_member(name: str) -> frozenset[str]:
    """Return the looks that are compared with those of members: by Unicode's table a 1 is an l, and here also an i."""
    ones = name.count("1")
    if not ones:
        return looks(name)
    choices = product("1i", repeat=ones) if ones <= MAX_ONES else [("1",) * ones, ("i",) * ones]
    begin, *rest = name.split("1")
    names = (begin + "".join(map("".join, zip(choice, rest, strict=True))) for choice in choices)
    return frozenset(look for one in names for look in looks(one))


def _skeleton(name: str) -> str:
    table = _prototypes()
    decomposed = unicodedata.normalize("NFD", name)
    looks_like = unicodedata.normalize("NFD", "".join([table.get(c, c) for c in decomposed]))
    return looks_like.rstrip(".") or looks_like  # a full stop at the end looks like that of a sentence


def _without_lines(name: str) -> str:
    """Remove the marks that are not part of a letter, except marks above, which distinguish letters."""
    if name.isascii():
        return name
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).replace(_MACRON_BELOW, ""))
    return "".join([c for c in composed if not _is_line(c)])


def _is_line(character: str) -> bool:
    if character in _LINES_ABOVE:
        return True
    is_general = any(first <= character <= last for first, last in _GENERAL_MARKS)
    return is_general and unicodedata.combining(character) not in (0, _ABOVE)


_ABOVE = 230  # the combining class of marks above a letter (Unicode, table 4-3)
_MACRON_BELOW = "\u0331"  # composes with some letters, and looks like an underline with all
_LINES_ABOVE = "\u0305\u033f"
_GENERAL_MARKS = (  # the blocks of marks that belong to no script: a script's own marks are part of its letters
    ("\u0300", "\u036f"), ("\u1ab0", "\u1aff"), ("\u1dc0", "\u1dff"), ("\u20d0", "\u20ff"), ("\ufe20", "\ufe2f"),
)  # fmt: skip
# Corrections of the table of confusables: the small palochka, which looks like its capital, and
# the Arabic zeros, which are dots; and the one of ALIAS_SIGNS that looks like a letter.
_ALSO = {"\u04cf": "l", "\u0660": ".", "\u06f0": ".", "|": "l"}


@cache
def _prototypes() -> dict[str, str]:
    """Return each character's look: a letter's is the letter or letters that represent it.

    confusable-homoglyphs ships the table as links in both directions and keeps all 16 MB of it in memory. So this
    function reads the file, and keeps only the letters and spacing marks that PRECIS allows in a name. Each look is a
    star: the prototype in its centre is a run of letters (rn, for m), or else the letter with many links.
    """
    data = resources.files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8")
    links: dict[str, list[dict[str, str]]] = json.loads(data)
    table: dict[str, str] = {}
    for letter, alike in links.items():
        if len(letter) > 1 or len(alike) > 1 or not _is_spacing(letter):
            continue
        if unicodedata.normalize("NFKC", letter) != letter:
            continue
        prototype = alike[0]["c"].replace("\u200e", "")
        if len(prototype) == 1 and len(links.get(prototype, ())) == 1 and prototype > letter:
            continue  # only these two are linked: the lower one is the prototype
        table[letter] = prototype
    return table | _ALSO


def _is_spacing(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) == "Mc"


@cache
def _reserved_looks() -> frozenset[str]:
    return frozenset().union(*map(looks, RESERVED))


# Letters of scripts that put no space between words, or add particles to a name: Thai, Lao, Myanmar, Khmer, Japanese,
# Chinese, Korean.
_SPACELESS = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_JOINING = "-.@"  # these join the parts on both sides
_ENDS = (  # of an address: spaces, quotes, and the stops and brackets of scripts that put no space after them
    r"\s<>\"`\u00ab\u00bb\u2018\u2019\u201c\u201d\u200b\u3001\u3002\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c"
    r"\uff1a\uff1b\uff1f\uff3b\uff3d\uff5b\uff5d\uff5f-\uff64\u0964\u0965\u104a\u104b\u17d4\u17d5\u1362"
)
_HOST = r"(?<![a-z0-9-])(?<![a-z0-9-]\.)[a-z0-9-]+(?:\.[a-z0-9-]+)+"  # from its beginning only: a long one is read once
_ADDRESS = re.compile(rf"(?:https?://|{_HOST}/)[^{_ENDS}]*")
_IS_SPACELESS = re.compile(f"[{_SPACELESS}]")


def names(line: str, alias: str) -> bool:
    """Return whether an alias stands in a line as a word of its own, in any case of letters.

    An alias within a URL does not count. The page has the same rule: links.js.
    """
    said, name = _folded(line), _folded(alias)
    if name not in said:
        return False
    if "/" in said:
        said = _ADDRESS.sub(" ", said)
    begin = said.find(name)
    while begin >= 0:
        before, after = _outside(said[:begin], said[begin + len(name) :])
        if not (_joins(before, name) or _joins(name, after)):
            return True
        begin = said.find(name, begin + 1)
    return False


def mentions(line: str, alias: str) -> bool:
    """Return whether ``@alias`` stands in a line, in any case of letters and not within a word, as in an address."""
    if "@" not in line:  # nearly every line
        return False
    said, name = _folded(line), "@" + _folded(alias)
    begin = said.find(name)
    while begin >= 0:
        before, after = said[:begin], said[begin + len(name) :]
        if not (_is_letter(before[-1:]) or _joins(name, after)):
            return True
        begin = said.find(name, begin + 1)
    return False


def _folded(line: str) -> str:
    return line.casefold() if line.isascii() else unicodedata.normalize("NFC", line.casefold())


def _outside(before: str, after: str) -> tuple[str, str]:
    """Return the text around an alias without emphasis: ``_alias_`` is emphasis, ``alias_`` is another name."""
    if before.endswith("_") and after.startswith("_"):
        return before.rstrip("_"), after.lstrip("_")
    return before, after


def _joins(before: str, after: str) -> bool:
    """Return whether a word goes on from one part of a line to the next."""
    if after and unicodedata.category(after[0])[0] == "M":
        return True
    signs = before[-1:] in _JOINING, after[:1] in _JOINING
    if not (before and after) or all(signs):
        return False
    return _is_letter(before[-1 - signs[0] : len(before) - signs[0]]) and _is_letter(after[signs[1] : signs[1] + 1])


def _is_letter(character: str) -> bool:
    """Return whether a word can go on with a character; scripts without spaces between words do not count."""
    if not character or _IS_SPACELESS.match(character):
        return False
    return character == "_" or character.isalnum() or unicodedata.category(character)[0] == "M"


def listed(items: Iterable[str], most: int, count: int) -> str:
    """Join names for a person to read: at most ``most`` of all ``count``."""
    shown = ", ".join(islice(items, most))
    return f"{shown} and {count - most:,} more" if count > most else shown
