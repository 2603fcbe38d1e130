"""``twisted-chat admin``: what the operator does to accounts and bans, through the server or on its journal's file."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..clocks import measure_by_monotonic, wall
from ..core import text
from ..core.errors import CannotOpen, ChatError, InUse
from ..core.hub import Hub
from ..core.limits import Limits
from ..vault import Argon2Vault
from .control import SECONDS, Operator, Outcome, control_path
from .operations import OPERATIONS

OK, FAILED, USAGE = 0, 1, 2  # exit statuses
PATIENCE = 5.0  # seconds for which a server that has just begun may take until it answers
POLL_SECONDS = 0.1


def main(arguments: Sequence[str]) -> int:
    """Do one operation, print its outcome, and return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        words = [asked.operation, *asked.words]
        lines = _through_server(asked.journal, words)
        if lines is None:
            lines = _on_file(asked.journal, words)
    except (ChatError, CannotOpen) as error:
        print(f"twisted-chat admin: {error}", file=sys.stderr)  # noqa: T201  # there is no log
        return FAILED
    print("\n".join(lines))  # noqa: T201
    return OK


# -- through a running server


def _through_server(journal: str, words: Sequence[str]) -> Sequence[str] | None:
    """Return the answer of the server that uses a journal; None if no server runs.

    Raises: ChatError, CannotOpen.
    """
    path = control_path(journal)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(SECONDS + 5)
        try:
            peer.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except PermissionError:
            raise CannotOpen(f"{path} belongs to another user: run this as that user, or as root") from None
        except OSError as error:
            if "too long" in str(error):
                return None
            raise CannotOpen(f"{path} cannot be reached ({error.strerror or error})") from error
        try:
            peer.sendall(json.dumps({"words": list(words)}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(b"".join(iter(lambda: peer.recv(65536), b"")))
        except (OSError, ValueError) as error:
            raise ChatError("the server has ended before it answered: try again") from error
    if "error" in answer:
        raise ChatError(answer["error"])
    return list(answer["lines"])


# -- on the file


def _on_file(journal: str, words: Sequence[str]) -> Sequence[str]:
    """Do an operation on the file of a server that does not run; the file is made if need be.

    Raises: ChatError, CannotOpen.
    """
    from twisted.internet import reactor, task
    from twisted.internet.defer import Deferred

    from ..journals.sqlite.sqlite_journal import (
        SqliteJournal,  # now: another user may not be able to read Python's files
    )

    text.prepare()
    path = Path(journal)
    _become_owner(path if path.exists() else path.resolve().parent)
    any_reactor: Any = reactor
    measure_by_monotonic(any_reactor)
    outcomes: list[Outcome | CannotOpen] = []

    async def work() -> Outcome:
        deadline = any_reactor.seconds() + PATIENCE
        while True:
            kept = SqliteJournal(journal, any_reactor, wall, is_tools=True)
            hub = Hub(kept, Limits(), any_reactor.seconds, wall, lambda faulty: None, Argon2Vault(any_reactor))
            try:
                hub.restore(await kept.open())
                break
            except InUse:  # a server has just begun, and is asked as soon as it answers
                answer = _through_server(journal, words)
                if answer is not None:
                    return answer
                if any_reactor.seconds() > deadline:
                    raise
                await task.deferLater(any_reactor, POLL_SECONDS)
        done = Deferred[Outcome]()
        Operator(hub, any_reactor, done.callback).run(words)
        outcome = await done
        await kept.stop()
        return outcome

    async def attempt() -> None:
        try:
            outcomes.append(await work())
        except (ChatError, CannotOpen) as error:
            outcomes.append(error)

    try:
        task.react(lambda reactor: Deferred.fromCoroutine(attempt()))
    except SystemExit as error:
        if error.code:
            raise ChatError("that has failed for an unknown reason: see above") from error
    (outcome,) = outcomes
    if isinstance(outcome, (ChatError, CannotOpen)):
        raise outcome
    return outcome


def _become_owner(path: Path) -> None:
    """Act as the owner of a file or folder from here on, so that root leaves no files of root's behind.

    Raises: CannotOpen.
    """
    owner = path.stat()
    if os.geteuid() == owner.st_uid:
        return
    if os.geteuid() != 0:
        raise CannotOpen(f"{path} belongs to another user: run this as that user, or as root")
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def _parser() -> argparse.ArgumentParser:
    table = "\n".join(f"  {entry.name} {entry.arguments}\n      {entry.help}" for entry in OPERATIONS.values())
    parser = argparse.ArgumentParser(
        prog="twisted-chat admin",
        usage="twisted-chat admin [--journal FILE] OPERATION ...",
        description="Manage accounts, roles and bans, whether the server runs or not. Run this as the server's user.",
        epilog=f"operations:\n{table}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--journal", metavar="FILE", default="chat.sqlite", help="the server's journal (default: %(default)s)"
    )
    parser.add_argument("operation", metavar="OPERATION", help=argparse.SUPPRESS)
    parser.add_argument("words", metavar="ARGUMENT", nargs="*", help=argparse.SUPPRESS)
    return parser
