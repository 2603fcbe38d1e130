"""A finger door (RFC 1288) is all that a door needs: ``finger @host`` lists people, ``finger ALIAS@host`` finds one."""

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

from twisted_chat.core import text
from twisted_chat.doors.base_door import BaseDoor
from twisted_chat.doors.delays import cancel
from twisted_chat.doors.outbox import outbox_for


class Finger(LineReceiver):
    """One query, one answer."""

    delimiter, MAX_LENGTH = b"\n", 512

    def connectionMade(self):
        clock, limits = self.factory.premises.clock, self.factory.premises.limits
        self.outbox = outbox_for(self.transport, clock, limits, lambda: None, lambda: None)
        self.deadline = clock.callLater(limits.request_seconds, self.transport.abortConnection)

    def lineReceived(self, line):
        answer = self.factory.answer(line.decode("utf-8", "replace").strip().removeprefix("/W").strip())
        self.outbox.send("".join(f"{line}\r\n" for line in answer).encode())
        self.outbox.close(linger=False)

    def connectionLost(self, reason):
        cancel(self.deadline)
        self.outbox.lost()
        self.factory.premises.leave(self.transport.getPeer())


class FingerFactory(Factory):
    """Knows who is here. Its connections count with all others from their address."""

    protocol, noisy = Finger, False

    def __init__(self, premises):
        self.premises = premises

    def buildProtocol(self, address):
        return None if self.premises.enter(address) else super().buildProtocol(address)

    def answer(self, query):
        if "@" in query:
            return ["finger forwarding is denied"]  # RFC 1288, 3.2.1
        people = [one for key, one in self.premises.hub.aliases.items() if not query or key == text.key(query)]
        return [f"{one.alias} is in {', '.join(one.rooms)}" for one in people] or ["nobody is here under that name"]


class FingerDoor(BaseDoor):
    option, help = "finger", "The ENDPOINT where finger asks who is here; may be repeated."
    place, over_unix = "finger is at {}", "try: nc -U {}"

    def open(self, premises):
        return FingerFactory(premises)

    def over_tcp(self, place, way):
        return f"{place}; try: printf '\\r\\n' | nc {way.host} {way.port}"
