"""Questions on IRC about the server itself, and the list of rooms."""

from __future__ import annotations

import pytest

from ...irc import SERVER, IrcPeer, enter, member


@pytest.fixture
def alice(door):
    return enter(door, "alice", "tea")


def rooms(lines):
    assert lines[0] == f":{SERVER} 321 alice Channel :Users  Name" and lines[-1] == f":{SERVER} 323 alice :End of /LIST"
    return [line.split()[3] for line in lines[1:-1]]


def test_rooms_with_people_or_a_past_are_listed_with_their_topics(door, alice):
    assert rooms(alice.ask("LIST")) == ["#tea"]
    bob = enter(door, "bob", "tea", "cake")
    bob.send("TOPIC #tea :hot water", "PART #cake")
    alice.read()
    lines = alice.ask("LIST")
    assert lines[1:-1] == [f":{SERVER} 322 alice #tea 2 :hot water", f":{SERVER} 322 alice #cake 0 :"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("#tea", ["#tea"]),
        ("#TEA,#nowhere", ["#tea"]),
        ("*a*", ["#tea", "#cake"]),
        ("#t*,#c*", ["#tea", "#cake"]),
        ("#t*,#cake,#nowhere", ["#tea", "#cake"]),
        ("#tea,#cake >1", ["#tea"]),
        ("#tea,#cake !#t*,<2", ["#cake"]),
        ("<9 #t*", ["#tea"]),
        ("c>1,t<2", ["#tea"]),
        (",", ["#tea", "#cake"]),
        ("#t*", ["#tea"]),
        ("!#t*", ["#cake"]),
        (">1", ["#tea"]),
        ("<2", ["#cake"]),
        (">0,!#t*", ["#cake"]),
        ("C>1", ["#tea"]),
        ("C<2", ["#cake"]),
        ("T<2", ["#tea"]),
        ("T>1", []),
    ],
)
def test_rooms_are_listed_that_fit_the_conditions(door, alice, condition, found):
    door.clock.advance(120)
    enter(door, "bob", "tea", "cake").send("TOPIC #tea :hot")
    alice.read()
    assert rooms(alice.ask(f"LIST {condition}")) == found


def test_the_server_says_what_it_is(alice):
    lines = alice.ask("VERSION")
    assert lines[0].startswith(f":{SERVER} 351 alice twisted_chat-") and lines[1].startswith(f":{SERVER} 005 alice ")
    assert alice.ask("TIME")[0].startswith(f":{SERVER} 391 alice {SERVER} 701")
    assert alice.codes("INFO", "LUSERS", "LINKS", "STATS u") == [
        *("371", "371", "374", "251", "252", "253", "254", "255", "265", "266", "364", "365", "242", "219"),
    ]
    assert alice.codes("MOTD") == ["375", "372", "376"]


def test_the_owners_are_named(door, alice):
    assert alice.ask("ADMIN")[2] == f":{SERVER} 258 alice :No owner is registered"
    member(door, "olga", role="owner")
    assert alice.codes("ADMIN") == ["256", "257", "258", "259"]
    assert alice.ask("ADMIN")[2] == f":{SERVER} 258 alice :Owners: olga"


@pytest.mark.parametrize("command", ["MOTD", "VERSION", "TIME", "INFO", "ADMIN", "LUSERS *"])
def test_another_server_is_not_asked(alice, command):
    assert alice.codes(f"{command} irc.example.org") == ["402"]
    for known in (SERVER, "*.Server", "alice"):
        assert "402" not in alice.codes(f"{command} {known}")


def test_help_explains_each_command(alice):
    assert alice.codes("HELP", "HELPOP kick") == ["704", *["705"] * 4, "706", "704", "705", "705", "706"]
    assert alice.ask("HELP away") == [
        f":{SERVER} 704 alice AWAY :-- AWAY --",
        f":{SERVER} 705 alice AWAY :",
        f":{SERVER} 705 alice AWAY :Show the person as away, with a reason, or as back, without one.",
        f":{SERVER} 706 alice AWAY :End of /HELP",
    ]
    assert alice.ask("HELP")[0] == f":{SERVER} 704 alice * :-- Help --"
    assert alice.codes("HELP nonsense") == ["524"]
    assert alice.ask("HELP :two words")[0].startswith(f":{SERVER} 524 alice * ")
    listed = " ".join(alice.ask("HELP commands")).split()
    assert {"JOIN", "WHOIS", "WALLOPS"} <= {word.removeprefix(":") for word in listed}


