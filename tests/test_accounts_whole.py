"""Accounts, roles and private rooms from outside: real servers, nc, curl, bare sockets, programs, and the files left.

Each row is a requirement, and the tests that show it, here and elsewhere.

====================================================  ============================================================
guests see what they have always seen                 doors/line/test_transcript.py, web/test_http_docs.py
a server that keeps nothing                           test_restart.py
a name stays its member's over kill -9                test_a_name_stays_its_members_after_a_kill
wrong secrets: one line, nothing said, then a wait    test_wrong_passwords_are_said_to_nobody_...
one person on many devices; one coming, one going     test_four_devices_are_one_person
rooms are a person's                                  test_a_room_that_is_entered_on_one_device_...
no password over what can be overheard                doors/line/test_network.py, doors/test_overheard.py
no token, good or bad, is said, kept or logged        test_no_token_reaches_anybody_or_any_file
so many passwords wait to be checked                  test_registering_holds_up_nobody, test_vault.py
no secret is in a file                                test_the_files_hold_no_secret
what ends with a credential, and what stays           test_a_new_password_ends_..., web/test_ways_in.py
every way in is shut at once                          doors/test_ways_in.py, doors/web/test_ways_in.py
odd secrets                                           test_odd_secrets_are_refused_in_one_line
the operator's tool                                   admin/test_tool.py
private lines of a former guest                       test_the_member_who_registers_a_former_guests_alias_...
acts and roles                                        core/test_rules.py, requests/test_moderation.py
a person who may not speak                            test_a_person_who_may_not_speak_..., core/test_rules.py
bans                                                  test_a_ban_..., doors/test_banned.py
bans and ended devices, on several nodes              core/test_rules_on_nodes.py, core/test_nodes.py
a removal's minute, over a restart                    core/test_rules.py
durations that cannot be                              core/test_lasting.py, requests/test_moderation.py
no gap while people register                          test_benchmarks.py, benchmarks/registering.py
removed from a room                                   test_a_removed_person_...
private rooms                                         test_a_private_room_is_..., core/test_rules.py
only the right in the very room counts                test_an_operator_of_one_room_...
the log of the server                                 test_each_act_is_logged_once_...
marks                                                 test_marks_are_equal..., core/test_marks.py
====================================================  ============================================================
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import subprocess
import time

import pytest

from twisted_chat.core.limits import Limits

from .processes import SCRIPTS, SECONDS, Client, Twistd, run, wait_until

pytestmark = pytest.mark.slow

PASSWORD = "four simple words"
MEMBERS = "-- alice is a member's name: give the password, or an empty line for another alias\npassword?"
WRONG = "!! that secret is wrong or no longer valid for alice: try again, or choose another alias\n"
IN = "quit leaves\n"  # the end of the greeting
TOKEN = "0123456789abcdef"  # with which a program resumes


class Chat:
    """A server with a file and both doors, and all that a test leaves in its folder."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.options = options
        self.server = None
        self.open = contextlib.ExitStack()
        self.start()

    def start(self):
        journal = f"sqlite:{self.folder / 'chat.sqlite'}"
        self.server = Twistd(self.folder, "--journal", journal, "--web", "tcp:0:interface=127.0.0.1", *self.options)

    def kill(self):
        self.server.process.kill()
        self.server.process.wait(SECONDS)

    def come(self, *lines, host="127.0.0.1"):
        """Return a bare client that has typed some lines."""
        sock = socket.create_connection(("127.0.0.1", self.server.port), SECONDS, (host, 0))
        client = self.open.enter_context(Client(0, sock=sock))
        client.read_until("alias?")
        client.send("".join(f"{line}\n" for line in lines))
        return client

    def enter(self, *lines, host="127.0.0.1"):
        """Return a bare client that is in the chat."""
        client = self.come(*lines, host=host)
        client.read_until(IN)
        return client

    def register(self, alias, password=PASSWORD, host="127.0.0.1"):
        client = self.enter(alias, host=host)
        client.send(f"/register\n{password}\n")
        client.read_until("is yours now: from another device, give this password after the alias\n")
        return client

    def log_in(self, alias="alice", password=PASSWORD):
        return self.enter(alias, password)

    def program(self, **hello):
        program = Programs(self.come())
        program.hello = program.ask("hello", version=1, **hello)
        return program

    def curl(self, path, *options, status=True):
        """Return the status of an answer, and its text."""
        code, output, _errors = run(
            "curl", "-s", "--max-time", str(SECONDS), "-w", "\n%{http_code}", *options, self.server.url + path
        )
        assert code == 0, (path, code)
        text, _line, number = output.rpartition("\n")
        return int(number), text

    def come_as(self, hello):
        """Return the answer to the hello of one more program."""
        return Programs(self.come()).ask("hello", **hello)

    def cookie(self, alias="alice"):
        """Log a browser in; return its cookie."""
        body = json.dumps({"alias": alias, "secret": PASSWORD})
        status, answer = self.curl("login", "-i", "-d", body, "-H", "Content-Type: application/json")
        assert status == 204, answer
        return re.search(r"(?i)set-cookie: ([^;]+)", answer)[1]

    def hear(self, path, *options):
        """Return a curl that hears a stream."""
        curl = subprocess.Popen(
            ["curl", "-sN", "-H", "Accept: text/event-stream", *options, self.server.url + path],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.open.callback(curl.wait)
        self.open.callback(curl.kill)
        self.open.callback(curl.stdout.close)
        curl.stdout.read(1)  # the answer has begun
        return curl

    def admin(self, *words):
        command = [SCRIPTS / "twisted-chat", "admin", "--journal", self.folder / "chat.sqlite", *words]
        code, output, errors = run(*command)
        assert (code, errors) == (0, "")
        return output.splitlines()

    def files(self):
        """Return the bytes of all files: the journal, its log to come, and the logs of the servers."""
        return b"\0".join(path.read_bytes() for path in sorted(self.folder.glob("**/*")) if path.is_file())

    def rows(self, query):
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'chat.sqlite'}?mode=ro", uri=True)) as file:
            return file.execute(query).fetchall()

    def close(self):
        self.open.close()
        self.server.close()
        logs = "".join(path.read_text() for path in self.folder.glob("log-*"))
        assert "Traceback" not in logs
        assert "Unhandled" not in logs


