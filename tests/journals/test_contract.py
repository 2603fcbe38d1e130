"""The contract of ports.Journal, held against every journal: the server's own and the tests' doubles."""

from __future__ import annotations

from random import Random

import pytest

from twisted_chat.core.errors import NotRecalled
from twisted_chat.core.events import (
    ACTED,
    CALLED,
    CLAIMED,
    JOINED,
    OPENING_BITS,
    POSTS,
    REPEATED,
    RETITLED,
    SAID,
    SERVER,
    Event,
    Fact,
    Lines,
)
from twisted_chat.core.ports import Known, Profile, Query
from twisted_chat.doors.ops.measured_journal import MeasuredJournal
from twisted_chat.journals import memory
from twisted_chat.journals.memory import MemoryJournal
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

from .. import standing_kinds
from ..house import TurnJournal, opened
from ..simulation import Disk, DiskJournal
from ..standing_kinds import DECIDED, decided
from ..threaded_clock import ThreadedClock
from ..wall_clock import STEPS, WallClock


class Kept:
    """A journal and what it delivered; ``turn`` makes it deliver."""

    def __init__(self, journal, clock):
        self.journal, self.clock = journal, clock
        self.batches = []
        self.refused = []
        self.doubted = []
        self.next = []  # what is appended, an item a batch, while delivering
        journal.start(self)
        self.snapshot = opened(journal)
        self.known = self.snapshot.rooms

    def deliver(self, batch):
        self.batches.append(list(batch))
        if self.next:
            batches = len(self.batches)
            self.journal.append(self.next.pop(0))
            assert len(self.batches) == batches  # nothing is delivered within append

    def refuse(self, batch, error):
        self.refused.append((list(batch), error))

    def doubt(self, batch, error):
        self.doubted.append((list(batch), error))

    def passed(self, session, event):
        raise AssertionError("nobody shares this journal")

    def remembered(self, group):
        return [event for event in self.events if event.group == group and event.kind != REPEATED]

    @property
    def events(self):
        return [event for batch in self.batches for event in batch]

    def say(self, *words, room="lobby", author="alice"):
        self.journal.append(*(Event(SAID, room, author, text, 1) for text in words))

    def turn(self):
        """Run until everything appended is delivered."""
        if isinstance(self.journal, TurnJournal):
            self.journal.turn()
        else:
            batches = len(self.batches) + len(self.refused)
            self.clock.run_until(lambda: len(self.batches) + len(self.refused) > batches)

    def ask(self, group="lobby", **asked):
        """Return the answer to a query."""
        answers = []
        self.journal.recall(Query(group, **asked), answers.append)
        assert answers == []
        if isinstance(self.journal, TurnJournal):
            self.journal.turn()
        self.clock.run_until(lambda: answers)
        if isinstance(answers[0], NotRecalled):
            raise answers[0]
        return answers[0]

    def check(self):
        """Return what a check is answered with."""
        answers = []
        self.journal.check(answers.append)
        assert answers == []
        if isinstance(self.journal, TurnJournal):
            self.journal.turn()
        self.clock.run_until(lambda: answers)
        return answers[0]

    def know(self, group):
        """Return what is known of a room."""
        answers = []
        self.journal.know(group, answers.append)
        assert answers == []
        if isinstance(self.journal, TurnJournal):
            self.journal.turn()
        self.clock.run_until(lambda: answers)
        return answers[0]

    def verifier(self, subject):
        return self._looked_up(self.journal.verifier, subject)

    def subject_of(self, verifier):
        return self._looked_up(self.journal.subject_of, verifier)

    def profile(self, account):
        return self._looked_up(self.journal.profile, account)

    def _looked_up(self, look_up, key):
        answers = []
        look_up(key, answers.append)
        assert answers == []
        if isinstance(self.journal, TurnJournal):
            self.journal.turn()
        self.clock.run_until(lambda: answers)
        return answers[0]

    def texts(self, group="lobby", **asked):
        return [event.text for event in self.ask(group, **asked)]

    def stop(self):
        """Stop as the journal does; nothing may be left to be called."""
        stopped = self.journal.stop()
        if isinstance(self.journal, TurnJournal):
            with pytest.raises(StopIteration):
                stopped.send(None)
        else:
            self.clock.wait_for(stopped)
        assert self.clock.getDelayedCalls() == []


