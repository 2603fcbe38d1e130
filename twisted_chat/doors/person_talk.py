"""The lines of a person over any line-shaped door: an alias first, then lines, blocks of lines and commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from ..core import text
from ..core.errors import AliasTaken, ChatError, LineTooLong, Overheard, SecretNeeded, UnknownCommand
from ..core.hub import Hub
from ..core.session import Ask, Session
from ..requests import accounts, table
from ..requests.words import word
from .premises import Premises
from .splitter import END, TOO_LONG, Mark

EXAMPLE = "K7QF-2M9P-XD4T"  # of a code
HINT = "/help shows what you can type, /quit leaves"
HOW_TO_ENTER = "type the name that you want to be known by, and press Enter; /quit leaves"
IN_A_BLOCK = "each line is now said as it is, whatever it begins with: ``` on a line of its own ends that"
AFTER_A_BLOCK = "the block has ended: commands work again"
NOT_READ = "the line that you sent after it was not read"


class PersonConnection(Protocol):
    """A person's connection."""

    session: Session
    premises: Premises

    def prompt(self) -> None:
        """Ask for an alias."""

    def claims(self) -> None:
        """Called before an alias is claimed, with the first line: it may show what the peer can read."""

    def may_try_again(self) -> bool:
        """Count a claim that failed; close the connection, and return False, after too many."""

    def drop_unfinished(self) -> bool:
        """Drop the line that has not ended yet; return whether there is one."""

    @property
    def can_ask(self) -> bool:
        """Return whether a person can answer another question than that for an alias."""

    def prompt_for_secret(self, prompt: str) -> None:
        """Ask for a secret; the peer's terminal does not show it, if it can be told so."""

    def secret_read(self) -> None:
        """Called when that is answered."""


