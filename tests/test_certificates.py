"""A renewed certificate is taken from the disk, and nobody is dropped for it."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from twisted_chat.certificates import files
from twisted_chat.options import CannotStart, Options

from .processes import SCRIPTS, Client, make_certificate, run


@pytest.fixture
def folder(tmp_path):
    """A folder with certificates of two years, of which that of the first is in use."""
    for year in ("first", "second"):
        (tmp_path / year).mkdir()
        make_certificate(tmp_path / year)
    (tmp_path / "used").mkdir()
    take(tmp_path, "first", "key.pem", "cert.pem")
    return tmp_path


def take(folder, year, *names):
    for name in names:
        shutil.copy(folder / year / name, folder / "used" / name)


def shown(folder, server):
    """Return whose certificate is shown to who comes now."""
    (year, client) = come(folder, server)
    client.close()
    return year


def come(folder, server):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="localhost")
    pem = ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True))
    (year,) = [year for year in ("first", "second") if (folder / year / "cert.pem").read_text().strip() == pem.strip()]
    return year, Client(server.port, sock=sock)


HEADER = "PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"
LISTENING = {
    "ssl": ["--listen", "ssl:0:privateKey={used}/key.pem:certKey={used}/cert.pem:interface=127.0.0.1"],
    "tls": ["--listen", "tls:{used}:0:interface=127.0.0.1"],
    "haproxy": ["--listen", "haproxy:ssl:0:privateKey={used}/key.pem:certKey={used}/cert.pem:interface=127.0.0.1"],
    "port": ["--tls", "{used}/cert.pem", "--tls-key", "{used}/key.pem"],
}


def options(kind, folder):
    return [part.format(used=folder / "used") for part in LISTENING[kind]]


@pytest.mark.parametrize("kind", LISTENING)
def test_new_connections_get_the_renewed_certificate_and_old_ones_stay(twistd, folder, kind):
    server = twistd(*options(kind, folder))
    year, alice = come(folder, server)
    assert year == "first"
    alice.send((HEADER if kind == "haproxy" else "") + "alice\n")
    alice.read_until("quit leaves\n")
    take(folder, "second", "key.pem", "cert.pem")
    assert shown(folder, server) == "second"
    alice.read_pong()
    alice.close()
    assert server.stop() == 0
    assert server.log.count("is used from now on") == 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize("kind", ["ssl", "port"])
def test_a_half_written_renewed_certificate_is_not_used(twistd, folder, kind):
    server = twistd(*options(kind, folder))
    take(folder, "second", "key.pem")
    for _ in range(3):
        assert shown(folder, server) == "first"
    assert server.log.count("cannot be used") == 1
    (folder / "used/cert.pem").write_text("no certificate")
    assert shown(folder, server) == "first"
    (folder / "used/cert.pem").unlink()
    assert shown(folder, server) == "first"
    take(folder, "second", "cert.pem")
    assert shown(folder, server) == "second"
    assert "Traceback" not in server.log


@pytest.mark.parametrize("kind", ["ssl", "port"])
def test_hup_reloads_certificates_and_logs_it(twistd, folder, kind):
    server = twistd(*options(kind, folder))
    take(folder, "second", "key.pem", "cert.pem")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("is used from now on")
    assert shown(folder, server) == "second"


def test_the_files_of_an_endpoint_are_those_that_it_names(tmp_path):
    (tmp_path / "a.pem").touch()
    (tmp_path / "notes.txt").touch()
    told = {
        "ssl:1:privateKey=key.pem": ["key.pem"],
        "ssl:1": ["server.pem"],
        r"ssl:1:certKey=a\:b.pem:privateKey=k:extraCertChain=c:dhParameters=d": ["a:b.pem", "k", "c", "d"],
        f"tls:{tmp_path}:1": [f"{tmp_path}/a.pem"],
        f"tls:path={tmp_path}:port=1": [f"{tmp_path}/a.pem"],
    }
    assert {written: [*map(str, files(written))] for written in told} == told


# -- one port, with --tls


@pytest.fixture
def one_port(twistd, folder):
    """A server whose port speaks everything, with and without TLS."""
    return twistd(*options("port", folder), "--web", "tcp:0:interface=127.0.0.1")


def test_the_clients_of_a_terminal_talk_over_tls_and_without_it(one_port, program, folder):
    where, trust = f"127.0.0.1:{one_port.port}", folder / "used/cert.pem"
    curl = [program("curl", "curl"), "-sf", "--cacert", trust, "--data-raw", "I am curl", "-H", "Chat-Alias: curl"]
    clients = {
        "openssl": [program("openssl", "openssl"), "s_client", "-quiet", "-connect", where],
        "ncat": [program("ncat", "ncat"), "--ssl", "127.0.0.1", one_port.port],
        "curl": [*curl, f"https://localhost:{one_port.port}/rooms/lobby"],
        "twisted-chat": [SCRIPTS / "twisted-chat", where, "--ca", trust, "--alias", "twisted-chat"],
    }
    with one_port.connect("alice") as alice:
        for name, command in clients.items():
            alias = f"{name}\n" if name in ("openssl", "ncat") else ""
            run(*command, given=f"{alias}I am {name}\n/quit\n")
            alice.read_until(f"{name}: I am {name}\n")
    assert "Traceback" not in one_port.log


def test_the_log_says_how_to_connect_over_tls(one_port, folder):
    assert f"over TLS: twisted-chat 127.0.0.1:{one_port.port} --ca {folder}/used/cert.pem, " in one_port.log


@pytest.mark.parametrize(
    "given, why",
    [
        (["--tls", "none.pem"], "--tls none.pem: none.pem: No such file or directory"),
        (["--tls", "cert.pem"], "--tls cert.pem: cert.pem has no private key in PEM format; name the file of the key"),
        (["--tls", "key.pem"], "--tls key.pem: key.pem has no certificate in PEM format"),
        (["--tls", "cert.pem", "--tls-key", "cert.pem"], "--tls cert.pem: cert.pem has no private key in PEM format"),
        (["--tls", "cert.pem", "--tls-key", "other.pem"], "--tls cert.pem: the key belongs to another certificate"),
        (["--tls", "cert.pem", "--tls-key", "locked.pem"], "--tls cert.pem: locked.pem: its key has a password"),
        (["--tls-key", "key.pem"], "--tls-key: give the certificate too, with --tls"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused_in_one_line(folder, monkeypatch, given, why):
    monkeypatch.chdir(folder / "used")
    take(folder, "second", "key.pem")
    (folder / "used/key.pem").rename(folder / "used/other.pem")
    take(folder, "first", "key.pem")
    lock(folder / "used")
    with pytest.raises(CannotStart, match=f"^{re.escape(why)}"):
        Options().parseOptions(given)


def lock(folder):
    """Write a key with a password."""
    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    how = serialization.BestAvailableEncryption(b"secret")
    pem = serialization.Encoding.PEM
    (folder / "locked.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, how))


def test_a_file_with_the_certificate_and_its_key_is_enough(folder):
    both = folder / "used/both.pem"
    both.write_text((folder / "used/key.pem").read_text() + (folder / "used/cert.pem").read_text())
    options = Options()
    options.parseOptions(["--tls", str(both)])
    assert options.tls.hosts == ["localhost", "127.0.0.1"]
