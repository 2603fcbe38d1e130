"""The documents say what the code does: every option, command and limit stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docutils.core import publish_doctree
from docutils.utils import Reporter

from twisted_chat.core import accounts, logins, text
from twisted_chat.core.limits import Limits
from twisted_chat.doors.web.door import WebDoor
from twisted_chat.requests import docs
from twisted_chat.requests.table import COMMANDS
from twisted_chat.service import Options

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").glob("*.rst")])
README = (ROOT / "README.rst").read_text()


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_document_is_sound(path):
    warnings = []
    settings = {"report_level": Reporter.SEVERE_LEVEL + 1, "halt_level": Reporter.SEVERE_LEVEL + 1}
    tree = publish_doctree(path.read_text(), settings_overrides=settings)
    tree.reporter.attach_observer(warnings.append)
    assert not [node.astext() for node in tree.findall(lambda n: n.tagname == "system_message")] + warnings


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_files_that_a_document_names_are_there(path):
    for name in re.findall(r"`(?:[^`<]+<)?([\w./]+\.(?:rst|py|cfg|json))>?`", path.read_text()):
        assert (ROOT / name).exists() or (path.parent / name).exists(), name


@pytest.mark.parametrize("name", docs.DOCUMENTS)
def test_the_documents_made_from_the_table_of_requests_are_current(name):
    """Otherwise: python -m twisted_chat.requests.docs"""
    there = (ROOT / "docs" / name).read_text()
    assert docs.DOCUMENTS[name](there) == there


def test_every_command_stands_in_the_readme_or_in_the_list_of_commands():
    listed = (ROOT / "docs/commands.rst").read_text()
    for name in COMMANDS:
        assert re.search(rf"/{name}\b", README) or re.search(rf"/{name}\b", listed), name


def test_every_option_stands_in_the_docs_with_its_default():
    operate = (ROOT / "docs/operate.rst").read_text()
    options = Options()
    for name in [*options.longOpt, "listen=", "web=", "web-name=", "trust-proxy="]:
        name = name.rstrip("=")
        if name not in ("help", "version"):
            assert f"``--{name}" in operate, name
    for default in (
        Limits.max_line,
        Limits.per_address,
        Limits.per_loopback,
        "tcp:59000:interface=127.0.0.1",
        WebDoor.default,
    ):
        assert str(default) in operate.replace(",", "")


def test_every_limit_stands_in_the_docs():
    operate = (ROOT / "docs/operate.rst").read_text().replace(",", "")
    limits = Limits()
    for value in (
        limits.lines_per_second,
        limits.lines_at_once,
        int(limits.bytes_per_second),
        int(limits.bytes_at_once),
        limits.alias_seconds,
        limits.first_words_seconds,
        limits.closing_seconds,
        int(limits.stall_seconds),
        limits.send_buffer,
        limits.remembered_bytes,
        limits.lingering_seconds,
        limits.rooms,
        limits.rooms_each,
        limits.rooms_made,
        int(limits.per_private),
        limits.remembered,
        limits.shown_to_joiner,
        int(limits.grace_seconds),
        limits.aliases_at_once,
        limits.request_seconds,
        int(limits.secrets_at_once),
        round(1 / limits.secrets_per_second),
        int(limits.registrations_at_once),
        round(1 / limits.registrations_per_second / 60),
        logins.DEVICES,
        int(accounts.UNUSED_SECONDS / accounts.DAY),
        limits.ping_seconds,
        text.ALIAS_LENGTH,
        text.ROOM_LENGTH,
    ):
        assert re.search(rf"\b{value}\b", operate), value


def test_the_two_commands_of_the_readme_are_each_one_line_to_paste():
    blocks = re.findall(r"::\n\n((?:    .+\n)+)", README)
    assert "twistd -n chat" in blocks[0]
    assert "pytest" in blocks[1]
    for block in blocks[:2]:
        assert block.count("\n") == 1
        assert "venv" in block


def test_the_readmes_map_names_every_folder_of_the_package_and_only_what_is_there():
    shown = README.partition("\nMap of the house\n")[2].partition("\nWhere the rest is\n")[0]
    assert all((ROOT / place).exists() for place in re.findall(r"^    (\S+)", shown, re.MULTILINE))
    listed = set(re.findall(r"^      (\S+)", shown, re.MULTILINE))
    package = ROOT / "twisted_chat"
    assert listed == {"service.py"} | {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
