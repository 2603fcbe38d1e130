"""A member's log-ins over a network: run it in a network namespace, where two addresses are its own and nobody else's.

    unshare --net python -m tests.network FOLDER

It prints what the member was told, as JSON. With an address of this machine behind the folder it uses that instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import socket
import ssl
import struct
import sys
from pathlib import Path

from .processes import SECONDS, Client, Twistd, make_certificate

SERVER, CLIENT = "198.51.100.1", "198.51.100.2"  # for documents (RFC 5737)
PASSWORD = "four simple words"
SIOCSIFFLAGS, SIOCSIFADDR, UP = 0x8914, 0x8916, 1  # netdevice(7)


def add_addresses():
    """Give the namespace's own loopback interface two addresses more, and start it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for name, address in (("lo", "127.0.0.1"), ("lo:1", SERVER), ("lo:2", CLIENT)):
            packed = struct.pack("16sH2x4s8x", name.encode(), socket.AF_INET, socket.inet_aton(address))
            fcntl.ioctl(any_socket, SIOCSIFADDR, packed)
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), UP))


class Network:
    """A server at one address, and connections that come from another."""

    def __init__(self, folder, server, client, *options):
        self._at, self._from = server, client
        pem = "privateKey=key.pem:certKey=cert.pem"
        listen = ("tcp:0:interface=127.0.0.1", f"tcp:0:interface={server}", f"ssl:0:interface={server}:{pem}")
        listening = [part for endpoint in listen for part in ("--listen", endpoint)]
        self.server = Twistd(folder, *listening, "--no-limits", *options)
        pattern = rf"listening on {re.escape(server)}:(\d+)(?s:.)*listening on {re.escape(server)}:(\d+)"
        self._tcp, self._tls = map(int, self.server.wait_for_log(pattern).groups())
        self._open = contextlib.ExitStack()
        self._open.callback(self.server.close)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._open.close()

    def near(self):
        return self._open.enter_context(Client(self.server.port))

    def far(self, is_tls=False):
        port = self._tls if is_tls else self._tcp
        sock = socket.create_connection((self._at, port), SECONDS, (self._from, 0))
        if is_tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            sock = context.wrap_socket(sock)
        return self._open.enter_context(Client(0, sock=sock))

    def told(self, *lines, is_tls=False):
        """Return what somebody is told who comes from afar and types some lines."""
        client = self.far(is_tls)
        client.send("".join(f"{line}\n" for line in (*lines, "/quit")))
        return client.read_to_end()


def log_in_everywhere(folder, server, client):
    """Log in as a member by each way; return what was told, and what others have heard."""
    make_certificate(folder)
    told = {}
    with Network(folder, server, client) as network:
        alice, bob = network.near(), network.near()
        alice.send(f"alice\n/register\n{PASSWORD}\n/code\n")
        alice.read_until("is yours now")
        code = re.search(r"\S+-\S+-\S+(?= lets one more)", alice.read_until("once, until"))[0]
        bob.send("bob\n")
        bob.read_until("/quit leaves\n")
        told["password"] = network.told("alice", PASSWORD)
        told["password behind"] = network.told(f"alice {PASSWORD}")
        told["code"] = network.told(f"alice {code}")
        told["code again"] = network.told(f"alice {code}")
        told["password over TLS"] = network.told("alice", PASSWORD, is_tls=True)
        told["others"] = bob.read_pong()
    with Network(folder, server, client, "--private-net", f"{client}/32") as network:
        told["password in a private network"] = network.told("alice", PASSWORD)
    return told


if __name__ == "__main__":
    folder, *own = sys.argv[1:]
    if not own:
        add_addresses()
    print(json.dumps(log_in_everywhere(Path(folder), *(own * 2 or (SERVER, CLIENT)))))
