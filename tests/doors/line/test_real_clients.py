"""The programs that people have already, unmodified, against a real twistd: telnet, netcat, the lab's client."""

from __future__ import annotations

import io
import re
import socket
import ssl
import sys
from pathlib import Path

import pexpect
import pytest

from ...processes import SECONDS, Relay, environment, free_port, make_certificate, run

LAB_CLIENT = Path(__file__).parents[2] / "lab_client.py"
SPEAKS = "this port speaks plain text"

# What bob alone is shown of "bob, hello": the whole of it, in its order.
BOB_SAYS_HELLO = """\
alias?bob has connected to the chat room
you are now connected!
-- 1 in lobby: bob
-- /help shows what you can type, /quit leaves
bob: hello
"""

IAC, DONT, DO, WONT, WILL = b"\xff", b"\xfe", b"\xfd", b"\xfc", b"\xfb"
ECHO, SGA, TIMING_MARK, TTYPE, NAWS, TSPEED, NEW_ENVIRON = b"\x01", b"\x03", b"\x06", b"\x18", b"\x1f", b"\x20", b"\x27"
AYT, IP = IAC + b"\xf6", IAC + b"\xf4"


@pytest.fixture
def terminal():
    """Start a program in a terminal of its own, as a person would."""
    started = []

    def start(*command):
        child = pexpect.spawn(
            str(command[0]),
            [str(part) for part in command[1:]],
            encoding="utf-8",
            timeout=SECONDS,
            echo=False,
            env=environment(TERM="xterm"),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


@pytest.fixture
def telnet(program, terminal):
    """Start telnet, and give it an alias."""
    path = program("telnet", "inetutils-telnet")

    def start(server, alias):
        child = terminal(path, "127.0.0.1", server.port)
        child.expect_exact("alias?")
        child.sendline(alias)
        child.expect_exact("quit leaves\r\n")
        return child

    return start


# -- telnet


def test_telnet_and_netcat_talk_with_each_other(twistd, telnet):
    server = twistd()
    with server.connect("nick") as nick:
        tel = telnet(server, "tel")
        tel.sendline("hello from telnet")
        assert nick.read_until("telnet\n").splitlines()[-1] == "tel: hello from telnet"
        nick.send("hello from netcat\n")
        tel.expect_exact("nick: hello from netcat\r\n")


def test_backspace_in_telnet_deletes_typed_characters(twistd, telnet):
    tel = telnet(twistd(), "tel")
    tel.sendline("helo\x7flo")
    tel.expect_exact("tel: hello\r\n")


def test_ctrl_c_in_telnet_clears_the_line_and_output_goes_on(twistd, telnet):
    server = twistd()
    tel = telnet(server, "tel")
    with server.connect("nick") as nick:
        for number in (1, 2):  # telnet waits for the timing mark each time
            tel.send("half a li")
            tel.sendintr()
            tel.sendline(f"/ping {number}")
            tel.expect_exact(f"-- pong {number}\r\n")
            nick.send(f"go on {number}\n")
            tel.expect_exact(f"nick: go on {number}\r\n")
        assert "half" not in nick.read_pong()


def test_a_half_typed_line_is_cleared_by_ctrl_c_also_key_by_key(twistd, telnet):
    tel = telnet(twistd(), "tel")
    key_by_key(tel)
    tel.send("half a li")
    tel.sendintr()
    tel.send("whole\r")
    tel.expect_exact("tel: whole\r\n")


def test_ctrl_d_on_an_empty_line_of_telnet_leaves_politely(twistd, telnet):
    server = twistd()
    with server.connect("nick") as nick:
        tel = telnet(server, "tel")
        tel.sendeof()
        tel.expect_exact("Connection closed by foreign host.")
        tel.expect(pexpect.EOF)
        nick.read_until("tel has left the chat room!\n")


def test_telnet_key_by_key_is_read_line_by_line(twistd, telnet):
    server = twistd()
    with server.connect("nick") as nick:
        tel = telnet(server, "tel")
        key_by_key(tel)
        for key in "hex\x7fllo\r":
            tel.send(key)
        tel.expect_exact("tel: hello\r\n")
        assert nick.read_until("hello\n").splitlines()[-1] == "tel: hello"
        tel.send("\x04")
        tel.expect_exact("Connection closed by foreign host.")


def key_by_key(telnet):
    telnet.send("\x1d")
    telnet.expect_exact("telnet> ")
    telnet.sendline("mode character")


def test_a_person_who_types_key_by_key_is_never_taken_for_the_lab_client(twistd):
    # The wait between keys is the behaviour under test: longer than the quiet by which the lab's client is known.
    with twistd().connect() as person:
        person.read_until("alias?")
        for key in "alice":
            person.send(key)
            assert person.hears_nothing(0.15)
        person.send("\r\0")
        assert "alice has connected to the chat room\r\n" in person.read_until("quit leaves\r\n")
        for key in "hi":
            person.send(key)
            assert person.hears_nothing(0.15)
        person.send("\r\0")
        assert person.read_until("hi\r\n") == "alice: hi\r\n"


def test_one_lone_key_is_never_taken_for_an_alias(twistd):
    with twistd().connect() as person:
        person.read_until("alias?")
        person.send("a")
        assert person.hears_nothing(0.5)
        person.send("lice\n")
        assert "alice has connected" in person.read_until("quit leaves\n")


@pytest.mark.parametrize("key", [b"\x08", b"\x7f"], ids=["BS", "DEL"])
def test_backspaces_inside_a_line_are_obeyed(twistd, key):
    with twistd().connect() as person:
        person.send(b"alix" + key + b"ce\r\n")
        assert "alice has connected" in person.read_until("quit leaves\r\n")
        person.send(key + b"helo" + key + b"lo\r\n")
        assert person.read_until("\r\n") == "alice: hello\r\n"


def test_are_you_there_is_answered(twistd):
    with twistd().connect("alice") as person:
        person.send(AYT)
        assert person.read_until("\r\n") == "-- yes, the server is here\r\n"


def test_ctrl_c_is_answered_with_the_timing_mark_that_telnet_waits_for(twistd):
    with twistd().connect("alice") as person:
        person.send(b"half" + IP + IAC + DO + TIMING_MARK)
        person.read_until(IAC + WILL + TIMING_MARK)
        person.send("whole\r\n")
        assert person.read_until("\n") == "alice: whole\n"


def test_puttys_negotiation_is_refused_and_no_part_of_the_alias(twistd):
    asked = [WILL + NAWS, WILL + TSPEED, WILL + TTYPE, WILL + NEW_ENVIRON, DO + ECHO, WILL + SGA, DO + SGA]
    refused = [DONT + NAWS, DONT + TSPEED, DONT + TTYPE, DONT + NEW_ENVIRON, WONT + ECHO, DONT + SGA, WONT + SGA]
    with twistd().connect() as putty:
        putty.send(b"".join(IAC + each for each in asked))
        putty.read_until("alias?")
        for each in refused:
            putty.read_until(IAC + each)
        putty.send("alice\r\n")
        assert putty.read_until("room\r\n") == "alice has connected to the chat room\r\n"


# -- netcat and its kin


def test_a_pipe_through_netcat_prints_all_answers(twistd, program):
    port = twistd().port
    nc = program("nc", "netcat-openbsd")
    assert run(nc, "-N", "127.0.0.1", port, given="bob\nhello\n") == (
        0,
        BOB_SAYS_HELLO + "bob has left the chat room!\n",
        "",
    )


def test_a_pipe_may_end_without_a_newline(twistd, program):
    port = twistd().port
    status, output, _ = run(program("nc", "netcat-openbsd"), "-N", "127.0.0.1", port, given="bob\nhello")
    assert status == 0
    assert output.splitlines()[-2:] == ["bob: hello", "bob has left the chat room!"]


def test_a_pipe_says_its_line_in_the_room_that_it_joins(twistd, program):
    server = twistd()
    with server.connect("alice") as alice:
        alice.send("/join ops\n")
        alice.read_until("-- 1 in ops: alice\n")
        _, output, _ = run(
            program("nc", "netcat-openbsd"), "-N", "127.0.0.1", server.port, given="bob\n/join ops\nhello\n"
        )
        assert "#ops bob: hello\n" in output
        heard = alice.read_until("#ops bob has left!\n")
        assert "#ops bob has joined\n#ops bob: hello\n" in heard
        assert "\nbob: hello" not in heard


def test_a_long_page_through_netcat_is_said_whole(twistd, program):
    page = [f"line {number} " + "x" * 60 for number in range(5000)]
    port = twistd("--no-limits").port
    nc = program("nc", "netcat-openbsd")
    _, output, _ = run(nc, "-N", "127.0.0.1", port, given="bob\n" + "\n".join(page))
    assert [line[5:] for line in output.splitlines() if line.startswith("bob: ")] == page


@pytest.mark.parametrize("options", [(), ("-C",)], ids=["LF", "CR LF"])
def test_netcat_in_a_terminal(twistd, program, terminal, options):
    server = twistd()
    with server.connect("alice") as alice:
        nc = terminal(program("nc", "netcat-openbsd"), *options, "127.0.0.1", server.port)
        nc.expect_exact("alias?")
        nc.sendline("bob")
        nc.expect_exact("you are now connected!")
        nc.expect_exact("-- 2 in lobby: alice, bob")
        nc.sendline("hello")
        assert "bob: hello\n" in alice.read_until("hello\n")
        nc.expect_exact("bob: hello")
        alice.send("hi bob\n")
        nc.expect_exact("alice: hi bob")
        nc.sendline("/quit")
        nc.expect_exact("bob has left the chat room!")
        assert alice.read_until("left the chat room!\n").splitlines()[-1] == "bob has left the chat room!"


def test_netcat_in_a_terminal_ends_after_quit(twistd, program, terminal):
    nc = terminal(program("nc", "netcat-openbsd"), "127.0.0.1", twistd().port)
    nc.expect_exact("alias?")
    nc.sendline("bob")
    nc.expect_exact("quit leaves")
    nc.sendline("/quit")
    nc.expect_exact("bob has left the chat room!")
    nc.expect(pexpect.EOF)  # netcat ends only once both sides have


@pytest.mark.parametrize(
    ("name", "package", "arguments"),
    [
        ("ncat", "ncat", "{name} 127.0.0.1 {port}"),
        ("ncat", "ncat", "{name} -C 127.0.0.1 {port}"),
        ("socat", "socat", "{name} - TCP:127.0.0.1:{port}"),
        ("socat", "socat", "{name} - TCP:127.0.0.1:{port},crlf"),
        ("bash", "bash", "{name} -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; cat >&3; cat <&3'"),
        ("curl", "curl", "{name} -sN telnet://127.0.0.1:{port}"),
    ],
    ids=["ncat", "ncat -C", "socat", "socat crlf", "bash", "curl"],
)
def test_other_netcats_say_and_hear(twistd, program, terminal, name, package, arguments):
    path, server = program(name, package), twistd()
    with server.connect("alice") as alice:
        command = arguments.format(name=path, port=server.port)
        # They differ in what they do at the end of their input, so /quit ends it, which all must survive.
        status, output, errors = run("bash", "-c", command, given="bob\nhello\n/quit\n")
        assert (status, errors) == (0, "")
        lines = output.splitlines()
        assert lines[0] == "alias?bob has connected to the chat room"
        assert lines[-2:] == ["bob: hello", "bob has left the chat room!"]
        heard = alice.read_until("bob has left the chat room!\n")
        assert heard.splitlines()[-3:] == [
            "bob has connected to the chat room",
            "bob: hello",
            "bob has left the chat room!",
        ]


# -- the lab's client


@pytest.fixture
def lab(terminal):
    """Start the lab's client under an alias."""

    def start(port, alias):
        child = terminal(sys.executable, LAB_CLIENT, "127.0.0.1", port)
        child.expect_exact("Choose an alias >>> ")
        child.sendline(alias)
        return child

    return start


def shown(child, until):
    """Return the lines that a terminal shows up to and with one, without the empty ones."""
    child.expect_exact(until + "\r\n")
    return [line for line in (child.before + child.after).splitlines() if line]


def test_the_lab_client_works_unmodified_and_chats_with_netcat(twistd, lab):
    server = twistd()
    with server.connect("nick") as nick:
        ann = lab(server.port, "ann")
        assert shown(ann, "-- /help shows what you can type, /quit leaves") == [
            "ann has connected to the chat room",
            "you are now connected!",
            "-- 2 in lobby: nick, ann",
            "-- /help shows what you can type, /quit leaves",
        ]
        bea = lab(server.port, "bea")
        bea.expect_exact("quit leaves\r\n")
        ann.expect_exact("bea has connected to the chat room")
        ann.sendline("hi, all: it is ann")
        bea.expect_exact("ann: hi, all: it is ann\r\n")
        bea.sendline("hallo, bæ")
        ann.expect_exact("bea: hallo, bæ\r\n")
        nick.send("both of you\n")
        ann.expect_exact("nick: both of you\r\n")
        bea.expect_exact("nick: both of you\r\n")
        assert nick.read_until("nick: both of you\n").splitlines() == [
            "ann has connected to the chat room",
            "bea has connected to the chat room",
            "ann: hi, all: it is ann",
            "bea: hallo, bæ",
            "nick: both of you",
        ]


def test_the_lab_client_lives_through_any_script_and_sends_long_lines(twistd, lab):
    server = twistd()
    wide = "\u65e5\u672c\U0001f600\u00e9x" * 20
    with server.connect("nick") as nick:
        for number in range(20):
            nick.send(f"{'a' * number}{wide}{number:02}\n")
        nick.read_until("19\n")
        ann = lab(server.port, "ann")
        ann.expect_exact("quit leaves\r\n")
        assert "Error!" not in ann.before
        assert ann.before.count(wide) == 20
        nick.send(f"{wide * 10}\nstill there?\n")
        ann.expect_exact("still there?\r\n")
        ann.sendline("b\u00e6 " * 200 + "end")
        assert nick.read_until("end\n").endswith("ann: " + "b\u00e6 " * 200 + "end\n")


def test_commands_work_in_the_lab_client(twistd, lab):
    ann = lab(twistd().port, "ann")
    ann.expect_exact("quit leaves\r\n")
    ann.sendline("/who")
    ann.expect_exact("-- 1 in lobby: ann\r\n")
    ann.sendline("/me waves")
    ann.expect_exact("* ann waves\r\n")


def test_a_taken_alias_does_not_make_the_lab_client_loop(twistd, lab):
    server = twistd()
    tap = Relay(server.port)
    with server.connect("ann") as first:
        second = lab(tap.port, "ann")
        second.expect_exact("!! ann is taken: choose another alias\r\n")
        # The silence is the behaviour under test: were it asked again, it would have answered many times by now.
        assert first.hears_nothing(0.5)
        assert tap.sent == [b"ann"]
        second.sendline("bea")
        second.expect_exact("bea has connected to the chat room")
        second.expect_exact("quit leaves\r\n")
        second.sendline("hi")
        second.expect_exact("bea: hi\r\n")
        assert tap.sent == [b"ann", b"ann: bea", b"ann: hi"]
        assert first.read_until("hi\n") == "bea has connected to the chat room\nbea: hi\n"
        second.close(force=True)
        tap.close()


# -- programs that want something else


def client_hello():
    """Return what a TLS client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="chat.example").do_handshake()
    return outgoing.read()


def test_tls_without_a_certificate_gets_one_line_and_is_closed(twistd):
    server = twistd()
    with server.connect("alice") as alice, server.connect() as other:
        other.read_until("alias?")
        other.send(client_hello())
        told = other.read_to_end()
        assert told.count("\n") == 1
        assert told.startswith("!! ")
        assert SPEAKS in told
        assert alice.read_pong() == ""
    assert "Traceback" not in server.log


def test_curl_talks_to_the_port_of_telnet(twistd, program):
    server = twistd("--web", "tcp:0:interface=127.0.0.1")
    url = f"http://127.0.0.1:{server.port}/rooms/lobby"
    with server.connect("alice") as alice:
        status, _, _ = run(program("curl", "curl"), "-sf", "--data-raw", "deploy done", "-H", "Chat-Alias: ci", url)
        assert status == 0
        assert "ci: deploy done" in alice.read_until("deploy done\n")


def test_curl_is_told_that_there_is_no_web_door(twistd, program):
    status, output, _ = run(program("curl", "curl"), "-s", f"http://127.0.0.1:{twistd().port}/")
    assert (status, output) == (0, "the server was started with --web none\n")


def test_an_ssh_client_ends_at_once(twistd, program):
    port = twistd().port
    ssh = program("ssh", "openssh-client")
    status, _, errors = run(
        ssh, "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-p", port, "x@127.0.0.1"
    )
    assert status == 255
    assert errors


# -- other transports


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a key and a certificate for this machine; return the folder that holds key.pem and cert.pem."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def tls_server(twistd, certificate):
    return twistd(
        "--listen",
        f"ssl:0:interface=127.0.0.1:privateKey={certificate}/key.pem:certKey={certificate}/cert.pem",
    )


def secure_socket(port, certificate):
    context = ssl.create_default_context(cafile=certificate / "cert.pem")
    bare = socket.create_connection(("127.0.0.1", port), SECONDS)
    return context.wrap_socket(bare, server_hostname="localhost")


def test_python_talks_over_tls(tls_server, certificate):
    def connect(alias):
        return tls_server.connect(alias, sock=secure_socket(tls_server.port, certificate))

    with connect("alice") as alice, connect("bob") as bob:
        alice.read_until("bob has connected to the chat room\n")
        bob.send("hello\n")
        assert alice.read_until("\n") == bob.read_until("\n") == "bob: hello\n"
        bob.send("/quit\n")
        bob.read_to_end()
        assert alice.read_until("\n") == "bob has left the chat room!\n"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("ncat", "{path} --ssl 127.0.0.1 {port}"),
        ("socat", "{path} - OPENSSL:localhost:{port},pf=ip4,cafile={certificate}/cert.pem"),
        ("openssl", "{path} s_client -quiet -connect 127.0.0.1:{port} -CAfile {certificate}/cert.pem"),
    ],
    ids=["ncat", "socat", "openssl"],
)
def test_programs_talk_over_tls(tls_server, certificate, program, terminal, name, command):
    path = program(name, name)
    with tls_server.connect("alice", sock=secure_socket(tls_server.port, certificate)) as alice:
        child = terminal(*command.format(path=path, port=tls_server.port, certificate=certificate).split())
        child.expect_exact("alias?")
        child.sendline("bob")
        child.expect_exact("quit leaves")
        child.sendline("hello")
        child.expect_exact("bob: hello")
        assert "bob: hello\n" in alice.read_until("hello\n")
        alice.send("hi\n")
        child.expect_exact("alice: hi")
        child.sendline("/quit")
        child.expect_exact("bob has left the chat room!")
        assert alice.read_until("room!\n").splitlines()[-1] == "bob has left the chat room!"


def test_the_lab_client_over_tls_is_known_too(tls_server, certificate, program, lab):
    port = free_port()
    listen = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr"
    to = f"OPENSSL:localhost:{tls_server.port},pf=ip4,cafile={certificate}/cert.pem"
    tunnel = pexpect.spawn(program("socat", "socat"), ["-d", "-d", listen, to], encoding="utf-8", timeout=SECONDS)
    try:
        tunnel.expect_exact("listening on")
        ann = lab(port, "ann")
        ann.expect_exact("quit leaves\r\n")
        ann.sendline("hi")
        ann.expect_exact("ann: hi\r\n")
    finally:
        tunnel.close(force=True)


def test_netcat_talks_over_a_unix_socket(twistd, program, tmp_path):
    path = tmp_path / "chat.sock"
    server = twistd("--listen", f"unix:{path}")
    nc = program("nc", "netcat-openbsd")
    assert run(nc, "-N", "-U", path, given="bob\nhello\n")[1].startswith(BOB_SAYS_HELLO)
    assert "connection is established with a UNIX socket" in server.log


def test_netcat_talks_over_ipv6(twistd, program):
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = twistd("--listen", r"tcp6:0:interface=\:\:1")
    port = int(re.search(r"listening on \[::1\]:(\d+);", server.log)[1])
    nc = program("nc", "netcat-openbsd")
    assert run(nc, "-N", "::1", port, given="bob\nhello\n")[1].startswith(BOB_SAYS_HELLO)
    assert "connection is established with [::1]:" in server.log


# -- members


def test_telnet_shows_no_password_and_it_opens_the_name_after_a_kill(twistd, telnet, terminal, program, tmp_path):
    file = tmp_path / "chat.sqlite"
    server = twistd("--journal", f"sqlite:{file}")
    tel = telnet(server, "alice")
    shown = tel.logfile_read = io.StringIO()
    tel.sendline("/register")
    tel.expect_exact("password?")
    tel.sendline("four simple words")
    tel.expect_exact("alice is yours now")
    server.process.kill()
    server.process.wait(SECONDS)
    server = twistd("--journal", f"sqlite:{file}")
    with server.connect("bob") as bob:
        again = terminal(program("telnet", "inetutils-telnet"), "127.0.0.1", server.port)
        again.logfile_read = shown
        again.expect_exact("alias?")
        again.sendline("alice")
        again.expect_exact("password?")
        again.sendline("hunter22")
        again.expect_exact("wrong or no longer valid")
        again.expect_exact("alias?")
        again.sendline("alice")
        again.expect_exact("password?")
        again.sendline("four simple words")
        again.expect_exact("you are now connected!\r\n")
        again.expect_exact("quit leaves\r\n")
        again.sendline("hello")
        again.expect_exact("alice: hello\r\n")
        heard = bob.read_pong()
    assert "four simple words" not in shown.getvalue() + heard + server.log
    assert "hunter22" not in shown.getvalue() + heard + server.log
    assert b"four simple words" not in b"".join(
        part.read_bytes() for part in tmp_path.glob("chat.sqlite*") if part.is_file()
    )


def test_a_script_whose_password_is_wrong_says_it_to_nobody(twistd, program):
    server = twistd()
    netcat = program("nc", "netcat-openbsd")
    with server.connect("alice") as alice, server.connect("bob") as bob:
        alice.send("/register\nfour simple words\n")
        alice.read_until("is yours now")
        _status, told, _errors = run(netcat, "-N", "127.0.0.1", server.port, given="alice\nhunter2\nhello\n")
        assert "you did not enter the chat, and nothing was said" in told
        assert "hunter2" not in bob.read_pong() + alice.read_pong()
        _status, told, _errors = run(netcat, "-N", "127.0.0.1", server.port, given="alice\nfour simple words\nhello\n")
        assert "alice: hello\n" in told
        assert bob.read_pong().split("\n") == ["", "alice: hello", ""]


@pytest.mark.parametrize(
    "endpoint, url, more",
    [
        ("unix:{folder}/chat.sock", "http://localhost", ["--unix-socket", "{folder}/chat.sock"]),
        ("haproxy:tcp:0:interface=127.0.0.1", "http://127.0.0.1:{port}", ["--haproxy-protocol"]),
        (
            "ssl:0:privateKey={folder}/key.pem:certKey={folder}/cert.pem:interface=127.0.0.1",
            "https://localhost:{port}",
            ["--cacert", "{folder}/cert.pem"],
        ),
    ],
    ids=["unix", "haproxy", "ssl"],
)
def test_curl_and_irc_talk_at_every_kind_of_port(twistd, program, tmp_path, endpoint, url, more):
    make_certificate(tmp_path)
    curl = program("curl", "curl")
    with_web = ["--listen", "tcp:0:interface=127.0.0.1", "--web", "tcp:0:interface=127.0.0.1"]
    server = twistd(*with_web, "--listen", endpoint.format(folder=tmp_path))
    found = server.wait_for_log(r"(?s)listening on .*listening on (?:\S+:(\d+)|/\S+);")
    words = [part.format(folder=tmp_path, port=found[1]) for part in ("-sS", *more, url)]
    with server.connect("alice") as alice:
        post = ["-H", "Chat-Alias: ci", "--data-raw", "deploy done"]
        status, output, errors = run(curl, *words[:-1], *post, f"{words[-1]}/rooms/lobby")
        assert (status, errors) == (0, ""), output
        alice.read_until("ci: deploy done\n")
        irc = ["--max-time", SECONDS, "-N", *words[1:-1], words[-1].replace("http", "telnet", 1)]
        if "https" not in url:  # curl has no telnet over TLS, and ncat is used for that elsewhere
            run(curl, *irc, given="NICK bob\r\nUSER bob 0 * :Bob\r\nJOIN #lobby\r\nPRIVMSG #lobby :hi\r\nQUIT\r\n")
            alice.read_until("bob: hi\n")
    assert "Traceback" not in server.log
