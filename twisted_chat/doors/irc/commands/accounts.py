"""REGISTER and VERIFY: to protect one's nick by a password.

https://ircv3.net/specs/extensions/account-registration, which is a draft.
"""

from __future__ import annotations

from functools import partial

from ....core import text
from ....core.errors import BadSecret, ChatError
from ....core.secrets import PASSWORD_LEAST
from ....core.session import Ask
from ....wire.irc import Message
from ....wire.irc_view import source
from .. import numerics
from ..marks import member_of
from ..table import capability, command
from ..talk import IrcTalk


def _is_private(talk: IrcTalk) -> bool:
    return not talk.session.is_overheard


capability("draft/account-registration", is_offered=_is_private)


@command("REGISTER", least=3, is_early=True)
def register(talk: IrcTalk, message: Message) -> None:
    """Make the nick yours for good, by a password. No e-mail address is needed, and none is kept."""
    wanted, _address, password = message.parameters[:3]
    nick = talk.nick
    if not _may_ask(talk, "REGISTER"):
        return
    if wanted != "*" and text.key(wanted) != text.key(nick):
        words = f"Only the nick that you have can become yours: {nick}"
        talk.fail("REGISTER", "ACCOUNT_NAME_MUST_BE_NICK", wanted or "*", words=words)
        return

    def do(ask: Ask) -> None:
        talk.hub.members.register(ask, password, lambda: None)

    talk.request(do, partial(_is_registered, talk), refused=partial(_is_refused, talk, nick, password))


@command("VERIFY", least=2, is_early=True)
def verify(talk: IrcTalk, message: Message) -> None:
    """Refuse: REGISTER needs no code, so there is none."""
    if _may_ask(talk, "VERIFY"):
        account = message.parameters[0]
        talk.fail("VERIFY", "INVALID_CODE", account or "*", words="There is no code to verify: REGISTER is enough")


def _may_ask(talk: IrcTalk, command: str) -> bool:
    """Return whether a client can become a member now; answer it if not."""
    account = member_of(talk)
    if talk.registration is not None:
        talk.fail(command, "COMPLETE_CONNECTION_REQUIRED", words="Connect first, and take the nick")
    elif account is not None:
        talk.fail(command, "ALREADY_AUTHENTICATED", account.alias, words=f"{account.alias} is yours already")
    return talk.registration is None and account is None


def _is_registered(talk: IrcTalk) -> None:
    nick = talk.nick
    talk.send("REGISTER", "SUCCESS", nick, f"{nick} is yours now")
    talk.reply(numerics.RPL_LOGGEDIN, source(nick), nick, f"You are now logged in as {nick}")


def _is_refused(talk: IrcTalk, nick: str, password: str, error: ChatError) -> None:
    accounts = talk.hub.decisions.accounts
    if isinstance(error, BadSecret):
        code = "WEAK_PASSWORD" if len(password.encode()) < PASSWORD_LEAST else "UNACCEPTABLE_PASSWORD"
    elif accounts.holder(nick, text.looks_as_member(nick)) is not None:
        code = "BAD_ACCOUNT_NAME"
    else:
        code = "TEMPORARILY_UNAVAILABLE"  # too many came at once, or others can read what goes over the connection
    talk.fail("REGISTER", code, nick, words=str(error))
