"""The shape of the house: pure files stay pure, and imports go downwards only."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "twisted_chat"

# The core, file by file: what each may import of it. Types count too: no two files know each other.
CORE = {
    "durations": "",
    "access": "",
    "data": "",
    "errors": "durations",
    "events": "access data durations subjects",
    "subjects": "access data",
    "limits": "",
    "completion": "",
    "traffic": "",
    "calls": "events",
    "days": "events",
    "secrets": "errors",
    "text": "errors secrets",
    "lasting": "durations errors text",
    "ports": "days errors events",
    "ignoring": "events text",
    "ear": "GROUND ignoring",
    "room": "GROUND ear",
    "rooms": "GROUND room",
    "accounts": "GROUND",
    "rules": "GROUND accounts",
    "decisions": "GROUND accounts rules subjects",
    "person": "GROUND accounts room",
    "directory": "GROUND person",
    "state": "GROUND accounts decisions directory person room rooms rules",
    "hosting": "GROUND person rules state",
    "changes": "GROUND accounts decisions directory hosting person room rooms rules state",
    "removals": "GROUND changes person session sessions state",
    "snapshots": "GROUND person room state",
    "once": "data events",
    "pen": "GROUND ear once room",
    "backlog": "GROUND room",
    "reader": "GROUND backlog ear pen room",
    "pending": "",
    "session": "GROUND calls ear pen pending person reader room",
    "former": "text",
    "sessions": "GROUND former ignoring person session",
    "past": "GROUND person reader room rooms session",
    "passing": "GROUND calls person session sessions state",
    "contact": "GROUND delivery pen rooms session sessions",
    "unkept": "GROUND session",
    "delivery": "GROUND once reader room session",
    "private_lines": "GROUND changes delivery person profiles room session sessions state",
    "stays": "GROUND accounts delivery pen reader room rules session sessions state",
    "authors": "GROUND accounts session state",
    "acquaintances": "GROUND changes delivery person session sessions state",
    "watches": "GROUND directory",
    "effects": "GROUND acquaintances changes delivery former pen person private_lines profiles removals room rooms "
    "session sessions state stays",
    "dispatcher": "GROUND authors changes contact delivery effects passing person profiles reader room rules session "
    "sessions snapshots state unkept watches",
    "gate": "GROUND accounts state",
    "logins": "GROUND accounts dispatcher gate members session",
    "keys": "errors",
    "members": "GROUND accounts decisions dispatcher past person room rules session state",
    "profiles": "GROUND accounts delivery person sessions",
    "unread": "GROUND accounts past room session",
    "moderation": "GROUND dispatcher past person room rules session state",
    "questions": "GROUND person reader room rules session sessions state",
    "hub": "GROUND accounts delivery dispatcher ear gate logins members moderation past person questions reader room "
    "rooms rules session state unread",
}
GROUND = "access completion data durations errors events days secrets text limits ports traffic"
# The other folders, and the files beside them: which folders each may import; "ground" is a part of the core.
FOLDERS = {
    "requests": "core",
    "wire": "ground",
    "journals": "ground",
    "journals.sqlite": "ground journals",
    "journals.table": "journals journals.sqlite",
    "doors": "core requests wire",
    "doors.http": "core doors",
    "doors.table": "doors doors.irc.door doors.line doors.ops doors.ssh doors.web",
    "doors.irc": "core requests wire doors .",
    "doors.irc.commands": "core requests wire doors doors.irc",
    "doors.irc.door": "doors doors.irc doors.irc.factory",
    "doors.irc.factory": "core doors doors.irc doors.irc.commands",
    "doors.line": "core wire doors",
    "doors.ops": "core doors doors.http .",
    "doors.ssh": "core requests wire doors",
    "doors.web": "core wire doors doors.http doors.web.api",
    "doors.web.api": "core requests wire doors doors.http",
    "client": "ground wire",
    "client.app": "ground wire clocks client .",
    "certificates": "",
    "clocks": "",
    "logs": "clocks",
    "signals": "",
    "stale": "",
    "unblocked": "",
    "announce": "certificates doors",
    "endpoints": "doors",
    "export": "ground journals.sqlite wire",
    "options": "certificates ground doors doors.table endpoints journals journals.table stale .",
    "vault": "ground journals",
    "admin": "core wire clocks journals journals.sqlite stale vault",
    "service": "core doors announce certificates clocks options signals stale unblocked vault admin",
    "__main__": "ground admin client client.app clocks export .",
    ".": "",
}
PURE = ("core", "requests", "wire")
MOST_LINES, MOST_METHODS = 350, 30  # of a class


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text())


def place_of(path):
    """Return a file's own name if FOLDERS has it, else the folder that it is in; a dot for the package itself."""
    *folders, name = path.with_suffix("").parts
    own = ".".join([*folders, name])
    return own if own in FOLDERS else ".".join(folders) or "."


