"""The host key: made once, kept beside the journal, and readable for nobody else."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.logger import globalLogPublisher
from twisted.python import usage

from twisted_chat.core.errors import CannotOpen
from twisted_chat.doors.ssh import door as door_module
from twisted_chat.doors.ssh.door import SshDoor
from twisted_chat.doors.ssh.host_key import ENDING, host_key
from twisted_chat.options import Options

from .in_memory import key


@pytest.fixture
def logged():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield lambda: [
        event["log_format"].format(**event) for event in events if event["log_namespace"].startswith("twisted_chat")
    ]
    globalLogPublisher.removeObserver(events.append)


def test_it_is_made_at_the_first_start_and_the_same_at_the_next_one(tmp_path, logged):
    journal = str(tmp_path / "chat.sqlite")
    first = host_key(journal)
    path = tmp_path / f"chat.sqlite{ENDING}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert host_key(journal).blob() == first.blob()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert len(logged()) == 2
    assert logged()[0] == logged()[1]
    assert "SHA256:" in logged()[0]


def test_without_a_journal_file_it_is_in_memory(logged):
    assert host_key("").blob() != host_key("").blob()
    assert "until the next start" in logged()[0]


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.write_bytes(b"no key"), "restore it, or remove it"),
        (lambda path: path.write_bytes(b""), "restore it, or remove it"),
        (lambda path: path.write_bytes(_pem(key("ecdsa"))), "not an Ed25519 key"),
        (lambda path: (path.unlink(), path.mkdir()), "directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_stays_as_it_is(tmp_path, spoil, words):
    host_key(str(tmp_path / "chat.sqlite"))
    path = tmp_path / f"chat.sqlite{ENDING}"
    spoil(path)
    with pytest.raises(CannotOpen, match=words) as refused:
        host_key(str(tmp_path / "chat.sqlite"))
    assert str(path) in str(refused.value)
    assert path.exists()


def _pem(found):
    return found._keyObject.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def test_a_file_that_cannot_be_used_is_named_in_the_log_and_to_no_client(tmp_path, logged):
    path = tmp_path / f"chat.sqlite{ENDING}"
    path.write_text("garbage")
    path.chmod(0o600)
    row = SshDoor({"ssh": [], "journal-file": str(tmp_path / "chat.sqlite")})
    with pytest.raises(CannotOpen) as refused:
        row.prepare()
    assert str(tmp_path) not in str(refused.value)
    assert f"no ssh client can come in: {path} is no OpenSSH private key" in logged()[-1]
    path.unlink()
    assert not row.is_ready
    row.prepare()
    assert row.is_ready


def test_a_key_of_ones_own_is_used(tmp_path):
    path = tmp_path / f"chat.sqlite{ENDING}"
    path.write_bytes(_pem(key(number=7)))
    path.chmod(0o600)
    assert host_key(str(tmp_path / "chat.sqlite")).blob() == key(number=7).blob()


def test_without_the_packages_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(door_module, "is_complete", lambda: False)
    with pytest.raises(usage.UsageError, match=r"pip install 'twisted_chat\[ssh\]'"):
        SshDoor({"ssh": ["tcp:22"]})
    row = SshDoor({"ssh": []})
    with pytest.raises(CannotOpen, match=r"pip install 'twisted_chat\[ssh\]'") as refused:
        row.prepare()
    assert str(refused.value).encode() in row.turn_away(str(refused.value))


def test_the_first_bytes_of_a_client_are_recognised_in_pieces():
    row = Options()
    row.parseOptions([])
    (ssh,) = [each for each in row._made_doors() if isinstance(each, SshDoor)]
    for first in (b"S", b"SSH", b"SSH-", b"SSH-2.", b"SSH-1.9"):
        assert ssh.begins(first) is None
    for first in (b"SSH-2.0-", b"SSH-2.0-OpenSSH_10.5\r\n", b"SSH-1.99-x"):
        assert ssh.begins(first) is True
    for first in (b"SSh", b"SSH-1.5-x", b"SSHA", b"hello", b"SSH-3"):
        assert ssh.begins(first) is False


@pytest.mark.slow
def test_a_server_that_no_ssh_client_has_come_to_has_imported_nothing_for_it():
    code = "import sys, twisted_chat.service\n"
    code += "print([name for name in ('twisted.conch', 'wcwidth') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
