"""The traps of conch, each with its number in the order in which design work found them: all are closed.

A client that speaks to conch's defaults could fill the memory, stop the reactor, or fill the log with tracebacks.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.conch.ssh.common import NS, getNS
from twisted.logger import globalLogPublisher

from twisted_chat.core.limits import Limits
from twisted_chat.doors.ssh.auth import MAX_FAILURES, MAX_REQUESTS
from twisted_chat.doors.ssh.channel import MAX_PACKET, WINDOW
from twisted_chat.doors.ssh.channels import MAX_CHANNELS
from twisted_chat.doors.ssh.packets import MAX_UNREAD, PACKETS_BURST

from ...in_memory import Door
from .in_memory import SshDoorInMemory, key


@contextmanager
def logged():
    """Collect what is logged."""
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(events.append)


def proposals(peer):
    """Return the lists of the server's first KEXINIT."""
    return [names.split(b",") for names in getNS(peer.client.otherKexInitPayload[17:], 10)[:10]]


def shown(peer):
    """Return the words with which the server has ended a connection."""
    assert peer.is_closed
    return peer.client.disconnected


def is_refused(ssh, peer):
    """Return whether a connection was ended for a broken rule, with no traceback; others go on."""
    others = ssh.shell("somebody-else", host="192.0.2.77")
    return peer.is_closed and "RFC 4253" in peer.client.disconnected and "connected!" in others.read()


# 1: zlib before the log-in unpacks without a limit; weak algorithms
def test_trap_1_no_compression_and_no_weak_algorithm_is_offered(ssh):
    kex, host_keys, *others = proposals(ssh.connect())
    assert kex[0] == b"mlkem768x25519-sha256", "OpenSSH 10 warns of any other"
    assert not [name for name in kex if b"sha1" in name or b"group" in name]
    assert host_keys == [b"ssh-ed25519"]
    ciphers, _, macs, _, packed, _ = others[:6]
    assert all(name.endswith(b"-ctr") and name.startswith(b"aes") for name in ciphers)
    assert macs == [b"hmac-sha2-256", b"hmac-sha2-512"]
    assert packed == [b"none"]


def test_trap_1_a_client_that_insists_on_zlib_is_refused(ssh):
    peer = ssh.connect()
    peer.client.supportedCompressions = [b"zlib"]
    peer.client.sendKexInit()
    peer.pump()
    assert peer.is_closed


# 2: users with RSA keys are refused, because only the kind of our own key is named
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_trap_2_each_kind_of_key_logs_in(ssh, kind):
    peer = ssh("alice", key(kind))
    assert peer.server.caller.key.kind == key(kind).sshType().decode()


def test_trap_2_the_client_is_sent_the_kinds_of_signatures(ssh):
    names = ssh.connect().client.peerExtensions[b"server-sig-algs"].split(b",")
    assert {b"ssh-ed25519", b"rsa-sha2-512", b"rsa-sha2-256", b"ecdsa-sha2-nistp256"} < set(names)
    assert b"ssh-rsa" not in names


def test_trap_2_a_short_rsa_key_and_sha_1_are_refused(ssh):
    peer = ssh.connect()
    peer.service()
    assert peer.sign_in(b"alice", key("small rsa"))[0][0] == 51
    assert peer.sign_in(b"alice", key("rsa"), b"ssh-rsa")[0][0] == 51
    asked = b"\0" + NS(b"rsa-sha2-512") + NS(key("odd rsa").blob())
    assert peer.request(b"alice", b"publickey", asked)[0][0] == 51


# 3: the time for a log-in is ten hours, and begins late
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_trap_3_a_log_in_ends_in_time_counted_from_the_start_of_the_connection(door, ssh, steps):
    peer = ssh.connect()
    door.clock.advance(door.limits.login_seconds - 1)
    if steps > 0:
        peer.service()
    if steps > 1:
        peer.request(b"alice", b"none")
    peer.pump()
    assert not peer.is_closed
    door.clock.advance(1)
    peer.pump()
    assert shown(peer) == "the log-in took too long"


