"""A person's permanent settings: a small file, and CHAT_SERVER in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

NAME = "twisted-chat.conf"
FLAGS = (
    "tls",
    "stamps",
    "numbers",
    "colour",
    "moves",
    "echo",
    "bell",
)  # on or off; of these only tls is also an option
NAMES = ("server", "alias", "room", "ca", "identity", "patience", *FLAGS)

Values = dict[str, str | bool]


class BadConfig(Exception):
    """A settings file with an error; text: the file, the place and the reason."""


def path(environ: Mapping[str, str]) -> Path:
    """Return the path of the file, which need not exist, by the XDG base directory specification."""
    folder = environ.get("XDG_CONFIG_HOME", "")
    return (Path(folder) if folder.startswith("/") else Path("~/.config").expanduser()) / NAME


def read(environ: Mapping[str, str] = os.environ) -> Values:
    """Return the settings, by the name of the option; the environment overrides the file.

    Raises: BadConfig.
    """
    file = path(environ)
    try:
        found = parse(file.read_text("utf-8").splitlines(), str(file))
    except (FileNotFoundError, NotADirectoryError):
        found = {}
    except OSError as error:
        raise BadConfig(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadConfig(f"{file} is not UTF-8 text") from None
    if environ.get("CHAT_SERVER"):
        found["server"] = environ["CHAT_SERVER"]
    return found


def parse(lines: Iterable[str], file: str) -> Values:
    """Parse lines of NAME = VALUE; skip empty lines and comments, which begin with #.

    Raises: BadConfig.
    """
    found: Values = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, equals, value = (part.strip() for part in line.partition("="))
            found[name] = _value(name, equals, value, f"{file}, line {number}")
    return found


def _value(name: str, equals: str, value: str, where: str) -> str | bool:
    if not equals:
        raise BadConfig(f"{where}: write it as NAME = VALUE, for example alias = alice")
    if name not in NAMES:
        raise BadConfig(f"{where}: there is no setting {name}, only {', '.join(NAMES)}")
    if name not in FLAGS:
        return value
    if value not in ("on", "off"):
        raise BadConfig(f"{where}: {name} is on or off")
    return value == "on"