class Programs:
    """A program that speaks JSON over the line door."""

    def __init__(self, client):
        self.client = client
        self.others = []
        self._ids = 0

    def next(self):
        return json.loads(self.client.read_until("\n"))

    def ask(self, what, **fields):
        """Return the result of a request, or its error."""
        self._ids += 1
        ident = str(self._ids)
        self.client.send(json.dumps({"do": what, "id": ident, **fields}) + "\n")
        while True:
            message = self.next()
            is_post = what in ("say", "tell", "broadcast")  # whose event is the answer
            if message.get("id") == ident and (is_post or "result" in message or "error" in message):
                return message
            self.others.append(message)

    def heard(self):
        """Return all messages that came until now and that answered nothing."""
        self.ask("ping")
        heard, self.others = self.others, []
        return heard

    def texts(self):
        return [f"{message['author']}: {message['text']}" for message in self.heard() if message.get("kind") == "said"]


@pytest.fixture
def chat(tmp_path):
    chat = Chat(tmp_path)
    yield chat
    chat.close()


@pytest.fixture
def free_chat(tmp_path):
    chat = Chat(tmp_path, "--no-limits")
    yield chat
    chat.close()


# -- a name is somebody's


def test_a_name_stays_its_members_after_a_kill(chat):
    chat.register("alice").close()
    chat.kill()
    chat.start()
    assert chat.come("alice").read_until("password?") == MEMBERS
    assert chat.come("ALICE").read_until("password?") == MEMBERS
    for similar in ("a1ice", "\u0430lice", "alic\u0435"):
        told = chat.come(similar).read_until("alias?")
        assert told == f"!! {similar} looks like alice, a member: choose another alias\nalias?"
    assert chat.curl("rooms/lobby", "-d", "hi", "-H", "Chat-Alias: alice")[0] in (401, 403)
    assert chat.log_in().read_pong() == ""


def test_netcat_gives_a_password_on_its_second_line(chat, program):
    chat.register("alice").close()
    bob = chat.enter("bob")
    given = f"alice\n{PASSWORD}\nhello\n"
    status, output, _errors = run(program("nc", "netcat-openbsd"), "-N", "127.0.0.1", chat.server.port, given=given)
    assert status == 0
    assert "you are now connected!\n" in output
    assert bob.read_until("alice: hello\n") == "alice has connected to the chat room\nalice: hello\n"


