"""The mistakes that a person can make: one class for each, with a text fit to show that person."""

from __future__ import annotations

import re

from .durations import span


class ChatError(Exception):
    """The base class: the asker sees ``str(error)``, one line, and stays connected. Programs also get ``code``."""

    id: str | None = None  # the program's request that failed, if only the raiser knows it
    seconds = 0  # after which a new try may succeed; 0: unknown
    asks_again = False  # a secret did not fit: a person is asked for another one
    code: str = "chat_error"  # the class's name in snake_case: renaming it changes the protocol

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub("(?<=.)(?=[A-Z])", "_", cls.__name__).lower()


class BadAlias(ChatError):
    """An alias that is not valid for anybody."""

    def __init__(self, why: str, is_reserved: bool = False) -> None:
        """``is_reserved``: it has the form of an alias, but could pass for the server or for a group."""
        super().__init__(f"that alias cannot be used: {why}")
        self.is_reserved = is_reserved


class AliasTaken(ChatError):
    """An alias that another person has, or that looks like such an alias."""

    def __init__(self, alias: str, lookalike: str = "", seconds: int = 0, is_members: bool = False) -> None:
        """``seconds``: after which that person leaves, unless they resume first; 0: unknown.

        ``is_members``: the other alias is a member's, who need not be here.
        """
        why = "is taken"
        if lookalike:
            why = f"looks like {lookalike}, {'a member' if is_members else 'who is here'}"
        what = "choose another alias"
        if seconds:
            what = f"it may be free in {seconds} {'second' if seconds == 1 else 'seconds'}; wait, or {what}"
        super().__init__(f"{alias} {why}: {what}")
        self.seconds = seconds


class BadRoom(ChatError):
    """A room name that is not valid."""

    def __init__(self, why: str) -> None:
        super().__init__(f"that room name cannot be used: {why}")


class NotInRoom(ChatError):
    """A request about a room that the asker is not in."""

    def __init__(self, room: str) -> None:
        super().__init__(f"you are not in {room}: /join {room} first")


class NoCurrentRoom(ChatError):
    """A line without a room, from a person who is in none."""

    def __init__(self) -> None:
        super().__init__("you are in no room: /join ROOM, for example /join lobby")


class NoSuchRoom(ChatError):
    """A question about a room that does not exist."""

    def __init__(self, room: str) -> None:
        super().__init__(f"there is no room {room}: /rooms lists them, /join {room} makes it")


class TooManyRooms(ChatError):
    """A room beyond the limits."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no more rooms: {why}")


class TopicTooLong(ChatError):
    """A topic over the limit."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"that topic has {length:,} characters, and may have {limit}: say it in fewer")


class ReasonTooLong(ChatError):
    """A reason over the limit."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"that reason has {length:,} characters, and may have {limit}: give it in fewer")


class NobodyCalled(ChatError):
    """A line to, or a question about, an alias that nobody has."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"nobody here is called {alias}: /who * lists everyone")


class NothingToSay(ChatError):
    """A text that is empty after removing everything that cannot be shown."""

    def __init__(self) -> None:
        super().__init__("there is nothing to say in that")


class SecretSaid(ChatError):
    """A text with a token or another secret of the server's in it, which would have reached others."""

    def __init__(self) -> None:
        super().__init__(
            "that is a secret, and it was not said: with it anybody can act as its owner, "
            "so revoke it if others have seen it"
        )


class BadSecret(ChatError):
    """A password that cannot be taken."""

    asks_again = True

    def __init__(self, why: str) -> None:
        super().__init__(f"that password cannot be used: {why}")


class Busy(ChatError):
    """A password while too many others wait to be checked."""

    seconds = 3  # in which all of them are checked

    def __init__(self) -> None:
        super().__init__("the server is checking too many passwords now: try again in a few seconds")


class NoPasswords(ChatError):
    """A password on a server that cannot check or set any."""

    def __init__(self, why: str) -> None:
        super().__init__(f"passwords cannot be used now: {why}")


class NotUtf8(ChatError):
    """A line in another encoding."""

    def __init__(self, byte: int, position: int) -> None:
        super().__init__(
            f"that line is not UTF-8 (byte 0x{byte:02X} at position {position}): "
            "set your terminal to UTF-8 and send it again"
        )


