"""What operators measure: an endpoint of its own, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from twisted.internet.interfaces import IDelayedCall
from twisted.web.server import Request

from ...core.limits import Addresses
from ..connection import cancel
from ..line.door import LineFactory
from ..web.answers import Answers
from ..web.guard import Guard
from ..web.health import Health, Pulse
from ..web.site import GuardedSite

if TYPE_CHECKING:
    from ..web.site import WebFactory

TICK_SECONDS = 1.0  # between two looks at how late the reactor is
MAX_BODY = 1024  # bytes; nothing here is asked with a body
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class Scales:
    """What is measured while the server runs; all else is counted when it is asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.commits = self._scale("commit", "From the first line of a batch until it is kept.")
        self.deliveries = self._scale("delivery", "From the first line of a batch until all who hear it were sent it.")
        self.lag = self._scale("reactor_lag", "How late the reactor is for what is due, looked at each second.")

    def make_factory(self, line: LineFactory, web: WebFactory | None, guard: Guard, version: str) -> MetricsFactory:
        """Return the factory of what tells it."""
        return MetricsFactory(self, line, web, guard, version)

    def _scale(self, name: str, what: str) -> Histogram:
        return Histogram(f"twisted_chat_{name}_seconds", what, buckets=BUCKETS, registry=self.registry)


class MetricsFactory(GuardedSite):
    """``/metrics`` and ``/healthz``, for whoever may reach the endpoint under a name of this server.

    Its connections are counted apart from those of the other doors: who has used theirs up can still be watched.
    """

    def __init__(self, scales: Scales, line: LineFactory, web: WebFactory | None, guard: Guard, version: str) -> None:
        scales.registry.register(Census(line, web, version))
        ProcessCollector(registry=scales.registry)
        self._scales = scales
        self._tick: IDelayedCall | None = None
        self._due = 0.0
        root = Root()
        super().__init__(root, line, guard, Addresses(line.limits), MAX_BODY)
        root.putChild(b"metrics", Exposition(scales.registry))
        root.putChild(b"healthz", Health(Pulse(line.hub, line.clock) if web is None else web.pulse))

    def startFactory(self) -> None:
        """Look at how late the reactor is, from now on."""
        self._look_again()

    def stopFactory(self) -> None:
        cancel(self._tick)

    def _look_again(self) -> None:
        self._due = self.clock.seconds() + TICK_SECONDS
        self._tick = self.clock.callLater(TICK_SECONDS, self._look)

    def _look(self) -> None:
        self._scales.lag.observe(max(0.0, self.clock.seconds() - self._due))
        self._look_again()


class Root(Answers):
    """What stands above both."""

    there_is = "/metrics is for Prometheus, /healthz for whoever checks"


class Exposition(Answers):
    """All that is measured, in the format that was asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:
        encode, content_type = choose_encoder((request.getHeader(b"Accept") or b"").decode("ascii", "replace"))
        request.setHeader("Content-Type", content_type)
        request.setHeader("Cache-Control", "no-store")
        return encode(self._registry)


class Census:
    """Counts what there is at the moment at which it is asked for. No label is anything that a user chose."""

    def __init__(self, line: LineFactory, web: WebFactory | None, version: str) -> None:
        self._line = line
        self._web = web
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics that are counted now, as prometheus_client asks."""
        yield InfoMetricFamily("twisted_chat_build", "Which server this is.", {"version": self._version})
        yield self._connections()
        yield from self._gauges()
        yield from self._counters()
        yield self._limits()

    def _connections(self) -> Metric:
        family = GaugeMetricFamily("twisted_chat_connections", "Connections that are open.", labels=["door"])
        for door, count in self._doors().items():
            family.add_metric([door], count)
        return family

    def _doors(self) -> dict[str, int]:
        chats = Counter(chat.kind for chat in self._line.connections)
        others = self._web.connections if self._web is not None else ()
        lasting = sum(connection.outbox is not None for connection in others)
        return {
            "line": chats["line"],
            "program": chats["program"],
            "websocket": chats["websocket"],
            "talk": chats["talk"],
            "stream": lasting - chats["websocket"] - chats["talk"],
            "http": len(others) - lasting,
        }

    def _gauges(self) -> Iterator[Metric]:
        hub, away = self._line.hub, self._line.away
        yield _gauge("members", "Members, who have an alias.", len(hub.aliases))
        yield _gauge("programs_away", "Programs whose connection died and that may still come back.", away)
        yield _gauge("readers_behind", "Members who do not take what they are sent.", hub.behind - away)
        yield _gauge("rooms", "Rooms, with those that are empty and remembered.", len(hub.rooms))

    def _counters(self) -> Iterator[Metric]:
        traffic = self._line.hub.traffic
        yield _counter("lines_received", "Lines that were said, and kept.", traffic.lines_in)
        yield _counter("lines_sent", "Events, once for each member who was to hear them.", traffic.lines_out)
        yield _counter("received_bytes", "Bytes that connections sent.", traffic.bytes_in)
        yield _counter("sent_bytes", "Bytes that members were sent, without framing and TLS.", traffic.bytes_out)
        yield _counter("not_kept", "Requests that the journal refused.", traffic.not_kept)

    def _limits(self) -> Metric:
        family = CounterMetricFamily("twisted_chat_limits_hit", "How often a limit was hit.", labels=["limit"])
        for limit, count in self._line.hub.traffic.limits_hit.items():
            family.add_metric([limit], count)
        return family


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"twisted_chat_{name}", what, value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"twisted_chat_{name}", what, value)
