"""The commands: what a person can type, and what the answer is when they mistype it."""

from __future__ import annotations

import pytest

from twisted_chat.requests import docs, people, rooms, table


@pytest.fixture
def alice(house):
    return house.enter("alice", "ops")


def answer(person, line):
    return person.type(line).heard()


HISTORY_USAGE = "type it like this: /history [N | 2h | A-B], for example /history 50, /history 2h, /history 120-140"


@pytest.mark.parametrize(
    "typed, heard",
    [
        ("hello", "#ops alice: hello"),
        ("  indented", "#ops alice:   indented"),
        ("//help", "#ops alice: /help"),
        ("///", "#ops alice: //"),
        ("/say  two spaces", "#ops alice:  two spaces"),
        ("/me waves", "#ops * alice waves"),
        ("/ME  waves", "#ops * alice waves"),
        ("/note tests pass", "#ops alice: tests pass"),
        ("/to lobby hi there", "alice: hi there"),
        ("/to #lobby hi", "alice: hi"),
        ("/all hi", "[alice -> all] hi"),
        ("/msg alice  hi", "[alice -> alice]  hi"),
        ("/ping", "-- pong"),
        ("/ping 17", "-- pong 17"),
        ("/ping\t17", "-- pong 17"),
        ("/msg\talice\thi there", "[alice -> alice] hi there"),
        ("/to\u3000lobby\u00a0hi", "alice: hi"),
        ("/join\tlobby", "-- you now talk in lobby"),
        ("/topic " + "x" * 300, "#ops alice has set the topic: " + "x" * 300),
        ("/nick alice", "-- you are alice already"),
        ("/join ops", "-- you talk in ops"),
        ("/join Lobby", "-- you now talk in lobby"),
        ("/who", "-- 1 in ops: alice"),
        ("/who lobby", "-- 1 in lobby: alice"),
        ("/who *", "-- 1 here: alice"),
        ("/ignore", "-- you ignore nobody"),
        ("/set", "-- stamps off, numbers off, colour off, moves on, echo on, bell off"),
        ("/set color on", "-- stamps off, numbers off, colour on, moves on, echo on, bell off"),
    ],
)
def test_each_command_has_its_answer(alice, typed, heard):
    assert answer(alice, typed) == [heard]


@pytest.mark.parametrize(
    "typed, refusal",
    [
        ("/histroy", "there is no command /histroy: did you mean /history? (to say it, begin with //)"),
        ("/xyzzy a b", "there is no command /xyzzy: /help lists the commands (to say it, begin with //)"),
        ("/", "there is no command /: /help lists the commands (to say it, begin with //)"),
        ("/ hello", "there is no command /: /help lists the commands (to say it, begin with //)"),
        ("/join", "type it like this: /join ROOM [AFTER]"),
        (
            "/join a b",
            "type it like this: /join ROOM [AFTER], AFTER is the number of an event: /join lobby 120",
        ),
        ("/leave dev", "you are not in dev: /join dev first"),
        ("/to dev hi", "you are not in dev: /join dev first"),
        ("/to lobby", "type it like this: /to ROOM TEXT"),
        ("/to lobby  ", "type it like this: /to ROOM TEXT"),
        ("/msg", "type it like this: /msg ALIAS TEXT"),
        ("/msg bob", "type it like this: /msg ALIAS TEXT"),
        ("/msg bob hi", "nobody here is called bob: /who * lists everyone"),
        ("/msg \x1b[31mbob hi", "nobody here is called bob: /who * lists everyone"),
        ("/reply hi", "nobody has written to you yet: /msg ALIAS TEXT"),
        ("/me", "type it like this: /me TEXT"),
        ("/me \u200b", "there is nothing to say in that"),
        ("/all ", "type it like this: /all TEXT"),
        ("/history x", HISTORY_USAGE),
        ("/history 0", HISTORY_USAGE),
        ("/history -1", HISTORY_USAGE),
        ("/history \u0664", HISTORY_USAGE),
        ("/history 99999999999999999999", HISTORY_USAGE),
        ("/who dev", "there is no room dev: /rooms lists them, /join dev makes it"),
        ("/whois bob", "nobody here is called bob: /who * lists everyone"),
        ("/nick", "type it like this: /nick ALIAS"),
        (
            "/nick two words",
            "that alias cannot be used: use letters and digits, "
            "then also - _ . [ ] { } \\ | ^ ` within it, and no spaces",
        ),
        ("/topic " + "x" * 301, "that topic has 301 characters, and may have 300: say it in fewer"),
        ("/topic \u3164", "there is nothing to say in that"),
        ("/search #lobby", "type it like this: /search WORDS"),
        ("/nick all", "that alias cannot be used: all is reserved, choose another"),
        ("/ignore bob", "nobody here is called bob: /who * lists everyone"),
        ("/ignore alice", "you cannot ignore yourself: /set echo off hides your own lines"),
        ("/unignore bob", "you do not ignore anyone of that alias: /ignore lists the people you ignore"),
        ("/set echo", "type it like this: /set stamps|numbers|colour|moves|echo|bell on|off"),
        ("/set echo maybe", "type it like this: /set stamps|numbers|colour|moves|echo|bell on|off"),
        ("/set volume on", "type it like this: /set stamps|numbers|colour|moves|echo|bell on|off"),
        ("/help xyzzy", "there is no command /xyzzy: /help lists the commands (to say it, begin with //)"),
    ],
)
def test_each_mistake_is_answered_in_one_line_with_what_to_do_instead(house, alice, typed, refusal):
    bob = house.enter("bobby", "ops")
    assert answer(alice, typed) == ["!! " + refusal]
    assert bob.heard() == []


