"""An endpoint that cannot be is refused in words for an administrator, with what to write instead."""

from __future__ import annotations

import pytest
from twisted.internet.endpoints import serverFromString

from twisted_chat.endpoints import EXAMPLES, check

from .processes import make_certificate

WRONG = {
    "59000": "the kind of endpoint is missing; write tcp:59000",
    "": "there is no kind of endpoint called ''; write for example tcp:59000",
    "http:59000": "there is no kind of endpoint called 'http'; write for example tcp:59000",
    "127.0.0.1:59000": "the kind of endpoint is missing; write tcp:59000:interface=127.0.0.1",
    "localhost:59000": "the kind of endpoint is missing; write tcp:59000:interface=localhost",
    "[::1]:59000": r"the kind of endpoint is missing; write 'tcp6:59000:interface=\:\:1', in quotes",
    "haproxy:127.0.0.1:59000": "the kind of endpoint is missing; write haproxy:tcp:59000:interface=127.0.0.1",
    "haproxy:59000": "the kind of endpoint is missing; write haproxy:tcp:59000",
    "tcp": "a part of it is missing, unknown or repeated; write for example tcp:59000",
    "tcp:59000:speed=9": "a part of it is missing, unknown or repeated; write for example tcp:59000",
    "tcp:many": "'many' is not a number; write for example tcp:59000",
    "tcp:59000:backlog=x": "'x' is not a number; write for example tcp:59000",
    "unix:/tmp/chat.sock:mode=rw": "'rw' is not a number; write for example unix:/run/chat.sock",
    "tcp:59000:interface=::1": (
        r"each colon of an IPv6 address needs a backslash; write 'tcp:59000:interface=\:\:1', in quotes"
    ),
    "tcp6:59000:interface=[fe80::1]:backlog=9": (
        r"each colon of an IPv6 address needs a backslash; write 'tcp6:59000:interface=fe80\:\:1:backlog=9', in quotes"
    ),
    "systemd:domain=INET:index=0": ("systemd has handed no such socket to this process: start it by a .socket unit"),
    "systemd:domain=INET:name=web": ("systemd has handed no such socket to this process: start it by a .socket unit"),
    "ssl:59001:privateKey=/no/key.pem": (
        f"/no/key.pem: No such file or directory; write for example {EXAMPLES['ssl']}"
    ),
    "tls:/no/folder:59001": (
        "no file *.pem in that folder has a certificate for a host name, with its key: put one there"
    ),
}


@pytest.mark.parametrize("written", WRONG)
def test_a_wrong_endpoint_is_refused_with_what_to_write_instead(written):
    with pytest.raises(ValueError) as refused:  # the whole text is compared
        check(written)
    assert str(refused.value) == WRONG[written]


@pytest.mark.parametrize("written", [each for each in WRONG if "', in quotes" in WRONG[each]])
def test_each_suggested_endpoint_is_valid(written):
    serverFromString(None, WRONG[written].rpartition("write '")[2].removesuffix("', in quotes"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "other").mkdir()
    make_certificate(tmp_path / "other")
    (tmp_path / "bad.pem").write_text("no key\n")
    return make_certificate(tmp_path)


@pytest.mark.parametrize(
    ("key", "certificate", "why"),
    [
        ("bad.pem", "cert.pem", "the key or the certificate cannot be used ("),
        ("key.pem", "bad.pem", "the key or the certificate cannot be used ("),
        ("other/key.pem", "cert.pem", "Certificate public and private keys do not match; write for example ssl:"),
    ],
)
def test_files_that_are_no_key_and_certificate_are_refused(folder, key, certificate, why):
    with pytest.raises(ValueError) as refused:  # its text is compared
        check(f"ssl:59001:privateKey={folder}/{key}:certKey={folder}/{certificate}")
    assert str(refused.value).startswith(why)


def test_a_folder_with_a_certificate_and_its_key_is_taken(folder):
    (folder / "bad.pem").unlink()
    check(f"tls:{folder}:59001")
    for name in ("key.pem", "other/key.pem"):
        (folder / name).unlink()
    with pytest.raises(ValueError, match="with its key: put one there"):
        check(f"tls:{folder}:59001")


@pytest.mark.parametrize("written", ["tcp:59000", "tcp6:59000", r"tcp6:59000:interface=\:\:1", "unix:/run/chat.sock"])
def test_a_right_endpoint_is_accepted(written):
    check(written)
    check(f"haproxy:{written}")
