"""``twisted-chat admin`` as the operator runs it: beside a running server, on its file, and as another user."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ..processes import SCRIPTS, SECONDS, Twistd, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path):
    server = Twistd(tmp_path, "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}")
    yield server
    server.close()


def admin(folder, *words, **more):
    """Return the finished tool."""
    command = [SCRIPTS / "twisted-chat", "admin", "--journal", folder / "chat.sqlite", *words]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=SECONDS, check=False, cwd=folder, **more
    )


def lines_of(done):
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_owner_is_made_without_a_file_beside_a_server_and_after_it(tmp_path):
    assert lines_of(admin(tmp_path, "owner", "alice"))[0] == "alice is an owner of this chat"
    server = Twistd(tmp_path, "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}")
    try:
        assert "nobody owns this chat yet" not in server.log
        code = lines_of(admin(tmp_path, "owner", "bob"))[-1]
        assert lines_of(admin(tmp_path, "list")) == ["alice: owner", "bob: owner"]
        assert server.stop() == 0
        assert code.split()[1] not in server.log
    finally:
        server.close()
    assert lines_of(admin(tmp_path, "list")) == ["alice: owner", "bob: owner"]
    assert not (tmp_path / "chat.sqlite.control").exists()
    data = b"".join(path.read_bytes() for path in tmp_path.glob("chat.sqlite*"))
    assert code.split()[1].encode() not in data


def begun(folder, *words):
    """Return the tool, which runs."""
    command = [SCRIPTS / "twisted-chat", "admin", "--journal", folder / "chat.sqlite", *words]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome(tool):
    out, err = tool.communicate(timeout=SECONDS)
    assert (tool.returncode, err) == (0, ""), err
    return out.splitlines()


@pytest.mark.parametrize("runs", [False, True])
def test_two_who_make_the_same_owner_at_once_are_told_the_truth(tmp_path, runs):
    server = Twistd(tmp_path, "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}") if runs else None
    codes = []
    for tool in [begun(tmp_path, "owner", "alice") for _ in range(3)]:
        first, _how, code = outcome(tool)
        assert first == "alice is an owner of this chat"
        codes.append(code)
    if server is None:
        server = Twistd(tmp_path, "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}")
    try:
        assert lines_of(admin(tmp_path, "list")) == ["alice: owner"]
        for code in codes:
            server.connect(code).close()  # it lets her in
    finally:
        server.close()


def test_no_decision_is_lost_while_a_server_starts(tmp_path):
    lines_of(admin(tmp_path, "owner", "alice"))
    tools = [begun(tmp_path, "add", "bob"), begun(tmp_path, "guests", "off", "an exam")]
    server = Twistd(tmp_path, "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}")
    tools += [begun(tmp_path, "ban", "192.0.2.7"), begun(tmp_path, "add", "carol")]
    try:
        assert all(map(outcome, tools))
        assert lines_of(admin(tmp_path, "list")) == ["alice: owner", "bob: member", "carol: member"]
        assert "192.0.2.7" in lines_of(admin(tmp_path, "bans"))[0]
        assert server.stop() == 0
    finally:
        server.close()
    log = "\n".join(lines_of(admin(tmp_path, "log")))
    assert all(words in log for words in ("registered bob", "registered carol", "closed the chat to guests", "banned"))


def test_a_start_without_an_owner_says_how_to_make_one(server):
    server.wait_for_log("nobody owns this chat yet: twisted-chat admin owner ALIAS")


def test_only_the_servers_user_may_open_the_socket(server, tmp_path):
    socket = tmp_path / "chat.sqlite.control"
    wait_until(socket.exists)
    assert socket.stat().st_mode & 0o777 == 0o600


def test_a_socket_that_a_killed_server_has_left_is_replaced(server, tmp_path):
    wait_until((tmp_path / "chat.sqlite.control").exists)
    server.process.kill()
    server.process.wait()
    again = Twistd(tmp_path, "--journal", f"sqlite:{tmp_path / 'chat.sqlite'}")
    try:
        assert lines_of(admin(tmp_path, "bans")) == ["nobody is banned"]
        assert "cannot reach this server" not in again.log
    finally:
        again.close()


def test_a_path_that_is_too_long_for_a_socket_costs_only_the_tool(tmp_path):
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    server = Twistd(folder, "--journal", f"sqlite:{folder / 'chat.sqlite'}")
    try:
        server.wait_for_log("is too long for a socket")
        with server.connect("alice") as alice:
            alice.send(b"hi\n")
            alice.read_until("alice: hi")
        done = admin(folder, "list")
        assert done.returncode == 1
        assert "in use by another server" in done.stderr
    finally:
        server.close()


def test_a_mistake_is_answered_in_one_line(server, tmp_path):
    done = admin(tmp_path, "suspend", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "twisted-chat admin: nobody has an account called nobody: check the name; a guest makes one with /register\n"
    )


def test_help_lists_the_operations():
    done = subprocess.run([SCRIPTS / "twisted-chat", "admin", "--help"], capture_output=True, text=True, check=True)
    assert "owner ALIAS" in done.stdout


IS_ROOT = os.geteuid() == 0 and shutil.which("setpriv")
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root, and setpriv of util-linux")


def _let_others_in(folder):
    """Open a folder of a test to other users, from pytest's own topmost folder on."""
    folders = [folder, *folder.parents]
    top = next(place for place, one in enumerate(folders) if one.name.startswith("pytest-of-"))
    for one in folders[: top + 1]:
        one.chmod(0o755)


def as_nobody(folder, *command):
    return subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, command)],
        capture_output=True, text=True, timeout=SECONDS, check=False, cwd=folder,
    )  # fmt: skip


@as_root
def test_root_leaves_no_file_of_its_own_beside_another_users_journal(tmp_path):
    _let_others_in(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    assert lines_of(admin(home, "owner", "alice"))[0] == "alice is an owner of this chat"
    assert {path.stat().st_uid for path in home.iterdir()} == {65534}


@as_root
def test_another_user_is_refused_with_the_reason(server, tmp_path):
    _let_others_in(tmp_path)
    command = SCRIPTS / "twisted-chat", "admin", "--journal", tmp_path / "chat.sqlite", "list"
    done = as_nobody(tmp_path, *command)
    assert done.returncode == 1
    assert "belongs to another user: run this as that user, or as root" in done.stderr
