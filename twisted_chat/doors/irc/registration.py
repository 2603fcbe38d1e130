"""The registration of an IRC client: its nick and user, perhaps capabilities and a password, then the claim."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ...core import text
from ...core.errors import AliasTaken, BadAlias, Banned, ChatError, HasAName, MembersOnly, SecretNeeded, WrongSecret
from ...core.gate import Attempt, Proof
from ...core.session import Ask
from . import numerics

if TYPE_CHECKING:
    from .talk import IrcTalk

PRE_AWAY: Final = "draft/pre-away"  # a capability
USER_LENGTH: Final = 10  # characters of a user's name, with the tilde
REALNAME_LENGTH: Final = 100  # characters


class Registration:
    """The words of a client so far, until its alias is claimed."""

    __slots__ = ("away", "given", "has_user", "is_negotiating", "mechanism", "nick", "password", "proof")

    def __init__(self) -> None:
        self.nick = ""
        self.has_user = False  # it has told it
        self.password = ""
        self.away: str | None = None  # why the person is away from the beginning; empty: they do not say
        self.mechanism = ""  # of SASL, while the client logs in by it ...
        self.given = ""  # ... and what it has given so far, in base64
        self.is_negotiating = False  # between CAP LS or REQ, and CAP END
        self.proof: Proof | None = None  # of a member, by SASL or by PASS

    def go_on(self, talk: IrcTalk) -> None:
        """Claim the alias, once the client has told all that it needs."""
        if not (self.nick and self.has_user) or self.is_negotiating:
            return
        if self.mechanism:  # it does not wait for a login that has not come to its end
            self.mechanism, self.given = "", ""
            talk.reply(numerics.ERR_SASLABORTED)
        if self.password and self.proof is None:
            self._log_in(talk)
        else:
            self._claim(talk)

    def _claim(self, talk: IrcTalk) -> None:
        alias = self.nick if self.proof is None else self.proof.account.alias
        claim = partial(talk.hub.claim, wanted=alias, rooms=(), proof=self.proof)
        talk.request(claim, talk.welcome, about=alias, refused=partial(self._refused, talk))

    def _refused(self, talk: IrcTalk, error: ChatError) -> None:
        """Ask for another nick, if that is the reason; all else that was told stays."""
        nick, self.nick = self.nick, ""
        if isinstance(error, (Banned, MembersOnly)):
            talk.reply(numerics.ERR_YOUREBANNEDCREEP._replace(text=str(error)))
        if isinstance(error, (AliasTaken, BadAlias, HasAName, SecretNeeded)):
            talk.refuse_nick(error, nick)
        else:
            talk.close(str(error))  # no other nick helps: clients try again later

    def _log_in(self, talk: IrcTalk) -> None:
        """Prove that the account is the client's, by PASS, as ``ALIAS:SECRET`` or the secret of the nick's account.

        A password that can be for no account is ignored: many people send one to every server.
        """
        alias, colon, secret = self.password.partition(":")
        if not colon or talk.hub.decisions.accounts.called(alias) is None:
            alias, secret = self.nick, self.password
        if talk.hub.decisions.accounts.called(alias) is None:
            self._claim(talk)
            return
        attempt = Attempt(alias, secret, talk.session.host, talk.session.is_overheard)

        def prove(ask: Ask) -> None:
            talk.hub.past.ask(ask, partial(talk.hub.gate.prove, attempt), proved)

        def proved(proof: Proof) -> None:
            self.proof = proof

        talk.request(prove, partial(self._claim, talk), refused=partial(self._is_wrong, talk))

    def _is_wrong(self, talk: IrcTalk, error: ChatError) -> None:
        if isinstance(error, WrongSecret):
            talk.reply(numerics.ERR_PASSWDMISMATCH)
            talk.count_failure()
        talk.close(str(error))


def refuse_alias(talk: IrcTalk, nick: str) -> None:
    """Refuse a nick that cannot be claimed now, before the client has told the rest.

    Raises: BadAlias, AliasTaken, SecretNeeded.
    """
    alias, hub = text.alias(nick), talk.hub
    account = hub.decisions.accounts.holder(alias, text.looks_as_member(alias))
    registration = talk.registration
    if account is not None and (registration is None or not (registration.password or registration.proof)):
        if text.key(account.alias) != text.key(alias):
            raise AliasTaken(alias, account.alias, is_members=True)
        if not (registration is not None and registration.is_negotiating):  # it may log in by SASL yet
            raise SecretNeeded(account.alias, is_in=registration is None)
    holder = hub.state.directory.holder(alias, text.looks(alias), talk.session.person)
    is_a_visit = all(session.reader is None for session in hub.sessions.of(holder))  # which may give way to the claim
    if holder is not None and account is None and holder.is_here and not is_a_visit:
        raise AliasTaken(alias, "" if text.key(holder.alias) == text.key(alias) else holder.alias)