class Times(list):
    """A scale that keeps what it is given."""

    observe = list.append


def measured(clock, wall, folder):
    return MeasuredJournal(MemoryJournal(clock, wall), clock.seconds, Times(), Times())


JOURNALS = {
    "memory": lambda clock, wall, folder: MemoryJournal(clock, wall),
    "sqlite": lambda clock, wall, folder: SqliteJournal(folder / "chat.db", clock, wall),
    "measured": measured,
    "double": lambda clock, wall, folder: TurnJournal(wall),
    "simulated": lambda clock, wall, folder: DiskJournal(clock, wall, Disk(), Random(1)),
}
DURABLE = (SqliteJournal, DiskJournal)  # what they were given is there after a restart


@pytest.fixture(params=JOURNALS)
def kept(request, tmp_path):
    clock = ThreadedClock()
    wall = WallClock(clock)
    kept = Kept(JOURNALS[request.param](clock, wall, tmp_path), clock)
    kept.wall = wall
    yield kept
    kept.next.clear()
    kept.stop()


def test_what_is_passed_on_to_an_opening_that_has_ended_is_lost_and_not_kept(kept):
    elsewhere = (kept.journal.opening + 1) << OPENING_BITS | 1
    kept.journal.pass_on(elsewhere, Event(CALLED, "@bob", "alice", ident="alice/1", data={"name": "add"}))
    kept.say("hi")
    kept.turn()
    assert [event.text for event in kept.events] == ["hi"]
    assert kept.texts("@bob") == []


def test_a_new_journal_knows_nothing_and_has_a_name_and_a_secret(kept):
    assert not any(kept.snapshot._replace(standing=list(kept.snapshot.standing)))
    assert kept.journal.name
    assert kept.journal.secret
    assert kept.journal.opening == 1


def test_appended_events_are_delivered_in_order_and_never_at_once(kept):
    for words in "abc":
        kept.say(words)
    assert kept.batches == []
    kept.turn()
    assert [event.text for event in kept.events] == ["a", "b", "c"]
    assert len(kept.batches) == 1


def test_each_group_has_its_own_numbers_without_gaps(kept):
    for group in ["lobby", "ops", "lobby", "*", "@bob", "", "lobby", "*", "@bob"]:
        kept.journal.append(Event(SAID, group, "alice", "hi", 1))
        kept.turn()
    assert [event.number for event in kept.events] == [1, 1, 2, 1, 1, 0, 3, 2, 2]


def test_each_group_has_its_own_numbers_within_a_batch(kept):
    for group in ["lobby", "ops", "", "lobby", "*", "@bob", "lobby", "@bob", ""]:
        kept.journal.append(Event(SAID, group, "alice", "hi", 1))
    kept.turn()
    assert [event.number for event in kept.events] == [1, 1, 0, 2, 1, 1, 3, 2, 0]


def test_private_posts_to_an_alias_are_one_log_however_it_is_written(kept):
    for group in ["@Bob", "@bob", "@BOB"]:
        kept.journal.append(Event(SAID, group, "alice", "hi", 1))
    kept.turn()
    assert [(event.group, event.number) for event in kept.events] == [("@Bob", 1), ("@bob", 2), ("@BOB", 3)]


def test_lines_are_an_event_each(kept):
    kept.say("first")
    kept.journal.append(Lines("lobby", "bob", ["a", "b"], 7))
    kept.say("last")
    kept.turn()
    assert kept.events[1:3] == [
        Event(SAID, "lobby", "bob", "a", 7, 2, 1000.0),
        Event(SAID, "lobby", "bob", "b", 7, 3, 1000.0),
    ]
    assert kept.events[3].number == 4


def test_nothing_else_of_an_event_changes_but_its_time(kept):
    event = Event(CLAIMED, "", "", "bob", 7)
    kept.journal.append(event)
    kept.turn()
    assert kept.events == [event._replace(when=1000.0)]


def test_events_appended_during_a_delivery_are_delivered_later(kept):
    kept.next = [Event(JOINED, "lobby", "alice", "second", 1)]
    kept.say("first")
    while len(kept.batches) < 2:
        kept.turn()
    assert [[event.text for event in batch] for batch in kept.batches] == [["first"], ["second"]]


