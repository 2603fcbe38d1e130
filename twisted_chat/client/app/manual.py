"""The manual page, made from the parsers and the tables.

To write it: python -m twisted_chat.client.app.manual > docs/twisted-chat.1
"""

from __future__ import annotations

import argparse

from ... import __version__
from . import options, subcommands
from .config import NAME
from .settings import STATUSES
from .usage import COMMANDS, EXAMPLES, OF_THE_SERVER


def page() -> str:
    """Return the manual page, in the man macros of roff."""
    chat = options.chat_parser()
    parts = [
        f'.TH TWISTED-CHAT 1 "" "twisted_chat {__version__}"',
        ".SH NAME",
        r"twisted-chat \- chat from a terminal, a pipe or a script",
        ".SH SYNOPSIS",
        r"\fBtwisted-chat\fR [\fIoptions\fR] [\fIHOST\fR[:\fIPORT\fR]]",
        *[f".br\n\\fBtwisted-chat {name}\\fR {_text(used.arguments)}" for name, used in COMMANDS.items()],
        ".SH DESCRIPTION",
        _text(options.DESCRIPTION).replace("\n\n", "\n.PP\n"),
        ".SH OPTIONS",
        *_options(chat),
        ".SH COMMANDS",
    ]
    for name, used in COMMANDS.items():
        parts += [f".SS {_text(f'{name} {used.arguments}')}", _text(f"{used.help[0].upper()}{used.help[1:]}.")]
        parts += _options(subcommands.command_parser(name), but=chat) if name not in OF_THE_SERVER else []
    parts += [".SH EXIT STATUS", *[_item(str(status), words) for status, words in STATUSES.items()]]
    parts += [
        _item("128+N", "signal N ended it"),
        ".SH ENVIRONMENT",
        _item("CHAT_SERVER", "the server, if the command line names none"),
        _item("NO_COLOR", "no colours on a terminal"),
        ".SH FILES",
        _item(f"~/.config/{NAME}", "defaults for the options, as NAME = VALUE"),
        ".SH EXAMPLES",
        ".nf",
        _text(EXAMPLES.rstrip()),
        ".fi",
    ]
    return "\n".join(parts)


def _options(parser: argparse.ArgumentParser, but: argparse.ArgumentParser | None = None) -> list[str]:
    """Return the options of a parser, except those that ``but`` has too, with the same help."""
    known = {(*action.option_strings, action.help) for action in but._actions} if but else set()
    found = []
    for action in parser._actions:
        if action.option_strings and (*action.option_strings, action.help) not in known:
            value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(action.choices or ())}"
            found.append(_item(", ".join(action.option_strings) + value, str(action.help)))
    return found


def _item(name: str, words: str) -> str:
    return f".TP\n\\fB{_text(name)}\\fR\n{_text(words)}"


def _text(words: str) -> str:
    escaped = words.replace("\\", r"\e").replace("-", r"\-")
    return "\n".join(rf"\&{line}" if line[:1] in (".", "'") else line for line in escaped.split("\n"))


if __name__ == "__main__":
    print(page())  # noqa: T201  # this is how docs/twisted-chat.1 is made
