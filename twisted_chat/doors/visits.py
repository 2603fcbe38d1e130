"""Visits: a client that comes for a few posts, as over HTTP, stays as long as posts follow each other.

So a script that says ten lines joins and leaves once, and its posts go the same way as all others.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from hmac import compare_digest
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from ..core import text
from ..core.errors import AliasTaken, ChatError, CredentialRevoked, Unknown, WrongSecret
from ..core.events import EVERYONE
from ..core.gate import Proof
from ..core.hub import Hub
from ..core.limits import Addresses, Limits, Pace
from ..core.ports import Door
from ..core.session import Ask
from ..wire.plain import PlainView
from .delays import cancel, seconds_until

PATIENCE_SECONDS = 20  # for all that has to happen before a post can be said: longer than --grace
_CLAIM = "claim"  # the ident of the claim; posts' idents have a slash

log = Logger()


class Kept(NamedTuple):
    """The outcome of a post that is kept."""

    number: int  # of its last line
    is_repeated: bool  # all of it was said before


class NotSaid(ChatError):
    """A refused post, for a reason that only visits have."""


class IdentInUse(NotSaid):
    """A pending post with other words under the same ident."""

    def __init__(self) -> None:
        super().__init__("something else is being said under the same ident just now; this was not said")
        self.seconds = 1


class VisitTaken(NotSaid):
    """A visit that began with another secret, or without one."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"{alias} is taken: choose another alias, or give the secret that this visit began with")
        self.alias = alias


class TooFast(NotSaid):
    """More posts from one address than the limits allow: a connection would be slowed down instead."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"slow down: too much was said from your address, go on in {seconds} seconds; this was not said"
        )
        self.seconds = seconds


class TooManyVisits(NotSaid):
    """One more visit than an address may have."""

    def __init__(self) -> None:
        super().__init__("too many visitors from your address: try again in a minute")
        self.seconds = 60


class NotNow(NotSaid):
    """A post that could not be sent to the hub: the server is stopping, or cannot keep anything."""


class PostFault(NotSaid):
    """A post that failed because of a fault of ours."""

    def __init__(self, words: str = "sorry, a fault of ours: please try again") -> None:
        super().__init__(words)


class Author(NamedTuple):
    """The author of posts: a guest, or a member."""

    alias: str
    host: str
    secret: str = ""  # a guest's, who continues the visit with it; empty: everyone at the address may continue it
    proof: Proof | None = None  # a member's


class Post:
    """A line, or a block of lines, for a group, under one ident."""

    def __init__(self, group: str, ident: str, lines: Sequence[str]) -> None:
        """``group``: a room's name, ``@ALIAS`` or ``*``. ``lines``: the cleaned text."""
        self.group = group
        self.ident = ident
        self.lines = lines
        self.done: Deferred[Kept] = Deferred()
        self.deadline: IDelayedCall | None = None
        self.is_decided = False  # its outcome is known
        self._kept = Kept(0, False)
        self._error: ChatError | None = None

    def decide(self, ask: Ask) -> None:
        """Called when the outcome is known; the first line of a block decides for all."""
        self.is_decided = True
        if ask.error is not None:
            self._error = ask.error
        else:
            self._kept = Kept(ask.number + len(self.lines) - 1, ask.is_repeated)

    def fail(self, error: ChatError) -> None:
        """Called when the post is refused."""
        self.is_decided = True
        self._error = error

    def tell(self) -> None:
        """Report the outcome to the caller who waits for it."""
        if self.done.called:
            return
        if self._error is not None:
            self.done.errback(self._error)
        else:
            self.done.callback(self._kept)


class Visits:
    """All visits, by alias and address."""

    def __init__(self, hub: Hub, limits: Limits, addresses: Addresses, clock: IReactorTime) -> None:
        self._hub = hub
        self._limits = limits
        self._addresses = addresses
        self._clock = clock
        self._here: dict[tuple[str, str, int], Visit] = {}  # guests have the credential 0
        self._counts: Counter[str] = Counter()  # by address, or its network: see Addresses

    def say(self, author: Author, post: Post) -> Deferred[Kept]:
        """Say something, in the author's visit or in a new one. Fires once it is kept.

        Raises: NotSaid. Fails: ChatError.
        """
        named = text.key(author.alias), author.host, author.proof.credential if author.proof is not None else 0
        visit = self._here.get(named)
        pace = visit.pace if visit else self._addresses.pace(author.host, self._clock.seconds())
        self._take_turn(pace, post)
        if visit is None:
            visit = self._new(author, named, pace)
        elif not compare_digest(visit.author.secret, author.secret):
            raise VisitTaken(author.alias)
        visit.say(post)
        return post.done

    def give_way(self, alias: str, host: str, secret: str) -> None:
        """End the idle visit of a guest who comes in with the same secret."""
        visit = self._here.get((text.key(alias), host, 0))
        if visit is not None:
            visit.give_way(host, secret)

    def _take_turn(self, pace: Pace, post: Post) -> None:
        """Count the bytes of a post; its lines are counted later, with the requests that it takes to say them.

        Raises: TooFast, where a connection would be slowed down.
        """
        now = self._clock.seconds()
        wait = pace.wait(now)
        if wait:
            self._hub.traffic.hit("flood")
            raise TooFast(math.ceil(wait))
        pace.take_bytes(sum(len(line.encode()) for line in post.lines), now)

    def _new(self, author: Author, named: tuple[str, str, int], pace: Pace) -> Visit:
        """Return a new visit; an address may have as many visits as connections.

        Raises: TooManyVisits.
        """
        network, most = self._addresses.network_of(author.host)
        if self._counts[network] >= most:
            self._hub.traffic.hit("connections")
            raise TooManyVisits
        self._counts[network] += 1
        log.info("{alias} visits from {host}", alias=author.alias, host=author.host or "a UNIX socket")
        visit = self._here[named] = Visit(
            self._hub, self._limits, self._clock, author, pace, lambda: self._forget(named, network)
        )
        return visit

    def _forget(self, named: tuple[str, str, int], network: str) -> None:
        del self._here[named]
        self._counts[network] -= 1
        if not self._counts[network]:
            del self._counts[network]

    def close(self) -> None:
        """End all visits, because the server stops."""
        for visit in list(self._here.values()):
            visit.close()