class LineTooLong(ChatError):
    """A line over the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"that line is longer than {limit:,} bytes: send it in parts")


class BlockTooLong(ChatError):
    """A block of lines over one of its limits."""

    def __init__(self, why: str) -> None:
        super().__init__(f"nothing of that block was said, because {why}: send it in parts")


class UnknownCommand(ChatError):
    """A line that begins with a slash but with no known command."""

    def __init__(self, name: str, nearest: str | None) -> None:
        self.nearest = nearest
        hint = f"did you mean /{nearest}?" if nearest else "/help lists the commands"
        super().__init__(f"there is no command /{name}: {hint} (to say it, begin with //)")


class BadUsage(ChatError):
    """A command whose arguments cannot be understood."""

    def __init__(self, usage: str) -> None:
        super().__init__(f"type it like this: {usage}")


class BadDuration(ChatError):
    """A duration that is too long, zero, or in a unit that is none of ours."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given} cannot be the time for which it lasts: give 90s, 10m, 2h or 7d, at most 36500d; or begin the "
            "reason with another word"
        )


class NotKept(ChatError):
    """An event that the journal cannot keep now, and which therefore has not happened."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"that was not said or done, because the server cannot keep it now ({why}): try it again later"
        )
        self.why = why  # a few words


class Unknown(ChatError):
    """A request that the journal may or may not have kept: it may have happened, or may yet happen."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"whether that was said or done is not known, because the server's disk has failed ({why}): "
            "look with /history before you try it again later"
        )
        self.why = why  # a few words


class ServerGone(ChatError):
    """The end of a server that has lost its journal to the others, and of all connections to it."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"this server cannot go on ({why}): connect again; "
            "/history shows whether the last lines that you said were kept"
        )


class NotRecalled(ChatError):
    """A question about the past that the journal cannot answer."""

    def __init__(self, why: str, is_mistake: bool = False) -> None:
        """``is_mistake``: of the asker, to whom no later try gives another answer."""
        super().__init__(why)
        self.is_mistake = is_mistake


class BadRequest(ChatError):
    """A program's request that cannot be read or has wrong fields; the text is for the program's author."""

    def __init__(self, why: str, ident: str | None = None) -> None:
        """``why`` also says what to send instead; ``ident`` is the request's own id, if it could be read."""
        super().__init__(why)
        self.id = ident


class BadVersion(BadRequest):
    """A hello in an unknown version of the protocol."""

    def __init__(self, wanted: int, spoken: int, ident: str | None = None) -> None:
        super().__init__(f"version {wanted} is not spoken here: say hello with version {spoken}", ident)


class HelloFirst(ChatError):
    """A request other than hello before the hello."""

    def __init__(self) -> None:
        super().__init__('say hello first: {"do":"hello","id":"1","version":1,"alias":"YOUR ALIAS"}')


class CannotAnswer(ChatError):
    """A call to a person whose client answers none."""

    def __init__(self, alias: str, why: str) -> None:
        super().__init__(f"{alias} cannot be called: {why}")


class NotCalled(ChatError):
    """An answer to a call that does not exist, that was for others, or that was answered already."""

    def __init__(self) -> None:
        super().__init__("nobody waits for that answer: answer a call that you were sent, once, and soon")


class Fault(ChatError):
    """A fault of the server in its work for one connection, which it ends."""

    def __init__(self) -> None:
        super().__init__("sorry, a fault of ours: you are disconnected, please connect again")


class TakenOver(ChatError):
    """The end of a connection whose session goes on over another one."""

    def __init__(self) -> None:
        super().__init__("another connection has said hello with your token and goes on from here: this one is closed")


class SecretNeeded(ChatError):
    """A claim of a member's alias without a proof."""

    def __init__(self, alias: str, is_in: bool = False) -> None:
        """``is_in``: a guest asks, who is in the chat already."""
        self.alias = alias
        how = f"/login {alias}" if is_in else "log in with its password"
        super().__init__(f"{alias} is a member's name: {how}, or choose another alias")


