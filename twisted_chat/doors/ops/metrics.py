"""The metrics for operators: an endpoint of its own, in Prometheus's format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request

from ...core.limits import Addresses
from ..delays import cancel
from ..http.answers import PlainResource
from ..http.connection import HttpListener
from ..http.guard import Guard
from ..http.health import Health
from ..http.premises import HttpPremises
from ..http.site import GuardedSite
from ..premises import Premises

TICK_SECONDS = 1.0  # between two measurements of the reactor's lag
MAX_BODY = 1024  # bytes; no request here has a body
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class Scales:
    """The durations that are measured while the server runs; everything else is counted on request."""

    def __init__(self, clock: IReactorTime) -> None:
        self.registry = CollectorRegistry()
        self.commits = self._scale("commit", "From the first line of a batch until it is kept.")
        self.deliveries = self._scale("delivery", "From the first line of a batch until it is sent to all readers.")
        self._lag = self._scale("reactor_lag", "How late the reactor makes its calls, measured each second.")
        self._clock = clock
        self._tick: IDelayedCall | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin to measure the reactor's lag."""
        self._due = self._clock.seconds() + TICK_SECONDS
        self._tick = self._clock.callLater(TICK_SECONDS, self._look)

    def stop(self) -> None:
        """Stop measuring."""
        cancel(self._tick)

    def _look(self) -> None:
        self._lag.observe(max(0.0, self._clock.seconds() - self._due))
        self.start()

    def _scale(self, name: str, what: str) -> Histogram:
        return Histogram(f"twisted_chat_{name}_seconds", what, buckets=BUCKETS, registry=self.registry)


class MetricsPremises(HttpPremises):
    """The premises of ``/metrics`` and ``/healthz``, for everyone who can reach the port under a name of this server.

    Its connections are counted separately: an address that has used up those of the other doors can still monitor.
    """

    def __init__(self, scales: Scales, premises: Premises, guard: Guard, version: str) -> None:
        super().__init__(premises, guard, Addresses(premises.limits), MAX_BODY)
        scales.registry.register(Census(premises, version))
        ProcessCollector(registry=scales.registry)
        root = Root()
        root.putChild(b"metrics", Exposition(scales.registry))
        root.putChild(b"healthz", Health(premises.pulse))
        self.listener = HttpListener(self, MetricsSite(scales, root, self.clock))


class MetricsSite(GuardedSite):
    """The port's site, which measures the reactor's lag while it is open."""

    def __init__(self, scales: Scales, root: Resource, clock: IReactorTime) -> None:
        super().__init__(root, clock)
        self._scales = scales

    def startFactory(self) -> None:
        self._scales.start()

    def stopFactory(self) -> None:
        self._scales.stop()


class Root(PlainResource):
    """The parent of both resources."""

    there_is = "/metrics is for Prometheus, /healthz for health checks"


class Exposition(PlainResource):
    """All metrics, in the requested format."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:
        encode, content_type = choose_encoder((request.getHeader(b"Accept") or b"").decode("ascii", "replace"))
        request.setHeader("Content-Type", content_type)
        request.setHeader("Cache-Control", "no-store")
        return encode(self._registry)


class Census:
    """The metrics that are counted on request. No label is a text that a user chose."""

    def __init__(self, premises: Premises, version: str) -> None:
        self._premises = premises
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Yield all counted metrics; called by prometheus_client."""
        yield InfoMetricFamily("twisted_chat_build", "The version of the server.", {"version": self._version})
        yield self._connections()
        yield from self._gauges()
        yield from self._counters()
        yield self._limits()

    def _connections(self) -> Metric:
        family = GaugeMetricFamily("twisted_chat_connections", "Connections that are open.", labels=["door"])
        for door, count in self._premises.count().items():
            family.add_metric([door], count)
        return family

    def _gauges(self) -> Iterator[Metric]:
        hub, away = self._premises.hub, self._premises.away
        yield _gauge("members", "Members, who have an alias.", len(hub.aliases))
        yield _gauge("programs_away", "Programs whose connection died and that may still resume.", away)
        yield _gauge("readers_behind", "Members whose connection does not keep up.", hub.behind - away)
        yield _gauge("rooms", "Rooms, with the empty ones that are remembered.", len(hub.rooms))

    def _counters(self) -> Iterator[Metric]:
        traffic = self._premises.hub.traffic
        yield _counter("lines_received", "Lines said and kept.", traffic.lines_in)
        yield _counter("lines_sent", "Events sent, once for each session.", traffic.lines_out)
        yield _counter("received_bytes", "Bytes that connections sent.", traffic.bytes_in)
        yield _counter("sent_bytes", "Bytes sent to members, without framing and TLS.", traffic.bytes_out)
        yield _counter("not_kept", "Requests that the journal refused.", traffic.not_kept)

    def _limits(self) -> Metric:
        family = CounterMetricFamily("twisted_chat_limits_hit", "How often a limit was hit.", labels=["limit"])
        for limit, count in self._premises.hub.traffic.limits_hit.items():
            family.add_metric([limit], count)
        return family


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"twisted_chat_{name}", what, value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"twisted_chat_{name}", what, value)
