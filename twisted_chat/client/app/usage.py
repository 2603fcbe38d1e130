"""The table of commands for --help, the manual page and shell completion."""

from __future__ import annotations

from typing import NamedTuple


class Usage(NamedTuple):
    """One command."""

    arguments: str
    help: str


COMMANDS = {
    "say": Usage("ROOM TEXT", "say a line in ROOM, to one person (@ALIAS) or to everyone ('*'), and end"),
    "rooms": Usage("", "list the rooms: how many people are in each, and its topic"),
    "who": Usage("[ROOM]", "list the people in ROOM, or everyone, an alias a line"),
    "history": Usage("ROOM", "print events of ROOM, by default the last 20"),
    "search": Usage("WORDS", "print the lines of a room that contain all these words"),
    "admin": Usage("OPERATION", "manage accounts, roles and bans of a server on this machine"),
    "export": Usage("ROOM", "print the events of ROOM from a server's journal file"),
    "completion": Usage("SHELL", "print a completion script for bash, zsh or fish"),
}

OF_THE_SERVER = ("admin", "export")  # these work on the server's own files, and have a parser of their own

EXAMPLES = """\
  twisted-chat
  make 2>&1 | twisted-chat chat.example.org --alias ci --room builds
  twisted-chat say ops 'deploy done' --alias ci
  twisted-chat --alias log --room ops --listen >> ops.log
  twisted-chat -a ci -r ops -l --wait 'deploy done' --fail 'deploy failed' --timeout 600 < /dev/null
"""


def table() -> str:
    """Return the commands, a line each."""
    return "\n".join(f"  {f'{name} {used.arguments}':18} {used.help}" for name, used in COMMANDS.items())
