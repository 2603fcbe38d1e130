"""The tokens that the bundled client stores for its owner."""

from __future__ import annotations

import os
import stat

import pytest

from twisted_chat.client.app.stored_tokens import FOLDER, StoredTokens


@pytest.fixture
def tokens(tmp_path):
    """Return the tokens for a server, in a folder that does not exist yet."""
    return lambda server="h:1", **more: StoredTokens(server, environ={"XDG_CONFIG_HOME": str(tmp_path / "new")}, **more)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / FOLDER


def test_a_token_is_found_by_server_and_alias_in_any_case(tokens):
    tokens().keep("Alice", "tcd_1")
    tokens().keep("bob", "tcd_2")
    tokens("tls h:1").keep("alice", "tcd_3")
    assert [tokens().of(alias) for alias in ("alice", "bob", "carol")] == ["tcd_1", "tcd_2", ""]
    assert [tokens(server).of("alice") for server in ("tls h:1", "h:2")] == ["tcd_3", ""]


def test_only_the_owner_can_read_it_and_nothing_else_is_left(tokens, folder):
    for token in ("tcd_1", "tcd_2"):
        tokens().keep("alice", token)
    (file,) = folder.iterdir()
    assert tokens().of("alice") == "tcd_2"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]


def test_a_token_that_others_could_read_is_not_used(tokens, folder):
    tokens().keep("alice", "tcd_1")
    (file,) = folder.iterdir()
    file.chmod(0o644)
    assert tokens().of("alice") == ""
    tokens().keep("alice", "tcd_2")
    assert tokens().of("alice") == "tcd_2"


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"token":7}', "\udcff"])
def test_a_damaged_file_counts_as_none(tokens, folder, written):
    tokens().keep("alice", "tcd_1")
    (file,) = folder.iterdir()
    file.write_bytes(written.encode("utf-8", "surrogateescape"))
    assert tokens().of("alice") == ""


def test_a_failed_write_leaves_the_former_token(tokens, folder, monkeypatch):
    tokens().keep("alice", "tcd_1")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        tokens().keep("alice", "tcd_2")
    assert tokens().of("alice") == "tcd_1"
    assert len(list(folder.iterdir())) == 1


def test_a_forgotten_token_is_deleted(tokens, folder):
    tokens().keep("alice", "tcd_1")
    for _time in range(2):
        tokens().forget("alice")
    assert list(folder.iterdir()) == []


def test_tokens_that_are_off_are_not_found(tokens):
    tokens().keep("alice", "tcd_1")
    assert tokens(is_on=False).of("alice") == ""