def test_what_only_operators_of_a_server_may_is_refused(alice):
    assert alice.codes("OPER alice secret", "KILL bob :x", "OPER alice") == ["491", "481", "461"]


def test_how_long_the_server_is_up_is_shown(door, alice):
    begun = door.premises.hub.now() - alice.chat.talk.premises.since
    door.clock.advance(2 * 86400 + 3 * 3600 + 4 * 60 + 5 - begun)
    alice.send("PONG")
    end = f":{SERVER} 219 alice"
    assert alice.ask("STATS u") == [
        f":{SERVER} 242 alice :Server Up 2 days 3:04:05",
        f"{end} u :End of /STATS report",
    ]
    assert alice.ask(f"STATS m {SERVER}") == [f"{end} m :End of /STATS report"]
    assert alice.codes("STATS", "STATS :", "STATS u irc.example.org") == ["461", "461", "402"]


def test_the_counts_tell_the_invisible_from_the_others(door, alice):
    door.enter("tom")
    enter(door, "bob").send("MODE bob +i")
    IrcPeer(door).send("NICK carl")
    lines = alice.ask("LUSERS")
    assert lines[0] == f":{SERVER} 251 alice :There are 2 users and 1 invisible on 1 servers"
    assert lines[2] == f":{SERVER} 253 alice 1 :unknown connection(s)"
    assert lines[-2:] == [
        f":{SERVER} 265 alice 3 4 :Current local users 3, max 4",
        f":{SERVER} 266 alice 3 3 :Current global users 3, max 3",
    ]


def tokens(lines):
    """Return the tokens of 005, by name."""
    found = [line[line.index(" 005 ") :] for line in lines if " 005 " in line]
    words = [word for line in found for word in line.partition(" :")[0].split()[2:]]
    assert len(words) == len({word.partition("=")[0] for word in words})
    return dict(word.partition("=")[::2] for word in words)


def test_the_lines_of_tokens_are_short_enough_and_have_at_most_13(door):
    nick = "\U00020000" * 24
    lines = [line for line in enter(door, nick).ask("VERSION") if " 005 " in line]
    for line in lines:
        assert len(line.encode()) <= 510 and len(line.partition(" :")[0].split()) <= 16
        assert line.endswith(" :are supported by this server")
    assert tokens(lines) == tokens(enter(door, "alice").ask("ISUPPORT"))


def test_each_limit_in_the_tokens_is_kept(door, alice):
    known = tokens(alice.ask("VERSION"))
    limits = {name: int(known[name]) for name in ("AWAYLEN", "CHANNELLEN", "KICKLEN", "NAMELEN", "NICKLEN", "TOPICLEN")}
    bob = enter(door, "bob", "tea", caps="setname")
    nick, room, topic = (
        word * limits[name] for word, name in (("n", "NICKLEN"), ("r", "CHANNELLEN"), ("t", "TOPICLEN"))
    )
    assert bob.codes(f"NICK {nick}x", f"JOIN #{room}x", f"SETNAME :{'x' * (limits['NAMELEN'] + 1)}") == [
        "432",
        "403",
        "FAIL",
    ]
    assert bob.codes(f"SETNAME :{'x' * limits['NAMELEN']}") == ["SETNAME"]
    alice.read()
    bob.send(f"NICK {nick}", f"JOIN #{room}", f"TOPIC #tea :{topic}", f"TOPIC #tea :{topic}x")
    source = f":{nick}!~u@chat"
    assert alice.read() == [f":bob!~u@chat NICK {nick}", *[f"{source} TOPIC #tea :{topic}"] * 2]
    assert list(bob.chat.session.rooms) == ["tea", room]
    bob.send(f"AWAY :{'q' * (limits['AWAYLEN'] + 1)}")
    assert alice.ask(f"WHOIS {nick}")[3].count("q") == limits["AWAYLEN"]
    alice.send(f"KICK #tea {nick} :{'z' * (limits['KICKLEN'] + 1)}")
    assert bob.read()[-1].count("z") == limits["KICKLEN"]
    assert known["CHANLIMIT"] == f"#:{door.premises.limits.rooms_each}"


