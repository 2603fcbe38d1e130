"""Passwords and codes over a real network, which others may read: see tests/network.py."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from ...network import PASSWORD
from ...processes import run

ROOT = Path(__file__).parents[3]
IN = "you are now connected!"


def own_address():
    """Return an address of this machine that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        any_socket.connect(("192.0.2.1", 9))
        return any_socket.getsockname()[0]


@pytest.fixture
def told(program, tmp_path):
    """Return what a member was told who came over a network, in a namespace with addresses of its own.

    Containers may forbid that to root, too. In CI an address of the container does as well; on a user's machine no
    server listens where others could reach it.
    """
    unshare, own = program("unshare", "util-linux"), []
    ways = [[unshare, "--net"], [unshare, "--map-root-user", "--net"]]
    prefix = next((way for way in ways if run(*way, "true")[0] == 0), None)
    if prefix is None:
        if not os.environ.get("CI"):
            pytest.skip("this user may make no network namespace (unshare --net)")
        prefix, own = [], [own_address()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*prefix, sys.executable, "-m", "tests.network", tmp_path, *own]
    status, output, errors = run(*command, cwd=ROOT, env=environment)
    assert status == 0, errors
    return json.loads(output)


def test_a_password_is_taken_over_tls_or_a_private_network_and_a_code_anywhere_once(told):
    for way in ("password", "password behind"):
        assert IN not in told[way], way
        assert "others on the network" in told[way]
        assert "not read" in told[way]
    assert IN in told["code"]
    assert IN not in told["code again"]
    assert "wrong or no longer valid" in told["code again"]
    assert IN in told["password over TLS"]
    assert IN in told["password in a private network"]
    assert told["others"] == ""  # of which the first device is there all the time
    assert PASSWORD not in str(told)