class HasAName(ChatError):
    """Another alias for a member, who has one for good."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"you are {alias}, which is yours: /quit, and come in under another alias")


class SecretAsked(ChatError):
    """A line typed through a program that has to be sent again, with a secret."""

    def __init__(self, prompt: str) -> None:
        super().__init__(f'{prompt} send it again with "secret", since a line of its own would be said to others')


class WrongSecret(ChatError):
    """A secret that proves nothing about the account."""

    asks_again = True

    def __init__(self, alias: str = "") -> None:
        whose = f" for {alias}" if alias else ""
        super().__init__(f"that secret is wrong or no longer valid{whose}: try again, or choose another alias")


class WrongKey(ChatError):
    """A key that opens no account, or not the wanted one."""

    def __init__(self, alias: str = "") -> None:
        """``alias``: the wanted one, perhaps empty."""
        opens = f"does not open {alias}" if alias else "opens no account"
        super().__init__(f"that key {opens}: log in by password, and /key add registers it")


class BadKey(ChatError):
    """A text that is no public key, or no fingerprint of a key."""


class NotAMember(ChatError):
    """A log-in under an alias that belongs to nobody."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"{alias} is nobody's name: give it alone to come in as a guest")


class NoAccount(ChatError):
    """An act on an account that does not exist."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"nobody has an account called {alias}: check the name; a guest makes one with /register")


class TooManyTries(ChatError):
    """A log-in or a registration too soon after others."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"too many {what}: try again in {max(1, round(seconds))} seconds")
        self.seconds = max(1, round(seconds))


class Overheard(ChatError):
    """A secret over a connection that others on the way can read."""

    def __init__(self, why: str = "") -> None:
        super().__init__(
            why
            or "others on the network can read what goes over this connection, so no secret may: "
            "come over TLS (twisted-chat --tls, or https), or from the server's own machine"
        )


class MembersOnly(ChatError):
    """A guest, while the chat is closed to guests."""

    def __init__(self, why: str = "") -> None:
        reason = f" ({why})" if why else ""
        super().__init__(f"only members may come in now{reason}: log in, or try again later")


class Suspended(ChatError):
    """A log-in to an account that may not be used now."""

    def __init__(self, alias: str, why: str, until: float, now: float) -> None:
        """``until`` and ``now`` in seconds since the epoch; ``until`` 0: without an end."""
        ending = f"try again in {span(until - now)}" if until else "ask an admin"
        super().__init__(f"{alias} is suspended{f' ({why})' if why else ''}: {ending}")


class Banned(ChatError):
    """A person or an address that may not come in."""

    def __init__(self, target: str, why: str, seconds: float) -> None:
        """``seconds``: until the end; 0: it has none."""
        ending = f"it ends in {span(seconds)}" if seconds else "ask an admin of this chat"
        super().__init__(f"{target} is banned{f' ({why})' if why else ''}: {ending}")
        self.seconds = round(seconds)


class Barred(ChatError):
    """A person who may not enter a room."""

    def __init__(self, room: str, seconds: float) -> None:
        """``seconds``: until they may; 0: without an end."""
        ending = f"try again in {span(seconds)}" if seconds else "its operators /unbar"
        super().__init__(f"you may not enter {room}: {ending}")
        self.seconds = round(seconds)


class NotOpen(ChatError):
    """A room that is not open to this person."""


class PasswordNeeded(NotOpen):
    """A room that asks for its password."""

    def __init__(self, room: str) -> None:
        super().__init__(f"{room} asks for a password: /join {room} alone, and the password on a line of its own")


class WrongRoomPassword(ChatError):
    """A password that is not the room's."""

    asks_again = True

    def __init__(self, room: str) -> None:
        super().__init__(f"that is not the password of {room}: ask one of the people in it")


class NotAllowed(ChatError):
    """An act that this person's role does not allow."""


class Quieted(ChatError):
    """A post of a person who may not speak."""

    def __init__(self, room: str, seconds: float) -> None:
        """``seconds``: until they may; 0: without an end."""
        ending = f"for {span(seconds)} more" if seconds else "until an operator says /unquiet"
        super().__init__(f"you may not speak in {room} {ending}: /msg one of its operators")
        self.seconds = round(seconds)


class TooManySessions(ChatError):
    """A device beyond the limits."""

    def __init__(self, alias: str, most: int) -> None:
        super().__init__(f"{alias} is logged in {most} times already: /devices shows where, and ends some")


class CredentialRevoked(ChatError):
    """The end of a session whose credential was revoked."""

    def __init__(self, why: str) -> None:
        super().__init__(f"you are logged out: {why}")


class CannotOpen(Exception):
    """A journal that cannot be used. The server does not start, and no person caused it; text: the remedy."""


class InUse(CannotOpen):
    """A journal that another process uses."""
