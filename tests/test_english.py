"""Plain English: a function's docstring begins with a verb, and no text has the words that the house has replaced."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "twisted_chat"
ALL = sorted(path for folder in ("twisted_chat", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
OTHERS = sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").glob("*.rst"), *PACKAGE.glob("doors/web/static/*.*s")])

FIRST_WORDS = {"Learn", "Let", "What", "Who", "Whom", "How", "Tell", "Whether", "Somebody", "Whatever"}
FREE_CLAUSE = re.compile(r"\bwhat (is|was|are|were)\b", re.IGNORECASE)  # a noun, without the thing that it means

# The first words of functions' docstrings. A new verb is added here, in the imperative.
VERBS = set(
    "Abandon Abort Accept Acknowledge Act Add Admit Allow Announce Answer Apologise Append Apply Ask Ban Begin Build "
    "Call Called Cancel Carry Change Charge Chat Check Choose Claim Close Collect Commit Compare Connect Continue "
    "Convert Copy Count Create Cut Decode Delete Deliver Display Do Draw Drop Encode End Enter Erase Exit Explain Fail "
    "Fetch Find Finish Flush Forbid Forget Free Give Go Grant Greet Handle Hear Hide Import Index Insert Install Join "
    "Keep Kill Leave Lift Limit List Listen Load Lock Log Look Make Mark Measure Merge Move Name Note Number Obey Open "
    "Overwrite Parse Pass Pause Plan Post Prepare Print Process Protect Prove Prune Put Queue Quote Raise Read Rebuild "
    "Receive Record Redraw Reduce Refuse Register Release Remember Remove Rename Replace Report Reset Restore Restrict "
    "Resume Return Revoke Run Save Say Schedule Search Send Serve Set Show Skip Sort Split Start Stop Store Stream "
    "Suspend Sync Take Test Try Type Undo Unlock Update Use Wait Wake Warn Write Yield".split()
)
OF_PROPERTIES = {"All", "Its", "Return", "The", "Their", "True"}

# The words of the first edition, which shared/GLOSSARY.md has replaced.
REPLACED = {
    "heir": "a waiting claim",
    "heirs": "waiting claims",
    "under way": "pending",
    "promised": "the backlog",
    "owe": "queue",
    "owes": "has a backlog",
    "owed": "the backlog, or queued",
    "come back": "resume, or return",
    "comes back": "resumes, or returns",
    "came back": "resumed, or returned",
    "nobody knows": "in doubt, or unknown",
    "whoever": "the person, the session, the reader ...",
    "is told of": "gets a notice of",
    "are told of": "get a notice of",
    "anew": "again",
    "let happen": "apply",
}
_REPLACED = re.compile(rf"\b({'|'.join(REPLACED).replace(' ', '[ ]')})\b", re.IGNORECASE)
EVENT_KIND = "came back"  # in journals since the first edition
AWAY = re.compile(r"(ha(s|ve) come|left and came) back", re.IGNORECASE)  # of people: the texts of /back and of the page


def docstrings(tree: ast.Module) -> list[tuple[ast.AST, str]]:
    """Return the docstrings of a module and of all that it defines, each with its owner."""
    found: list[tuple[ast.AST, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            words = ast.get_docstring(node)
            if words:
                found.append((node, words))
    return found


def faults(source: str) -> list[str]:
    """Return the docstrings that begin with a refused word or hold a free "what is", with the reason."""
    found = []
    for node, words in docstrings(ast.parse(source)):
        owner = getattr(node, "name", "the module")
        first = re.match(r"\w*", words)[0]
        if first in FIRST_WORDS:
            found.append(f"{owner} begins with {first}: {words}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not begins_well(node, words):
            found.append(f"{owner} does not begin with a verb that is in VERBS: {words}")
        if clause := FREE_CLAUSE.search(words):
            found.append(f"{owner} has a free {clause[0]!r}: {words}")
    return found


def begins_well(node: ast.FunctionDef | ast.AsyncFunctionDef, words: str) -> bool:
    """Return whether a function's docstring begins with a verb, or is one of those that need none."""
    first = re.match(r"\w*", words)[0]
    if any(ast.unparse(decorator).endswith("property") for decorator in node.decorator_list):
        return first in OF_PROPERTIES
    is_of_parameters = words.startswith(("``", "Raises: "))  # as of most __init__
    is_an_option = node.name.startswith("opt_")  # Twisted makes the help of it
    return first in VERBS or is_of_parameters or is_an_option