def test_the_hubs_own_events_stay_in_order_behind_a_commit(kept):
    kept.say("first")
    kept.clock.advance(0)
    kept.journal.append(Event(CLAIMED, "", "", "second", 1))
    kept.clock.advance(0)
    while len(kept.events) < 2:
        kept.turn()
    assert [event.text for event in kept.events] == ["first", "second"]


@pytest.mark.parametrize("room", ["ops", "lobby", "*"])
def test_a_room_that_is_forgotten_and_made_again_goes_on_with_its_numbers(kept, room):
    numbers = []
    for _ in range(3):
        kept.journal.append(Event(JOINED, room, "alice", "", 1), Event(SAID, room, "alice", "hi", 1))
        kept.turn()
        numbers.append(kept.know(room).number)
        kept.journal.forget(Known(room, numbers[-1], "", ()))
    assert [event.number for event in kept.events] == [1, 2, 3, 4, 5, 6]
    assert numbers == [2, 4, 6]


def test_numbers_go_on_however_many_rooms_are_forgotten(kept):
    for number in range(300):
        kept.say("a", room=f"r{number}")
        kept.turn()
        kept.journal.forget(Known(f"r{number}", 1, "", ()))
    kept.say("b", room="r0")
    kept.turn()
    assert kept.events[-1].number == kept.know("r0").number == 2


def test_the_last_number_that_the_hub_knew_of_a_forgotten_room_does_not_count(kept):
    kept.say("a", "b", room="ops")
    kept.turn()
    kept.journal.forget(Known("ops", 1, "", ()))  # an event came after the hub had dropped the room
    kept.journal.forget(Known("never heard of", 0, "", ()))
    kept.say("c", room="ops")
    kept.turn()
    assert [event.number for event in kept.events] == [1, 2, 3]
    assert kept.know("ops").number == 3


# -- what is known of a room


def test_a_forgotten_rooms_number_and_topic_are_known_and_its_tail_if_kept(kept):
    kept.journal.append(Event(JOINED, "ops", "alice", "", 1), Event(RETITLED, "ops", "alice", "deploys", 1))
    kept.say(*map(str, range(200)), room="ops")
    kept.turn()
    kept.journal.forget(Known("ops", 202, "deploys", ()))
    known = kept.know("ops")
    assert known[:3] == ("ops", 202, "deploys")
    assert list(known.tail) == kept.events[len(kept.events) - len(known.tail) :]
    assert bool(known.tail) is isinstance(kept.journal, DURABLE)
    kept.journal.append(Event(RETITLED, "ops", "alice", "", 1))
    kept.turn()
    kept.journal.forget(Known("ops", 203, "", ()))
    assert kept.know("ops")[:3] == ("ops", 203, "")


def test_who_set_or_cleared_the_topic_and_when_and_the_beginning_of_a_room_are_known(kept):
    kept.journal.append(Event(JOINED, "ops", "alice", "", 1))
    kept.turn()
    for author, topic in (("alice", "deploys"), ("bob", "")):
        kept.clock.rightNow += 60
        kept.journal.append(Event(RETITLED, "ops", author, topic, 1))
        kept.turn()
        kept.clock.rightNow += 60
        kept.say("hi", room="ops")
        kept.turn()
        titled = kept.events[-2]
        hub = Known("ops", titled.number + 1, topic, (), author, titled.when, kept.events[0].when)
        kept.journal.forget(hub)
        assert kept.know("ops")._replace(tail=()) == hub


def test_nothing_is_known_of_a_room_in_which_nothing_has_happened(kept):
    kept.say("a", room="ops")
    kept.turn()
    assert kept.know("Ops") == Known("Ops", 0, "", ())
    assert kept.know("o%") == Known("o%", 0, "", ())


def test_a_room_lookup_is_answered_in_order_with_deliveries(kept):
    numbers = []
    kept.say("one", room="ops")
    kept.clock.advance(0)  # it is being kept
    kept.journal.know("ops", lambda known: numbers.append((known.number, len(kept.events))))
    kept.say("two", room="ops")
    while len(kept.events) < 2 or not numbers:
        kept.turn()
    ((number, delivered),) = numbers
    assert number == delivered < 2


def test_a_room_lookup_is_answered_while_nothing_else_happens(kept):
    assert kept.know("ops").number == 0


def test_a_room_lookup_is_answered_after_the_journal_has_stopped(kept):
    kept.stop()
    assert isinstance(kept.know("ops"), NotRecalled if isinstance(kept.journal, DURABLE) else Known)


