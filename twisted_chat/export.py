"""``twisted-chat export``: prints a room's events from a SQLite journal, as JSON Lines or as text."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .core import text
from .core.errors import BadRoom, CannotOpen
from .core.events import EVERYONE
from .journals.sqlite.queries import export, rooms
from .wire.jsonlines import JsonView
from .wire.plain import PlainView

MAX_ROOMS = 10  # to list in an error
OK, FAILED, USAGE = 0, 1, 2  # exit statuses


def main(arguments: Sequence[str]) -> int:
    """Print the events of a room, oldest first, and return the exit status."""
    asked = _parser().parse_args(arguments)
    view = PlainView(stamps=True, dates=True, numbers=True) if asked.text else JsonView()
    try:
        room = EVERYONE if asked.room == EVERYONE else text.room(asked.room)
        is_empty = True
        for event in export(asked.journal, room):
            is_empty = False
            sys.stdout.buffer.write(view.encode([event]))
        sys.stdout.flush()
        if is_empty and room != EVERYONE and room not in (known := rooms(asked.journal)):
            return _complain(f"{asked.journal} has no room {room}: {_listed(known)}", FAILED)
    except BrokenPipeError:  # the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except BadRoom as error:
        return _complain(str(error), USAGE)
    except CannotOpen as error:
        return _complain(str(error), FAILED)
    return OK


def _listed(known: Sequence[str]) -> str:
    """Return a sentence with the names of the rooms."""
    return f"it has {text.listed(known, MAX_ROOMS, len(known))}" if known else "it has none yet"


def _complain(why: str, status: int) -> int:
    print(f"twisted-chat export: {why}", file=sys.stderr)  # noqa: T201  # there is no log
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twisted-chat export",
        description="Print the events of a room from a journal, oldest first. A server may use the journal meanwhile.",
    )
    parser.add_argument("room", metavar="ROOM", help="a room, or '*' for broadcasts")
    parser.add_argument(
        "--journal", metavar="FILE", default="chat.sqlite", help="the server's journal (default: %(default)s)"
    )
    parser.add_argument("--text", action="store_true", help="print lines with time and number (default: JSON Lines)")
    return parser