def test_trap_3_a_client_that_opens_no_channel_is_ended_and_one_that_does_is_not(door, ssh):
    idle, used, unused = ssh("alice"), ssh.shell("bob"), ssh("carol").open()
    door.clock.advance(door.limits.login_seconds)
    idle.pump()
    assert shown(idle) == "nothing was asked for"
    unused.peer.pump()
    assert shown(unused.peer) == "nothing was asked for"
    assert not used.peer.is_closed


# 4: twenty tries
def test_trap_4_few_log_ins_may_fail(ssh):
    peer = ssh.connect()
    peer.service()
    assert peer.request(b"alice", b"none") == [(51, NS(b"publickey,keyboard-interactive") + b"\0")]
    for _ in range(MAX_FAILURES - 1):
        assert peer.request(b"alice", b"password", b"\0" + NS(b"secret"))[0][0] == 51
    peer.request(b"alice", b"password", b"\0" + NS(b"secret"))
    assert shown(peer).startswith("too many tries")


def test_trap_4_a_client_cannot_ask_about_keys_for_ever(ssh):
    peer = ssh.connect()
    peer.service()
    asked = b"\0" + NS(b"ssh-ed25519") + NS(key().blob())
    for _ in range(MAX_REQUESTS):
        assert peer.request(b"alice", b"publickey", asked) == [(60, NS(b"ssh-ed25519") + NS(key().blob()))]
    peer.request(b"alice", b"publickey", asked)
    assert peer.is_closed


# 5: any number of channels
def test_trap_5_few_channels_at_a_time_and_sessions_only(ssh):
    peer = ssh("alice")
    channels = [peer.open() for _ in range(MAX_CHANNELS)]
    assert peer.open() == 4
    channels[0].shell()
    assert channels[1].ask(b"shell") is False, "one person a connection"
    channels[2].close()
    channels[2].collect()
    assert peer.open().there == MAX_CHANNELS
    for kind in (
        b"x11",
        b"direct-tcpip",
        b"forwarded-tcpip",
        b"auth-agent@openssh.com",
        b"direct-streamlocal@openssh.com",
    ):
        assert peer.open(kind) == 1


@pytest.mark.parametrize(
    "name, data",
    [
        (b"env", NS(b"LD_PRELOAD") + NS(b"/tmp/x")),
        (b"subsystem", NS(b"sftp")),
        (b"x11-req", b"\0" * 20),
        (b"auth-agent-req@openssh.com", b""),
        (b"signal", NS(b"KILL")),
        (b"nonsense", b""),
    ],
)
def test_trap_5_a_request_for_anything_but_a_chat_is_refused(ssh, name, data):
    channel = ssh("alice").open()
    assert channel.ask(name, data) is False
    assert channel.ask(name, data, wants_reply=False) is None
    assert "connected!" in channel.shell().read()


@pytest.mark.parametrize("name", [b"tcpip-forward", b"cancel-tcpip-forward", b"keepalive@openssh.com", b"\xff\0"])
def test_trap_5_each_global_request_is_answered_by_a_refusal(ssh, name):
    peer = ssh("alice")
    assert peer.send(80, NS(name) + b"\1" + NS(b"") + struct.pack(">L", 22)) == [(82, b"")]
    assert peer.send(80, NS(name) + b"\0") == []


# 6: bytes before the shell are kept without a limit
def test_trap_6_the_window_is_closed_until_the_channel_has_a_use(ssh):
    channel = ssh("alice").open()
    assert channel.window == 0
    channel.pty()
    assert channel.window == 0
    assert channel.shell().window == WINDOW


def test_trap_6_bytes_before_that_break_the_rules(ssh):
    channel = ssh("alice").open()
    channel.peer.client.sendPacket(94, struct.pack(">L", channel.there) + NS(b"early"))
    channel.peer.pump()
    assert is_refused(ssh, channel.peer)