def test_the_modes_of_rooms_are_the_same_wherever_they_are_told(door):
    peer = IrcPeer(door).send("NICK alice", "USER a 0 * :x")
    lines = peer.read()
    (told,) = (line.split()[6:] for line in lines if line.split()[1] == "004")
    lists, always, on, plain = tokens(lines)["CHANMODES"].split(",")
    signs = tokens(lines)["PREFIX"][1:].partition(")")[0]
    assert sorted(told[0]) == sorted(lists + always + on + plain + signs)
    assert sorted(told[1].removeprefix(":")) == sorted(lists + always + on + signs)


def test_each_number_of_targets_in_the_tokens_is_kept(door, alice):
    known = dict(one.split(":") for one in tokens(alice.ask("VERSION"))["TARGMAX"].split(","))
    assert set(known) == {"JOIN", "KICK", "LIST", "NAMES", "NOTICE", "PART", "PRIVMSG", "TAGMSG", "WHOIS", "WHOWAS"}

    bob = enter(door, "bob")

    def codes(command, begin, rest=""):
        asked = ",".join(f"{begin}{number}" for number in range(int(known[command]) + 1))
        door.clock.advance(60)
        return bob.codes(f"{command} {asked}{rest}")

    for command, end in (("JOIN", "366"), ("NAMES", "366"), ("PART", "PART")):
        assert codes(command, "#r").count(end) == int(known[command]), command
        assert codes(command, "#r")[0] == "407", command
    assert codes("LIST", "#r") == codes("PRIVMSG", "nobody", " :hi") == ["407"]
    assert codes("WHOIS", "nobody").count("401") == int(known["WHOIS"])
    assert codes("WHOWAS", "nobody").count("406") == int(known["WHOWAS"])
    alice.read()
    assert len(alice.ask("KICK #tea " + ",".join(f"nobody{number}" for number in range(9)))) == int(known["KICK"])


def test_tokens_are_shown_before_the_registration_and_in_a_batch_to_those_who_ask_for_that(door):
    peer = IrcPeer(door)
    assert peer.codes("ISUPPORT") == ["451"]
    peer.send("CAP REQ :draft/extended-isupport")
    assert set(peer.codes("ISUPPORT")) == {"005"}
    peer.send("CAP REQ :batch")
    lines = peer.ask("ISUPPORT")
    assert lines[0] == f":{SERVER} BATCH +1 draft/isupport" and lines[-1] == f":{SERVER} BATCH -1"
    assert all(line.startswith(f"@batch=1 :{SERVER} 005 * ") for line in lines[1:-1])
    lines = peer.ask("NICK alice", "USER a 0 * :a", "CAP END")
    assert [line for line in lines if "005" in line.split()[1:3]] == [
        line for line in lines if line.startswith("@batch=")
    ]
    assert tokens(lines)["CHANTYPES"] == "#"


def test_many_rooms_are_listed_whole(door, alice):
    wanted = [f"room-{number}" for number in range(3000)]
    for name in wanted:
        door.premises.hub.rooms.made(name).number = 1
    lines = alice.ask("LIST")
    assert len(lines) == 3003 and not alice.is_closed


def test_no_word_of_the_message_of_the_day_is_lost(door, alice):
    words = [f"word-{number}" for number in range(200)]
    door.premises.motd = [" ".join(words), "", "the end"]
    lines = alice.ask("MOTD")
    assert all(len(line.encode()) <= 510 for line in lines)
    shown = [line.partition(" :- ")[2] for line in lines[1:-1]]
    assert " ".join(shown).split()[:200] == words and shown[-3:-1] == ["", "the end"]
