"""The commands of ``twisted-chat`` that do one thing and end, the shells' completion, and the manual page."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from twisted_chat.client.app import manual, options, shell_completion, subcommands, usage

from ..processes import SCRIPTS, SECONDS, environment

PROGRAM = SCRIPTS / "twisted-chat"
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/client.rst").read_text()
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d "


@pytest.fixture
def server(twistd):
    return twistd()


@pytest.fixture
def alice(server):
    """A person in a room in which a few lines were said."""
    with server.connect("alice") as alice:
        alice.send("/join ops\n/topic tea\none fish\ntwo fish\n/ping x\n")
        alice.read_until("pong x")
        yield alice


def do(server, *arguments, **more):
    """Run a command; return its status, and what it printed and complained."""
    files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    env = environment(CHAT_SERVER=f"127.0.0.1:{server.port}")
    done = subprocess.run([PROGRAM, *arguments], text=True, timeout=SECONDS, env=env, **files)
    return done.returncode, done.stdout, done.stderr


# -- saying


def test_a_line_is_said_in_a_room_to_one_person_and_to_everyone(server, alice):
    assert do(server, "say", "ops", "deploy", "done", "-a", "ci") == (0, "", "")
    alice.read_until("#ops ci: deploy done\n")
    assert do(server, "say", "@alice", "@/etc/passwd", "-a", "ci") == (0, "", "")
    alice.read_until("[ci -> alice] @/etc/passwd\n")
    assert do(server, "say", "*", "/quit", "-a", "ci") == (0, "", "")
    alice.read_until("[ci -> all] /quit\n")
    assert do(server, "say", "ops", "two\n\nlines\n", "-a", "ci") == (0, "", "")
    alice.read_until("#ops ci: two\n#ops ci: \n#ops ci: lines\n")


def test_a_file_is_said_as_a_block_in_a_room_to_one_person_and_to_everyone(server, alice, tmp_path):
    file = tmp_path / "file.py"
    file.write_text("if x:\n\n\t/quit\n")
    for group in ("ops", "@alice", "*"):
        with file.open() as stdin:
            assert do(server, "say", group, "-", "-a", "ci", stdin=stdin) == (0, "", "")
    for start in ("#ops ci:", "[ci -> alice]", "[ci -> all]"):
        alice.read_until(f"{start} if x:\n{start} \n{start} \t/quit\n")
    with subprocess.Popen(["seq", "201"], stdout=subprocess.PIPE) as seq:
        status, _said, complaint = do(server, "say", "ops", "-", "-a", "ci", stdin=seq.stdout)
    assert status == 3
    assert "it has 201 lines, and a block has at most 200" in complaint


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("say", "@nobody", "hi", "-a", "ci"), 3, "twisted-chat: nobody here is called nobody"),
        (("say", "ops", " ", "-a", "ci"), 3, "twisted-chat: there is nothing to say in that\n"),
        (("say", "ops", "x" * 5000, "-a", "ci"), 3, "twisted-chat: that line is longer than 4,096 bytes"),
        (("say", "no room", "hi", "-a", "ci"), 3, "twisted-chat: that room name cannot be used"),
        (("say", "ops", "hi", "-a", "alice"), 3, "twisted-chat: alice is taken"),
        (("say", "ops", "hi"), 2, "--alias is needed"),
        (("say", "ops"), 2, "TEXT"),
        (("who", "nowhere"), 3, "twisted-chat: there is no room nowhere"),
        (("history", "ops", "-n", "1", "--since", "1h"), 2, "give one of them"),
        (("rooms", "-s", "127.0.0.1:1", "--patience", "0"), 1, "cannot connect to 127.0.0.1:1: nothing listens there"),
    ],
)
def test_each_failure_has_its_status(server, alice, arguments, status, complaint):
    done = do(server, *arguments)
    assert (done[0], done[1]) == (status, "")
    assert complaint in done[2]


# -- asking


def test_rooms_and_people_are_listed_and_nobody_sees_it(server, alice):
    assert do(server, "rooms") == (0, "lobby    1\nops      1  tea\n", "")
    found = [json.loads(line) for line in do(server, "rooms", "--json")[1].splitlines()]
    assert {room["room"]: room["topic"] for room in found} == {"lobby": "", "ops": "tea"}
    assert do(server, "who") == (0, "alice\n", "")
    assert do(server, "who", "ops", "--json") == (0, '{"alias":"alice"}\n', "")
    alice.send("/ping y\n")
    assert alice.read_until("pong y").count("\n") == 1


def texts(printed):
    assert all(re.match(STAMP, line) for line in printed.splitlines())
    return [re.sub(STAMP, "", line) for line in printed.splitlines()]


def test_history_is_printed_with_its_times(server, alice):
    status, printed, _complaints = do(server, "history", "ops", "-n", "2")
    assert (status, texts(printed)) == (0, ["#ops alice: one fish", "#ops alice: two fish"])
    before = [
        "#ops alice has joined",
        "#ops alice has set the topic: tea",
        "#ops alice: one fish",
        "#ops alice: two fish",
    ]
    assert texts(do(server, "history", "ops", "--since", "1h")[1])[:4] == before
    assert texts(do(server, "history", "ops", "--after", "2")[1])[:2] == before[2:]
    assert json.loads(do(server, "history", "ops", "--after", "3", "--json")[1].splitlines()[0])["text"] == "two fish"


def test_lines_are_found_by_their_words(server, alice):
    alice.send("/nick al\nthree fish\n/ping x\n")
    alice.read_until("pong x")
    assert texts(do(server, "search", "two", "fish", "-r", "ops")[1]) == ["#ops alice: two fish"]
    assert texts(do(server, "search", "fish", "-r", "ops", "-n", "1")[1]) == ["#ops al: three fish"]
    assert texts(do(server, "search", "fish", "-r", "ops", "--from", "al")[1]) == ["#ops al: three fish"]
    assert do(server, "search", "cake")[:2] == (0, "")


def test_output_that_cannot_be_written_is_status_6(server, alice):
    with Path("/dev/full").open("wb") as full:
        done = do(server, "rooms", stdout=full)
    assert (done[0], done[2]) == (6, "twisted-chat: the output cannot be written: No space left on device\n")


# -- their help


def test_every_command_stands_in_the_help_and_in_the_docs():
    for name, used in usage.COMMANDS.items():
        assert f"{name} {used.arguments}".rstrip() in options.chat_parser().format_help()
        assert f"twisted-chat {name}" in PAGE or f"``{name}" in PAGE or f"completion {name}" in PAGE, name


def test_every_option_of_a_command_stands_in_the_docs():
    for name in usage.COMMANDS:
        if name not in ("admin", "export", "completion"):
            for action in subcommands.command_parser(name)._actions:
                for option in action.option_strings:
                    assert option in PAGE, option


def test_the_manual_page_is_made_from_the_parsers(monkeypatch):
    assert (ROOT / "docs/twisted-chat.1").read_text() == manual.page() + "\n"
    assert "docs/twisted-chat.1" in (ROOT / "setup.cfg").read_text()


def test_the_manual_page_is_sound(program):
    check = [program("groff", "groff"), "-man", "-ww", "-Tascii", "-P-cbu", str(ROOT / "docs/twisted-chat.1")]
    done = subprocess.run(check, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for word in ("EXIT STATUS", "CHAT_SERVER", "twisted-chat.conf", "--identity", "--only said"):
        assert word in done.stdout
    assert "None" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("h",), {"history"}),
        (("--al",), {"--alias"}),
        (("say", "--id"), {"--identity"}),
        (("search", "--fr"), {"--from"}),
        (("completion", ""), {"bash", "zsh", "fish", "--help"}),
    ],
)
def test_bash_completes_it(words, offered):
    typed = " ".join(f"'{word}'" for word in ("twisted-chat", *words))
    ask = f"COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _twisted_chat"
    command = f'{shell_completion.script("bash")}\n{ask}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (set(done.stdout.split()), done.stderr) == (offered, "")


def test_zsh_and_fish_have_their_own_scripts():
    assert "bashcompinit" in shell_completion.script("zsh")
    fish = shell_completion.script("fish").splitlines()
    assert any("-a history" in line for line in fish)
    assert any("from search" in line and "-s f -l from -x" in line for line in fish)