def imported(path, tree):
    """Yield the path of each module of ours that a module imports something of."""
    package = ["twisted_chat", *path.parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base += node.module.split(".") if node.module else []
            names = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            found = name.split(".")[1:]
            if name.split(".")[0] == "twisted_chat":
                while not (PACKAGE.joinpath(*found).with_suffix(".py").exists() or PACKAGE.joinpath(*found).is_dir()):
                    found.pop()
                module = PACKAGE.joinpath(*found)
                yield Path(*found, "__init__.py") if module.is_dir() else Path(*found).with_suffix(".py")


def allowed(path):
    """Return the names of the core's files and of the folders that a file may import."""
    if path.parts[0] == "core":
        names = CORE.get(path.stem, "").replace("GROUND", GROUND).split()
        return {f"core.{name}" for name in names}
    place = place_of(path)
    names = set(FOLDERS[place].split())
    if "ground" in names:
        names |= {f"core.{name}" for name in GROUND.split()}
    return names | {place}


@pytest.mark.parametrize("path, tree", [pytest.param(*found, id=str(found[0])) for found in modules()])
def test_imports_go_downwards(path, tree):
    for found in imported(path, tree):
        name = f"core.{found.stem}" if found.parts[0] == "core" else ""
        assert {place_of(found), name} & allowed(path), found


@pytest.mark.slow
@pytest.mark.parametrize("room", PURE)
def test_pure_files_need_no_twisted_no_socket_and_no_clock(room):
    folder = PACKAGE / room
    names = [f"{room}.{path.stem}" for path in folder.glob("*.py")]
    code = "import sys\n" + "".join(f"import twisted_chat.{name.removesuffix('.__init__')}\n" for name in names)
    code += "print([m for m in ('twisted', 'socket', 'asyncio', 'select') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path, tree", [pytest.param(*found, id=str(found[0])) for found in modules()])
def test_every_file_begins_with_one_sentence_and_stays_short(path, tree):
    first = (ast.get_docstring(tree) or "").split("\n\n")[0]
    assert first.endswith((".", ":")), first
    assert len((PACKAGE / path).read_text().splitlines()) <= 500


def test_classes_stay_short():
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
                lines = node.end_lineno - node.lineno + 1
                assert lines <= MOST_LINES and len(methods) <= MOST_METHODS, (str(path), node.name, lines, len(methods))


def test_no_class_name_stands_twice():
    """Nested and private classes count too, and a leading underscore makes no other name."""
    owners = defaultdict(list)
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                owners[node.name.lstrip("_")].append(str(path))
    assert not {name for name, paths in owners.items() if len(paths) > 1}, owners


def test_no_pure_file_asks_for_the_time():
    for path, tree in modules():
        if path.parts[0] in PURE:
            calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            assert not calls & {"time.time", "time.monotonic", "time", "datetime.now", "datetime.datetime.now"}, path


WALL_CLOCK = {
    *("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("runtime.seconds", "platform.seconds"),  # of Twisted's
}


def reads_of_the_wall_clock(tree):
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if ".".join(name.split(".")[-2:]) in WALL_CLOCK)


def test_one_file_reads_the_wall_clock():
    found = {str(path): set(reads_of_the_wall_clock(tree)) for path, tree in modules()}
    assert {path: names for path, names in found.items() if names} == {"clocks.py": {"time.time"}}


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.time()",
        "import time; clock = time.time",
        "from time import time",
        "from time import time_ns as now",
        "import datetime; datetime.datetime.now()",
        "from datetime import datetime; datetime.utcnow()",
        "from twisted.python.runtime import seconds",
        "from twisted.python import runtime; runtime.seconds()",
    ],
)
def test_a_file_that_reads_the_wall_clock_is_caught(code):
    assert list(reads_of_the_wall_clock(ast.parse(code)))


def test_the_plugin_folders_are_no_packages():
    assert not (ROOT / "twisted" / "__init__.py").exists()
    assert not (ROOT / "twisted" / "plugins" / "__init__.py").exists()


@pytest.mark.slow
def test_the_top_level_is_the_design_cards():
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in tracked.stdout.splitlines()}
    files = set(".gitignore CHANGES.rst LICENSE README.rst pyproject.toml setup.cfg".split())
    assert top <= files | set(".ci benchmarks docs tests twisted twisted_chat".split())


def test_the_tools_for_scripts_come_in_exact_versions_and_from_no_named_host():
    wanted = json.loads((ROOT / ".ci/js/package.json").read_text())["devDependencies"]
    locked = json.loads((ROOT / ".ci/js/package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not [name for name, package in locked.items() if "resolved" in package]
    assert all(package.get("integrity", "").startswith("sha512-") for name, package in locked.items() if name)
