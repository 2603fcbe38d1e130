"""TLS on the port of the line door: it begins with a ClientHello, and within it everything is recognised again."""

from __future__ import annotations

import hashlib
import shutil
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from twisted_chat.certificates import RenewingPort
from twisted_chat.doors.line.newcomer import PIECES_SECONDS
from twisted_chat.doors.proxied import ProxiedFactory

from ...in_memory import Door, Transport
from ...processes import make_certificate

FIRST_WORDS = 0.2
GET = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def maker(folder):
    """The maker of TLS connections for tests that renew nothing."""
    return RenewingPort(str(folder / "cert.pem"), str(folder / "key.pem"))


@pytest.fixture
def used(folder, tmp_path):
    """A folder with the certificate of the port, to be renewed."""
    for name in ("cert.pem", "key.pem"):
        shutil.copy(folder / name, tmp_path)
    return tmp_path


@pytest.fixture
def tls(used):
    return RenewingPort(str(used / "cert.pem"), str(used / "key.pem"))


@pytest.fixture
def port(tls):
    port = Door(first_words=FIRST_WORDS, tls=tls)
    yield port
    port.close()


@pytest.fixture
def logged():
    """Return the lines of the log."""
    lines = []

    def observe(event):
        lines.append(event["log_format"].format_map(event) if event.get("log_format") else "")

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


class TlsPeer:
    """A TLS client in memory at the port of a server in memory."""

    def __init__(self, port, own=None, protocols=(), factory=None, first=b"", size=0, pause=0):
        """Shake hands.

        ``own``: the folder of the client's certificate; ``protocols``: that it offers; ``first``: bytes before TLS;
        ``size``: of the pieces in which it sends, if not whole; ``pause``: seconds before it answers.
        """
        self.port = port
        address = IPv4Address("TCP", "192.0.2.1", 4711)
        self.transport = Transport(peerAddress=address)
        self.transport.protocol = (factory or port.factory).buildProtocol(address)
        self.transport.protocol.makeConnection(self.transport)
        if first:
            self.transport.protocol.dataReceived(first)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if own is not None:
            context.load_cert_chain(own / "cert.pem", own / "key.pem")
        if protocols:
            context.set_alpn_protocols(protocols)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out)
        self._size = size
        for _ in range(4):
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.exchange()
                wait(port, pause)

    def exchange(self):
        """Carry what both sides have written to the other."""
        data = self._out.read()
        size = self._size or max(1, len(data))
        for start in range(0, len(data), size):
            self.transport.protocol.dataReceived(data[start : start + size])
            self.port.settle()
        self._in.write(self.transport.value())
        self.transport.clear()

    def send(self, text):
        self.tls.write(text.encode())
        self.exchange()
        return self

    def read(self):
        self.exchange()
        data = b""
        while True:
            try:
                more = self.tls.read(65536)
            except ssl.SSLWantReadError:
                return data.decode()
            if not more:
                return data.decode()
            data += more

    def lose(self):
        self.transport.protocol.connectionLost(Failure(ConnectionDone()))
        self.port.settle()

    @property
    def within(self):
        """The server's protocol within TLS."""
        return self.transport.protocol.wrappedProtocol


def wait(port, seconds):
    port.clock.advance(seconds)
    port.settle()


def test_a_person_over_tls_is_asked_for_an_alias_after_the_same_moment(port):
    person = TlsPeer(port)
    assert person.read() == ""
    wait(port, FIRST_WORDS)
    assert person.read() == "alias?"
    assert "bob has connected" in person.send("bob\n").read()


def test_a_slow_handshake_does_not_bring_alias_before_the_first_words(port):
    browser = TlsPeer(port, pause=10 * FIRST_WORDS)
    assert browser.send(GET).read().startswith("HTTP/1.1 200 OK")


def test_clients_with_and_without_tls_share_a_room(port):
    plain, person = port.enter("plain"), TlsPeer(port)
    person.send("bob\nhello\n")
    assert plain.read().endswith("bob: hello\n")


def test_a_request_over_tls_is_answered(port):
    assert TlsPeer(port, protocols=["h2", "http/1.1"]).send(GET).read().startswith("HTTP/1.1 200 OK")


def test_a_client_of_irc_registers_over_tls(port):
    irc = TlsPeer(port).send("NICK bob\r\nUSER bob 0 * :Bob\r\n")
    assert " 001 bob " in irc.read()


@pytest.mark.parametrize("size", [1, 3, 100])
def test_tls_is_recognised_in_pieces_of_any_size(port, size):
    assert "bob has connected" in TlsPeer(port, size=size).send("bob\n").read()


def test_over_tls_a_password_may_be_typed(port):
    person = TlsPeer(port).send("bob\n")
    assert not person.within.is_overheard
    assert port.enter("plain").chat.is_overheard