def test_wrong_passwords_are_said_to_nobody_and_a_guesser_has_to_wait_but_nobody_else(chat):
    chat.register("alice").send("/quit\n")
    bob = chat.enter("bob", host="127.0.0.9")
    for _ in range(5):
        assert chat.come("alice", "hunter22", "hi").read_until("alias?").endswith("not read\nalias?")
    told = chat.come("alice", PASSWORD).read_until("alias?")
    assert re.search(r"!! .*wait|!! .*again in \d+", told), told
    elsewhere = chat.come("alice", PASSWORD, host="127.0.0.2")
    elsewhere.read_until(IN)
    assert bob.read_pong() == "alice has connected to the chat room\n"


def test_odd_secrets_are_refused_in_one_line(chat):
    chat.register("alice").send("/quit\n")
    bob = chat.enter("bob")
    odd = [b"1-", b"-", b"\0" * 9, b"\xff\xfe" * 9, b"tct_", "é".encode() * 700, b"x" * 1_000_000]
    for number, secret in enumerate(odd):
        client = chat.come(host=f"127.0.0.{number + 2}")
        client.send(b"alice\n" + secret + b"\n")
        told = client.read_until("password?") + client.read_until("alias?")
        assert told.count("!! ") == 1, told
    many = Programs(chat.come(host="127.0.0.20"))
    for secret in ("", "\0" * 8, "x" * 1024, "\ud800" * 8, 5, None, []):
        assert "error" in many.ask("hello", version=1, alias="alice", secret=secret), secret
    assert bob.read_pong() == ""


# -- several devices are one person


def test_four_devices_are_one_person(chat):
    alice = chat.register("alice")
    alice.send("/quit\n")
    alice.read_to_end()
    bob = chat.enter("bob")
    first, second = chat.log_in(), chat.log_in()
    page = chat.program(alias="alice", secret=PASSWORD)
    token = page.ask("token", label="ci")["token"]
    assert bob.read_pong() == "alice has connected to the chat room\n"
    status, _text = chat.curl("rooms/lobby", "-d", "from curl", "-H", f"Authorization: Bearer {token}")
    assert status in (200, 201)
    bob.send("/msg alice psst\n/who\n")
    who = bob.read_until("in lobby: ") + bob.read_until("\n")
    assert who.count("has connected") == 0
    assert who.endswith(("2 in lobby: alice, bob\n", "2 in lobby: bob, alice\n"))
    first.send("hello\n")
    bob.read_until("alice: hello\n")
    for device in (first, second):
        told = device.read_pong()
        assert told.count("alice: from curl\n") == told.count("psst\n") == 1
        assert told.count("alice: hello\n") == 1
    assert page.texts() == ["alice: from curl", "bob: psst", "alice: hello"]
    for device in (first, second):
        device.send("/quit\n")
        device.read_to_end()
    assert bob.read_pong() == ""
    page.client.send('{"do":"quit","id":"last"}\n')
    page.client.read_to_end()
    assert bob.read_until("left the chat room!\n").strip() == "alice has left the chat room!"
    assert bob.read_pong() == ""


def test_a_room_that_is_entered_on_one_device_is_heard_on_all(chat):
    first = chat.register("alice")
    second, page = chat.log_in(), chat.program(alias="alice", secret=PASSWORD)
    first.send("/join ops\n")
    first.read_until("in ops: alice\n")
    bob = chat.enter("bob", "/join ops")
    bob.send("/join ops\nhi\n")
    for device in (first, second):
        device.read_until("#ops bob: hi\n")
    assert page.texts() == ["bob: hi"]
    second.send("/leave ops\n")
    bob.read_until("#ops alice has left!\n")
    assert "ops" not in page.ask("rooms", mine=True).get("rooms", "")


# -- secrets


