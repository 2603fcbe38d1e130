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
    "who": Usage("[ROOM]", "list who is in ROOM, or everyone, an alias a line"),
    "history": Usage("ROOM", "print what happened in ROOM, the last 20 events if no option says more"),
    "search": Usage("WORDS", "print what was said in a room with all these words in it"),
    "export": Usage("ROOM", "print what a server's journal, a file, holds of ROOM"),
    "completion": Usage("SHELL", "print what bash, zsh or fish needs to complete all of this"),
}

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
