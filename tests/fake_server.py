"""A server of JSON Lines in a thread, small enough to see through; it cuts, repeats and forgets when it is told to."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading

from .processes import free_port, wait_until


class Log:
    """A group's events, numbered from 1. The oldest can be forgotten."""

    def __init__(self):
        self.events = []
        self.forgotten = 0  # events, from the first

    def after(self, number):
        return [event for event in self.events[self.forgotten :] if event["number"] > number]


class Peer:
    """One connection: a thread reads it, another writes what is put into its queue."""

    def __init__(self, server, sock):
        self.server, self.socket = server, sock
        self.alias = self.client = self.token = ""
        self.rooms = []
        self.current = ""
        self.requests = []
        self._out = queue.Queue()
        for target in (self._read, self._write):
            threading.Thread(target=target, daemon=True).start()

    def send(self, *messages):
        for message in messages:
            self._out.put(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    def send_raw(self, data):
        self._out.put(data)

    def close(self):
        """End the connection at once, whatever is still to be written."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._out.put(None)

    def end(self):
        """End it once all is written."""
        self._out.put(None)

    def _write(self):
        try:
            while (data := self._out.get()) is not None:
                self.socket.sendall(data)
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _read(self):
        with self.socket, self.socket.makefile("rb") as lines:
            try:
                for line in lines:
                    self.server.obey(self, line)
            except (OSError, ValueError):
                pass
        self.server.gone(self)


class FakeServer:
    """Everyone's rooms, and the ways in which it can misbehave."""

    def __init__(self):
        self.lock = threading.RLock()
        self.journal = "j1"
        self.logs = {}
        self.peers = []
        self.heard = []  # every request, in order, of all connections
        self.done = {}  # by (token, id): the event that a post became
        self.taken = set()  # aliases that nobody can have
        self.secrets = {}  # of members, by alias
        self.resumed = False
        self.cut_before = set()  # texts: the connection is cut before it is kept ...
        self.cut_after = set()  # ... or after, and before it is acknowledged
        self.unknown = {}  # by text: how often it is in doubt, and then not kept
        self.leave_out = {}  # by group and number: how often it is not sent
        self.is_mute = False  # answers nothing
        self.greeting = b"alias?"
        self.connections = 0
        self.listener = None
        self.port = free_port()
        self.start()

    # -- what a test does to it

    def start(self):
        """Listen, on the same port as before."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Go away, with all connections."""
        listener, self.listener = self.listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self):
        with self.lock:
            peers = list(self.peers)
        for peer in peers:
            peer.close()
        wait_until(lambda: not set(peers) & set(self.peers))

    def begin_anew(self):
        """Lose everything, and have another journal."""
        with self.lock:
            self.logs, self.done, self.journal = {}, {}, self.journal + "x"

    def forget(self, group, count):
        self.log(group).forgotten = count

    def say(self, room, *texts, author="bob", kind="said"):
        """Say lines as another person."""
        with self.lock:
            for text in texts:
                self.append(kind, room, author, text)

    def everyone(self, *messages):
        with self.lock:
            for peer in self.peers:
                peer.send(*messages)

    def asked(self, do):
        """Return the requests of one kind, in order."""
        with self.lock:
            return [request for request in self.heard if request.get("do") == do]

    def wait_for(self, do, count=1):
        return wait_until(lambda: len(self.asked(do)) >= count and self.asked(do))

    def texts(self, group):
        return [event["text"] for event in self.log(group).events if event["kind"] == "said"]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self.stop()

    # -- connections

    def _accept(self, listener):
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                peer = Peer(self, sock)
                self.peers.append(peer)
            peer.send_raw(self.greeting)

    def gone(self, peer):
        with self.lock:
            if peer in self.peers:
                self.peers.remove(peer)

    def obey(self, peer, line):
        with self.lock:
            if self.is_mute:
                return
            request = json.loads(line)
            self.heard.append(request)
            peer.requests.append(request)
            getattr(self, f"do_{request['do']}")(peer, request)

    # -- logs

    def log(self, group):
        return self.logs.setdefault(group, Log())

    def number(self, group):
        return len(self.log(group).events)

    def append(self, kind, group, author, text, peer=None, ident=None):
        event = {"kind": kind, "room": group, "number": self.number(group) + 1, "time": 1_700_000_000.125}
        event |= {"author": author, "text": text}
        if peer is not None and ident is not None:
            event |= {"client": peer.client, "id": ident}
        self.log(group).events.append(event)
        for reader in list(self.peers):
            if self.hears(reader, group) or (reader is peer and group[0] == "@"):
                self.give(reader, event)
        return event

    def hears(self, peer, group):
        return bool(peer.alias) and (group in peer.rooms or group == "*" or group == "@" + peer.alias)

    def give(self, peer, event):
        key = (event["room"], event["number"])
        if self.leave_out.get(key, 0):
            self.leave_out[key] -= 1
        else:
            peer.send(event)

    def missed(self, peer, group, after):
        log = self.log(group)
        if after < log.forgotten:
            peer.send({"kind": "skipped", "room": group, "first": after + 1, "last": log.forgotten})
        for event in log.after(after):
            self.give(peer, event)

    def result(self, peer, request, **more):
        peer.send({"result": request["do"], "id": request["id"], **more})

    def error(self, peer, request, code, text):
        peer.send({"error": code, "text": text, "id": request["id"]})

    # -- requests

    def do_hello(self, peer, request):
        alias = request["alias"]
        others = [other for other in self.peers if other.alias == alias and other.token != request["token"]]
        if alias in self.taken or others:
            self.error(peer, request, "alias_taken", f"{alias} is taken: choose another alias")
            return
        if request.get("secret") != self.secrets.get(alias):
            self.error(peer, request, "wrong_secret", "that secret is wrong or no longer valid")
            return
        for other in list(self.peers):
            if other.alias and other.token == request["token"]:
                other.alias = ""
                other.close()
        after = request.get("after", {})
        if request.get("journal", self.journal) != self.journal:
            after = dict.fromkeys(after, 0)
        peer.alias, peer.token, peer.client = alias, request["token"], "c" + request["token"][:6]
        if "@" not in after:
            self.append("took", "@" + alias, alias, peer.client)  # as a journal keeps it
        for room in request["rooms"]:
            if room not in after:
                peer.rooms.append(room)
            self.append("joined", room, alias, "", peer, request["id"])
        peer.rooms = list(request["rooms"])
        peer.current = peer.rooms[-1] if peer.rooms else ""
        groups = {"*": "*", "@": "@" + alias} | {room: room for room in peer.rooms}
        self.result(
            peer,
            request,
            version=1,
            alias=alias,
            client=peer.client,
            journal=self.journal,
            resumed=self.resumed,
            rooms={room: self.number(room) for room in peer.rooms},
            everyone=self.number("*"),
            private=self.number("@" + alias),
            max_line=4096,
            current=peer.current,
        )
        for name, group in groups.items():
            if name in after:
                self.missed(peer, group, after[name])

    def post(self, peer, request, group):
        key, text = (peer.token, request["id"]), request["text"]
        if text in self.cut_before:
            self.cut_before.discard(text)
            peer.close()
            raise OSError
        if self.unknown.get(text):
            self.unknown[text] -= 1
            self.error(peer, request, "unknown", "whether that was said is not known")
            return
        if key in self.done:
            number = self.done[key]["number"]
            self.result(peer, request, room=group, number=number, repeated=True)
            return
        if text in self.cut_after:
            self.cut_after.discard(text)
            alias, peer.alias = peer.alias, ""
            self.done[key] = self.append("said", group, alias, text, peer, request["id"])
            log = self.log(group)  # nobody hears it on this connection
            assert log.events
            peer.close()
            raise OSError
        kind = "acted" if request.get("act") else "said"
        self.done[key] = self.append(kind, group, peer.alias, text, peer, request["id"])

    def do_say(self, peer, request):
        if request["room"] in peer.rooms:
            self.post(peer, request, request["room"])
        else:
            self.error(peer, request, "not_in_room", f"you are not in {request['room']}")

    def do_tell(self, peer, request):
        if any(other.alias == request["to"] for other in self.peers) or request["to"] == "bob":
            self.post(peer, request, "@" + request["to"])
        else:
            self.error(peer, request, "nobody_called", f"nobody here is called {request['to']}")

    def do_broadcast(self, peer, request):
        self.post(peer, request, "*")

    def do_join(self, peer, request):
        room = peer.current = request["room"]
        if room not in peer.rooms:
            peer.rooms.append(room)
            self.append("joined", room, peer.alias, "", peer, request["id"])
        self.result(peer, request, room=room, number=self.number(room), topic="", members=1)

    def do_leave(self, peer, request):
        room = request["room"]
        if room not in peer.rooms:
            self.error(peer, request, "not_in_room", f"you are not in {room}")
            return
        self.append("left", room, peer.alias, "", peer, request["id"])
        peer.rooms.remove(room)
        self.result(peer, request, room=room)

    def do_nick(self, peer, request):
        old, peer.alias = peer.alias, request["alias"]
        for room in peer.rooms:
            self.append("renamed", room, old, peer.alias, peer, request["id"])
        self.result(peer, request, alias=peer.alias)

    def do_history(self, peer, request):
        events = self.log(request["room"]).after(request.get("after", 0))
        events = [event for event in events if event["number"] <= request.get("until", 1 << 60)]
        limit = request.get("limit", 100)
        some = events[-limit:] if request.get("newest", "after" not in request) else events[:limit]
        self.result(peer, request, room=request["room"], events=some, more=len(some) < len(events))

    def do_who(self, peer, request):
        members = sorted(p.alias for p in self.peers if p.alias and request["room"] in ("*", *p.rooms))
        self.result(peer, request, room=request["room"], number=0, count=len(members), members=members, away={})

    def do_rooms(self, peer, request):
        rooms = [{"room": name, "members": 1, "number": self.number(name), "topic": ""} for name in peer.rooms]
        self.result(peer, request, rooms=rooms)

    def do_commands(self, peer, request):
        table = [("join", ["j"], "ROOM"), ("msg", ["m"], "ALIAS TEXT"), ("quit", ["q"], "[WHY]"), ("who", [], "[ROOM]")]
        commands = [{"name": n, "short": s, "arguments": a, "summary": ""} for n, s, a in table]
        self.result(peer, request, commands=commands)

    def do_type(self, peer, request):
        name, _space, rest = request["text"][1:].partition(" ")
        if name == "join":
            if rest not in peer.rooms:
                peer.rooms.append(rest)
                self.append("joined", rest, peer.alias, "", peer, request["id"])
            peer.current = rest
        elif name == "ping":
            peer.send({"kind": "noticed", "text": f"pong {rest}", "id": request["id"]})
        else:
            self.error(peer, request, "unknown_command", f"there is no command /{name}")
            return
        self.result(peer, request, current=peer.current)

    def do_ping(self, peer, request):
        self.result(peer, request)

    def do_quit(self, peer, request):
        for room in peer.rooms:
            self.append("left", room, peer.alias, request.get("text", ""))
        peer.alias = ""
        self.result(peer, request)
        peer.end()
