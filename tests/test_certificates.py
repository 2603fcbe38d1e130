"""A renewed certificate is taken from the disk, and nobody is dropped for it."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl

import pytest

from twisted_chat.certificates import files

from .processes import Client, make_certificate


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
ENDPOINTS = {
    "ssl": "ssl:0:privateKey={used}/key.pem:certKey={used}/cert.pem:interface=127.0.0.1",
    "tls": "tls:{used}:0:interface=127.0.0.1",
    "haproxy": "haproxy:ssl:0:privateKey={used}/key.pem:certKey={used}/cert.pem:interface=127.0.0.1",
}


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_new_connections_get_the_renewed_certificate_and_old_ones_stay(twistd, folder, kind):
    server = twistd("--listen", ENDPOINTS[kind].format(used=folder / "used"))
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


def test_a_half_written_renewed_certificate_is_not_used(twistd, folder):
    server = twistd("--listen", ENDPOINTS["ssl"].format(used=folder / "used"))
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


def test_hup_reloads_certificates_and_logs_it(twistd, folder):
    server = twistd("--listen", ENDPOINTS["ssl"].format(used=folder / "used"))
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