def test_no_token_reaches_anybody_or_any_file(chat):
    alice = chat.program(alias="alice")
    alice.ask("register", password=PASSWORD)
    live, dead = (alice.ask("token", label=name)["token"] for name in ("live", "dead"))
    number = next(one["number"] for one in alice.ask("devices")["devices"] if one["label"] == "dead")
    assert "error" not in alice.ask("revoke", number=number)
    never = "tct_" + "Zq7" * 10 + "Zq"
    bob, eve = chat.program(alias="bob"), chat.enter("eve")
    eve.send("/join ops\n")
    eve.read_until("in ops: eve\n")
    for secret in (live, dead, never):
        for lines in ([f"ci {secret}", "hi"], [secret, "hi"], ["nobody", secret], [f"alice {secret}x", "hi"]):
            client = chat.come(*lines)
            client.end_input()
            client.read_to_end()
        for what, fields in {
            "say": {"room": "lobby", "text": f"x {secret}"},
            "tell": {"to": "eve", "text": secret},
            "broadcast": {"text": secret},
            "join": {"room": secret},
            "nick": {"alias": secret},
            "topic": {"text": secret},
            "away": {"text": secret},
            "type": {"line": f"/me {secret}"},
        }.items():
            assert "error" in bob.ask(what, **fields), what
        for path, options in {
            "rooms/lobby": ["-d", f"say {secret}", "-H", "Chat-Alias: carl"],
            "people/eve": ["-d", secret, "-H", "Chat-Alias: carl"],
            "everyone": ["-d", secret, "-H", "Chat-Alias: carl"],
            f"rooms/{secret}": ["-d", "hi", "-H", "Chat-Alias: carl"],
            "rooms/lobby?a=1": ["-d", "hi", "-H", f"Chat-Alias: {secret}"],
            "rooms/ops": ["-d", "hi", "-H", "Chat-Alias: carl", "-H", f"Idempotency-Key: {secret}"],
            "rooms": ["-H", f"Authorization: Bearer {secret}x"],
        }.items():
            assert chat.curl(path, *options)[0] >= 400, path
    heard = eve.read_pong() + str(bob.heard()) + str(alice.heard())
    assert chat.server.stop() == 0
    kept = chat.files()
    for secret in (live, dead, never):
        assert secret not in heard
        assert secret.encode() not in kept


def test_the_files_hold_no_secret(chat):
    alice = chat.program(alias="alice")
    alice.ask("register", password=PASSWORD)
    token, code = alice.ask("token", label="ci")["token"], alice.ask("code")["code"]
    chat.register("bob", PASSWORD).send("/password\nanother four words\n")
    chat.register("carl", PASSWORD)
    cookie = chat.cookie().partition("=")[2]
    private = chat.program(alias="alice", secret=code)
    private.ask("join", room="den")
    private.ask("room", room="den", access="password", password="tea for two")
    owner = chat.admin("owner", "alice")[-1]
    owners = re.search(r"\w{4}-\w{4}-\w{4}", owner)[0]
    secrets = [PASSWORD, "another four words", token, code, cookie, "tea for two", owners]
    for is_running in (True, False):
        if not is_running:
            assert chat.server.stop() == 0
        kept = chat.files()
        for secret in secrets:
            for form in (secret, secret.replace("-", ""), secret.lower()):
                assert form.encode() not in kept, form
    verifiers = [verifier for (verifier,) in chat.rows("SELECT verifier FROM verifiers") if verifier]
    hashes = [verifier for verifier in verifiers if verifier.startswith("$argon2id$")]
    assert len(hashes) == 4  # of three members, and of a room
    assert len(set(verifiers)) == len(verifiers)


def test_registering_holds_up_nobody_and_only_so_many_passwords_wait(chat):
    chat.register("alice").send("/quit\n")
    talker = chat.program(alias="talker")
    newcomers = [chat.enter(f"new{number}", host=f"127.0.1.{number + 1}") for number in range(10)]
    guessers = [chat.come(host=f"127.0.2.{number + 1}") for number in range(100)]
    for one in newcomers:
        one.send(f"/register\n{PASSWORD}\n")
    for one in guessers:
        one.send("alice wrong password\n")
    assert talker.ask("say", room="lobby", text="meanwhile")["kind"] == "said"
    told = [one.read_until("alias?") for one in guessers]
    done = [one.read_until("\n") for one in newcomers]
    busy = [line for line in told if "!! the server is checking too many passwords now" in line]
    assert busy, told[:3]
    assert all("!! " in line for line in told)
    assert done


