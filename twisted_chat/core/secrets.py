"""Secrets: how tokens, codes and passwords look, how they are made, and the form in which a journal keeps them.

A token is a program's, a device secret is a browser's cookie, a hook is a part of an address, and a code lets one more
device in, once. All of them are random, so a fast keyed hash is enough for them. A password needs a slow, salted one:
see vault.py.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import unicodedata
from typing import Final, Literal

from precis_i18n import get_profile

from .errors import BadSecret, SecretSaid

TOKEN: Final = "tct_"  # noqa: S105  # the beginning of each, and no secret
DEVICE: Final = "tcd_"
HOOK: Final = "tch_"
_BASE62: Final = string.ascii_letters + string.digits
_LENGTH: Final = 32  # of base 62, behind the prefix: 190 bits

# Without characters that look alike (0 O, 1 I L, Z as 2, 5 S, 6 G, 8 B), and without vowels, so that no word is a code.
_CODE_ALPHABET: Final = "CDFHJKMNPQRTVWXY23479"
_CODE_GROUPS: Final = 3  # of four characters: 52 bits, for minutes, behind a throttle

PASSWORD_LEAST: Final = 8  # bytes in UTF-8
PASSWORD_MOST: Final = 1024

Form = Literal["token", "device", "hook", "code", "password"]
_PREFIXES: Final[dict[str, Form]] = {TOKEN: "token", DEVICE: "device", HOOK: "hook"}
_SECRET = re.compile(rf"tc[tdh]_[{_BASE62}]{{{_LENGTH}}}")
_CODE = re.compile("[- ]?".join([f"[{_CODE_ALPHABET}]{{4}}"] * _CODE_GROUPS), re.ASCII | re.IGNORECASE)

_COMMAND = re.compile(  # ours, and those of IRC by which people log in to the services of other networks
    r"\s*/(?:login|register|password|pass|identify|oper|ns|nickserv|(?:msg|query|m|q)\s+\w*serv)(?:\s.*)?",
    re.IGNORECASE | re.DOTALL,
)

_CODE_IN_TEXT = re.compile(rf"(?<![0-9A-Za-z])(?=({_CODE.pattern})(?![0-9A-Za-z]))", re.ASCII | re.IGNORECASE)


def new_token(prefix: str) -> str:
    """Return a new secret of a program, a browser or a hook; ``prefix``: TOKEN, DEVICE or HOOK."""
    return prefix + "".join(secrets.choice(_BASE62) for _ in range(_LENGTH))


def new_code() -> str:
    """Return a new code, as a person reads it out: K7QF-2M9P-XD4T. It has a letter and a digit: see ``holds_code``."""
    while True:
        code = "-".join("".join(secrets.choice(_CODE_ALPHABET) for _ in range(4)) for _ in range(_CODE_GROUPS))
        if holds_code(code):
            return code


def kind_of(secret: str) -> Form:
    """Return the kind of a secret by its form; every other text can only be a password."""
    if _CODE.fullmatch(secret):
        return "code"
    return _PREFIXES.get(secret[: len(TOKEN)], "password")


def verifier_of(secret: str, key: bytes) -> str:
    """Return the verifier of a token, device secret, hook or code: the same in each way to write a code.

    ``key``: the journal's secret, without which a stolen journal does not even help to guess a code.
    """
    if kind_of(secret) == "code":
        secret = re.sub("[- ]", "", secret).upper()
    whole = secret.encode("utf-8", "surrogatepass")  # a caller over HTTP can send anything
    return hashlib.blake2b(whole, digest_size=32, key=key, person=b"verifier").hexdigest()


def holds_secret(text: str) -> bool:
    """Return whether a text has one of our tokens, device secrets or hooks anywhere, also within a word."""
    # This runs for each line that is said: one character is found fastest, and few lines have it.
    return "_" in text and _SECRET.search(text) is not None


def is_command(line: str) -> bool:
    """Return whether a line is a command that has a password, or after which one is typed; spaces may come first."""
    return _COMMAND.fullmatch(line) is not None


def holds_code(text: str) -> bool:
    """Return whether a text has the form of a code anywhere, as a word or words of their own.

    No word of a language is one, nor words like "hmmm" or numbers in a row: a code has a letter and a digit.
    """
    return any(
        any(map(str.isdigit, found[1])) and any(map(str.isalpha, found[1])) for found in _CODE_IN_TEXT.finditer(text)
    )


def refuse_secrets(*texts: str) -> None:
    """Refuse texts that would reach others with a secret of ours in them.

    Raises: SecretSaid.
    """
    for text in texts:
        if holds_secret(text):
            raise SecretSaid


def password(wanted: str, least: int = PASSWORD_LEAST) -> str:
    """Return a password in the form to hash: PRECIS OpaqueString (RFC 8265, section 4.2); ``least``: its bytes.

    Raises: BadSecret.
    """
    _check_size(wanted, least)  # before PRECIS, whose time grows with the length
    try:
        prepared = str(get_profile("OpaqueString").enforce(wanted))
    except UnicodeEncodeError as error:
        raise BadSecret(_why(error.object[error.start : error.end])) from None
    _check_size(prepared, least)
    if kind_of(prepared) != "password":
        raise BadSecret("it looks like a token or a code of this server, so choose another")
    return prepared


def _check_size(wanted: str, least: int) -> None:
    size = len(wanted.encode("utf-8", "surrogatepass"))
    if size < least:
        raise BadSecret(f"it is too short, so give {least} characters or more, for example four words")
    if size > PASSWORD_MOST:
        raise BadSecret(f"it has {size:,} bytes, and may have {PASSWORD_MOST:,}, so give a shorter one")


def _why(character: str) -> str:
    if unicodedata.category(character) == "Cc":
        return "it has a control character, such as a tab, so type it without"
    return f"it has a character that no password can have (U+{ord(character):04X}), so type it without"
