"""The metrics' door in the table of doors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from twisted.internet.interfaces import IProtocolFactory, IReactorTime

from ... import __version__
from ...core.ports import Journal
from ..http.http_door import HttpDoor, curl
from ..premises import Premises
from ..way import Way

if TYPE_CHECKING:  # at run time it is imported only for this door: it needs prometheus_client
    from .metrics import Scales


class MetricsDoor(HttpDoor):
    """The door for Prometheus and other monitoring."""

    option: ClassVar = "metrics"
    help: ClassVar = "The ENDPOINT where Prometheus reads /metrics; may be repeated."
    place: ClassVar = "metrics are at {}"
    over_unix: ClassVar = "try: curl --unix-socket {} http://localhost/metrics"
    _scales: Scales

    def measured(self, journal: Journal, clock: IReactorTime) -> Journal:
        from .measured_journal import MeasuredJournal
        from .metrics import Scales

        self._scales = Scales(clock)
        return MeasuredJournal(journal, clock.seconds, self._scales.commits, self._scales.deliveries)

    def open(self, premises: Premises) -> IProtocolFactory:
        from .metrics import MetricsPremises

        return MetricsPremises(self._scales, premises, self.guard, __version__).listener

    def over_tcp(self, place: str, way: Way) -> str:
        return f"{place}; try: {curl(way, 'metrics')}"
