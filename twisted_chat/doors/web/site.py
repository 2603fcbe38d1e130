"""The web door's tree of resources, and its visits, talks and streams, which outlast a request."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from ..base_door import BaseDoor
from ..http.answers import PlainResource
from ..http.connection import HttpListener
from ..http.guard import Guard
from ..http.health import Health
from ..http.premises import HttpPremises
from ..http.site import GuardedRequest, GuardedSite
from ..premises import Premises
from .api.author import take_latin
from .api.login import put_login
from .api.post_body import SIZE
from .api.rooms import put_rooms
from .api.streams import Streams
from .invite import Invite, InviteCode
from .page import put_page
from .talk import TalkDoor
from .websocket import WebSocketDoor

BODY_MARGIN = 1024  # bytes of a body beyond the lines of a post


class WebRequest(GuardedRequest):
    """A request whose alias may be written in Latin-1."""

    def guarded(self) -> None:
        take_latin(self)
        super().guarded()


class WebPremises(HttpPremises):
    """The shared state of all web connections."""

    def __init__(
        self, premises: Premises, guard: Guard, urls: Sequence[str] = (), doors: Sequence[BaseDoor] = ()
    ) -> None:
        """``urls``: the addresses at which others reach the page, once the server listens.

        ``doors``: those whose clients may come over a WebSocket, too.
        """
        super().__init__(premises, guard, premises.addresses, SIZE * premises.limits.max_line + BODY_MARGIN)
        premises.counts.append(self._count)
        self._streams = Streams(self)
        self._talks = TalkDoor(self, self._streams)
        self.root = PlainResource()
        put_page(self.root)
        put_rooms(self, self._streams, self.root)
        put_login(self, self.root)
        self.root.putChild(b"ws", WebSocketDoor(self, doors))
        self.root.putChild(b"talk", self._talks)
        self.root.putChild(b"invite", Invite(urls))
        self.root.putChild(b"invite.svg", InviteCode(urls))
        self.root.putChild(b"healthz", Health(premises.pulse))
        self.listener = HttpListener(self, GuardedSite(self.root, self.clock, WebRequest))

    def received(self, size: int) -> None:
        self.hub.traffic.bytes_in += size

    def close_all(self) -> Deferred[None]:
        """End talks and streams too."""
        self._talks.close()
        self._streams.close()
        return super().close_all()

    def _count(self) -> dict[str, int]:
        """Return how many connections there are of each kind."""
        chats = self.premises.of_kinds("websocket", "talk")
        lasting = sum(connection.outbox is not None for connection in self.connections)
        return chats | {"stream": lasting - sum(chats.values()), "http": len(self.connections) - lasting}