def test_a_new_password_ends_what_came_by_a_password_or_a_cookie_and_no_token(chat):
    alice = chat.register("alice")
    other, page = chat.log_in(), chat.program(alias="alice", secret=PASSWORD)
    away = chat.program(alias="alice", secret=PASSWORD, token=TOKEN)
    token = page.ask("token", label="ci")["token"]
    bot = chat.program(secret=token)
    away.client.reset()
    cookie = chat.cookie()
    stream = chat.hear("rooms/lobby/events", "-H", f"Cookie: {cookie}")
    by_token = chat.hear("rooms/lobby/events", "-H", f"Authorization: Bearer {token}")
    alice.send("/password\nanother four words\n")
    alice.read_until("your password is changed")
    started = time.monotonic()
    assert "you are logged out: alice has a new password" in other.read_to_end()
    page.client.read_to_end()
    stream.wait(SECONDS)
    assert time.monotonic() - started < Limits.ping_seconds / 2  # on a machine that has nothing else to do, a second
    assert "error" in chat.come_as(hello={"version": 1, "alias": "alice", "token": TOKEN})
    assert json.loads(chat.curl("login", "-H", f"Cookie: {cookie}")[1])["alias"] is None
    assert "hi" in alice_says(alice, "hi")
    assert bot.texts() == ["alice: hi"]
    assert by_token.poll() is None
    by_token.kill()
    chat.admin("suspend", "alice", "enough")
    assert "suspended" in alice.read_to_end()
    bot.client.read_to_end()
    for secret in ("another four words", token):
        assert chat.come_as(hello={"version": 1, "alias": "alice", "secret": secret})["error"] == "suspended"


def alice_says(alice, words):
    alice.send(f"{words}\n")
    return alice.read_until(f"alice: {words}\n")


def test_the_member_who_registers_a_former_guests_alias_sees_none_of_their_private_lines(chat):
    first, carl = chat.enter("bob"), chat.program(alias="carl")
    for number in range(3):
        carl.ask("tell", to="bob", text=f"for the first bob {number}")
    first.read_until("for the first bob 2\n")
    first.send("/quit\n")
    first.read_to_end()
    second = chat.register("bob")
    assert "for the first bob" not in second.read_pong()
    second.send("/quit\n")
    second.read_to_end()
    second = chat.log_in("bob")  # and is given what came while they were away
    assert "for the first bob" not in second.read_pong()
    second.send("/history 100\n/search first\n/mentions\n/unread\n")
    assert "for the first bob" not in second.read_pong()
    device = chat.program(alias="bob", secret=PASSWORD, after={"@": 0, "lobby": 0})
    assert "for the first bob" not in str(device.hello) + str(device.heard())
    for what in ({"room": "@bob"}, {"room": "@"}):
        assert "for the first bob" not in str(device.ask("history", **what))
    token = device.ask("token", label="ci")["token"]
    for path in ("people/bob/events", "rooms/@bob/events", "rooms/@bob.txt", "search?words=first"):
        assert "for the first bob" not in chat.curl(path, "-H", f"Authorization: Bearer {token}")[1]
    carl.ask("tell", to="bob", text="for the second bob")
    second.read_until("for the second bob\n")


# -- roles


def staff(chat):
    """Return olga, who is the owner, and mel, a member who operates the room ops."""
    olga, mel = chat.register("olga"), chat.register("mel", host="127.0.0.3")
    chat.admin("owner", "olga")
    mel.send("/join ops\n")
    mel.read_until("in ops: mel\n")
    return olga, mel


