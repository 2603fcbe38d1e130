"""A stay in a chat, from the first connection to the end: the base of the library's main class."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from ..core import text
from ..core.events import LOBBY
from .drivers import Driver
from .pending import one_line
from .resumable_session import Open, ResumableSession
from .seen import After
from .watcher import Watcher


class Stay:
    """Enters a chat, and leaves it."""

    def __init__(self, driver: Driver, open_: Open, patience: float | None, watcher: Watcher, token: str) -> None:
        self._driver = driver
        self._watcher = watcher
        self._patience = patience
        self._session = ResumableSession(driver, open_, watcher, patience, token)

    @property
    def is_lost(self) -> bool:
        """Return whether the connection has ended for good."""
        return self._session.over is not None

    @property
    def is_member(self) -> bool:
        """Return whether the alias is an account's."""
        return self._session.state.marks is not None

    # -- entering: for ``connect``, and for the terminal, whose user may have to choose another alias

    async def greeted(self) -> None:
        """Connect, and wait for the server's prompt for an alias.

        Raises: CannotConnect.
        """
        await self._session.connect()

    async def claim(
        self, alias: str, rooms: Sequence[str] | None = None, after: After | None = None, secret: str | None = None
    ) -> None:
        """Claim an alias, and join these rooms, or the lobby if none are given.

        ``secret``: a member's password, token or code; empty: come as a guest; None: as the time before.

        ``after``: for each room, ``*`` or ``@``, the number after which to begin; by default, with the next event.

        Raises: ChatError, and then another alias may be claimed; CannotConnect.
        """
        if secret is not None:
            self._session.secret = secret
        await self._session.hello(*hello_of(alias, rooms, after))

    def use_secret(self, secret: str) -> None:
        """Log in with this secret if the server does not know the session any more after a cut."""
        self._session.secret = secret

    # -- the end

    async def close(self, why: str = "") -> None:
        """Leave the chat after all pending requests; without a connection, at once."""
        await self._session.close(text.clean(why))

    def abort(self) -> None:
        """End the connection at once."""
        self._session.abort()

    async def ended(self) -> None:
        """Wait until the connection has ended."""
        await self._session.ended()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def hello_of(alias: str, rooms: Sequence[str] | None, after: After | None) -> tuple[str, list[str], After | None]:
    """Return an alias, rooms and numbers as a hello has them; without rooms, the lobby."""
    wanted = [LOBBY] if rooms is None else [text.room(room) for room in rooms]
    return one_line(alias), list(dict.fromkeys(wanted)), after