# -- asking again


def test_a_repeated_request_is_answered_with_the_first_number(kept):
    asked = Event(SAID, "lobby", "alice", "hi", 1, ident="pc/1")
    kept.say("before")
    kept.journal.append(asked)
    kept.turn()
    kept.journal.append(asked._replace(origin=2), asked._replace(ident="pc/2"))
    kept.turn()
    repeated, other = kept.batches[1]
    assert repeated == Event(REPEATED, "lobby", "alice", "", 2, 2, 1000.0, "pc/1")
    assert other == Event(SAID, "lobby", "alice", "hi", 1, 3, 1000.0, "pc/2")


def test_a_repeated_request_in_one_batch_is_recognized(kept):
    asked = Event(SAID, "lobby", "alice", "hi", 1, ident="pc/1")
    kept.journal.append(asked, asked, asked)
    kept.say("after")
    kept.turn()
    assert [event.kind for event in kept.events] == [SAID, REPEATED, REPEATED, SAID]
    assert [event.number for event in kept.events] == [1, 1, 1, 2]


def test_a_repetition_names_the_group_of_the_first(kept):
    kept.journal.append(Event(SAID, "@rob", "alice", "hi", 1, ident="pc/1"))
    kept.turn()
    kept.journal.append(*(Event(SAID, group, "alice", "hi", 1, ident="pc/1") for group in ("@bob", "lobby", "*")))
    kept.turn()
    assert [(event.kind, event.group, event.number) for event in kept.batches[1]] == [(REPEATED, "@rob", 1)] * 3
    assert [kept.ask(group) for group in ("@bob", "lobby", "*")] == [[], [], []]


BLOCK = Lines("lobby", "alice", ["a", "", " c"], 1, block=1, ident="pc/1")


def test_a_block_is_kept_in_a_row_with_the_places_of_its_lines_and_recalled_as_such(kept):
    kept.say("before")
    kept.journal.append(BLOCK, Lines("@bob", "alice", ["x", "y"], 1, block=4))
    kept.turn()
    said = [
        Event(SAID, "lobby", "alice", words, 1, n + 1, 1000.0, "pc/1", 0, {"block": n})
        for n, words in ((1, "a"), (2, ""), (3, " c"))
    ]
    private = [
        Event(SAID, "@bob", "alice", words, 1, n, 1000.0, "", 0, {"block": n + 3}) for n, words in ((1, "x"), (2, "y"))
    ]
    assert kept.events[1:] == said + private
    assert kept.ask("lobby", after=1) == said
    assert kept.ask("@bob") == private
    assert kept.events[0].data is None


def test_each_line_keeps_what_its_author_is_and_all_of_them_share_one_object(kept):
    by_member = {"is": "member"}
    kept.journal.append(Lines("lobby", "alice", ["a", "b"], 1, author_is="member"), Lines("lobby", "bob", ["c"], 2))
    kept.journal.append(BLOCK._replace(author_is="member"))
    kept.turn()
    for events in (kept.events, kept.ask("lobby")):
        assert [event.data for event in events] == [
            *(by_member, by_member, None),
            *({"block": place, "is": "member"} for place in (1, 2, 3)),
        ]
        assert events[0].data is events[1].data


def test_a_block_that_is_asked_for_again_is_as_many_repetitions_of_which_one_has_the_ident(kept):
    kept.journal.append(BLOCK, BLOCK)
    kept.turn()
    kept.journal.append(BLOCK._replace(origin=2))
    kept.say("after")
    kept.turn()
    one = Event(REPEATED, "lobby", "alice", "", 1, 1, 1000.0)
    assert kept.batches[0][3:] == [one._replace(ident="pc/1"), one, one]
    *again, after = kept.batches[1]
    assert again == [event._replace(origin=2) for event in kept.batches[0][3:]]
    assert after.number == 4
    assert [event.number for event in kept.ask("lobby", ident="pc/1", most=1)] == [1]


def test_about_and_data_of_an_event_are_kept(kept):
    event = Event(SAID, "lobby", "alice", "yes", 1, about=7, data={"x": ["é", {"y": 1.5}]})
    kept.journal.append(event)
    kept.turn()
    assert kept.events == [event._replace(number=1, when=1000.0)] == kept.ask("lobby")