def test_a_person_who_may_not_speak_in_a_room_says_nothing_there_but_writes_to_its_operators(chat):
    _olga, mel = staff(chat)
    bob = chat.enter("bob")
    bob.send("/join ops\n")
    bob.read_until("in ops: ")
    mel.send("/quiet bob 1h too loud\n")
    bob.read_until("(too loud)\n")
    mel.read_pong()
    for line in ("words", "/me words", "/topic words", "//words", "/nick words", "```\nwords\n```", "/leave ops words"):
        bob.send(f"{line}\n")
        assert "!! " in bob.read_pong(), line
    assert "words" not in mel.read_pong()
    status, _text = chat.curl("rooms/ops", "-d", "words", "-H", "Chat-Alias: bob")
    assert status >= 400
    bob.send("/msg mel let me speak\n")
    mel.read_until("let me speak\n")
    mel.send("/unquiet bob\n")
    bob.read_until("bob may speak again")
    bob.send("thanks\n")
    mel.read_until("#ops bob: thanks\n")


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_ban_stands_over_a_restart_is_listed_and_ends(chat, is_restarted):
    olga, _mel = staff(chat)
    eve = chat.register("eve", host="127.0.0.4")
    olga.send("/ban eve 1h rude\n")
    olga.read_until("eve is banned for 1 hour")
    assert "eve is banned (rude)" in eve.read_to_end()
    olga.send("/ban 203.0.113.7 2s spam\n/ban 2001:db8::5 guests spam\n/guests off closed\n")
    olga.read_until("only members may come in")
    if is_restarted:
        chat.kill()
        chat.start()
        olga = chat.log_in("olga")
    assert "eve is banned (rude)" in chat.come("eve", PASSWORD, host="127.0.0.5").read_until("alias?")
    assert "closed" in chat.come("guest").read_until("alias?")
    olga.send("/bans\n")
    told = olga.read_pong()
    assert re.search(r"-- \d+ eve, by olga .* ago, for \d+ \w+ more \(rude\)", told), told
    assert "2001:db8::/64, guests only, by olga" in told
    wait_until(lambda: olga.send("/bans\n") or "203.0.113.7" not in olga.read_pong())
    for target in ("127.0.0.1", "127.0.0.0/8", "0.0.0.0/0", "::1", "::ffff:127.0.0.1", "olga", "127.1.2.3/24"):
        olga.send(f"/ban {target}\n")
        assert "!! " in olga.read_pong(), target
    number = re.search(r"-- (\d+) eve", told)[1]
    olga.send(f"/unban {number}\n/unban 0\n/unban -1\n/unban {'9' * 30}\n/unban x\n/guests on\n")
    assert olga.read_pong().count("!! ") == 4
    assert chat.log_in("eve")
    assert chat.enter("guest")


def test_a_removed_person_may_return_when_invited(chat):
    _olga, mel = staff(chat)
    bob = chat.program(alias="bob", rooms=["lobby", "ops"])
    mel.read_until("#ops bob has joined\n")
    before = bob.hello["rooms"]["ops"]
    mel.send("/kick bob spam\n")
    mel.read_until("#ops bob has been removed by mel (spam)\n")
    assert bob.ask("join", room="ops")["error"] == "barred"
    asked = [mel.send(f"/who ops @{number}\n") or mel.read_pong() for number in (before, before + 1)]
    assert "bob" in asked[0]
    assert "bob" not in asked[1]
    mel.send("/invite bob\n")
    mel.read_pong()
    assert bob.ask("join", room="ops").get("error") is None


STRANGERS = {
    "who": lambda one, room: one.ask("who", room=room),
    "history": lambda one, room: one.ask("history", room=room),
    "search": lambda one, room: one.ask("search", words="plans", room=room),
    "say": lambda one, room: one.ask("say", room=room, text="hi"),
    "leave": lambda one, room: one.ask("leave", room=room),
    "room": lambda one, room: one.ask("room", room=room),
    "kick": lambda one, room: one.ask("kick", room=room, alias="mel"),
    "invite": lambda one, room: one.ask("invite", room=room, alias="mel"),
    "read": lambda one, room: one.ask("read", room=room, number=1),
    **{
        line: lambda one, room, line=line: one.ask("type", line=line.format(room))
        for line in ("/who {}", "/history {}", "/search {} plans", "/since {}", "/say {} x", "/leave {}", "/whois {}")
    },
}
PATHS = (
    "rooms/{}",
    "rooms/{}/events",
    "rooms/{}/who",
    "rooms/{}.txt",
    "rooms/{}/events?after=0",
    "rooms/{}/search?words=x",
)


@pytest.mark.parametrize("alias", ["guest", "member"])
def test_a_private_room_is_to_others_as_one_that_does_not_exist(free_chat, alias):
    chat = free_chat
    _olga, mel = staff(chat)
    mel.send("/join den\n/room private\nthe plans\n")
    mel.read_until("#den mel: the plans\n")
    one = chat.program(alias=alias)
    headers = ["-H", f"Chat-Alias: {alias}2"]
    if alias == "member":
        one.ask("register", password=PASSWORD)
        headers = ["-H", f"Authorization: Bearer {one.ask('token', label='ci')['token']}"]
    one.heard()
    for name, ask in STRANGERS.items():
        answers = []
        for room in ("den", "dim"):
            answer = {**ask(one, room), "id": ""}
            answers.append((json.dumps(answer) + str(one.heard())).replace(room, "ROOM"))
        answers = [re.sub(r'"id": ?"\d+"|\'id\': \'\d+\'', "", answer) for answer in answers]
        assert answers[0] == answers[1], name
    for path in PATHS:
        answers = []
        for room in ("den", "dim"):
            status, text = chat.curl(path.format(room), *headers)
            answers.append((status, text.replace(room, "ROOM")))
        assert answers[0] == answers[1], path
        assert "plans" not in answers[0][1]
    everywhere = [one.ask("rooms"), one.ask("who"), one.ask("search", words="plans"), one.ask("type", line="/rooms")]
    everywhere += [one.ask("type", line=line) for line in ("/whois mel", "/who *", "/search plans", "/help rooms")]
    assert "den" not in str(everywhere) + str(one.heard())
    assert "den" not in chat.curl("rooms", *headers)[1] + chat.curl("search?words=plans", *headers)[1]
    assert one.ask("join", room="den")["error"] == "not_open"


