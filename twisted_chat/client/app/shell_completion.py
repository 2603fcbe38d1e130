"""Completion scripts for shells, made from the parsers and the table of commands."""

from __future__ import annotations

import argparse

from .usage import COMMANDS, OF_THE_SERVER

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
# twisted-chat completion {shell}: put it where {shell} reads it, or type: source <(twisted-chat completion {shell})
{before}_twisted_chat() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words
    case ${{COMP_WORDS[COMP_CWORD-1]}} in
        {files}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    case ${{COMP_WORDS[1]}} in
{cases}
        *) words="{options}" ;;
    esac
    if [ "$COMP_CWORD" = 1 ]; then words="{commands} $words"; fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _twisted_chat twisted-chat"""


def script(shell: str) -> str:
    """Return the script for one of the shells."""
    from . import options, subcommands

    chat = options.chat_parser()
    parsers = {name: subcommands.command_parser(name) for name in COMMANDS if name not in OF_THE_SERVER}
    return _fish(chat, parsers) if shell == "fish" else _bash(shell, chat, parsers)


def _bash(shell: str, chat: argparse.ArgumentParser, parsers: dict[str, argparse.ArgumentParser]) -> str:
    cases = [f'        {name}) words="{" ".join(_names(parser))}" ;;' for name, parser in parsers.items()]
    return _BASH.format(
        shell=shell,
        before="autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else "",
        files="|".join(name for action in chat._actions if action.metavar == "FILE" for name in action.option_strings),
        cases="\n".join(cases),
        options=" ".join(_names(chat)),
        commands=" ".join(COMMANDS),
    )


def _fish(chat: argparse.ArgumentParser, parsers: dict[str, argparse.ArgumentParser]) -> str:
    lines = [
        "# twisted-chat completion fish: type: twisted-chat completion fish | source",
        "complete -c twisted-chat -f",
    ]
    for name, used in COMMANDS.items():
        lines.append(f"complete -c twisted-chat -n __fish_use_subcommand -a {name} -d {_quoted(used.help)}")
    lines += [f"complete -c twisted-chat -n __fish_use_subcommand {option}" for option in _fish_options(chat)]
    lines.append(f"complete -c twisted-chat -n '__fish_seen_subcommand_from completion' -a '{' '.join(SHELLS)}'")
    for name, parser in parsers.items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        lines += [f"complete -c twisted-chat -n {seen} {option}" for option in _fish_options(parser)]
    return "\n".join(lines)


def _fish_options(parser: argparse.ArgumentParser) -> list[str]:
    found = []
    for action in parser._actions:
        names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in action.option_strings]
        if names:
            needs = "" if action.nargs == 0 else " -r -F" if action.metavar == "FILE" else " -x"
            found.append(f"{' '.join(names)}{needs} -d {_quoted(str(action.help))}")
    return found


def _quoted(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _names(parser: argparse.ArgumentParser) -> list[str]:
    names = [name for action in parser._actions for name in action.option_strings if name.startswith("--")]
    return [*(choice for action in parser._actions for choice in action.choices or ()), *names]