# 7: the window is opened again whether the bytes are used or not
def test_trap_7_the_window_stays_closed_while_the_lines_wait(door, ssh):
    alice = ssh.shell("alice")
    line = b"x" * 1000 + b"\n"
    sent = 0
    while len(line) <= alice.window and sent < 1_000_000:
        alice.write(line)
        sent += len(line)
    assert sent < door.limits.bytes_at_once + 2 * WINDOW
    assert "slow down" in alice.read()
    assert door.session("alice").door.is_reading is False
    door.clock.advance(10)
    alice.collect()
    assert alice.window > len(line)


def test_trap_7_more_bytes_than_the_window_end_the_connection(ssh):
    alice = ssh.shell("alice")
    alice.chat._channel.read_on(False)
    for _ in range(3):
        data = b"x" * MAX_PACKET
        alice.peer.client.sendPacket(94, struct.pack(">L", alice.there) + NS(data))
    alice.peer.pump()
    assert alice.peer.is_closed


# 8: packets of a megabyte before the log-in
def test_trap_8_a_long_packet_is_refused_at_its_first_block(ssh):
    peer = ssh.connect()
    peer.client.sendPacket(2, NS(b"x" * 34_000))
    peer.pump()
    assert not peer.is_closed
    size = 40_000
    block = struct.pack(">LB", size, 4) + bytes(11)
    peer.server.dataReceived(peer.client.currentEncryptions.encrypt(block))
    peer.pump()
    assert is_refused(ssh, peer)
    assert len(peer.server.buf) == 0


def test_trap_8_a_first_line_without_end_is_refused(ssh):
    peer = ssh.connect()
    other = ssh.factory.buildProtocol(peer.address)
    transport = type(peer.transport)(peerAddress=peer.address)
    other.makeConnection(transport)
    other.dataReceived(b"SSH-2.0-" + b"x" * 300)
    assert transport.disconnecting
    other.connectionLost(None)


# 9: packets that are cut short raise, with a traceback in the log
BEFORE = range(1, 50)
AFTER = range(50, 128)
payloads = st.one_of(
    st.binary(max_size=40),
    st.lists(st.one_of(st.binary(max_size=12).map(NS), st.integers(0, 2**32 - 1).map(lambda n: struct.pack(">L", n))),
             max_size=5).map(b"".join),
)  # fmt: skip
messages = st.tuples(st.sampled_from([*BEFORE, *AFTER, 80, 90, 94, 98, 98, 93, 50, 61]), payloads)


@given(st.sampled_from(["new", "asked", "logged in", "open", "shell"]), st.lists(messages, min_size=1, max_size=6))
@settings(max_examples=150)
def test_trap_9_whatever_a_client_sends_only_its_own_connection_ends_and_nothing_is_logged_as_a_fault(state, sent):
    door = Door()
    ssh = SshDoorInMemory(door)
    witness = ssh.shell("witness", host="192.0.2.9")
    peer = ssh.connect()
    if state == "asked":
        peer.service()
    elif state != "new":
        peer.log_in("alice")
    if state in ("open", "shell"):
        channel = peer.open()
        if state == "shell":
            channel.shell()
    with logged() as events:
        for number, payload in sent:
            if not peer.is_closed:
                peer.client.sendPacket(number, payload)
                peer.pump()
        assert not [event for event in events if event["log_level"].name in ("warn", "error", "critical")]
    witness.write("hello\n")
    assert "witness: hello\n" in witness.read()
    ssh.close()
    door.close()


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), st.booleans())
@settings(max_examples=100)
def test_trap_9_whatever_bytes_come_there_is_no_fault(chunks, has_version):
    door = Door()
    ssh = SshDoorInMemory(door)
    peer = ssh.connect()
    server = ssh.factory.buildProtocol(peer.address)
    transport = type(peer.transport)(peerAddress=peer.address)
    server.makeConnection(transport)
    with logged() as events:
        if has_version:
            server.dataReceived(b"SSH-2.0-x\r\n")
        for chunk in chunks:
            server.dataReceived(chunk)
        door.settle()
        assert not [event for event in events if "log_failure" in event]
    server.connectionLost(None)
    ssh.close()
    door.close()


