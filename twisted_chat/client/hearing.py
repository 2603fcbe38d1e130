"""The server's messages: events once and in order, answers to requests, and the session's alias and rooms.

The law: each event of the session's groups is taken once and in order; if some are missing, the reader is told.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core import text
from ..core.data import ENDS, in_block
from ..core.errors import CredentialRevoked, SecretAsked, TakenOver, Unknown
from ..core.events import (
    ACTED,
    ANSWERED,
    CALLED,
    IGNORED,
    JOINED,
    LEFT,
    NOTED,
    NOTICED,
    READ,
    REFUSED,
    REMOVED,
    SAID,
    SKIPPED,
    TOOK,
    Event,
    skipped,
)
from . import codec
from .errors import Refused
from .inbox import Inbox
from .pending import POSTS, PendingRequest, PendingRequests
from .seen import TO_ME, After, Order, Seen, group_of
from .session_state import SessionState

# The codes of errors after which no reconnect follows: it would end another process, or be refused.
ENDING = (TakenOver.code, CredentialRevoked.code)


class Hearing:
    """The state of what the session has heard, over all its connections."""

    def __init__(self, inbox: Inbox, requests: PendingRequests) -> None:
        self.state = SessionState()
        self.seen = Seen()
        self.on_call: Callable[[codec.Message], None] = _ignore  # called with each "called" and "answered"
        self.on_unknown: Callable[[PendingRequest], bool] = (
            _never_resend  # if its outcome is unknown: whether to resend
        )
        self.client = ""  # the server's name for this program, which everyone sees
        self.has_left_out = False  # the inbox was full: no more events are taken from this connection
        self.last_words = ""  # the server's last notice, if it explains the end of the connection
        self.end: Refused | None = None  # why the server has ended the session for good
        self.gap = ""  # the group of which the server has left out events
        self._gaps: dict[str, int] = {}  # by group: the first missing number at the last gap
        self._next = "", 0  # the key of our next alias, and the last number in its log
        self._inbox = inbox
        self._requests = requests
        self.came_at: dict[str, int] = {}  # by group: the last number when the session joined or resumed
        self._entering: set[str] = set()  # rooms that the first hello joins: those joins are not shown
        self._made_up: set[str] = set()  # idents of events that were rebuilt from their number

    def begin(self, hello: codec.Message, asked: After, now: dict[str, int], is_first: bool) -> None:
        """Start a connection with the state in the answer to hello."""
        self.client = hello["client"]
        self.state.enter(text.clean(hello["alias"]), hello["rooms"], hello.get("current", ""))
        self.state.marks = dict(hello["marks"]) if "marks" in hello else None
        self.state.has_unread = bool(hello.get("unread"))
        lost = self.seen.begin(hello["journal"], asked, now)
        self.came_at = now
        self._entering = set(self.state.rooms) if is_first else set()
        self.has_left_out = False
        for words in lost:
            self._inbox.put(Event(NOTICED, text=words))

    def hear(self, message: codec.Message) -> bool:
        """Handle one message; return False if events before it are missing, which only another connection can bring.

        Raises: Foreign.
        """
        self.last_words = ""
        if message.get("kind") in (CALLED, ANSWERED):
            self.on_call(message)
        elif "kind" in message:
            return self._happened(codec.event(message), message)
        if "error" in message:
            self._refused(message)
        elif "result" in message:
            self._answered(message)
        return True  # ignore other messages of a newer server

    @staticmethod
    def refusal(message: codec.Message) -> Refused:
        """Return the refusal in a message as an error."""
        seconds = message.get("retry_after", 0)
        words, code = text.clean(str(message.get("text", ""))), str(message["error"])
        return Refused(words, code, seconds if isinstance(seconds, int) else 0)

    # -- events

    def _happened(self, event: Event, message: codec.Message) -> bool:
        if event.kind == NOTICED:
            self._noticed(event, self._request(message))
            return True
        if event.kind == SKIPPED:
            self._skipped(event)
            return True
        if event.kind == READ:
            self.state.mark(event.group, event.number)  # over another device, and nothing is shown of it here
            return True
        if "again" in message:
            self._inbox.put(event)  # an earlier event, which the person asked for
            return True
        is_own = bool(event.ident) and event.ident.partition("/")[0] == self.client
        request = self._request(message) if is_own else None
        if is_own and event.kind in (SAID, ACTED, NOTED) and event.group in self.state.rooms:
            self.state.mark(event.group, event.number)
        is_whole = self._take(event, request)
        if request is not None:
            request.event = event
            if request.do in POSTS:
                self._requests.done(request)
        return is_whole

    def _noticed(self, event: Event, request: PendingRequest | None) -> None:
        if request is not None:
            request.words.append(event.text)
            if request.is_quiet:
                return
        elif event.data == ENDS:
            self.last_words = event.text
        self._inbox.put(event)

    def _skipped(self, event: Event) -> None:
        if not self.has_left_out:
            self.seen.see(group_of(event, self.state.alias), event.number)
            self._inbox.put(event)

    def _take(self, event: Event, request: PendingRequest | None) -> bool:
        group = group_of(event, self.state.alias)
        if not group or not event.number:
            self._note_next(event)
            if event.ident not in self._made_up:
                self._put(event, request)
            return True
        order = self.seen.order(group, event.number)
        if order is Order.OLD:
            return True
        if self.has_left_out or self._inbox.is_overfull:
            self.has_left_out = True
            return True
        if order is Order.EARLY and not self._is_missing_for_good(group, event):
            return False
        self.seen.see(group, event.number)
        if event.number > self.came_at.get(group, 0):
            self._follow(event)
        self._put(event, request)
        return True

    def _note_next(self, event: Event) -> None:
        """Note the last number in the log of our new alias, before the answer says that the alias is ours."""
        key = text.key(event.target)
        if key == self._next[0] or (event.kind == TOOK and event.text == self.client):
            self._next = key, event.number

    def _is_missing_for_good(self, group: str, event: Event) -> bool:
        """Report a gap if the last connection had it too; return False for a new gap, to reconnect."""
        first = self.seen.last(group) + 1
        if self._gaps.get(group) != first:
            self._gaps[group] = first
            self.gap = event.group
            return False
        self._inbox.put(skipped(event.group, first, event.number - 1))
        return True

    def _put(self, event: Event, request: PendingRequest | None) -> None:
        if event.kind in (TOOK, IGNORED):
            return
        if event.kind == JOINED and event.author == self.state.alias and event.group in self._entering:
            self._entering.discard(event.group)
        elif not (request is not None and request.is_quiet and event.kind in (JOINED, LEFT)):
            self._inbox.put(event)

    def _follow(self, event: Event) -> None:
        alias = self.state.alias
        self.state.follow(event)
        if event.kind in (LEFT, REMOVED) and event.author == alias:
            self.seen.forget(event.group)
        if self.state.alias != alias:
            self.seen.forget(TO_ME)  # another alias has another log

    # -- answers

    def _request(self, message: codec.Message) -> PendingRequest | None:
        ident = message.get("id")
        return self._requests.get(ident) if isinstance(ident, str) else None

    def _refused(self, message: codec.Message) -> None:
        request, refused = self._request(message), self.refusal(message)
        if request is not None and refused.code == Unknown.code and self.on_unknown(request):
            return
        if request is None:
            self.last_words = str(refused)
            self.end = refused if refused.code in ENDING else None
        else:
            request.error = refused
        self.tell_typist(request, refused)
        if request is not None:
            self._requests.done(request)

    def tell_typist(self, request: PendingRequest | None, refused: Refused) -> None:
        """Show a refusal as an event, if a person typed the request or the request is unknown."""
        is_asked = refused.code == SecretAsked.code  # the typist is asked for the secret
        if request is None or (request.do == "type" and not request.is_quiet and not is_asked):
            self._inbox.put(Event(REFUSED, text=str(refused), data={"code": refused.code}))

    def _answered(self, message: codec.Message) -> None:
        request = self._request(message)
        if request is None:
            return  # for example the answer to our own ping
        request.answer = message
        try:
            self._apply(request, message)
        except (KeyError, TypeError, ValueError):
            raise codec.Foreign(f"its answer to {request.do} cannot be understood") from None
        self._requests.done(request)

    def _apply(self, request: PendingRequest, result: codec.Message) -> None:
        if request.do in POSTS:
            self._repeated(request, str(result["room"]), int(result["number"]))
        elif request.do == "join":
            self.seen.start(result["room"], int(result["number"]))
            self.state.join(result["room"])
        elif request.do == "leave":
            self.seen.forget(result["room"])
            self.state.leave(result["room"])
        elif request.do in ("nick", "type"):
            self._moved(result)

    def _moved(self, result: codec.Message) -> None:
        self.state.current = result.get("current", self.state.current)
        alias = result.get("alias", self.state.alias)
        if alias != self.state.alias:
            self.state.alias = alias
            self.seen.forget(TO_ME)
        if "private" in result:
            key, number = self._next
            seen = number if key == text.key(alias) else 0
            self.seen.start(TO_ME, max(int(result["private"]), seen))

    def _repeated(self, request: PendingRequest, group: str, number: int) -> None:
        """Rebuild the event of a post that was kept before a cut, from its request and its number."""
        fields = request.fields
        kind = ACTED if fields.get("act") else NOTED if fields.get("note") else SAID
        ident, block = f"{self.client}/{request.ident}", fields.get("lines", ())
        first = Event(kind, group, self.state.alias, fields.get("text", ""), number=number, ident=ident)
        events = [
            first._replace(text=words, number=number + index, data=in_block(index + 1))
            for index, words in enumerate(block)
        ] or [first]
        request.event = events[0]
        if not group_of(first, self.state.alias):  # the event itself will not come
            self._made_up.add(ident)
            for event in events:
                self._inbox.put(event)


def _ignore(message: codec.Message) -> None:
    """Do nothing."""


def _never_resend(request: PendingRequest) -> bool:
    """Do not send the request again."""
    return False
