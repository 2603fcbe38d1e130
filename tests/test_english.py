"""Plain English: docstrings name the actor, and begin with a verb or with the name of a thing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "twisted_chat"

FIRST_WORDS = {"Learn", "Let", "What", "Who", "How", "Tell", "Whether"}
FREE_CLAUSE = re.compile(r"\bwhat (is|was)\b", re.IGNORECASE)  # used as a noun, without the thing that it means


def docstrings(tree: ast.Module) -> list[tuple[str, str]]:
    """Return the docstrings of a module and of all that it defines, each with the name of its owner."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            words = ast.get_docstring(node)
            if words:
                found.append((getattr(node, "name", "the module"), words))
    return found


def faults(source: str) -> list[str]:
    """Return the docstrings that begin with a refused word or hold a free "what is", with the reason."""
    found = []
    for owner, words in docstrings(ast.parse(source)):
        first = re.match(r"\w*", words)[0]
        if first in FIRST_WORDS:
            found.append(f"{owner} begins with {first}: {words}")
        if clause := FREE_CLAUSE.search(words):
            found.append(f"{owner} has a free {clause[0]!r}: {words}")
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_are_plain_english(path):
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "words",
    [
        "Learn that the socket is full.",
        "Let everybody leave.",
        "What a query asks for.",
        "Who answers questions.",
        "How the file is opened.",
        "Tell that the socket is full.",
        "Whether the reader keeps up.",
        "Return what was promised.",
        "Send the backlog.\n\n    It is\n    what is left.",
    ],
)
@pytest.mark.parametrize("place", ['"""{}"""', 'class Thing:\n    """{}"""', 'async def do():\n    """{}"""'])
def test_a_docstring_that_is_not_plain_is_caught(words, place):
    assert len(faults(place.format(words))) == 1


@pytest.mark.parametrize("words", ["Learning rate.", "Return somewhat issued words.", "Return the whole log."])
def test_a_plain_docstring_passes(words):
    assert faults(f'"""{words}"""') == []