class PersonTalk:
    """The lines of one person. Lines in a row that are only said are said together; commands run one by one."""

    __slots__ = (
        "_block_line", "_connection", "_given", "_hub", "_is_refused", "_is_told_of_block", "_then", "_typed",
        "_waiting", "is_busy",
    )  # fmt: skip

    takes_while_behind = False

    def __init__(self, connection: PersonConnection, waiting: list[bytes]) -> None:
        """``waiting``: the lines that were received and not taken yet."""
        self._connection = connection
        self._hub = connection.premises.hub
        self._waiting = waiting
        self._is_refused = False  # the last alias that they claimed
        self._typed: str | None = None  # after a secret: the last alias of a guest that was typed
        self._block_line = 0  # the number of the next line of the current block; 0: none
        self._is_told_of_block = False  # they know how to end it
        self._then: Callable[[str], None] | None = None  # takes the next line, which is a secret
        self._given: bytes | None = None  # the secret, until the line after it is read
        self.is_busy = False  # a claim is pending

    def take(self, most: int) -> int:
        """Take lines that are only said, or one of another kind, if they can be taken now; return how many."""
        if self.is_busy:
            return 0  # a lost claim drops the lines that were sent after it
        if self._then is not None:
            return self._take_secret(self._then)
        if self._block_line:
            return self._take_block_lines(most)
        waiting, me = self._waiting, self._connection.session
        if self._given is not None and self._take_repeated():
            return 1
        if me.alias and waiting[0][:1] != b"/" and me.may(posts=True):
            plain = text.plain(waiting[:most])
            if plain:
                del waiting[: len(plain)]
                ask = Ask(me)
                try:
                    self._hub.say_lines(ask, plain)
                except ChatError as error:
                    ask.refuse(error)
                return len(plain)
        line = self._read(waiting[0], text.clean)
        if not me.may(isinstance(line, str) and bool(me.alias) and table.parse(line)[0].posts):
            return 0
        del waiting[0]
        self._obey(line)
        return 1

    def go_on(self) -> None:
        """Ask for another alias if the pending claim is lost."""
        me = self._connection.session
        if self.is_busy and not me.pending:
            self.is_busy = False
            if me.alias:
                accounts.came_in(self._hub, Ask(me))
            elif not me.gone:
                self._ask_again()  # another person was first

    def entered(self) -> None:
        """Greet the person, who has an alias now."""
        self._connection.session.notice(*self._connection.premises.motd, HINT)

    def stop(self) -> None:
        """Called when the connection is lost: take the lines that were read, and no more."""

    # -- lines

    def _read(self, line: bytes, clean: Callable[[str], str]) -> str | ChatError | Mark:
        if line is TOO_LONG:
            return LineTooLong(self._connection.premises.limits.max_line)
        if isinstance(line, Mark):
            return line
        try:
            return clean(text.edited(text.decoded(line)))
        except ChatError as error:
            return error

    def _obey(self, line: str | ChatError | Mark) -> None:
        self._try(lambda ask: self._do(ask, line))

    def _try(self, do: Callable[[Ask], None]) -> None:
        """Call a function for the person, who sees a refusal and, without an alias, is asked for one again."""
        me = self._connection.session
        ask = Ask(me)
        try:
            do(ask)
        except ChatError as error:
            ask.refuse(error)
            if not me.alias:
                self._ask_again()

    def _do(self, ask: Ask, line: str | ChatError | Mark) -> None:
        if isinstance(line, ChatError):
            if isinstance(line, LineTooLong):
                self._hub.traffic.hit("line_too_long")
            raise line
        if isinstance(line, Mark):
            self._leave()
        elif not ask.session.alias:
            self._answer_prompt(ask, line)
        elif text.is_fence(line):
            self._begin_block()
        else:
            self._run(ask, *table.parse(line))

    def _run(self, ask: Ask, command: table.Command, rest: str) -> None:
        try:
            table.obey(self._hub, ask, (command, rest))
        except ChatError as error:
            meant = table.COMMANDS.get(error.nearest or "", command) if isinstance(error, UnknownCommand) else command
            if self._then is None and (meant.asks or isinstance(error, Overheard)):
                ask.refuse(error)
                self._drop_secret(ask)
            else:
                raise

    # -- secrets

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Ask for a secret: the next line is that, even if it was sent already, and an empty one cancels.

        Raises: ChatError, if nobody can be asked.
        """
        if not self._connection.can_ask:
            raise ChatError("your client cannot ask for a password: use nc, telnet or twisted-chat")
        self._then = then
        self._connection.prompt_for_secret(prompt)

    def renewed(self) -> None:
        """Called before another session begins on this connection: it has an alias soon."""
        self.is_busy = True

    def _take_secret(self, then: Callable[[str], None]) -> int:
        """Take the line that answers the question for a secret. It is never said, whatever becomes of it."""
        me = self._connection.session
        if not me.may(posts=False):
            return 0
        self._then = None
        self._connection.secret_read()
        self._given = self._waiting.pop(0)
        secret = self._read(self._given, str)
        if isinstance(secret, str) and secret:
            self._try(lambda ask: then(secret))
        elif secret == "":
            self._cancel()
        else:
            self._obey(secret)
        return 1

    def _take_repeated(self) -> bool:
        """Take a secret that is given twice, as other programs ask for a new password: the second is not said."""
        given, self._given = self._given, None
        if self._waiting[0] != given or not given:
            return False
        del self._waiting[0]
        self._connection.session.refuse(ChatError("that was the secret again, and it was not said"))
        return True

    def _drop_secret(self, ask: Ask) -> None:
        """Drop the line that was sent after a command that asks for a secret and was refused: it is that secret."""
        if self._waiting[:1] not in ([], [END]):
            del self._waiting[0]
        elif not self._connection.drop_unfinished():
            return
        ask.refuse(ChatError(NOT_READ))

    def _cancel(self) -> None:
        if self._connection.session.alias:
            self._connection.session.notice("you gave nothing, so nothing has changed")
        else:
            self._connection.prompt()

    # -- blocks

    def _take_block_lines(self, most: int) -> int:
        """Take lines of the block, up to a number, or its end: the closing fence, or the end of the input."""
        if not self._connection.session.may(posts=True):
            return 0
        lines: list[str] = []
        in_a_block = partial(_in_a_block, self._hub)
        for line in self._waiting[:most]:
            read = self._read(line, in_a_block)
            if not isinstance(read, str) or read.rstrip() == text.FENCE:
                break
            lines.append(read)
            if self._block_line + len(lines) > text.BLOCK_LINES:
                break
        if not lines:
            del self._waiting[0]
            self._end_block() if isinstance(read, str) else self._obey(read)
            return 1
        del self._waiting[: len(lines)]
        self._say_in_block(lines)
        self._explain_block()
        return len(lines)

    def _say_in_block(self, lines: list[str]) -> None:
        ask = Ask(self._connection.session)
        try:
            self._hub.say_block(ask, lines, first=self._block_line)
        except ChatError as error:
            ask.refuse(error)
        self._block_line += len(lines)
        if self._block_line > text.BLOCK_LINES:
            self._block_line = 1  # of another block: the following lines are text, too

    def _begin_block(self) -> None:
        self._block_line, self._is_told_of_block = 1, False
        self._explain_block()

    def _explain_block(self) -> None:
        """Explain how to end the block, unless its end may have come with the rest of the pasted text."""
        if not (self._waiting or self._is_told_of_block):
            self._is_told_of_block = True
            self._connection.session.notice(IN_A_BLOCK)

    def _end_block(self) -> None:
        self._block_line = 0
        if self._is_told_of_block:
            self._connection.session.notice(AFTER_A_BLOCK)

    # -- entering, and leaving

    def _answer_prompt(self, ask: Ask, line: str) -> None:
        line = line.lstrip()
        if line[:1] != "/":
            self._connection.claims()
            alias, secret = word(line)
            try:
                if secret and self._hub.decisions.accounts.by_key:  # or nobody could mean to log in
                    accounts.refuse_stranger(self._hub, alias)
                    self._log_in(alias, secret.strip())
                    return
                self._check_guest(alias)
                self._hub.claim(ask, line)
            except SecretNeeded as error:
                self._ask_member(error.alias)
            else:
                self.is_busy = True
        elif _is_command(line, "quit"):
            self._leave()
        elif _is_command(line, "help"):
            ask.notice(HOW_TO_ENTER)
            self._connection.prompt()
        else:
            ask.refuse(ChatError(f"you are not in the chat yet: {HOW_TO_ENTER}"))
            self._connection.prompt()

    def _check_guest(self, alias: str) -> None:
        """Ask for an alias twice after a wrong secret: a password that is typed again is not to become an alias.

        Raises: ChatError.
        """
        if self._typed in (None, alias) or self._hub.decisions.accounts.called(alias) is not None:
            return
        self._typed = alias
        raise ChatError(
            "if that was a password, nobody has seen it: give the alias first. If it is the name that you want, "
            "type it once more"
        )

    def _ask_member(self, alias: str) -> None:
        """Ask for the password of a member's alias.

        Raises: AliasTaken, Overheard.
        """
        me = self._connection.session
        if not self._connection.can_ask:
            raise AliasTaken(alias)
        if me.is_overheard:
            raise Overheard(
                f"{alias} is a member's name, and others on the network could read its password here: "
                "come over TLS (twisted-chat --tls, or https), or type a code behind the alias, as in "
                f"{alias} {EXAMPLE} (/code on another device shows one)"
            )
        me.notice(f"{alias} is a member's name: give the password, or an empty line for another alias")
        self.ask_secret(accounts.PROMPT, lambda secret: self._log_in(alias, secret))

    def _log_in(self, alias: str, secret: str) -> None:
        self.is_busy, self._typed = True, ""
        accounts.log_in(self._hub, Ask(self._connection.session), alias, secret)

    def _ask_again(self) -> None:
        """Ask for another alias; drop the lines that were sent before, as they are no answer to that."""
        self._is_refused = True
        dropped, self._waiting[:] = self._waiting[:], []
        lines = [line for line in dropped if line is not END]
        count = sum(1 for line in lines if line.strip()) + self._connection.drop_unfinished()
        if not self._connection.may_try_again():
            return
        if count:
            many = f"the {count:,} lines that you sent after it were not read"
            self._connection.session.refuse(ChatError(NOT_READ if count == 1 else many))
        if END in dropped or any(_is_command(line.decode("utf-8", "replace"), "quit") for line in lines):
            self._leave()
        else:
            self._connection.prompt()

    def _leave(self) -> None:
        """Leave, because the input has ended; if the person has no alias yet, report that nothing was said."""
        me = self._connection.session
        if self._is_refused and not me.alias:
            me.refuse(ChatError("you did not enter the chat, and nothing was said: try again under another alias"))
        self._hub.leave_all(me, "")


def _in_a_block(hub: Hub, line: str) -> str:
    """Return a line of a block as it can be said.

    Raises: SecretSaid.
    """
    line = text.harmless(line)
    hub.refuse_secrets(line)
    return line


def _is_command(line: str, name: str) -> bool:
    return line[:1] == "/" and table.parse(line)[0] is table.COMMANDS[name]
