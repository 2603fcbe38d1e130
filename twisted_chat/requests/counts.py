"""Counts of unread posts: whose they are, and how results and notices have them."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.accounts import Account
from ..core.errors import ChatError
from ..core.session import Ask
from ..core.unread import MAX_UNREAD, Unread


def account_of(ask: Ask) -> Account:
    """Return the account of a member.

    Raises: ChatError, for a guest.
    """
    person = ask.session.person
    if person is None or person.account is None:
        raise ChatError("only members have marks of what they have read: /register makes you one")
    return person.account


def posts_of(found: Mapping[str, Unread]) -> Mapping[str, int]:
    """Return the unread posts by room."""
    return {room: unread.posts for room, unread in found.items()}


def mentions_of(found: Mapping[str, Unread]) -> Mapping[str, int]:
    """Return the unread mentions by room, of the rooms that have any."""
    return {room: unread.mentions for room, unread in found.items() if unread.mentions}


def words_of(unread: Unread) -> str:
    """Return the counts of a room as a person reads them."""
    more = " or more" if unread.posts == MAX_UNREAD else ""
    mentions = f"{unread.mentions:,} mention{'s' if unread.mentions == 1 else ''} you"
    return f"{unread.posts:,}{more} unread" + (f", {mentions}" if unread.mentions else "")