@pytest.mark.parametrize(
    "number, payload",
    [
        (21, b""),  # keys that were never made
        (30, NS(bytes(32))),  # half of a key exchange that nobody began
        (34, struct.pack(">3L", 1024, 1024, 8192)),  # a group exchange
        (90, b""),
        (94, struct.pack(">L", 77) + NS(b"x")),  # to a channel that is not open
        (98, struct.pack(">L", 77) + NS(b"shell") + b"\1"),
        (91, struct.pack(">4L", 0, 0, 0, 0)),  # an answer to no question
        (5, NS(b"ssh-userauth")),  # a second log-in
    ],
)
def test_trap_9_a_message_at_the_wrong_time_ends_the_connection_with_one_quiet_line(ssh, number, payload):
    peer = ssh("alice")
    with logged() as events:
        peer.send(number, payload)
        assert peer.is_closed
        lines = [event for event in events if "broke the rules" in event.get("log_format", "")]
        assert len(lines) <= 1
        assert not [event for event in events if "log_failure" in event]


def test_trap_9_nobody_logs_in_before_there_are_keys(door):
    ssh = SshDoorInMemory(door)
    peer = ssh.connect()
    server = ssh.factory.buildProtocol(peer.address)
    transport = type(peer.transport)(peerAddress=peer.address)
    server.makeConnection(transport)
    payload = b"\5" + NS(b"ssh-userauth")
    padding = 8 - (5 + len(payload)) % 8 + 8
    packet = struct.pack(">LB", 1 + len(payload) + padding, padding) + payload + bytes(padding)
    server.dataReceived(b"SSH-2.0-x\r\n" + packet)
    assert transport.disconnecting
    assert server.service is None
    server.connectionLost(None)
    ssh.close()


# 10: what is written is kept without a limit
def test_trap_10_a_client_that_does_not_read_costs_a_number_and_gets_the_rest_later(door, ssh):
    alice, bob = ssh.shell("alice", window=10_000), door.enter("bob")
    alice.read()
    for number in range(60):
        bob.send(f"{number} {'x' * 1000}\n")
        if number % 20 == 19:
            door.clock.advance(10)
    outbox = alice.chat._outbox
    assert not outbox.keeps_up
    assert sum(map(len, outbox._unsent)) < 40_000
    assert alice.size < 12_000
    for _ in range(30):
        alice.widen(10_000)
    said = [line.split()[1] for line in alice.read().splitlines() if line.startswith("bob: ")]
    assert said == [str(number) for number in range(60)]


def test_trap_10_answers_that_a_client_does_not_read_are_bounded(ssh):
    peer = ssh("alice")
    peer.stops_reading()
    for _ in range(MAX_UNREAD + 10):
        if not peer.transport.aborted:
            peer.client.sendPacket(80, NS(b"keepalive@openssh.com") + b"\1")
            peer.pump()
    assert peer.transport.aborted
    peer.is_reading = True


# 11: one packet for each write
def test_trap_11_the_answers_of_one_turn_share_a_packet(ssh):
    alice = ssh.shell("alice")
    alice.read()
    number = alice.peer.server.outgoingPacketSequence
    alice.write("one\ntwo\n/rooms\n/who\n")
    assert len(alice.read().splitlines()) >= 4
    assert alice.peer.server.outgoingPacketSequence - number <= 3