@pytest.mark.parametrize(
    "said, words",
    [
        ("#4711 is fixed", "#4711"),
        ("see #4711, too", "#4711"),
        ("(fixed) now", "(fixed)"),
        ("it's done", "it's"),
        ("mail a.b@c.example", "a.b@c.example"),
        ("#lobby-talk is nice", "#lobby-talk"),
        ("## two", "## two"),
        ("# one", "# one"),
    ],
)
def test_a_word_with_a_number_sign_or_another_sign_is_found(alice, said, words):
    alice.type("//" + said[1:] if said[0] == "/" else said).heard()
    assert answer(alice, f"/search {words}") == ["-- found 1 line:", f"#ops alice: {said}"]


def test_a_number_sign_before_a_room_looks_only_there(house, alice):
    alice.type("one word", "/to lobby another word").heard()
    assert answer(alice, "/search word #lobby") == ["-- found 1 line:", "alice: another word"]
    house.enter("bob", "dev")
    assert answer(alice, "/search word #dev") == ["!! you are not in dev: /join dev first"]


@pytest.mark.parametrize(
    "short, name",
    [
        ("j", "join"),
        ("part", "leave"),
        ("m", "msg"),
        ("tell", "msg"),
        ("w", "msg"),
        ("r", "reply"),
        ("names", "who"),
        ("list", "rooms"),
        ("exit", "quit"),
        ("q", "quit"),
        ("?", "help"),
        ("wall", "all"),
        ("name", "nick"),
    ],
)
def test_the_short_names_of_irc_and_ssh_chat_work_too(short, name):
    assert table.parse(f"/{short} x")[0] is table.COMMANDS[name]


def test_rooms_lists_the_fullest_first(house, alice):
    house.enter("bob", "dev").type("/topic devs only").heard()
    alice.heard()
    assert answer(alice, "/rooms") == ["-- lobby (2)", "-- dev (1) devs only", "-- ops * (1)"]


def test_long_lists_are_cut_with_a_count(house, alice, monkeypatch):
    monkeypatch.setattr(people, "MAX_NAMES", 1)
    monkeypatch.setattr(rooms, "MAX_NAMES", 1)
    house.enter("bob")
    assert answer(alice, "/who *") == ["-- 2 here: alice and 1 more"]
    assert answer(alice, "/rooms") == ["-- lobby (2)", "-- and 1 more"]
    alice.type("/ignore bob").heard()
    house.enter("carol")
    assert answer(alice, "/ignore carol") == ["!! you ignore 1 people already: /unignore one first"]


def test_whois_shows_how_long_a_person_is_here(house, alice):
    house.seconds += 3 * 86400
    house.enter("bob").type("/leave").heard()
    alice.heard()
    assert answer(alice, "/whois bob")[0] == "-- bob is in no room"
    assert answer(alice, "/whois ALICE")[1] == "-- alice came 3 days ago and was last active 3 days ago"


def test_history_of_a_silent_room(house):
    house.hub.rooms["lobby"].tail.clear()
    alice = house.enter("alice")
    house.hub.rooms["lobby"].tail.clear()
    assert answer(alice, "/history") == ["-- nothing of that is kept in lobby"]


def test_quit_shows_the_reason_in_your_rooms(house, alice):
    bob = house.enter("bob")
    alice.type("/quit  to\x1b[2J tea ")
    assert bob.heard() == ["alice has left the chat room! (to tea)"]


def test_help_lists_every_command_and_explains_each(alice):
    listed = "\n".join(answer(alice, "/help"))
    for entry in table.COMMANDS.values():
        assert f"-- {entry.usage} " in listed
        assert entry.help.endswith(".")
        explained = answer(alice, f"/help /{entry.name}")
        assert explained[0] == f"-- {entry.usage}  {entry.help}".replace("``", "")
        assert all(f"/{short}" in explained[1] for short in entry.short)


def test_every_line_of_help_fits_a_terminal(alice):
    assert [line for line in answer(alice, "/help") if len(line) > 80] == []


@pytest.fixture
def knock():
    @table.command("kn", arguments="[WORD]")
    def knock(hub, ask, rest):
        """Knock. It needs nothing else."""
        ask.notice(f"knock {rest}".rstrip())

    yield knock
    del table.COMMANDS["knock"]
    for name in ("knock", "kn"):
        del table.BY_ANY_NAME[name]


def test_one_function_is_a_command_with_its_help_and_its_documents(alice, knock):
    assert answer(alice, "/kn knock") == ["-- knock knock"]
    assert answer(alice, "/knok") == [
        "!! there is no command /knok: did you mean /knock? (to say it, begin with //)",
    ]
    assert any(line.startswith("-- /knock [WORD]") and line.endswith(" Knock") for line in answer(alice, "/help"))
    assert answer(alice, "/help knock") == ["-- /knock [WORD]  Knock. It needs nothing else.", "-- the same: /kn"]
    assert "``/knock [WORD]``\n    Knock. It needs nothing else.\n\n    The same: ``/kn``.\n" in docs.commands()
    shown = table.REQUESTS["commands"].record().run(None, None).as_fields()["commands"]
    assert {"name": "knock", "short": ["kn"], "summary": "Knock"}.items() <= shown[-1].items()


def test_two_commands_cannot_have_one_name():
    with pytest.raises(ValueError, match="two commands are called j"):
        table.command("j")(lambda hub, me, rest: None)
    table.COMMANDS.pop("<lambda>")
    table.BY_ANY_NAME.pop("<lambda>")