def test_the_hubs_own_events_are_never_repetitions(kept):
    kept.journal.append(Event(CLAIMED, "", "", "bob", 1, ident="pc/1"))
    kept.journal.append(Event(CLAIMED, "", "", "bob", 2, ident="pc/1"))
    kept.turn()
    assert [(event.kind, event.number) for event in kept.events] == [(CLAIMED, 0)] * 2


@pytest.mark.parametrize("kind", sorted(POSTS))
def test_the_words_of_each_kind_of_post_are_found_and_a_repetition_of_it_is_recognized(kept, kind):
    post = Event(kind, "lobby", "alice", "green tea", 7, ident="client/1")
    kept.journal.append(post, post)
    kept.turn()
    assert [event.kind for event in kept.events] == [kind, REPEATED]
    assert [event.kind for event in kept.ask(words="tea")] == [kind]


def test_a_post_is_recalled_by_its_ident(kept):
    for room, ident in (("lobby", "a/1"), ("lobby", "a/2"), ("ops", "a/3"), ("lobby", "")):
        kept.journal.append(Event(SAID, room, "alice", f"{room} {ident}", 1, ident=ident))
    kept.turn()
    assert kept.texts(ident="a/2") == ["lobby a/2"]
    assert kept.texts(ident="a/3") == kept.texts(ident="b/1") == []
    assert kept.texts("ops", ident="a/3") == ["ops a/3"]


def test_a_journal_in_memory_remembers_a_bounded_number_of_idents(monkeypatch):
    monkeypatch.setattr(memory, "IDENTS", 2)
    clock = ThreadedClock()
    kept = Kept(MemoryJournal(clock, clock.seconds), clock)
    for ident in ["pc/1", "pc/2", "pc/3", "pc/2", "pc/1"]:
        kept.journal.append(Event(SAID, "lobby", "alice", "hi", 1, ident=ident))
        kept.turn()
    assert [event.kind for event in kept.events] == [SAID, SAID, SAID, REPEATED, SAID]


# -- recalling


@pytest.fixture
def told(kept):
    """A journal with ten events in the lobby, numbered from 1, a second apart from 1000 on."""
    for number in range(1, 10):
        kept.say(f"line {number}", author="alice" if number % 2 else "Bob")
        kept.turn()
        kept.clock.rightNow += 1
    kept.journal.append(Event(ACTED, "lobby", "bob", "waves, twice", 2))
    kept.say("elsewhere", room="ops")
    kept.turn()
    return kept


def numbers(events):
    return [event.number for event in events]


def test_all_of_a_group_is_recalled_as_it_was_delivered(told):
    assert told.ask() == told.remembered("lobby")
    assert told.texts("ops") == ["elsewhere"]
    assert told.ask("nowhere") == []


@pytest.mark.parametrize(
    "asked, expected",
    [
        ({"after": 8}, [9, 10]),
        ({"until": 2}, [1, 2]),
        ({"after": 2, "until": 4}, [3, 4]),
        ({"after": 10}, []),
        ({"after": 10**30}, []),
        ({"until": 10**30, "after": -5}, list(range(1, 11))),
        ({"since": 1007.0}, [8, 9, 10]),
        ({"before": 1002.0}, [1, 2]),
        ({"before": 1000.0}, []),
        ({"before": 1008.5, "most": 2, "newest": True}, [8, 9]),
        ({"since": 1002.0, "before": 1004.0}, [3, 4]),
        ({"before": 1004.0, "words": "line", "author": "bob"}, [2, 4]),
        ({"most": 2}, [1, 2]),
        ({"most": 2, "newest": True}, [9, 10]),
        ({"most": 0}, []),
        ({"kinds": frozenset({ACTED})}, [10]),
        ({"kinds": frozenset({ACTED, JOINED}), "newest": True}, [10]),
        ({"author": "BOB"}, [2, 4, 6, 8, 10]),
        ({"author": "bob", "most": 2, "newest": True}, [8, 10]),
        ({"author": "nobody"}, []),
        ({"words": "waves"}, [10]),
        ({"words": "TWICE Waves"}, [10]),
        ({"words": "line", "author": "bob", "after": 4}, [6, 8]),
        ({"words": "line", "most": 2, "newest": True}, [8, 9]),
        ({"words": "line 5"}, [5]),
        ({"words": "elsewhere"}, []),
        ({"words": "- line *"}, list(range(1, 10))),
    ],
)
def test_a_query_is_answered_with_all_that_meets_it_and_nothing_else(told, asked, expected):
    assert numbers(told.ask(**asked)) == expected


