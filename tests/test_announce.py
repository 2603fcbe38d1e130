"""Each command that the log shows is typed as it stands; where none would work, the log says why."""

from __future__ import annotations

import re
import socket
from types import SimpleNamespace

import pexpect
import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from twisted_chat import announce
from twisted_chat.announce import network_addresses, reached_at, words
from twisted_chat.doors.table import DOORS

from .processes import SCRIPTS, SECONDS, environment, make_certificate, run

PROGRAMS = {  # and the Debian packages that they are in
    "telnet": "inetutils-telnet",
    "nc": "netcat-openbsd",
    "ncat": "ncat",
    "openssl": "openssl",
    "curl": "curl",
}
TLS = "privateKey={folder}/key.pem:certKey={folder}/cert.pem"
LISTEN = {
    "this machine": ("tcp:0:interface=127.0.0.1", "telnet nc twisted-chat"),
    "all IPv4": ("tcp:0", "telnet nc twisted-chat"),
    "all addresses": ("tcp6:0", "telnet nc twisted-chat"),
    "IPv6": (r"tcp6:0:interface=\:\:1", "telnet nc twisted-chat"),
    "UNIX": ("unix:{folder}/a chat.sock", "nc"),
    "ssl": (f"ssl:0:{TLS}:interface=127.0.0.1", "twisted-chat ncat openssl"),
    "ssl on all": (f"ssl:0:{TLS}", "twisted-chat ncat openssl"),
    "tls": ("tls:{folder}:0:interface=127.0.0.1", "twisted-chat ncat openssl"),
}
WEB = {
    "this machine": "tcp:0:interface=127.0.0.1",
    "all IPv4": "tcp:0",
    "all addresses": "tcp6:0",
    "IPv6": r"tcp6:0:interface=\:\:1",
    "UNIX": "unix:{folder}/a web.sock",
    "ssl": f"ssl:0:{TLS}:interface=127.0.0.1",
    "tls": "tls:{folder}:0",
}


@pytest.fixture
def folder(tmp_path):
    """A folder with key.pem and cert.pem, and in its name what a shell would split."""
    (tmp_path / "my files").mkdir()
    folder = make_certificate(tmp_path / "my files")
    with (folder / "cert.pem").open("a") as both:  # as tls: wants it
        both.write((folder / "key.pem").read_text())
    return folder


def typed(command):
    """Type a command at a shell, in a terminal of its own."""
    env = environment(TERM="xterm", PATH=f"{SCRIPTS}:/usr/local/bin:/usr/bin:/bin")
    return pexpect.spawn("bash", ["-c", command], encoding="utf-8", timeout=SECONDS, echo=False, env=env)


@pytest.mark.parametrize("kind", LISTEN)
def test_each_command_that_the_log_shows_brings_a_person_in(twistd, program, folder, kind):
    endpoint, names = LISTEN[kind]
    server = twistd("--listen", "tcp:0:interface=127.0.0.1", "--listen", endpoint.format(folder=folder))
    shown = server.wait_for_log(r"listening on .*\n(?:.*\n)*?.*listening on .*?; connect with: (.*)\n")[1]
    commands = re.split(", | or ", shown)
    assert [command.split()[0] for command in commands] == names.split()
    with server.connect("alice") as alice:
        for number, command in enumerate(commands):
            if command.split()[0] in PROGRAMS:
                program(command.split()[0], PROGRAMS[command.split()[0]])
            child = typed(command)
            try:
                child.expect("alias")  # of the server, or of the client, which asks in its own words
                child.send(f"bob{number}\r")
                alice.read_until(f"bob{number} has connected to the chat room\n")
                child.send("hello\r")
                alice.read_until(f"bob{number}: hello\n")
                child.send("/quit\r")
                alice.read_until(f"bob{number} has left the chat room!\n")
            finally:
                child.close(force=True)


@pytest.mark.parametrize("kind", WEB)
def test_the_address_that_the_log_shows_for_a_browser_answers(twistd, program, folder, kind):
    program("curl", "curl")
    server = twistd("--web", WEB[kind].format(folder=folder))
    found = server.wait_for_log(r"open (https?://\S+) in a browser\n|the web door is at .*; try: (curl .*)\n")
    command = found[2] or f"curl --cacert '{folder}/cert.pem' '{found[1]}'"
    status, output, errors = run("bash", "-c", f"{command} -fsS")
    assert (status, errors) == (0, "")
    assert ('"lobby"' if found[2] else "<!DOCTYPE html>") in output