# 12: the kind of a signature is not compared with that of the key
@pytest.mark.parametrize(
    "kind, announced, signed",
    [("rsa", b"rsa-sha2-512", b"rsa-sha2-256"), ("rsa", b"rsa-sha2-256", b"ssh-rsa")],
)
def test_trap_12_a_signature_is_of_the_kind_that_was_announced(ssh, kind, announced, signed):
    peer = ssh.connect()
    peer.service()
    assert peer.sign_in(b"alice", key(kind), announced, signed_as=signed)[0][0] == 51
    assert peer.sign_in(b"alice", key(kind), b"ssh-ed25519", signed_as=announced)[0][0] == 51


def test_trap_12_a_signature_over_anything_else_is_refused(ssh):
    peer = ssh.connect()
    peer.service()
    assert peer.sign_in(b"alice", key(), spoilt=True)[0][0] == 51
    assert peer.server.caller is None
    assert peer.sign_in(b"alice", key()) == [(52, b"")]


# 13: the version names Twisted and its number
def test_trap_13_the_version_does_not_name_the_library(ssh):
    assert ssh.connect().client.otherVersionString == b"SSH-2.0-twisted_chat"


# 14: a request is answered after its channel was closed
def test_trap_14_the_answer_comes_before_the_output_the_status_and_the_end(ssh):
    peer = ssh("alice")
    channel = peer.open()
    peer.client.sendPacket(98, struct.pack(">L", channel.there) + NS(b"exec") + b"\1" + NS(b"no-such-command"))
    numbers = [number for number, _payload in peer.take()]
    assert numbers == [93, 99, 95, 98, 96, 97] or numbers == [99, 93, 95, 98, 96, 97]


# 15: SSHSession's order of setting up
def test_trap_15_requests_may_come_in_any_order_and_more_than_once(ssh):
    channel = ssh("alice").open()
    assert channel.ask(b"window-change", struct.pack(">4L", 100, 30, 0, 0)) is False
    channel.pty(100, 30)
    assert channel.ask(b"pty-req", NS(b"xterm") + struct.pack(">4L", 80, 24, 0, 0) + NS(b"")) is False
    assert channel.ask(b"window-change", struct.pack(">4L", 0, 70_000, 0, 0))
    channel.shell()
    assert channel.ask(b"shell") is False
    assert channel.ask(b"exec", NS(b"rooms")) is False


# 16: keyboard-interactive is absent
def test_trap_16_a_guest_is_asked_nothing(ssh):
    peer = ssh.connect()
    peer.service()
    assert peer.request(b"alice", b"keyboard-interactive", NS(b"") + NS(b"")) == [(60, NS(b"") * 3 + bytes(4))]
    assert peer.send(61, bytes(4)) == [(52, b"")]
    assert peer.server.caller.key is None


def test_trap_16_an_answer_without_a_question_breaks_the_rules(ssh):
    peer = ssh.connect()
    peer.service()
    peer.send(61, bytes(4))
    assert is_refused(ssh, peer)


def test_trap_16_none_and_a_password_never_log_in(ssh):
    peer = ssh.connect()
    peer.service()
    assert peer.request(b"alice", b"none")[0][0] == 51
    assert peer.request(b"alice", b"password", b"\0" + NS(b""))[0][0] == 51
    assert peer.request(b"alice", b"hostbased")[0][0] == 51


# 17: an answer to a global request that was never made
def test_trap_17_an_answer_that_nobody_waits_for_does_nothing(ssh):
    alice = ssh.shell("alice")
    alice.read()
    for number in (81, 82, 99, 100):
        alice.peer.send(number, struct.pack(">L", alice.there))
    assert alice.write("hello\n").read() == "alice: hello\n"


# -- pace


def test_key_exchanges_of_one_address_wait_for_their_turn_before_they_begin(door, ssh):
    share = 4  # of 16 connections
    early = [ssh.connect() for _ in range(12)]
    for peer in early:
        peer.lose()
    door.premises.addresses.budget("192.0.2.1", door.clock.seconds()).handshakes.take(
        door.limits.handshakes_at_once * share - 12, door.clock.seconds()
    )
    late = ssh.connect()
    assert late.client.sessionID is None
    others = ssh.connect("192.0.2.2")
    assert others.client.sessionID
    door.clock.advance(1)
    late.pump()
    assert late.client.sessionID