def test_an_operator_of_one_room_has_no_power_in_another(chat):
    olga, _mel = staff(chat)
    dev = chat.register("dora", host="127.0.0.6")
    dev.send("/join dev\n")
    dev.read_until("in dev: dora\n")
    token = chat.program(alias="mel", secret=PASSWORD)
    token.ask("join", room="dev")
    for what, fields in {
        "kick": {"alias": "dora"},
        "bar": {"alias": "dora"},
        "quiet": {"alias": "dora"},
        "invite": {"alias": "olga"},
        "room": {"access": "private"},
        "role": {"alias": "mel", "role": "operator"},
    }.items():
        assert token.ask(what, room="dev", **fields)["error"] == "not_allowed", what
    assert olga.read_pong().count("dora") <= 1
    assert "mel" not in dev.read_pong().replace("#dev mel has joined", "")


def test_each_act_is_logged_once_and_in_order_and_only_admins_read_it(chat):
    olga, mel = staff(chat)
    eve = chat.register("eve", host="127.0.0.4")
    olga.send(
        "/suspend eve 1h rude\n/restore eve\n/ban 203.0.113.7 1h spam\n/guests off\n/guests on\n/role mel admin\n"
    )
    olga.read_until("mel is an admin now\n")
    assert "suspended" in eve.read_to_end()
    olga.send("/role mel member\n")
    olga.read_until("mel is a plain member now\n")
    olga.send("/audit 100\n")
    audit = re.sub(r"(?m)^-- \w+day, .*\n", "", olga.read_pong())
    places = [audit.find(word) for word in ("olga", "suspended eve", "restored eve", "banned 203.0.113.7", "closed")]
    assert places == sorted(places), audit
    assert -1 not in places
    assert all(audit.count(word) == 1 for word in ("suspended eve", "restored eve", "banned 203.0.113.7"))
    mel.send("/audit\n/join !\n/history !\n/who !\n/search ! x\n")
    told = mel.read_pong()
    assert "suspended eve" not in told
    assert told.count("!! ") >= 3
    tool = "\n".join(chat.admin("log"))
    for word in ("suspended eve", "restored eve", "banned 203.0.113.7"):
        assert tool.count(word) == 1


def test_marks_are_equal_on_all_devices(chat):
    alice, bob = chat.register("alice"), chat.program(alias="bob")
    devices = [chat.program(alias="alice", secret=PASSWORD) for _ in range(2)]
    numbers = [bob.ask("say", room="lobby", text=f"line {number} @alice")["number"] for number in range(5)]
    alice.read_until("line 4 @alice\n")
    alice.send(f"/read {numbers[2]}\n")
    alice.read_until("is read up to")
    for number in (numbers[3], numbers[0]):
        devices[0].ask("read", room="lobby", number=number)
    third = chat.program(alias="alice", secret=PASSWORD)
    assert third.hello["marks"]["lobby"] == numbers[3]
    for device in devices:
        heard = [message for message in device.heard() if message.get("kind") == "read"]
        assert all(one["number"] <= numbers[3] for one in heard)
    alice.send("/unread\n")
    assert "lobby: 1 unread, 1 mentions you\n" in alice.read_pong()
    for device in (*devices, third):
        assert device.ask("unread")["unread"] == {"lobby": 1}
    wait_until(
        lambda: {"lobby": numbers[3]} in [json.loads(marks) for (marks,) in chat.rows("SELECT marks FROM profiles")]
    )  # soon, not at once
    chat.kill()
    chat.start()
    fourth = chat.program(alias="alice", secret=PASSWORD)
    assert fourth.hello["unread"] == {"lobby": 1}
    assert "read" not in str(bob.others)