@pytest.mark.parametrize("kind", WEB)
def test_the_command_that_the_log_shows_for_metrics_shows_them(twistd, program, folder, kind):
    program("curl", "curl")
    server = twistd("--metrics", WEB[kind].format(folder=folder))
    command = server.wait_for_log(r"metrics are at .*; try: (curl .*)\n")[1]
    status, output, errors = run("bash", "-c", f"{command} -fsS")
    assert (status, errors) == (0, "")
    assert "twisted_chat_connections" in output


def test_behind_a_proxy_no_command_is_shown(twistd):
    server = twistd("--listen", "haproxy:tcp:0:interface=127.0.0.1", "--web", "haproxy:tcp:0:interface=127.0.0.1")
    where = r"127\.0\.0\.1:\d+; only a proxy that speaks the PROXY protocol can connect there\n"
    server.wait_for_log(f"listening on {where}")
    server.wait_for_log(f"the web door is at {where}")
    assert "connect with" not in server.log
    assert "in a browser" not in server.log


def test_the_address_of_a_server_for_all_is_one_that_others_can_use(twistd):
    found = [*network_addresses(socket.AF_INET)]
    server = twistd("--listen", "tcp:0", "--web", "tcp:0")
    shown = server.wait_for_log(r"connect with: telnet (\S+) \d+, .*?( \(.*\))?\n")
    if found:
        assert (shown[1], shown[2]) == (found[0], None)
        assert server.url.startswith(f"http://{found[0]}:")
    else:
        assert shown.groups() == ("127.0.0.1", " (no address of this machine was found that others could use)")


# -- the words, for machines that are not this one


def port(address, is_ipv6_only=False):
    """Return what Twisted would listen with."""
    return SimpleNamespace(
        getHost=lambda: address, socket=SimpleNamespace(getsockopt=lambda level, option: int(is_ipv6_only))
    )


def a_door(option, is_ours=bool):
    """Return the door of an option, not opened, to whose clients some host names are ours."""
    kind = next(door for door in DOORS if door.option == option)
    door = kind({"web-name": [], "trust-proxy": []})
    if option != "listen":
        door.is_ours = is_ours
    return door


def said(monkeypatch, found, option, written, listens, is_ours=lambda name: name == "localhost"):
    """Return the line of the log on a machine with some addresses, by family."""
    monkeypatch.setattr(announce, "network_addresses", lambda family: iter(found.get(family, [])))
    return words(a_door(option, is_ours), written, listens)


IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
ALL_IPV4, ALL_IPV6 = IPv4Address("TCP", "0.0.0.0", 59000), IPv6Address("TCP", "::", 59000)
NOBODY = " (no address of this machine was found that others could use)"


@pytest.mark.parametrize(
    ("found", "listens", "host", "note"),
    [
        ({IPV4: ["192.168.1.10", "10.0.0.1"]}, port(ALL_IPV4), "192.168.1.10", ""),
        ({}, port(ALL_IPV4), "127.0.0.1", NOBODY),
        ({IPV6: ["2001:db8::7"]}, port(ALL_IPV4), "127.0.0.1", NOBODY),
        ({IPV4: ["192.168.1.10"], IPV6: ["2001:db8::7"]}, port(ALL_IPV6), "192.168.1.10", ""),
        ({IPV6: ["2001:db8::7"]}, port(ALL_IPV6), "2001:db8::7", ""),
        ({}, port(ALL_IPV6), "127.0.0.1", NOBODY),
        ({IPV4: ["192.168.1.10"], IPV6: ["2001:db8::7"]}, port(ALL_IPV6, is_ipv6_only=True), "2001:db8::7", ""),
        ({IPV4: ["192.168.1.10"]}, port(ALL_IPV6, is_ipv6_only=True), "::1", NOBODY),
        ({IPV4: ["192.168.1.10"]}, port(IPv4Address("TCP", "10.1.2.3", 59000)), "10.1.2.3", ""),
    ],
)
def test_the_host_is_one_that_reaches_the_port(monkeypatch, found, listens, host, note):
    to = f"'[{host}]:59000'" if ":" in host else f"{host}:59000"
    line = said(monkeypatch, found, "listen", "tcp:59000", listens)
    assert line.partition("; ")[2] == f"connect with: telnet {host} 59000, nc {host} 59000 or twisted-chat {to}{note}"
    assert said(monkeypatch, found, "web", "tcp:59000", listens) == (
        f"open http://{to.strip(chr(39))}/ in a browser{note}"
    )