def test_a_client_that_exchanges_keys_again_and_again_waits_too(door, ssh):
    peer = ssh("alice")
    for _ in range(int(door.limits.handshakes_at_once * 4) + 5):
        if peer.client._keyExchangeState != peer.client._KEY_EXCHANGE_NONE:
            break
        peer.client.sendKexInit()
        peer.pump()
    else:
        pytest.fail("never slowed down")
    door.clock.advance(2)
    peer.pump()
    assert peer.client._keyExchangeState == peer.client._KEY_EXCHANGE_NONE


def test_a_flood_of_small_packets_is_read_more_slowly_and_nothing_is_lost(door, ssh):
    peer = ssh("alice")
    for _ in range(PACKETS_BURST + 100):
        peer.client.sendPacket(80, NS(b"x") + b"\1")
    peer.pump()
    first = len(peer.client.got)
    assert first < PACKETS_BURST + 10
    for _ in range(100):
        door.clock.advance(0.1)
        peer.pump()
    assert len(peer.client.got) == PACKETS_BURST + 100


# -- a key exchange that the client begins and never ends


def begin_key_exchange(client):
    """Have a client begin a key exchange, whose answer it has not read yet."""
    client.peer.client.sendKexInit()
    hello = client.peer.out.value()
    client.peer.out.clear()
    client.peer.server.dataReceived(hello)


def test_a_key_exchange_without_an_end_queues_nothing(door, ssh):
    alice, bob = ssh.shell("alice"), door.enter("bob")
    alice.read()
    begin_key_exchange(alice)
    for _ in range(50):
        bob.send("x" * 1000 + "\n")
    server = alice.peer.server
    assert sum(len(payload) for _number, payload in server._blockedByKeyExchange) < 1000
    assert not alice.chat._outbox.keeps_up
    door.clock.advance(door.limits.stall_seconds)
    assert alice.peer.transport.aborted


def test_lines_during_a_key_exchange_come_after_it(door, ssh):
    alice, bob = ssh.shell("alice"), door.enter("bob")
    alice.read()
    begin_key_exchange(alice)
    bob.send("one\n", "two\n")
    alice.peer.pump()
    assert alice.read() == "bob: one\nbob: two\n"


def test_new_keys_are_asked_for_after_a_gigabyte(ssh):
    alice = ssh.shell("alice")
    alice.read()
    alice.peer.server._rekey_left = 5
    before = alice.peer.server.currentEncryptions
    assert alice.write("hello\n").read() == "alice: hello\n"
    assert alice.peer.server.currentEncryptions is not before
    assert alice.write("again\n").read() == "alice: again\n"


def test_numbers_of_packets_begin_again_after_the_last_one(ssh):
    alice = ssh.shell("alice")
    alice.read()
    server, client = alice.peer.server, alice.peer.client
    server.outgoingPacketSequence = client.incomingPacketSequence = 2**32 - 1
    server.incomingPacketSequence = client.outgoingPacketSequence = 2**32 - 1
    client.__class__ = type("Wrapping", (type(client),), {"sendPacket": _wrapping})
    assert alice.write("hello\n").read() == "alice: hello\n"
    assert server.outgoingPacketSequence < 10


def _wrapping(self, number, payload):
    super(type(self), self).sendPacket(number, payload)
    self.outgoingPacketSequence &= 0xFFFFFFFF
    self.incomingPacketSequence &= 0xFFFFFFFF


def test_without_limits_nobody_waits():
    door = Door(Limits().lifted())
    ssh = SshDoorInMemory(door)
    for _ in range(120):
        ssh.connect().lose()
    assert ssh.connect().client.sessionID
    ssh.close()
    door.close()