def test_tls_through_a_proxy_is_not_overheard_although_the_proxy_is_far(port):
    factory = ProxiedFactory(port.factory, port.clock)
    first = b"PROXY TCP4 198.51.100.9 192.0.2.1 1 2\r\n"
    person = TlsPeer(port, factory=factory, first=first)
    within = person.transport.protocol._connection.wrappedProtocol
    assert not within.is_overheard
    assert "bob has connected" in person.send("bob\n").read()
    assert port.session("bob").door.host == "198.51.100.9"


def test_http_through_a_proxy_is_answered(port):
    factory = ProxiedFactory(port.factory, port.clock)
    first = b"PROXY TCP4 198.51.100.9 192.0.2.1 1 2\r\n"
    assert TlsPeer(port, factory=factory, first=first).send(GET).read().startswith("HTTP/1.1 200 OK")


@pytest.mark.parametrize("has_own", [True, False])
def test_the_fingerprint_of_a_clients_own_certificate_is_known(port, folder, has_own):
    person = TlsPeer(port, own=folder if has_own else None).send("bob\n")
    der = ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())
    assert person.within.proven_key == (hashlib.sha256(der).hexdigest() if has_own else "")


def test_the_fingerprint_is_known_to_irc_too(port, folder):
    irc = TlsPeer(port, own=folder).send("NICK bob\r\n")
    assert len(irc.within.proven_key) == 64


def test_a_browser_is_not_asked_for_a_certificate(port, folder):
    browser = TlsPeer(port, own=folder, protocols=["http/1.1"]).send(GET[:10])
    assert browser.transport.protocol.getPeerCertificate() is None


def test_without_tls_there_is_no_fingerprint(port):
    assert port.enter("bob").chat.proven_key == ""


def test_who_does_not_shake_hands_is_logged_all_the_same(port, logged):
    silent = TlsPeer(port)
    assert not any("is established" in line for line in logged)
    silent.lose()
    hello = Transport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4711))
    hello.protocol = port.factory.buildProtocol(hello.getPeer())
    hello.protocol.makeConnection(hello)
    hello.protocol.dataReceived(b"\x16\x03\x01")
    logged.clear()
    wait(port, PIECES_SECONDS - 0.01)
    assert logged == []
    wait(port, 0.01)
    assert logged == ["connection is established with 192.0.2.1:4711"]
    hello.protocol.connectionLost(Failure(ConnectionDone()))
    assert logged[1:] == ["connection has ended with 192.0.2.1:4711"]


def test_a_lost_connection_over_tls_leaves_nothing(port):
    for words in ("bob\n", GET, ""):
        peer = TlsPeer(port)
        if words:
            peer.send(words)
        peer.lose()
        port.clock.advance(20)
        port.settle()
    assert not (port.premises.connections or port.premises.addresses._live or port.web.connections)


def test_without_a_certificate_tls_gets_one_line():
    port = Door(first_words=FIRST_WORDS)
    peer = port.connect().send(b"\x16\x03\x01\x02\x00\x01")
    assert peer.read() == (
        "!! this port speaks plain text, without TLS: connect without it, or start the server with --tls CERT.pem\n"
    )
    assert peer.is_closed
    peer.lose()
    port.close()


@given(data=st.binary(max_size=300))
def test_no_bytes_after_a_hello_harm_anyone_else(maker, data):
    port = Door(first_words=FIRST_WORDS, tls=maker)
    alice = port.enter("alice")
    peer = port.connect(host="198.51.100.7").send(b"\x16\x03" + data)
    wait(port, 1)
    peer.lose()
    alice.read()
    assert alice.send("still here\n").read() == "alice: still here\n"
    port.close()


# -- renewed


def shown(port):
    return TlsPeer(port).tls.getpeercert(binary_form=True)


def test_a_renewed_certificate_is_shown_from_the_next_connection_on(port, used, logged):
    old, before = TlsPeer(port).send("bob\n"), shown(port)
    make_certificate(used)
    assert shown(port) != before
    assert old.send("still here\n").read().endswith("bob: still here\n")
    assert sum("is used from now on" in line for line in logged) == 1


@pytest.mark.parametrize("text", ["", "half", "-----BEGIN CERTIFICATE-----\n"])
@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_broken_new_file_keeps_the_old_certificate_and_is_logged_once(port, used, logged, name, text):
    before = shown(port)
    (used / name).write_text(text)
    assert [shown(port) for _ in range(3)] == [before] * 3
    assert sum("cannot be used" in line for line in logged) == 1


def test_a_file_that_is_gone_keeps_the_old_certificate(port, used):
    before = shown(port)
    (used / "cert.pem").unlink()
    assert shown(port) == before


def test_a_reload_reads_the_files_without_a_new_connection(tls, used, logged):
    make_certificate(used)
    tls.look()
    assert any("is used from now on" in line for line in logged)
