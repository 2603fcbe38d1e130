"""Real ssh clients in processes of their own, against a real server: OpenSSH, PuTTY's plink, Dropbear's dbclient."""

from __future__ import annotations

import os
import subprocess

from ...processes import SECONDS, Client

KINDS = {"ed25519": ["ed25519"], "ecdsa": ["ecdsa", "-b", "256"], "rsa": ["rsa", "-b", "2048"]}


class Clients:
    """The clients of one test, with keys and lists of known hosts in its folder."""

    def __init__(self, folder, program, port):
        """``program``: the fixture that finds one."""
        self.folder, self.port = folder, port
        self._program = program
        self._started = []
        self.environment = {**os.environ, "HOME": str(folder), "SSH_AUTH_SOCK": "", "PUTTYDIR": str(folder)}
        self.known_hosts = folder / "known_hosts"

    def key(self, kind="ed25519"):
        """Return the path of a user's key."""
        path = self.folder / f"key-{kind}"
        if not path.exists():
            keygen = self._program("ssh-keygen", "openssh-client")
            subprocess.run([keygen, "-q", "-N", "", "-C", "test", "-f", path, "-t", *KINDS[kind]], check=True)
        return path

    def openssh(self, user, *arguments, key=None, options=()):
        """Return the words of a command; ``key``: a kind of key, or None for a client without any."""
        settings = [f"UserKnownHostsFile={self.known_hosts}", "GlobalKnownHostsFile=none"]
        settings += ["StrictHostKeyChecking=accept-new"]
        if key is None:
            settings += ["PubkeyAuthentication=no"]
        else:
            settings += ["IdentitiesOnly=yes", "BatchMode=yes", f"IdentityFile={self.key(key)}"]
        flags = [part for setting in (*settings, *options) for part in ("-o", setting)]
        ssh = self._program("ssh", "openssh-client")
        return [ssh, "-F", "none", "-p", str(self.port), *flags, f"{user}@127.0.0.1", *arguments]

    def plink(self, user, *arguments, host_key):
        """``host_key``: the fingerprint that the server has logged."""
        plink = self._program("plink", "putty-tools")
        settings = ["-ssh", "-batch", "-P", str(self.port), "-hostkey", host_key, "-l", user]
        return [plink, *settings, *([] if arguments else ["-T"]), "127.0.0.1", *arguments]

    def dropbear(self, user, *arguments, key=None):
        dbclient = self._program("dbclient", "dropbear-bin")
        identity = []
        if key is not None:
            converted = self.folder / f"dropbear-{key}"
            convert = self._program("dropbearconvert", "dropbear-bin")
            subprocess.run([convert, "openssh", "dropbear", self.key(key), converted], check=True, capture_output=True)
            identity = ["-i", str(converted)]
        kind = [] if arguments else ["-T"]
        return [dbclient, "-y", "-y", "-p", str(self.port), *identity, *kind, f"{user}@127.0.0.1", *arguments]

    def run(self, command, given=""):
        """Run a command to its end; return its status, output and errors."""
        done = subprocess.run(
            command, input=given.encode(), capture_output=True, timeout=SECONDS, env=self.environment, check=False
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def start(self, command):
        """Return a running client, to write to and to read from."""
        running = Running(command, self.environment)
        self._started.append(running)
        return running

    def close(self):
        for running in self._started:
            running.close()


class Running(Client):
    """A client that runs: its pipes are read and written as the line door's socket is."""

    def __init__(self, command, environment):
        ours, theirs = os.pipe()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.PIPE, env=environment
        )
        os.close(theirs)
        self._output = ours
        self.received, self.read = b"", 0

    def send(self, data):
        self.process.stdin.write(data.encode() if isinstance(data, str) else data)
        self.process.stdin.flush()

    def receive(self):
        data = os.read(self._output, 65536)
        self.received += data
        return bool(data)

    def end(self):
        """End the input, and return the exit status."""
        self.process.stdin.close()
        return self.process.wait(SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)
        os.close(self._output)
        self.process.stderr.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()