def test_private_posts_are_recalled_by_their_alias(kept):
    kept.journal.append(Event(SAID, "@bob", "alice", "psst", 1))
    kept.turn()
    assert kept.texts("@bob") == ["psst"]


def test_letters_of_other_scripts_are_found(kept):
    kept.say("Grüße aus ΑΘΉΝΑ", author="Łukasz")
    kept.turn()
    assert kept.texts(words="GRÜSSE") == kept.texts(words="αθήνα") == ["Grüße aus ΑΘΉΝΑ"]
    assert kept.texts(author="łukasz") == ["Grüße aus ΑΘΉΝΑ"]


LINES = [
    "明天下午三点开会讨论数据库", "データベースのバックアップ", "데이터베이스를 백업합니다",
    "ขอบคุณมากครับ", "यह एक किताब है", "यह कुतुब है",
    "wordplay", "L'été à l'École", "tab\tand foo_bar-baz x.y", "Ещё мой ёж", "ﬁne x² Ⅷ 42", "ｗｉｄｅ",
]  # fmt: skip


@pytest.mark.parametrize(
    "words, found",
    [
        ("数据库", [0]), ("开会 明天", [0]), ("据数", []), ("バックアップ", [1]),
        ("ハックアップ", []), ("데이터베이스", [2]),
        ("데이터베이스 백업", [2]), ("ขอบคุณ", [3]), ("किताब", [4]), ("कुतुब", [5]), ("यह", [4, 5]), ("कितब", []),
        ("word", []), ("WORDPLAY", [6]), ("ete", [7]), ("ÉTÉ", [7]), ("e\u0301cole", [7]),
        ("l'école", [7]), ("école'l", []),
        ("foo", [8]), ("foo_bar-baz", [8]), ("bar-foo", []), ("and tab", [8]), ("x.y", [8]), ("еще", []), ("ещё", [9]),
        ("мои", []), ("МОЙ", [9]), ("fine", [10]), ("x2", [10]), ("viii", [10]), ("wide", [11]), ("42 fine", [10]),
    ],
)  # fmt: skip
def test_words_of_all_scripts_are_found_as_wholes_by_the_same_rules(kept, words, found):
    kept.say(*LINES)
    kept.turn()
    assert kept.texts(words=words) == [LINES[place] for place in found]


@pytest.mark.parametrize("words", ["字" * 101, "a." * 101, " ".join(f"w{n}" for n in range(21))])
def test_a_search_for_too_much_is_refused(kept, words):
    with pytest.raises(NotRecalled, match="more than 20 words"):
        kept.ask(words=words)
    assert kept.texts(words=words[:40]) == []


@pytest.mark.parametrize("words", ["*", "- --", '"', "...", "'", "\0", "\u0301"])
def test_a_search_without_a_word_is_refused(kept, words):
    kept.say("hi")
    kept.turn()
    with pytest.raises(NotRecalled, match="letters or digits"):
        kept.ask(words=words)


# -- events that stand, verifiers and profiles


@pytest.fixture
def standing(kept, monkeypatch):
    standing_kinds.add(monkeypatch)
    return kept


def test_a_verifier_is_kept_under_its_subject_and_found_by_itself_and_is_no_part_of_the_event(standing):
    fact = decided("token 1", "abc", text="bob")
    standing.journal.append(fact, decided("token 2", "def"))
    standing.turn()
    assert [standing.verifier(subject) for subject in ("token 1", "token 2", "token 3", "")] == ["abc", "def", "", ""]
    assert [standing.subject_of(verifier) for verifier in ("abc", "def", "ghi", "")] == ["token 1", "token 2", "", ""]
    event = standing.events[0]
    assert event == fact._replace(number=1, when=1000.0)
    assert not isinstance(event, Fact)
    assert [type(event) for event in standing.events] == [Event, Event]
    assert standing.ask(SERVER) == standing.events


