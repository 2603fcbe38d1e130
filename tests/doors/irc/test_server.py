"""Questions on IRC about the server itself, and the list of rooms."""

from __future__ import annotations

import pytest

from ...irc import SERVER, enter, member


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
        *("371", "371", "374", "251", "252", "253", "254", "255", "265", "266", "364", "365", "219"),
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
