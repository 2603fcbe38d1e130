"""The vault: hashes of passwords with Argon2id, one at a time and beside the reactor."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from .core.errors import Busy, ChatError, NoPasswords
from .journals.worker import Worker

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. It takes about 20 ms.
MEMORY: Final = 19 * 1024  # KiB
PASSES: Final = 2
LANES: Final = 1
MAX_WAITING: Final = 64  # passwords, with the one being checked: all of them take less than two seconds
_PARAMETERS: Final = f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}$"
# A verifier that no password fits: checking it takes as long as checking a real one.
_NOBODYS: Final = f"{_PARAMETERS}{'A' * 22}${'A' * 43}"

Found = TypeVar("Found")
log = Logger()


class _FromThread(Protocol):
    def callFromThread(self, callable: Callable[..., Any], *args: object) -> None: ...  # noqa: A002


class Argon2Vault:
    """The vault of ports.Vault, with one thread, which begins with the first password."""

    def __init__(self, reactor: _FromThread) -> None:
        self._reactor = reactor
        self._worker: Worker | None = None
        self._waiting = 0
        self._is_stopped = False

    def hash(self, password: str, answer: Callable[[str | ChatError], None]) -> None:
        """Answer later with the verifier of a password, or with Busy or NoPasswords."""
        self._ask(partial(_hashed, password), answer)

    def check(self, password: str, verifier: str, answer: Callable[[bool | ChatError], None]) -> None:
        """Answer later whether a password fits a verifier, or with Busy or NoPasswords; none fits an empty one."""
        self._ask(partial(_fits, password, verifier), answer)

    def needs_rehash(self, verifier: str) -> bool:
        """Return whether a password that fits a verifier should be hashed again: the parameters have changed."""
        return not verifier.startswith(_PARAMETERS)

    def stop(self) -> Deferred[None]:
        """Stop answering, and end the thread."""
        worker, self._worker, self._is_stopped = self._worker, None, True
        if worker is None:
            return succeed(None)
        ended = Deferred[None]()
        worker.end(partial(self._reactor.callFromThread, ended.callback, None))
        return ended

    def _ask(self, work: Callable[[], Found], answer: Callable[[Found | ChatError], None]) -> None:
        if self._is_stopped:
            return
        if self._waiting >= MAX_WAITING:
            self._reactor.callFromThread(answer, Busy())
            return
        if self._worker is None:
            self._worker = Worker("vault")
        self._waiting += 1
        self._worker.do(partial(self._work, work, answer))

    def _work(self, work: Callable[[], Found], answer: Callable[[Found | ChatError], None]) -> None:
        """Do one piece of work, in the thread."""
        if self._is_stopped:
            return
        try:
            found: Found | Failure = work()
        except Exception:
            found = Failure()
        self._reactor.callFromThread(self._answer, answer, found)

    def _answer(self, answer: Callable[[Found | ChatError], None], found: Found | Failure) -> None:
        self._waiting -= 1
        if self._is_stopped:
            return
        if isinstance(found, Failure):
            answer(_refusal(found))
        else:
            answer(found)


def _hashed(password: str) -> str:
    hashing = _argon2()(salt=os.urandom(16), length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY)
    return hashing.derive_phc_encoded(_bytes(password))


def _fits(password: str, verifier: str) -> bool:
    from cryptography.exceptions import InvalidKey

    try:
        _argon2().verify_phc_encoded(_bytes(password), verifier or _NOBODYS)
    except InvalidKey:
        return False
    return bool(verifier)


def _argon2() -> type[Argon2id]:
    """Import Argon2id: a server without accounts needs none."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")  # half a pair fits nothing, and is no fault


def _refusal(failure: Failure) -> NoPasswords:
    """Return the refusal for a failure, which is logged."""
    from cryptography.exceptions import UnsupportedAlgorithm

    if failure.check(UnsupportedAlgorithm):
        refusal = NoPasswords(
            "the server's OpenSSL has no Argon2, which takes cryptography 45 with OpenSSL 3.2, or newer"
        )
        log.error("{why}", why=str(refusal))
        return refusal
    log.failure("fault in the vault", failure)
    return NoPasswords("sorry, a fault of ours, which is in the server's log")
