"""The library on Twisted, for programs that run a reactor."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from time import monotonic
from typing import Any, Generic, TypeVar

from twisted.internet import error as internet_error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IPushProducer,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from .address import Address
from .drivers import CONNECT_SECONDS, ConnectionListener
from .errors import BadAuthorities, CannotConnect

T = TypeVar("T")

_END = b"-----END CERTIFICATE-----"


class DeferredWaiter(Generic[T]):
    """A Deferred with the methods of a future."""

    def __init__(self) -> None:
        self._deferred: Deferred[T] = Deferred()

    def done(self) -> bool:
        return self._deferred.called

    def set_result(self, result: T, /) -> None:
        self._deferred.callback(result)

    def set_exception(self, error: BaseException, /) -> None:
        self._deferred.errback(error)

    def __await__(self) -> Generator[Any, None, T]:
        return self._deferred.__await__()


class TwistedDriver:
    """A reactor."""

    def __init__(self, reactor: Any, seconds: Callable[[], float] = monotonic) -> None:
        """``reactor`` provides IReactorTime, IReactorTCP and IReactorFromThreads."""
        self._reactor = reactor
        self._seconds = seconds

    def waiter(self) -> DeferredWaiter[None]:
        return DeferredWaiter()

    def seconds(self) -> float:
        return self._seconds()

    def call_later(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        due = self._seconds() + seconds
        delayed: IDelayedCall

        def fire() -> None:
            nonlocal delayed
            early = due - self._seconds()
            if early > 0:  # due by the reactor's clock only: the system's clock was set forward
                delayed = self._reactor.callLater(early, fire)
            else:
                call()

        delayed = self._reactor.callLater(seconds, fire)

        def stop() -> None:
            if delayed.active():
                delayed.cancel()

        return stop

    def call_from_thread(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call a function in the reactor's thread, soon."""
        self._reactor.callFromThread(call, *arguments)

    def start(self, task: Coroutine[Any, Any, None]) -> Callable[[], None]:
        return Deferred.fromCoroutine(task).cancel

    async def open(self, listener: ConnectionListener, address: Address, tls: bool, ca: str | None) -> None:
        endpoint: IStreamClientEndpoint
        endpoint = HostnameEndpoint(self._reactor, address.host, address.port, timeout=CONNECT_SECONDS)
        if tls:
            endpoint = _over_tls(endpoint, address.host, ca)
        try:
            await _cancellable(endpoint.connect(ConnectionFactory(listener)))
        except internet_error.ConnectError as error:
            raise CannotConnect(_why(error)) from error
        except internet_error.DNSLookupError as error:
            raise CannotConnect(f"there is no host {address.host}") from error


class TwistedConnection(Protocol):
    """A connection of Twisted's."""

    transport: ITCPTransport  # or TLS over one

    def __init__(self, listener: ConnectionListener) -> None:
        self._listener = listener

    # -- called by Twisted

    def connectionMade(self) -> None:
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self._listener.connected(self)

    def dataReceived(self, data: bytes) -> None:
        self._listener.received(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        why = "" if reason.check(internet_error.ConnectionDone) else _why(reason.value)
        self._listener.lost(why, not _is_of_tls(reason.value))

    # -- called by the chat

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def pause(self) -> None:
        IPushProducer(self.transport).pauseProducing()

    def resume(self) -> None:
        IPushProducer(self.transport).resumeProducing()

    def abort(self) -> None:
        self.transport.abortConnection()


class ConnectionFactory(ClientFactory):
    """The factory of a single connection."""

    noisy = False

    def __init__(self, listener: ConnectionListener) -> None:
        self._listener = listener

    def buildProtocol(self, address: IAddress) -> TwistedConnection:  # type: ignore[override]  # clients know it
        return TwistedConnection(self._listener)


def _cancellable(connecting: Deferred[Any]) -> Deferred[Any]:
    """Return a Deferred that fails with CancelledError on cancellation, even if the endpoint does otherwise."""

    def cancel(whole: Deferred[Any]) -> None:
        whole.errback(CancelledError())
        connecting.cancel()

    whole: Deferred[Any] = Deferred(cancel)
    connecting.addBoth(lambda outcome: None if whole.called else whole.callback(outcome))
    return whole


def _over_tls(endpoint: IStreamClientEndpoint, host: str, ca: str | None) -> IStreamClientEndpoint:
    from twisted.internet import ssl

    trusted = ssl.platformTrust()
    if ca is not None:
        try:
            pem = Path(ca).read_bytes()
        except OSError as error:
            raise BadAuthorities(f"{ca} cannot be read: {error.strerror}") from error
        certificates = [ssl.Certificate.loadPEM(part + _END) for part in pem.split(_END)[:-1]]
        if not certificates:
            raise BadAuthorities(f"{ca} has no certificate")
        trusted = ssl.trustRootFromCertificates(certificates)
    return wrapClientTLS(ssl.optionsForClientTLS(host, trustRoot=trusted), endpoint)


def _is_of_tls(error: BaseException | None) -> bool:
    return type(error).__name__ == "VerificationError" or isinstance(next(iter(getattr(error, "args", ())), None), list)


def _why(error: BaseException | None) -> str:
    if isinstance(error, internet_error.ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, internet_error.TimeoutError):
        return "no answer"
    if isinstance(error, internet_error.ConnectionLost):
        return "it was cut off"
    if type(error).__name__ == "VerificationError":  # of service_identity
        return "its certificate is not trusted: it is for another host"
    number = getattr(error, "osError", None)  # of a socket
    words = os.strerror(number) if isinstance(number, int) else number or getattr(error, "strerror", None) or error
    given = getattr(error, "args", ())
    if given and isinstance(given[0], list) and given[0]:  # OpenSSL's: library, function, reason
        reason = given[0][-1][-1]
        words = "its certificate is not trusted" if "verify" in reason else f"no TLS there: {reason}"
    return str(words)