@pytest.mark.parametrize(
    ("names", "option", "listens", "wanted"),
    [
        (["192.168.1.10"], "web", ALL_IPV4, "https://192.168.1.10:59000/ in a browser"),
        (["localhost"], "web", ALL_IPV4, "https://localhost:59000/ in a browser"),
        (["chat.example"], "web", ALL_IPV4, "(its certificate is for chat.example; --web-name lets browsers use that)"),
        (["chat.example"], "listen", ALL_IPV4, "twisted-chat chat.example:59000 --ca "),
        (["*.example"], "listen", ALL_IPV4, "with: ncat --ssl 192.168.1.10 59000 or "),
        ([], "listen", ALL_IPV4, "(its certificate is for no host)"),
        (["localhost"], "web", IPv4Address("TCP", "192.168.1.10", 59000), "(its certificate is for localhost)"),
    ],
)
def test_a_certificate_decides_the_name(monkeypatch, tmp_path, names, option, listens, wanted):
    make_certificate(tmp_path, names)
    written = f"ssl:59000:privateKey={tmp_path}/key.pem:certKey={tmp_path}/cert.pem"
    assert wanted in said(monkeypatch, {IPV4: ["192.168.1.10"]}, option, written, port(listens))


@pytest.mark.parametrize(
    ("found", "written", "listens", "urls"),
    [
        ({IPV4: ["192.168.1.10"]}, "tcp:59000", port(ALL_IPV4), ["http://192.168.1.10:59000/"]),
        ({IPV6: ["2001:db8::7"]}, "tcp6:59000", port(ALL_IPV6), ["http://[2001:db8::7]:59000/"]),
        ({}, "tcp:59000", port(ALL_IPV4), []),
        ({}, "tcp6:59000", port(ALL_IPV6, is_ipv6_only=True), []),
        ({IPV4: ["192.168.1.10"]}, "tcp:59000", port(IPv4Address("TCP", "127.0.0.1", 59000)), []),
        ({IPV4: ["192.168.1.10"]}, "haproxy:tcp:59000", port(ALL_IPV4), []),
        ({IPV4: ["192.168.1.10"]}, "unix:chat.sock", port(UNIXAddress(b"chat.sock")), []),
    ],
)
def test_others_are_invited_to_an_address_that_they_can_reach(monkeypatch, found, written, listens, urls):
    monkeypatch.setattr(announce, "network_addresses", lambda family: iter(found.get(family, [])))
    assert reached_at(written, listens, lambda name: name == "localhost") == urls


@pytest.mark.parametrize(("names", "urls"), [(["192.168.1.10"], ["https://192.168.1.10:59000/"]), (["localhost"], [])])
def test_others_are_invited_to_the_name_in_a_certificate(monkeypatch, tmp_path, names, urls):
    make_certificate(tmp_path, names)
    monkeypatch.setattr(announce, "network_addresses", lambda family: iter(["192.168.1.10"]))
    written = f"ssl:59000:privateKey={tmp_path}/key.pem:certKey={tmp_path}/cert.pem"
    assert reached_at(written, port(ALL_IPV4), lambda name: name == "localhost") == urls


def test_a_path_that_is_relative_is_shown_whole_and_quoted(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    line = words(a_door("listen"), "unix:a chat.sock", port(UNIXAddress(b"a chat.sock")))
    assert line == f"listening on {tmp_path}/a chat.sock; connect with: nc -U '{tmp_path}/a chat.sock'"


class Routeless(socket.socket):
    """A socket of a machine that knows no way to other networks."""

    def connect(self, address):
        raise OSError(101, "Network is unreachable")


@pytest.mark.parametrize(
    ("resolved", "found"), [(["127.0.1.1", "192.168.1.10"], ["192.168.1.10"]), (["127.0.1.1"], []), ([], [])]
)
def test_without_a_route_the_machine_s_own_name_is_looked_up(monkeypatch, resolved, found):
    def look_up(name, _port, family):
        assert (name, family) == (socket.gethostname(), IPV4)
        if not resolved:
            raise socket.gaierror(-2, "Name or service not known")
        return [(family, 1, 6, "", (each, 0)) for each in resolved]

    monkeypatch.setattr(socket, "socket", Routeless)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert [*network_addresses(IPV4)] == found
