"""docs/architecture.rst: its table, picture and names are the code's, and its recipes work as they stand there."""

from __future__ import annotations

import ast
import builtins
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from twisted_chat.core.events import KINDS
from twisted_chat.core.limits import Limits
from twisted_chat.core.reader import TRANSITIONS

from . import architecture
from .in_memory import Door

ROOT = Path(__file__).parent.parent
TEXT = architecture.PAGE.read_text("utf-8")
BLOCK = re.compile(
    r"^In (?:``|a new file, \*)(?P<path>[\w./]+)(?:``|\*)(?:, (?P<where>after|instead of) ``(?P<name>\w+)``)?::\n\n"
    r"(?P<code>(?:(?: {4}.*)?\n)+)",
    re.MULTILINE,
)
DIAGRAM = re.compile(r"::\n\n((?:(?: {4}.*)?\n)+)")
SEAMS = ("Journal", "Outbox", "View")  # of which others are the implementations
RECIPES = dict(re.findall(r"^(Add [^\n]+)\n~+\n\n(.*?)(?=^Add [^\n]+\n~+\n|\Z)", TEXT, re.MULTILINE | re.DOTALL))
OTHER_TESTS = {  # that hold the table in which a recipe puts its thing
    "Add a command": ["requests/test_commands.py"],
    "Add an event kind": ["core/test_kinds.py"],
    "Add a view": [],
    "Add a door": [],
    "Add a journal": [],
}
COPIED = ("docs", "tests", "twisted", "twisted_chat", "pyproject.toml", "setup.cfg")


# -- the table and the picture


def test_the_table_and_the_picture_are_made_from_the_code():
    """Otherwise: python -m tests.architecture"""
    assert architecture.page(TEXT) == TEXT
    assert architecture.picture() == architecture.PICTURE.read_text("utf-8")


def test_the_table_on_the_page_has_each_transition_and_no_other():
    rows = re.findall(r"^([A-Z]+) +``(\w+)`` +([A-Z]+(?: or [A-Z]+)*)$", TEXT, re.MULTILINE)
    shown = {(state.lower(), event): frozenset(after.lower().split(" or ")) for state, event, after in rows}
    assert len(rows) == len(shown)
    assert shown == TRANSITIONS


@pytest.mark.parametrize("is_closed_from_all", [True, False])
def test_the_picture_has_an_arrow_for_each_step(monkeypatch, is_closed_from_all):
    if not is_closed_from_all:
        transitions = {step: after for step, after in TRANSITIONS.items() if step != ("held", "close")}
        monkeypatch.setattr(architecture, "TRANSITIONS", transitions)
    steps = architecture.arrows()
    of_one_frame = 3 if is_closed_from_all else 0  # a single arrow stands for the four to CLOSED
    assert architecture.picture().count("marker-end") == len(steps) - of_one_frame


def test_the_table_and_the_picture_follow_the_code(monkeypatch):
    monkeypatch.setattr(architecture, "TRANSITIONS", {**TRANSITIONS, ("closed", "reopen"): frozenset({"live"})})
    assert "CLOSED   ``reopen``  LIVE\n" in architecture.page(TEXT)
    assert ">reopen</text>" in architecture.picture()


# -- the names


def defined(tree):
    """Yield the name of each thing that a module defines, and of each member with its class before it."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        if isinstance(node, ast.ClassDef):
            for part in ast.walk(node):
                yield from (f"{node.name}.{name}" for name in names_of(part))
        yield from names_of(node)


def names_of(node):
    """Return the names that a node binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name, *(argument.arg for argument in (*node.args.args, *node.args.kwonlyargs))]
    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
        return [node.id if isinstance(node, ast.Name) else node.attr]
    return []


