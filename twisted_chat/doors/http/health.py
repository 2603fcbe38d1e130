"""The health check for a load balancer or a supervisor: ``GET /healthz`` says whether the server works now."""

from __future__ import annotations

from twisted.web.server import NOT_DONE_YET, Request

from ..pulse import Pulse
from .answers import RETRY_SECONDS, PlainResource, refuse


class Health(PlainResource):
    """The resource that answers 200 and ``ok``, or 503 and the reason."""

    def __init__(self, pulse: Pulse) -> None:
        super().__init__()
        self._pulse = pulse

    def render_GET(self, request: Request) -> int:
        asking = [request]
        request.notifyFinish().addErrback(lambda _gone: asking.clear())

        def tell(why: str) -> None:
            for waiting in asking:
                if why:
                    waiting.setHeader("Retry-After", str(RETRY_SECONDS))
                refuse(waiting, 503 if why else 200, f"not ready: {why}" if why else "ok")

        self._pulse.ask(tell)
        return NOT_DONE_YET