@pytest.mark.parametrize("is_one_batch", [True, False])
@pytest.mark.parametrize(
    "items, verifiers",
    [
        ([decided("a", "1"), decided("a", "2")], {"a": "2"}),
        ([decided("a", "1"), decided("a")], {}),  # what stands now has no secret
        ([decided("a", "1"), decided("b")], {"a": "1"}),
        ([decided("a", "1"), decided("b", "2"), decided(clears=["a"])], {"b": "2"}),
        ([decided("a", "1"), decided("b", "2"), decided(clears=["a", "b", "c"])], {}),
        ([decided(clears=["a"]), decided("a", "1")], {"a": "1"}),
        ([decided("a", "1"), decided("a", "2", clears=["a"])], {"a": "2"}),
        ([decided("a", "1"), decided(verifier="2", secret="a")], {"a": "2"}),  # it replaces what is there ...
        ([decided("a", "1"), decided(clears=["a"]), decided(verifier="2", secret="a")], {}),  # ... and nothing else
        ([decided("a", "1", secret="b"), decided("a")], {"b": "1"}),  # a secret may have a subject of its own
        ([decided("a", "1", secret="b"), decided("c", clears=["b"])], {}),
        ([decided("a", "1"), decided("b", "1"), decided(clears=["b"]), decided("a", "2")], {"a": "2"}),
        ([decided("", "1", secret="a")], {}),
    ],
)
def test_the_order_of_events_decides_which_verifiers_are_kept(standing, items, verifiers, is_one_batch):
    for item in items if not is_one_batch else [items]:
        standing.journal.append(*([item] if not is_one_batch else item))
        standing.turn()
    assert {subject: standing.verifier(subject) for subject in "abc"} == {one: verifiers.get(one, "") for one in "abc"}
    for verifier in "123":
        subjects = [subject for subject, one in verifiers.items() if one == verifier]
        assert standing.subject_of(verifier) == (subjects[0] if subjects else "")


def test_each_event_of_a_batch_has_its_own_verifier_whatever_is_between_them(standing):
    said = Event(SAID, "lobby", "alice", "hi", 1, ident="pc/1")
    batch = [said, decided("a", "1"), Lines("ops", "bob", ["x", "y"], 2), Event(CLAIMED, "", "", "bob", 3), said]
    batch += [decided("b", "2", group="ops"), Lines("lobby", "alice", ["x", "y"], 1, ident="pc/1"), decided("c", "3")]
    standing.journal.append(*batch)
    standing.turn()
    assert [standing.verifier(subject) for subject in "abc"] == ["1", "2", "3"]
    assert [event.number for event in standing.events if event.kind == DECIDED] == [1, 3, 2]


def test_an_event_of_a_kind_that_does_not_stand_decides_nothing(standing):
    standing.journal.append(decided("a", "1"), Fact.of(Event(SAID, "lobby", "alice", "hi", 1, data={"sets": "a"}), "2"))
    standing.turn()
    assert standing.verifier("a") == "1"
    assert standing.subject_of("2") == ""


def test_a_search_finds_no_event_that_is_not_a_post(standing):
    standing.journal.append(decided("a", "1", text="bob"), decided("b", text="bob", group="lobby"))
    standing.say("bob came")
    standing.turn()
    assert standing.ask(SERVER, words="bob") == []
    assert standing.texts(words="bob") == ["bob came"]


def test_a_lookup_is_answered_after_what_was_delivered_before_it(standing):
    standing.journal.append(decided("a", "1"))
    standing.turn()
    standing.journal.append(decided("a", "2"))
    standing.turn()
    assert standing.verifier("a") == "2"


def test_an_account_has_an_empty_profile_until_one_is_kept_and_then_the_newest(kept):
    profile = Profile(("lobby", "日本"), {"lobby": 7, "@": 2**40}, 1000.25, {12: 86400.0})
    assert kept.profile(5) == Profile()
    kept.journal.keep_profile(5, profile)
    kept.journal.keep_profile(6, Profile(seen=3.0))
    assert [kept.profile(5), kept.profile(6), kept.profile(7)] == [profile, Profile(seen=3.0), Profile()]
    kept.journal.keep_profile(5, profile._replace(rooms=()))
    assert kept.profile(5) == profile._replace(rooms=())
    assert kept.events == []


def test_a_lookup_after_the_end_is_refused_if_the_journal_is_closed_then(standing):
    standing.journal.append(decided("a", "1"))
    standing.journal.keep_profile(5, Profile(seen=3.0))
    standing.stop()
    answers = [standing.verifier("a"), standing.subject_of("1"), standing.profile(6)]
    if isinstance(standing.journal, DURABLE):
        assert [type(answer) for answer in answers] == [NotRecalled] * 3
    else:
        assert answers == ["1", "a", Profile()]


