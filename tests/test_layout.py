"""The shape of the house: what is pure stays pure, and imports go downwards only."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "twisted_chat"

# What each room may import, of ours. A folder stands for all its files, which may import each other
# only through what they share.
GROUND = {"errors", "events", "days", "text", "limits", "interfaces", "traffic"}
MAY_IMPORT = {
    "errors": set(),
    "events": set(),
    "days": {"events"},
    "limits": set(),
    "text": {"errors"},
    "traffic": set(),
    "clocks": set(),
    "logs": {"clocks"},
    "interfaces": {"days", "errors", "events"},
    "calls": set(),
    "ignoring": {"text", "events"},
    "room": GROUND | {"member", "reader"},  # for types only
    "reader": GROUND | {"room", "ignoring"},
    "member": GROUND | {"room", "calls", "reader"},
    "rooms": GROUND | {"room"},
    "past": GROUND | {"member", "reader", "room", "rooms"},
    "directory": {"errors", "member", "text"},
    "unkept": GROUND | {"member"},
    "delivery": GROUND | {"member", "reader", "room"},
    "hub": GROUND | {"delivery", "directory", "ignoring", "member", "past", "reader", "room", "rooms", "unkept"},
    "commands": GROUND | {"hub", "member", "room"},
    "programs": GROUND | {"hub", "member", "room", "commands"},
    "wire": GROUND | {"wire"},
    "journals": GROUND | {"journals"},
    "doors": GROUND | {"hub", "room", "member", "reader", "commands", "programs", "wire", "doors"},
    "client": GROUND | {"clocks", "wire", "client", "__init__"},
    "certificates": set(),
    "signals": set(),
    "stale": set(),
    "unblocked": set(),
    "announce": {"certificates", "doors"},
    "endpoints": {"doors"},
    "service": GROUND
    | {
        "announce",
        "clocks",
        "endpoints",
        "delivery",
        "hub",
        "commands",
        "wire",
        "doors",
        "journals",
        "certificates",
        "signals",
        "stale",
        "unblocked",
        "__init__",
    },
    "export": GROUND | {"journals", "wire"},
    "__main__": {"client", "clocks", "export", "__init__"},
    "__init__": set(),
}
PURE = (
    "errors events days text limits interfaces calls ignoring traffic room rooms reader member directory past unkept "
    "delivery hub commands programs wire"
).split()


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text())


def room_of(path):
    return path.parts[0].removesuffix(".py")


def imported(path, tree):
    """Yield the room of each import of ours in a module."""
    package = ["twisted_chat", *path.parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            base = base if node.level else node.module
            names = [base if "." in base else f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "twisted_chat":
                room = [*name.split("."), "__init__"][1]
                yield room if (PACKAGE / f"{room}.py").exists() or (PACKAGE / room).is_dir() else "__init__"


@pytest.mark.parametrize("path, tree", [pytest.param(*found, id=str(found[0])) for found in modules()])
def test_imports_go_downwards(path, tree):
    room = room_of(path)
    assert set(imported(path, tree)) <= MAY_IMPORT[room]


@pytest.mark.parametrize("room", PURE)
def test_what_is_pure_needs_no_twisted_no_socket_and_no_clock(room):
    folder = PACKAGE / room
    names = [f"{room}.{path.stem}" for path in folder.glob("*.py")] if folder.is_dir() else [room]
    code = "import sys\n" + "".join(f"import twisted_chat.{name.removesuffix('.__init__')}\n" for name in names)
    code += "print([m for m in ('twisted', 'socket', 'asyncio', 'select') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path, tree", [pytest.param(*found, id=str(found[0])) for found in modules()])
def test_every_file_begins_with_one_sentence_and_stays_short(path, tree):
    first = (ast.get_docstring(tree) or "").split("\n\n")[0]
    assert first.endswith((".", ":")), first
    assert len((PACKAGE / path).read_text().splitlines()) <= 750


def test_no_pure_file_asks_for_the_time():
    for path, tree in modules():
        if room_of(path) in PURE:
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