def known_names():
    found = set(dir(builtins)) | set(KINDS)
    for folder in ("twisted_chat", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            found.update(defined(ast.parse(path.read_text("utf-8"))), [path.stem])
    return found


def named(page):
    """Yield all that a page names in our words: in double backquotes, and in its diagrams."""
    prose = BLOCK.sub("", page)
    for words in re.findall(r"``([^`]+)``", prose):
        if re.fullmatch(r"[\w./]+", words):
            yield words
        else:
            yield from re.findall(r"[\w.]+(?=\()", words)
    for diagram in DIAGRAM.findall(prose):
        yield from re.findall(r"\b[A-Z]\w*\.\w+|\b[A-Z][a-z]+[A-Z]\w+|\b[\w/]+\.py\b|\b[A-Z]{4,}\b", diagram)


def unknown(page):
    """Return the names on a page that are of nothing in the repository."""
    known = known_names()
    added = {name for code in BLOCK.finditer(page) for name in defined(ast.parse(textwrap.dedent(code["code"])))}
    files = {code["path"] for code in BLOCK.finditer(page)}
    return [
        name
        for name in named(page)
        if not (
            name in known | added | files
            or any((place / name).exists() for place in (ROOT, ROOT / "twisted_chat"))
            or (name.startswith("Connection.") and f"LineChat{name[10:]}" in known)
        )
    ]


def test_every_name_on_the_page_is_of_something_in_the_repository():
    assert unknown(TEXT) == []
    assert len(set(named(TEXT))) > 80


@pytest.mark.parametrize(
    "words",
    ["``Hub.rejoin``", "``Manager``", "``core/member.py``", "x::\n\n    Reader.wake\n", "``State.debts(person)``"],
)
def test_a_name_that_is_of_nothing_is_caught(words):
    assert len(unknown(f"{words}\n")) == 1


# -- the recipes


def test_the_page_has_the_five_recipes():
    assert list(RECIPES) == list(OTHER_TESTS)


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_changes_one_file_of_the_package_at_most_and_has_a_test(title):
    paths = {block["path"] for block in BLOCK.finditer(RECIPES[title])}
    assert len([path for path in paths if (ROOT / path).exists()]) <= 1
    assert len([path for path in paths if path.startswith("tests/")]) == 1
    assert all(path.startswith(("twisted_chat/", "tests/")) for path in paths)


def put(root, block):
    """Do what the page says about one block of code."""
    path, code = root / block["path"], textwrap.dedent(block["code"]).strip("\n") + "\n"
    if not block["where"]:
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, "utf-8")
        return
    before = path.read_text("utf-8")
    node = next(node for node in ast.parse(before).body if block["name"] in bound_by(node))
    lines = before.splitlines(keepends=True)
    first = node.end_lineno
    if isinstance(node, ast.FunctionDef):
        code = f"\n\n{code}"
    if block["where"] == "instead of":
        first = node.lineno - 1
        assert words_of("".join(lines[first : node.end_lineno])) <= words_of(code)  # nothing that was there gets lost
    path.write_text("".join([*lines[:first], code, *lines[node.end_lineno :]]), "utf-8")


def bound_by(node):
    """Return the names that a statement of a module binds."""
    if isinstance(node, ast.ImportFrom):
        return [name.asname or name.name for name in node.names]
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return [node.name]
    return [name for part in ast.walk(node) for name in names_of(part)]


def words_of(code):
    return set(re.findall(r"\w+", code))


def run(root, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_works_as_it_stands_on_the_page(tmp_path, title):
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    blocks = list(BLOCK.finditer(RECIPES[title]))
    for block in blocks:
        put(tmp_path, block)
    run(tmp_path, "twisted_chat.requests.docs")
    tests = [block["path"] for block in blocks if block["path"].startswith("tests/")]
    others = [f"tests/{path}" for path in OTHER_TESTS[title]]
    said = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", *tests, *others)
    assert re.search(r"^\d+ passed", said, re.MULTILINE), said


# -- the pictures of a line, a join and a resume


def section(title):
    """Return the functions that the diagram of a section names."""
    words = TEXT.partition(f"\n{title}\n{'-' * len(title)}\n")[2].partition("\n---")[0]
    return set(re.findall(r"\b[A-Z]\w*\.\w+", DIAGRAM.search(words)[1]))


def called(act):
    """Return the names of the methods that are called, each under the class that has it and under those above it."""
    names = set()

    def note(frame, event, _argument):
        if event == "call" and frame.f_code.co_varnames[:1] == ("self",):
            classes = type(frame.f_locals["self"]).__mro__
            names.update(f"{cls.__name__}.{frame.f_code.co_name}" for cls in classes)
            names.update(f"{seam}.{frame.f_code.co_name}" for seam in SEAMS)

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return names


def hello(door, token="t" * 16, **more):
    """Return a program that has come in, and been read."""
    asked = json.dumps({"do": "hello", "id": "1", "version": 1, "alias": "rolf", "token": token, **more})
    return door.connect().send(f"{asked}\n")


@pytest.fixture
def small():
    """A server whose rooms remember little."""
    door = Door(Limits(remembered=20).lifted())
    yield door
    door.close()


def test_a_line_takes_the_path_in_the_diagram(door):
    alice = door.enter("alice")
    assert section("The way of a line") <= called(lambda: alice.send("hi\n").send("/say hi\n"))


def test_a_join_takes_the_path_in_the_diagram(door):
    alice = door.enter("alice")
    assert section("A join") <= called(lambda: alice.send("/join ops\n"))


def test_a_cut_and_a_resume_take_the_path_in_the_diagram(small):
    alice = small.enter("alice")

    def cut_and_resume():
        hello(small).lose()
        alice.send("hi\n" * 30)
        hello(small, after={"lobby": 1})
        hello(small, token="u" * 16, alias="other").lose()
        small.clock.advance(small.limits.grace_seconds)
        small.settle()

    assert section("A cut, and a resume") - {"Session.left_at"} <= called(cut_and_resume)