def replaced_words(source: str) -> list[str]:
    """Return the replaced words in the comments and strings of a module, each with its line and the house's word."""
    found = []
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in kinds or token.string.strip("\"'") == EVENT_KIND:
            continue
        found += [f"line {token.start[0]}: {words}" for words in replaced_in(token.string)]
    return found


def replaced_in(words: str) -> list[str]:
    """Return the replaced words in a text, each with the house's word."""
    found = _REPLACED.finditer(AWAY.sub("", re.sub(r"\s+", " ", words)))
    return [f"{word[0]!r} is {REPLACED[word[0].lower()]}" for word in found]


def name(path: Path) -> str:
    """Return the name of a file in the report of a test."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_docstrings_are_plain_english(path):
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", ALL, ids=name)
def test_no_docstring_begins_with_a_refused_word(path):
    words = [words for _node, words in docstrings(ast.parse(path.read_text("utf-8")))]
    assert [refused for refused in words if re.match(r"\w*", refused)[0] in FIRST_WORDS] == []


@pytest.mark.parametrize("path", [path for path in ALL if path != Path(__file__)], ids=name)
def test_no_comment_or_text_has_a_word_that_the_house_has_replaced(path):
    assert replaced_words(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", ALL, ids=name)
def test_no_test_has_a_word_in_its_name_that_the_house_has_replaced(path):
    names = re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    assert [words for words in names if replaced_in(words.replace("_", " "))] == []


@pytest.mark.parametrize("path", OTHERS, ids=name)
def test_no_document_and_no_part_of_the_page_has_a_word_that_the_house_has_replaced(path):
    assert replaced_in(path.read_text("utf-8")) == []


PLACES = pytest.mark.parametrize("place", ['"""{}"""', 'class Thing:\n    """{}"""', 'async def do():\n    """{}"""'])


@PLACES
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
def test_a_docstring_that_is_not_plain_is_caught(words, place):
    assert len(faults(place.format(words))) == 1


@pytest.mark.parametrize("words", ["Learning rate.", "Return somewhat issued words.", "Return the whole log."])
def test_a_plain_docstring_passes(words):
    assert faults(f'"""{words}"""') == []


@pytest.mark.parametrize("words", ["The whole log.", "Returns the log.", "Gracefully close.", "A log."])
def test_a_function_whose_docstring_begins_with_no_verb_is_caught(words):
    assert len(faults(f'def do():\n    """{words}"""')) == 1


@pytest.mark.parametrize(
    "source",
    [
        'def do():\n    """Return the whole log."""',
        'def done():\n    """Called when the log is whole."""',
        'def __init__():\n    """``log``: a whole one."""',
        '@property\ndef log():\n    """The whole log."""',
        '@cached_property\ndef is_whole():\n    """True if the log is whole."""',
    ],
)
def test_a_function_whose_docstring_begins_with_a_verb_or_needs_none_passes(source):
    assert faults(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "call()  # the requests under way",
        'log.warn("nobody knows why")',
        'f"{alias} comes back to {room}"',
        '"""Return the whole log.\n\nIt goes to whoever\nasks."""',
        "heirs = 1  # Heirs",
    ],
)
def test_a_replaced_word_is_caught(source):
    assert len(replaced_words(source)) == 1


@pytest.mark.parametrize("source", ["owed = 1", 'kind("came back")', '"you have come back"', "call()  # lowed, a cow"])
def test_other_words_pass(source):
    assert replaced_words(source) == []
