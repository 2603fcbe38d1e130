"""The private lines to a member on a terminal: those that came while the member was away, and those that are shown."""

from __future__ import annotations

from collections.abc import Callable

from ...core.errors import ChatError
from ...core.events import POSTS, Event
from ..chat import HISTORY_PAGE, Chat
from ..drivers import Driver
from ..errors import ConnectionLost
from ..seen import TO_ME, group_of

SECONDS = 1.0  # in which the lines that are shown are marked as read together


class ShownLines:
    """Shows a member each private line once: those shown here are marked as read, for all devices."""

    def __init__(self, chat: Chat, driver: Driver, tell: Callable[[str], None], show: Callable[[Event], None]) -> None:
        """``tell`` shows a notice, ``show`` an event."""
        self._chat = chat
        self._driver = driver
        self._tell = tell
        self._show = show
        self._shown = 0  # the number of the last one that is not marked as read yet; 0: none

    async def show_missed(self) -> None:
        """Show the lines that came while the member was away, with how many they are."""
        if not self._chat.is_member:
            return
        seen, last = self._chat.marks.get(TO_ME, 0), self._chat.came_at(TO_ME)
        if last <= seen:
            return
        past = await self._chat.history(TO_ME, after=seen, until=last, limit=HISTORY_PAGE, newest=True)
        if past:
            more = "more than " * (len(past) == HISTORY_PAGE)
            self._tell(f"{more}{len(past):,} {'line' if len(past) == 1 else 'lines'} for you since you left:")
        for event in past:
            self._show(event)
        self.shown(past)

    def shown(self, events: list[Event]) -> None:
        """Called with events that are shown: mark the private lines among them as read, soon."""
        own = self._chat.alias
        numbers = [event.number for event in events if event.kind in POSTS and group_of(event, own) == TO_ME]
        if not self._chat.is_member or not numbers:
            return
        if not self._shown:
            self._driver.call_later(SECONDS, self._mark_now)
        self._shown = max(self._shown, *numbers)

    def _mark_now(self) -> None:
        self._driver.start(self.mark())

    async def mark(self) -> None:
        """Mark those that were shown as read."""
        number, self._shown = self._shown, 0
        if not number:
            return
        try:
            await self._chat.read(TO_ME, number)
        except (ChatError, ConnectionLost):
            return  # it is shown again at the next start