def test_what_was_looked_up_before_the_end_is_answered(standing):
    standing.journal.append(decided("a", "1"))
    standing.turn()
    answers = []
    standing.journal.verifier("a", answers.append)
    standing.journal.subject_of("1", answers.append)
    standing.journal.profile(5, answers.append)
    standing.stop()
    assert len(answers) == 3


@pytest.mark.parametrize("name", ["sqlite", "simulated"])
def test_after_a_restart_the_events_that_stand_are_there_in_their_order_with_verifiers_and_profiles(
    name, tmp_path, monkeypatch
):
    standing_kinds.add(monkeypatch)
    clock, disk = ThreadedClock(), Disk()
    journals = {
        "sqlite": lambda: SqliteJournal(tmp_path / "chat.db", clock, clock.seconds),
        "simulated": lambda: DiskJournal(clock, clock.seconds, disk, Random(1)),
    }
    first = Kept(journals[name](), clock)
    assert list(first.snapshot.standing) == []
    first.journal.append(decided("a", "1"), decided("b"), decided("c", "3"), decided("d"), Event(SAID, "lobby", "x"))
    first.turn()
    changed = decided("a", "2", text="ÿ", about=7, ident="pc/1")
    first.journal.append(changed, decided(clears=["b", "c"]), decided("b", group="ops"), decided("e"), decided("e"))
    first.turn()
    profile = Profile(("lobby",), {"lobby": 7}, 1000.25)
    first.journal.keep_profile(5, profile)
    first.stop()
    second = Kept(journals[name](), clock)
    stands = list(second.snapshot.standing)
    assert [event.data["sets"] for event in stands] == ["d", "a", "b", "e"]
    assert stands == [event for event in first.events if event in stands]
    assert [(event.group, event.number) for event in stands] == [(SERVER, 4), (SERVER, 5), ("ops", 1), (SERVER, 8)]
    assert [second.verifier(subject) for subject in "abcd"] == ["2", "", "", ""]
    assert second.profile(5) == profile
    second.stop()


# -- the wall clock is set


@pytest.mark.parametrize("step", STEPS)
def test_an_event_has_the_time_of_the_wall_clock_and_the_next_number(kept, step):
    kept.wall.step(10_000)
    kept.say("before")
    kept.turn()
    kept.wall.step(step)
    kept.say("after")
    kept.journal.append(Event(CLAIMED, "", "", "bob", 1))
    kept.turn()
    whens = [(event.number, event.when) for event in kept.events]
    assert whens == [(1, 11_000.0), (2, 11_000.0 + step), (0, 11_000.0 + step)]
    assert kept.texts() == kept.texts(since=11_000.0 + min(step, 0)) == ["before", "after"]
    assert kept.texts(since=11_000.0 + max(step, 0)) == ["after" if step > 0 else "before"]
    assert kept.texts(newest=True, most=1) == ["after"]


# -- whether what is said is kept


def test_a_check_is_answered_with_nothing_while_all_is_well_and_nothing_happens(kept):
    assert kept.check() is None
    assert kept.events == []
    kept.say("hi")
    kept.turn()
    assert kept.check() is None
    assert numbers(kept.events) == [1]


def test_a_check_from_before_the_end_is_answered(kept):
    answers = []
    kept.journal.check(answers.append)
    kept.stop()
    assert answers == [None]


def test_a_check_after_the_end_says_that_the_server_is_stopping(kept):
    kept.stop()
    assert kept.check().why == "the server is stopping"


# -- the end


def test_stopping_delivers_all_appended_events_and_leaves_no_call(kept):
    kept.next = [Event(SAID, "lobby", "alice", "more", 1), Event(SAID, "lobby", "alice", "most", 1)]
    kept.say("hi")
    kept.stop()
    assert [event.number for event in kept.events] == [1, 2, 3]
    assert kept.refused == []


def test_queries_from_before_the_end_are_answered(kept):
    kept.say("hi")
    kept.turn()
    answers = []
    kept.journal.recall(Query("lobby"), answers.append)
    kept.journal.recall(Query("lobby", words="hi"), answers.append)
    kept.stop()
    assert len(answers) == 2
