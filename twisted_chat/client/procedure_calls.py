"""Procedure calls between programs, to one or to all in a room, and the functions that answer them.

After a cut neither a call nor an answer is sent again: running a function twice may do harm.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from ..core import text
from ..core.errors import ChatError
from . import codec
from .drivers import Driver, Waiter, settle
from .errors import CallFailed, ConnectionLost, NoAnswer
from .pending import PendingRequest, granted
from .resumable_session import ResumableSession

CALL_SECONDS = 10.0
WHY_LENGTH = 500  # characters of an error's text to send

Wait = Literal["all", "majority", "first"] | int
Function = Callable[..., Any]


@dataclass
class Answers:
    """The answers to a call to a room, by alias."""

    values: dict[str, Any] = field(default_factory=dict)  # the functions' results, in the order of the answers
    failures: dict[str, str] = field(default_factory=dict)  # the errors of the functions that failed
    silent: list[str] = field(default_factory=list)  # the programs that have not answered


@dataclass
class _PendingCall:
    """A call that waits for answers."""

    waiter: Waiter[None]
    awaited: set[str]  # aliases, by their key
    enough: int  # the number of answers to wait for
    answers: Answers = field(default_factory=Answers)

    @property
    def is_done(self) -> bool:
        return not self.awaited or len(self.answers.values) >= self.enough


@dataclass(frozen=True)
class Answer:
    """The answer to a call to one program."""

    value: Any


class ProcedureCalls:
    """The chat's own calls, and the functions that answer the calls of others."""

    def __init__(self, driver: Driver, session: ResumableSession) -> None:
        self._driver = driver
        self._session = session
        self._functions: dict[str, Function] = {}
        self._pending: dict[str, _PendingCall] = {}
        self._asking = 0  # calls whose called programs are not known yet ...
        self._early: dict[str, list[codec.Message]] = {}  # ... and the answers that came meanwhile, by call
        session.hearing.on_call = self._heard

    def register(self, name: str, function: Function) -> Function:
        """Register the function that answers calls of this name."""
        self._functions[name] = function
        return function

    # -- calling

    async def one(self, alias: str, name: str, arguments: dict[str, Any], timeout: float) -> Answer:
        """Raises: CallFailed, NoAnswer, ChatError, ConnectionLost."""
        answers = await self._call({"to": text.clean(alias).strip()}, name, arguments, "all", timeout)
        for why in answers.failures.values():
            raise CallFailed(why)
        for value in answers.values.values():
            return Answer(value)
        raise NoAnswer(alias, timeout)

    async def all(self, room: str, name: str, arguments: dict[str, Any], wait: Wait, timeout: float) -> Answers:
        """Raises: ChatError, ConnectionLost, ValueError."""
        return await self._call({"room": room}, name, arguments, wait, timeout)

    async def _call(
        self, whom: dict[str, str], name: str, arguments: dict[str, Any], wait: Wait, timeout: float
    ) -> Answers:
        _enough(wait, 1)
        fields = {**whom, "name": name, "text": json.dumps(arguments, separators=(",", ":"))}
        asked, early = await self._ask(fields)
        called = [text.clean(alias) for alias in granted(asked).answer["called"]]
        call = _PendingCall(self._driver.waiter(), {text.key(alias) for alias in called}, _enough(wait, len(called)))
        self._pending[asked.ident] = call
        try:
            for message in early:
                self._answered(message)
            if not call.is_done:
                await self._wait(call, timeout)
        finally:  # the waiting task may be cancelled
            del self._pending[asked.ident]
        call.answers.silent = [alias for alias in called if text.key(alias) in call.awaited]
        return call.answers

    async def _ask(self, fields: dict[str, str]) -> tuple[PendingRequest, list[codec.Message]]:
        """Send a call; return its request, with the answers that came before the request's own."""
        self._asking += 1
        try:
            asked = await self._session.ask("call", is_quiet=True, **fields)
            return asked, self._early.pop(asked.ident, [])
        finally:
            self._asking -= 1
            if not self._asking:
                self._early.clear()

    async def _wait(self, call: _PendingCall, timeout: float) -> None:
        stop = self._driver.call_later(timeout, partial(settle, call.waiter))
        try:
            await call.waiter
        finally:
            stop()

    # -- being called

    def _heard(self, message: codec.Message) -> None:
        if message["kind"] == "answered":
            self._answered(message)
        else:
            self._driver.start(self._answer(message))

    def _answered(self, message: codec.Message) -> None:
        call = self._pending.get(message["id"])
        if call is None:
            if self._asking:
                self._early.setdefault(message["id"], []).append(message)
            return
        author = text.clean(message["author"])
        if text.key(author) not in call.awaited:
            return  # this program was not called, or has answered already
        call.awaited.discard(text.key(author))
        try:
            value = None if message["failed"] else json.loads(message["text"])
        except (ValueError, RecursionError):
            call.answers.failures[author] = "its answer cannot be understood"
        else:
            if message["failed"]:
                call.answers.failures[author] = text.clean(message["text"])
            else:
                call.answers.values[author] = value
        if call.is_done:
            settle(call.waiter)

    async def _answer(self, message: codec.Message) -> None:
        try:
            answer = {"text": json.dumps(await self._value(message), separators=(",", ":"))}
        except Exception as error:  # any exception of the function goes to the caller
            answer = _failure(str(error) or type(error).__name__)
        try:
            answered = await self._session.ask("answer", is_quiet=True, call=message["call"], **answer)
            if isinstance(answered.error, ChatError):
                why = _failure(f"the answer cannot be sent: {answered.error}")
                await self._session.ask("answer", is_quiet=True, call=message["call"], **why)
        except ConnectionLost:
            return  # the answer is lost with it

    async def _value(self, message: codec.Message) -> Any:
        function = self._functions.get(message["name"])
        if function is None:
            raise ChatError(f"there is no function {message['name']} here")
        arguments = json.loads(message["text"])
        value = function(**arguments)
        return await value if inspect.isawaitable(value) else value


def _failure(why: str) -> dict[str, Any]:
    return {"text": text.clean(why)[:WHY_LENGTH], "failed": True}


def _enough(wait: Wait, called: int) -> int:
    """Return the number of answers to wait for."""
    if wait == "all":
        return max(1, called)
    if wait == "majority":
        return called // 2 + 1
    if wait == "first":
        return 1
    if isinstance(wait, int) and wait >= 1:
        return wait
    raise ValueError(f'wait is "all", "majority", "first" or a number from 1 up, not {wait!r}')
