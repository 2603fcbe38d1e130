"""The requests of a program over any door: one JSON object after the other, answered in order."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

from ..core.errors import ChatError, HelloFirst, LineTooLong, SecretAsked
from ..core.events import NOTICED, Event
from ..core.ports import Door
from ..core.session import Ask, Session
from ..requests.checked import Checked, checked
from ..requests.hello import HelloRequest, HelloResult
from ..requests.table import Result, Steps
from ..wire import jsonlines
from ..wire.jsonlines import JsonView
from .premises import Premises
from .splitter import END, TOO_LONG, Mark

LONGER = 18  # times the longest line: for a block with every second byte escaped by JSON, or a line with every byte


class ProgramConnection(Door, Protocol):
    """A program's connection."""

    session: Session
    premises: Premises

    def may_try_again(self) -> bool:
        """Count a claim that failed; close the connection, and return False, after too many."""

    def adopt(self, session: Session) -> None:
        """Resume the session of an earlier connection."""

    def end_input(self) -> None:
        """Called when the program sends nothing more."""


class ProgramTalk:
    """The requests of one program. While one is pending, no other is taken, except posts."""

    def __init__(self, connection: ProgramConnection, waiting: list[bytes]) -> None:
        """``waiting``: the lines that were received and not taken yet."""
        self._connection = connection
        self._hub = connection.premises.hub
        self._limits = connection.premises.limits
        self._waiting = waiting
        self._steps: Steps[Result] | None = None
        self.is_in = False  # hello was answered
        self._next: Checked | ChatError | Mark | None = None  # read already, but not taken
        self._asked: Checked | None = None  # the request with these steps ...
        self._ask: Ask | None = None  # ... and its ask
        self._hub.listen(connection.session, connection.session.ear._replace(view=JsonView()))

    def take(self, most: int) -> int:
        """Take as many requests as can be taken now; return how many."""
        taken, waiting = 0, self._waiting
        me = self._connection.session
        while waiting and taken < most and self._steps is None and me.leaving is None:
            if self._next is None:
                self._next = self._read(waiting[0])
            asked = self._next
            is_post = isinstance(asked, Checked) and asked.entry.posts
            if not me.may(is_post):
                break
            del waiting[0]
            self._next = None
            self._obey(asked)
            taken += asked.record.size if isinstance(asked, Checked) else 1
            if self._connection.session is not me:
                break  # the resumed session has its own pace
            if self.is_in and me.is_behind:
                break  # the program does not read its answers
        return taken

    @property
    def is_busy(self) -> bool:
        """Return whether a request with more than one step is pending."""
        return self._steps is not None

    @property
    def takes_while_behind(self) -> bool:
        """Return whether to take requests although the program is behind: it may have to send hello again."""
        return not self.is_in

    def entered(self) -> None:
        """Do nothing: the answer to hello is the greeting."""

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Refuse to ask: the program has to know the secret when it sends the request."""
        raise SecretAsked(prompt)

    def renewed(self) -> None:
        """Refuse another session: the program's requests belong to this one."""
        raise ChatError(
            'you log in as you come in: /quit, and begin again with that alias (a program: "hello" with its "secret")'
        )

    def stop(self) -> None:
        """Abandon the pending request: the program has resumed elsewhere, or its connection is lost."""
        self._steps = self._ask = self._next = None

    def _read(self, line: bytes) -> Checked | ChatError | Mark:
        if line is TOO_LONG:
            return LineTooLong(self._limits.max_line)
        if isinstance(line, Mark):
            return line
        try:
            return checked(jsonlines.parse(line), self._limits.max_line)
        except ChatError as error:
            return error

    def _obey(self, asked: Checked | ChatError | Mark) -> None:
        me = self._connection.session
        if asked is END:
            self._connection.end_input()
        elif isinstance(asked, ChatError):
            if isinstance(asked, LineTooLong):
                self._hub.traffic.hit("line_too_long")
            me.refuse(asked, f"/{asked.id or ''}")
        elif isinstance(asked, Checked):
            self._asked = asked
            try:
                answer = self._answer_to(asked)
            except ChatError as error:
                self._connection.session.refuse(error, self._ident(asked))
                return
            if isinstance(answer, Result):
                self._answer(answer)
            else:
                self._steps = answer
                self.go_on()

    def _answer_to(self, asked: Checked) -> Steps[Result] | Result | None:
        if isinstance(asked.record, HelloRequest) and not self.is_in:
            return self._hello(asked, asked.record)
        me = self._connection.session
        if not me.alias:
            raise HelloFirst
        self._ask = Ask(me, self._ident(asked), waits=not asked.entry.posts)
        return asked.record.run(self._hub, self._ask)

    def _hello(self, asked: Checked, hello: HelloRequest) -> Steps[HelloResult]:
        me, token = self._connection.session, hello.token
        client = self._hub.public_name(token) if token else secrets.token_hex(16)
        before = self._hub.sessions.programs.get(client)
        if before is not None and before is not me and not before.alias:
            self._hub.leave_all(before, "")  # it was just entering, over a connection that is dead by now
        is_resumed = before is not None and before is not me and bool(before.alias) and before.leaving is None
        if before is not None and is_resumed:
            self._connection.adopt(before)
        else:
            self._hub.sessions.introduce(me, client)
            me.is_resumable = token is not None
        self._ask = Ask(self._connection.session, self._ident(asked), waits=True)
        elsewhere = 0 if is_resumed else self._hub.session_elsewhere(client)
        return hello.enter(self._hub, self._ask, is_resumed, elsewhere)

    def go_on(self) -> None:
        """Continue the pending request as far as possible now."""
        me = self._connection.session
        while self._steps is not None and self._ask is not None and not me.pending:
            steps, ask = self._steps, self._ask
            if me.leaving is not None:
                self.stop()
                return
            if ask.error is not None:
                self._steps = None
                self._refused()
                return
            try:
                next(steps)
            except StopIteration as done:
                self._steps = None
                self._answer(done.value)
            except ChatError as error:
                ask.refuse(error)
            except Exception:
                self._steps = None
                raise

    def _answer(self, result: Result) -> None:
        me, asked = self._connection.session, self._asked
        assert asked is not None
        me.write(jsonlines.result(asked.entry.name, asked.id, **result.as_fields()))
        if isinstance(result, HelloResult):
            self.is_in = True
            if not result.resumed:
                me.send([Event(NOTICED, text=line) for line in self._connection.premises.motd])
        if me.reader is not None:
            me.reader.release()  # the backlog comes after the answer

    def _refused(self) -> None:
        if not self._connection.session.alias and not self._connection.may_try_again():
            self._hub.leave_all(self._connection.session, "")

    def _ident(self, asked: Checked) -> str:
        return f"{self._connection.session.program}/{asked.id}"