class Visit(Door):
    """One visit: the door of a session without a reader, and a queue of its posts.

    Posts wait for the alias and the room. Each is answered in a turn of its own, since the caller that waits for the
    answer may make another request, and the hub is still delivering when it reports the outcome of a post.
    """

    def __init__(
        self,
        hub: Hub,
        limits: Limits,
        clock: IReactorTime,
        author: Author,
        pace: Pace,
        on_over: Callable[[], None],
    ) -> None:
        """``on_over`` is called once the visit has ended."""
        self.author, self.pace = author, pace
        self._hub = hub
        self._limits = limits
        self._clock = clock
        self._on_over = on_over
        self._waiting: deque[Post] = deque()  # not sent to the hub yet
        self._asked: dict[Post, None] = {}  # pending posts
        self._decided: list[Post] = []  # outcomes that are not reported yet
        self._answer: IDelayedCall | None = None
        self._leave: IDelayedCall | None = None
        self._again: IDelayedCall | None = None  # asks for the alias again
        self._why: ChatError | None = None  # why the claim failed, once that is known
        self._has_entered = False  # there is a session, which claims the alias or has it

    # -- called by a door

    @property
    def kind(self) -> str:
        return "http"

    @property
    def host(self) -> str:
        return self.author.host

    def say(self, post: Post) -> None:
        """Say something, once the visit has its alias and its room.

        Raises: IdentInUse.
        """
        if any(other.ident == post.ident and other.lines != post.lines for other in self._all()):
            raise IdentInUse
        cancel(self._leave)
        post.deadline = self._clock.callLater(PATIENCE_SECONDS, self._give_up, post)
        self._waiting.append(post)
        if not self._has_entered:
            self._enter()
        self._go_on()

    def close(self) -> None:
        """Leave now; posts that were not sent to the hub yet are refused."""
        for post in list(self._waiting):
            self._fail(post, NotNow("the server is stopping: this was not said"))
        for post in self._all():
            self._fail(post, Unknown("the server is stopping"))
        self._tell()
        cancel(self._leave)
        cancel(self._again)
        self._part()

    # -- called by the hub

    def wake(self) -> None:
        if self.session.gone:
            self._has_entered = False
            cancel(self._leave)
            if self._waiting:
                self._enter()  # a post came just when the visit was ending
            else:
                self._on_over()
        elif not self.session.alias:
            if self._again is None or not self._again.active():
                self._not_given(self._why or NotNow("that alias is not available now"))
        else:
            self._why = None
            self.session.is_in = True  # from now on requests can be refused
            self._fail_lost()
        self._go_on()

    def taken_over(self) -> None:
        """Do nothing: a visit has no program that could resume."""

    def give_way(self, host: str, secret: str = "") -> None:
        """Leave now, if the same machine claims this alias; a visit with another secret, or a member's, stays."""
        is_kept = not compare_digest(self.author.secret, secret) or self.author.proof is not None
        if host == self.host and not (is_kept or self._waiting or self._asked):
            cancel(self._leave)
            self._part()

    def free_in(self) -> int:
        return seconds_until(self._leave, self._clock) or math.ceil(self._limits.grace_seconds)

    def faulted(self) -> None:
        for post in list(self._waiting):
            self._fail(post, PostFault())
        self._fail_pending()
        self._clock.callLater(0, self._part)  # the hub is at work

    # -- entering, saying, leaving

    def _enter(self) -> None:
        self._has_entered = True
        self.session = self._hub.connect(None, PlainView(), self, self.pace)
        self._claim()

    def _claim(self) -> None:
        if not self._waiting:
            self._part()  # no post waits for it any more
            return
        try:
            author, ask = self.author, Ask(self.session, _CLAIM, self._claimed)
            self._hub.claim(ask, author.alias, rooms=(), proof=author.proof)
        except ChatError as error:
            self._not_given(error)

    def _claimed(self, ask: Ask) -> None:
        self._why = ask.error
        if isinstance(ask.error, WrongSecret) and self.author.proof is not None:  # it was right when the post came
            self._why = CredentialRevoked("what you logged in with is no longer valid")

    def _not_given(self, error: ChatError) -> None:
        """Claim the alias again once it may be free, or give up."""
        self._why = error
        if isinstance(error, AliasTaken) and 0 < error.seconds <= PATIENCE_SECONDS:
            self._again = self._clock.callLater(error.seconds, self._claim)
        else:
            self._lose(error)

    def _lose(self, error: ChatError) -> None:
        """Give up the alias."""
        for post in list(self._waiting):
            self._fail(post, error)
        self._part()

    def _go_on(self) -> None:
        """Send all posts to the hub that can be sent now."""
        while self._waiting:
            post = self._waiting[0]
            if self._is_ready(post):
                self._waiting.popleft()
                cancel(post.deadline)
                self._guarded(post, self._ask)
            elif not post.is_decided:
                break
        if not (self._waiting or self._asked) and self._has_entered:
            cancel(self._leave)
            self._leave = self._clock.callLater(self._limits.grace_seconds, self._part)

    def _is_ready(self, post: Post) -> bool:
        """Return whether a post can be sent to the hub now; if not, make the request that has to come first."""
        session = self.session
        is_there = post.group[0] in "@*" or post.group in session.rooms
        if not session.alias or session.leaving is not None or not session.may(posts=is_there):
            return False
        if post.ident in session.asks:
            return False  # the same post is pending
        if not is_there:
            self._guarded(post, self._move)
        return is_there

    def _guarded(self, post: Post, ask: Callable[[Post], None]) -> None:
        try:
            ask(post)
        except ChatError as error:
            self._fail(post, error)
        except Exception:
            log.failure("fault in a post by {alias}", alias=self.author.alias)
            self._fail(post, PostFault())

    def _move(self, post: Post) -> None:
        """Join the room of a post; leave the first joined room, if there are too many and nobody else is there."""
        ask, person = Ask(self.session, post.ident, partial(self._moved, post)), self.session.person
        is_alone = person is not None and len(person.seats) == 1  # a member may be here with other devices
        if len(self.session.rooms) >= self._limits.rooms_each and is_alone:
            self._hub.leave(ask, next(iter(self.session.rooms)))
        else:
            self._hub.join(ask, post.group)

    def _moved(self, post: Post, ask: Ask) -> None:
        if ask.error is not None and not post.is_decided:
            self._fail(post, ask.error)

    def _ask(self, post: Post) -> None:
        self._asked[post] = None
        try:
            ask = Ask(self.session, post.ident, partial(self._is_decided, post))
            if len(post.lines) > 1:
                self._hub.say_block(ask, post.lines, post.group)
            elif post.group == EVERYONE:
                self._hub.broadcast(ask, post.lines[0])
            elif post.group[0] == "@":
                self._hub.tell(ask, post.group[1:], post.lines[0])
            else:
                self._hub.say(ask, post.lines[0], post.group)
        finally:
            self.pace.take_lines(len(post.lines), self._clock.seconds())

    def _give_up(self, post: Post) -> None:
        """Refuse the posts that could not be sent to the hub in time."""
        late = NotNow("the server cannot keep anything now: this was not said, try it again later")
        self._fail(post, self._why or late)

    def _part(self) -> None:
        self._hub.leave_all(self.session, "")

    # -- the outcome of posts

    def _is_decided(self, post: Post, ask: Ask) -> None:
        if not post.is_decided:
            post.decide(ask)
            self._decide(post)

    def _fail_lost(self) -> None:
        """Fail the posts that were neither kept nor refused although nothing is pending: a fault of ours."""
        if self._asked and not self.session.pending.in_flight:
            self._fail_pending()

    def _fail_pending(self) -> None:
        words = "sorry, a fault of ours: to be sure that it was said, post it again with the same Idempotency-Key"
        for post in list(self._asked):
            self._fail(post, PostFault(words))
        self.session.asks = {}

    def _fail(self, post: Post, error: ChatError) -> None:
        cancel(post.deadline)
        if post in self._waiting:
            self._waiting.remove(post)
        post.fail(error)
        self._decide(post)

    def _decide(self, post: Post) -> None:
        if post.is_decided:
            self._asked.pop(post, None)
            self._decided.append(post)
            if self._answer is None:
                self._answer = self._clock.callLater(0, self._tell)

    def _tell(self) -> None:
        cancel(self._answer)
        self._answer = None
        decided, self._decided = self._decided, []
        for post in decided:
            post.tell()
        if self._waiting:
            self._go_on()  # for a post that waited for the same one

    def _all(self) -> list[Post]:
        return [*self._waiting, *self._asked]
