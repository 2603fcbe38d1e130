"""The first commands of a user: pip install, in an environment of their own, from a copy of this tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import environment

TREE = Path(__file__).parents[1]
SECONDS = 240  # for pip to fetch everything over a slow line
# In one process, so that each install is made once.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * SECONDS), pytest.mark.xdist_group("install")]
NO_NETWORK = re.compile(r"NewConnectionError|ConnectTimeout|ReadTimeout|name resolution|ProxyError|SSLError")


def command(*arguments, cwd):
    """Run a command as a user would who has never heard of this tree; return its exit status and all its output."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env=environment(PYTHONPATH=""),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        text=True,
    )
    return done.returncode, done.stdout


def copy_of_tree(folder):
    """Copy what git knows of this tree, or would be told of, and nothing that a build left behind."""
    status, listed = command("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=TREE)
    if status != 0:
        pytest.skip("this is not a git checkout")
    for name in listed.splitlines():
        if (TREE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TREE / name, folder / name)
    return folder


@pytest.fixture(scope="module", params=[(), ("-e",)], ids=["install", "editable"])
def scripts(request, tmp_path_factory):
    """Install a copy of the tree into a fresh environment; return the folder of its programs."""
    tree = copy_of_tree(tmp_path_factory.mktemp("tree"))
    place = tmp_path_factory.mktemp("environment")
    status, output = command(sys.executable, "-m", "venv", place, cwd=place)
    assert status == 0, output
    status, output = command(
        place / "bin" / "pip", "install", "--retries", "1", "--no-input", *request.param, tree, cwd=place
    )
    if status != 0 and NO_NETWORK.search(output) and not os.environ.get("CI"):
        pytest.skip("pip cannot reach a package registry")
    assert status == 0, output
    if not request.param:
        shutil.rmtree(tree)  # nothing of it may be needed any more
    return place / "bin"


def test_twistd_lists_chat_from_any_folder(scripts, tmp_path):
    status, output = command(scripts / "twistd", "--help", cwd=tmp_path)
    assert status == 0, output
    assert re.search(r"^ +chat +Group communication", output, re.MULTILINE), output


def test_twistd_chat_shows_its_help(scripts, tmp_path):
    status, output = command(scripts / "twistd", "chat", "--help", cwd=tmp_path)
    assert status == 0, output
    assert "--listen=" in output


def test_the_client_shows_its_help(scripts, tmp_path):
    status, output = command(scripts / "twisted-chat", "--help", cwd=tmp_path)
    assert status == 0, output
    assert "usage" in output.lower()


def test_the_installed_server_serves(scripts, tmp_path, monkeypatch, twistd):
    monkeypatch.setattr("tests.processes.SCRIPTS", scripts)
    with twistd().connect("alice") as alice:
        alice.send("hello\n")
        alice.read_until("alice: hello\n")


def test_nothing_of_the_project_lands_outside_its_packages(scripts):
    names = {path.name for path in scripts.parent.glob("lib/python*/site-packages/*")}
    assert not names & {"tests", "docs", "examples"}


def test_it_is_installed_without_a_network_as_the_docs_say(tmp_path_factory):
    docs = (TREE / "docs/operate.rst").read_text()
    (fill,) = re.findall(r"^    python3 -m (pip wheel .*)$", docs, re.MULTILINE)
    (install,) = re.findall(
        r"^    python3 -m venv \.venv && (\.venv/bin/pip install --no-index .*)$", docs, re.MULTILINE
    )
    tree, offline = copy_of_tree(tmp_path_factory.mktemp("tree")), tmp_path_factory.mktemp("offline")
    status, output = command(sys.executable, "-m", "venv", ".venv", cwd=tree)
    assert status == 0, output
    status, output = command(".venv/bin/python", "-m", *fill.split(), "--retries", "1", cwd=tree)
    if status != 0 and NO_NETWORK.search(output) and not os.environ.get("CI"):
        pytest.skip("pip cannot reach a package registry")
    assert status == 0, output
    shutil.move(tree / "wheels", offline)
    shutil.rmtree(tree)
    status, output = command(sys.executable, "-m", "venv", ".venv", cwd=offline)
    assert status == 0, output
    status, output = command(*install.split(), cwd=offline)
    assert status == 0, output
    status, output = command(".venv/bin/twistd", "chat", "--version", cwd=offline)
    assert output.startswith("twisted_chat ")
