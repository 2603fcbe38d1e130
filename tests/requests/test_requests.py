"""Requests in JSON: what is read and what is refused; and the schema, made from their records."""

from __future__ import annotations

import inspect
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from twisted_chat.core import errors
from twisted_chat.core.errors import BadRequest, BadVersion, ChatError, LineTooLong, NotUtf8
from twisted_chat.core.events import LOGGED
from twisted_chat.core.text import IDENT
from twisted_chat.requests import docs, schema
from twisted_chat.requests.checked import checked
from twisted_chat.requests.fields import MAX_ITEMS, MAX_NUMBER, About, Rule, WantedRoom
from twisted_chat.requests.table import REQUESTS, Done, JsonRequest, request
from twisted_chat.wire import jsonlines
from twisted_chat.wire.jsonlines import error

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "jsonlines.schema.json").read_text())
DEFS = SCHEMA["$defs"]
REQUEST, MESSAGE = (Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": DEFS}) for name in ("request", "message"))
MAX_LINE = 4096


def read(line, max_line=MAX_LINE):
    """Return the name, the id and the fields of a request."""
    if isinstance(line, str):
        line = line.encode("utf-8", "surrogatepass")
    entry, ident, record = checked(jsonlines.parse(line), max_line)
    fields = {key: getattr(record, field.attribute) for key, field in entry.fields.items()}
    return entry.name, ident, {key: value for key, value in fields.items() if value is not None}


GOOD = [
    (
        '{"do":"hello","id":"1","version":1,"alias":"alice"}',
        ("hello", "1", {"version": 1, "alias": "alice"}),
    ),
    (
        '{"do":"hello","id":"1","version":1,"alias":"a","token":"0123456789abcdef","rooms":["lobby","ops"],'
        '"after":{"lobby":120,"*":4,"@":17},"journal":"8d2e"}',
        (
            "hello",
            "1",
            {
                "version": 1,
                "alias": "a",
                "token": "0123456789abcdef",
                "rooms": ["lobby", "ops"],
                "after": {"lobby": 120, "*": 4, "@": 17},
                "journal": "8d2e",
            },
        ),
    ),
    (
        '{"do":"say","id":"7","room":"lobby","text":"hi"}',
        ("say", "7", {"room": "lobby", "text": "hi", "act": False, "note": False}),
    ),
    (
        '{"text":"\\ud83d\\udca5 ü","act":true,"room":"a","id":"a.b_C:-","do":"say"}\r\n',
        ("say", "a.b_C:-", {"room": "a", "text": "💥 ü", "act": True, "note": False}),
    ),
    (
        '{"do":"tell","id":"8","to":"bob","text":"psst"}',
        ("tell", "8", {"to": "bob", "text": "psst", "act": False, "note": False}),
    ),
    (
        '{"do":"broadcast","id":"9","text":"hello all"}',
        ("broadcast", "9", {"text": "hello all", "act": False, "note": False}),
    ),
    ('{"do":"join","id":"10","room":"ops","after":12}', ("join", "10", {"room": "ops", "after": 12})),
    ('{"do":"join","id":"10","room":"ops","after":1.2e1}', ("join", "10", {"room": "ops", "after": 12})),
    ('{"do":"whois","id":"37","alias":"bob"}', ("whois", "37", {"alias": "bob"})),
    ('{"do":"retitle","id":"36","room":"ops","text":""}', ("retitle", "36", {"room": "ops", "text": ""})),
    ('{"do":"leave","id":"11","room":"ops"}', ("leave", "11", {"room": "ops", "text": ""})),
    ('{"do":"nick","id":"12","alias":"al"}', ("nick", "12", {"alias": "al"})),
    ('{"do":"who","id":"13","room":"*"}', ("who", "13", {"room": "*"})),
    ('{"do":"who","id":"13","room":"ops","at":5}', ("who", "13", {"room": "ops", "at": 5})),
    (' {"do" : "rooms", "id" : "14"} ', ("rooms", "14", {})),
    (
        '{"do":"history","id":"15","room":"ops","after":0,"until":9007199254740991,"since":1.5,"limit":500,"newest":true}',
        ("history", "15", {"room": "ops", "after": 0, "until": MAX_NUMBER, "since": 1.5, "limit": 500, "newest": True}),
    ),
    ('{"do":"history","id":"15","room":"ops"}', ("history", "15", {"room": "ops", "limit": 100})),
    ('{"do":"search","id":"16","words":"disk full"}', ("search", "16", {"words": "disk full", "limit": 20})),
    (
        '{"do":"search","id":"16","words":"x","room":"ops","from":"alice","limit":1}',
        ("search", "16", {"words": "x", "room": "ops", "from": "alice", "limit": 1}),
    ),
    ('{"do":"read","id":"a","room":"ops","number":12}', ("read", "a", {"room": "ops", "number": 12})),
    ('{"do":"unread","id":"b"}', ("unread", "b", {})),
    ('{"do":"ping","id":"17"}', ("ping", "17", {})),
    ('{"do":"call","id":"a","name":"add","to":"bob"}', ("call", "a", {"name": "add", "to": "bob", "text": ""})),
    ('{"do":"answer","id":"b","call":"x/7"}', ("answer", "b", {"call": "x/7", "text": "", "failed": False})),
    ('{"do":"type","id":"18","text":"/who"}', ("type", "18", {"text": "/who"})),
    ('{"do":"commands","id":"19"}', ("commands", "19", {})),
    ('{"do":"quit","id":"20","text":"bye"}', ("quit", "20", {"text": "bye"})),
    ('{"do":"kick","id":"21","room":"ops","alias":"bob"}', ("kick", "21", {"room": "ops", "alias": "bob", "why": ""})),
    (
        '{"do":"bar","id":"22","room":"ops","alias":"bob","seconds":60,"why":"spam"}',
        ("bar", "22", {"room": "ops", "alias": "bob", "seconds": 60, "why": "spam"}),
    ),
    ('{"do":"unbar","id":"23","room":"ops","alias":"bob"}', ("unbar", "23", {"room": "ops", "alias": "bob"})),
    (
        '{"do":"quiet","id":"24","room":"ops","alias":"bob"}',
        ("quiet", "24", {"room": "ops", "alias": "bob", "seconds": 0, "why": ""}),
    ),
    ('{"do":"unquiet","id":"25","room":"ops","alias":"bob"}', ("unquiet", "25", {"room": "ops", "alias": "bob"})),
    ('{"do":"voice","id":"25","room":"ops","alias":"bob"}', ("voice", "25", {"room": "ops", "alias": "bob"})),
    ('{"do":"unvoice","id":"25","room":"ops","alias":"bob"}', ("unvoice", "25", {"room": "ops", "alias": "bob"})),
    ('{"do":"invite","id":"26","room":"ops","alias":"bob"}', ("invite", "26", {"room": "ops", "alias": "bob"})),
    ('{"do":"room","id":"27","room":"ops","access":"open"}', ("room", "27", {"room": "ops", "access": "open"})),
    ('{"do":"role","id":"28","alias":"bob","role":"admin"}', ("role", "28", {"alias": "bob", "role": "admin"})),
    (
        '{"do":"ban","id":"29","target":"192.0.2.0/24","guests":true}',
        ("ban", "29", {"target": "192.0.2.0/24", "seconds": 0, "guests": True, "why": ""}),
    ),
    ('{"do":"unban","id":"30","ban":7}', ("unban", "30", {"ban": 7})),
    ('{"do":"bans","id":"31"}', ("bans", "31", {})),
    ('{"do":"guests","id":"32","admit":false}', ("guests", "32", {"admit": False, "why": ""})),
    ('{"do":"suspend","id":"33","alias":"bob"}', ("suspend", "33", {"alias": "bob", "seconds": 0, "why": ""})),
    ('{"do":"restore","id":"34","alias":"bob"}', ("restore", "34", {"alias": "bob"})),
    ('{"do":"audit","id":"35","limit":2}', ("audit", "35", {"limit": 2})),
    ('{"do":"register","id":"36","password":"x"}', ("register", "36", {"password": "x"})),
    ('{"do":"password","id":"37","password":"x"}', ("password", "37", {"password": "x"})),
    ('{"do":"code","id":"38"}', ("code", "38", {})),
    ('{"do":"token","id":"39","label":"ci"}', ("token", "39", {"label": "ci"})),
    ('{"do":"device","id":"39","label":"ci"}', ("device", "39", {"label": "ci"})),
    ('{"do":"key","id":"39","add":"SHA256:a"}', ("key", "39", {"add": "SHA256:a"})),
    ('{"do":"devices","id":"40"}', ("devices", "40", {})),
    ('{"do":"revoke","id":"41","number":7}', ("revoke", "41", {"number": 7})),
]


@pytest.mark.parametrize("line, request_", GOOD)
def test_a_request_is_read_and_fits_the_schema(line, request_):
    assert read(line) == request_
    REQUEST.validate(json.loads(line))


def test_every_request_is_among_the_examples():
    assert {request[0] for _line, request in GOOD} == set(REQUESTS)


SAY = '{"do":"say","id":"7","room":"lobby","text":%s}'
BAD = [
    ("", "not JSON", None),
    ("hello", "send one JSON object a line", None),
    ("/who", "not JSON", None),
    ('{"do":"say","id":"7","text":"hi}', "not JSON", "7"),
    ('{"do":"say","id":"7","text":"hi \\"id\\":\\"8\\"}', "not JSON", "7"),
    ('{"id":"6","id":"7"', "not JSON", None),
    ('{"do":"ping","id":"7"} {}', "not JSON (Extra data", "7"),
    ("{'do':'ping'}", "not JSON", None),
    ('{"do":"ping","id":"7",}', "not JSON", "7"),
    ('\ufeff{"do":"ping","id":"7"}', "not JSON", "7"),
    (SAY % '"a\tb"', "not JSON", "7"),
    (SAY % '"a\\x"', "not JSON", "7"),
    ("[]", "a request is a JSON object", None),
    ('"hi"', "a request is a JSON object", None),
    ("null", "a request is a JSON object", None),
    ("NaN", "a request is a JSON object", None),
    ("{}", 'give each request an "id"', None),
    ('{"do":"ping"}', "1 to 64 of A-Z", None),
    ('{"do":"ping","id":7}', "1 to 64 of A-Z", None),
    ('{"do":"ping","id":""}', "1 to 64 of A-Z", None),
    ('{"do":"ping","id":"a/b"}', "1 to 64 of A-Z", None),
    ('{"do":"ping","id":"7\\n"}', "1 to 64 of A-Z", None),
    (f'{{"do":"ping","id":"{"7" * 65}"}}', "1 to 64 of A-Z", None),
    ('{"do":"ping","id":"٧"}', "1 to 64 of A-Z", None),
    ('{"id":"7"}', 'say what to "do", one of: hello, say', "7"),
    ('{"id":"7","do":["ping"]}', 'say what to "do"', "7"),
    ('{"id":"7","do":"pin"}', 'did you mean "ping"?', "7"),
    ('{"id":"7","do":"zzzz"}', "there are hello, say", "7"),
    ('{"id":"7","do":"\\ud800"}', 'there is no request "\\ud800"', "7"),
    ('{"do":"type","id":"7"}', '"type" needs "text", which must be a string', "7"),
    ('{"do":"say","id":"7","room":"lobby","lines":"hi"}', '"lines" must be a list of strings, no more than 500', "7"),
    ('{"do":"say","id":"7","room":"lobby","lines":["a",["b"]]}', '"lines" must be a list of strings', "7"),
    ('{"do":"ping","id":"7","x\\u001b":1}', '"ping" has no field "x\\u001b": it has only do, id', "7"),
    ('{"do":"say","id":"7","txt":"hi"}', "it has only do, id, room, text, lines, act", "7"),
    ('{"do":"ping","id":"7","__proto__":{}}', "has no field", "7"),
    ('{"do":"ping","id":"7","self":1}', "has no field", "7"),
    ('{"do":"ping","do":"quit","id":"7"}', '"do" appears more than once', "7"),
    ('{"do":"ping","id":"7","id":"7"}', "more than once", "7"),
    ('{"do":"ping","id":"7","\\u0069d":"8"}', "more than once", "7"),
    ('{"do":"join","id":"7","room":"a","after":{"a":1,"a":2}}', '"a" appears more than once', "7"),
    (SAY % "5", 'in "say", "text" must be a string', "7"),
    (SAY % "null", "must be a string", "7"),
    (SAY % "NaN", "must be a string", "7"),
    (SAY % '"\\ud800"', "half of a surrogate pair", "7"),
    (SAY % '"\\udca5\\ud83d"', "half of a surrogate pair", "7"),
    ('{"do":"say","id":"7","room":"a","text":"hi","act":1}', "must be true or false", "7"),
    ('{"do":"say","id":"7","room":"a","text":"hi","act":"true"}', "must be true or false", "7"),
    ('{"do":"join","id":"7","room":"a","after":true}', "must be a whole number from 0 to", "7"),
    ('{"do":"join","id":"7","room":"a","after":-1}', "must be a whole number from 0 to", "7"),
    ('{"do":"join","id":"7","room":"a","after":1.5}', "must be a whole number from 0 to", "7"),
    ('{"do":"join","id":"7","room":"a","after":"1"}', "must be a whole number from 0 to", "7"),
    ('{"do":"join","id":"7","room":"a","after":9007199254740992}', "must be a whole number from 0 to", "7"),
    ('{"do":"join","id":"7","room":"a","after":1e400}', "must be a whole number from 0 to", "7"),
    ('{"do":"join","id":"7","room":"a","after":Infinity}', "must be a whole number from 0 to", "7"),
    (f'{{"do":"join","id":"7","room":"a","after":{"9" * 5000}}}', "must be a whole number from 0 to", "7"),
    (f'{{"do":"join","id":"7","room":"a","after":-{"9" * 5000}}}', "must be a whole number from 0 to", "7"),
    ('{"do":"who","id":"7","room":"a","at":0}', "must be a whole number from 1 to", "7"),
    ('{"do":"history","id":"7","room":"a","limit":0}', "from 1 to 500", "7"),
    ('{"do":"history","id":"7","room":"a","limit":501}', "from 1 to 500", "7"),
    ('{"do":"search","id":"7","words":"a","limit":101}', "from 1 to 100", "7"),
    ('{"do":"history","id":"7","room":"a","since":true}', "must be a number from 0", "7"),
    ('{"do":"history","id":"7","room":"a","since":NaN}', "must be a number from 0", "7"),
    ('{"do":"history","id":"7","room":"a","since":-Infinity}', "must be a number from 0", "7"),
    ('{"do":"history","id":"7","room":"a","since":"now"}', "must be a number from 0", "7"),
    ('{"do":"hello","id":"7","alias":"a"}', '"hello" needs "version", which must be 1', "7"),
    ('{"do":"hello","id":"7","version":true,"alias":"a"}', "must be 1", "7"),
    ('{"do":"hello","id":"7","version":1.5,"alias":"a"}', "must be 1", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","token":"short"}', "must be a string of 16 to 128 of", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","token":"0123456789abcdef="}', "16 to 128 of", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","rooms":"lobby"}', "must be a list of strings", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","rooms":["lobby",1]}', "must be a list of strings", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","rooms":["\\ud800"]}', "surrogate", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","after":5}', "must be an object in which each value is", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","after":{"a":"5"}}', "must be an object in which", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","after":{"a":true}}', "must be an object in which", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","after":{"a":{}}}', "must be an object in which", "7"),
    ('{"do":"hello","id":"7","version":1,"alias":"a","after":{"\\ud800":5}}', "surrogate", "7"),
]


@pytest.mark.parametrize("line, words, ident", BAD)
def test_an_invalid_request_is_refused_in_one_line_and_by_its_id(line, words, ident):
    with pytest.raises(BadRequest) as refused:
        read(line)
    told = str(refused.value)
    assert words in told
    assert told.isprintable()
    assert len(told) < 400
    assert (refused.value.id, refused.value.code) == (ident, "bad_request")
    MESSAGE.validate(json.loads(error(refused.value.code, told, refused.value.id)))


def _with(name, key, value):
    """Return the first example of a request, with one field set."""
    line = next(line for line, request in GOOD if request[0] == name)
    return json.loads(line) | {key: value}


BOUNDED = [
    (name, key, field) for name, entry in REQUESTS.items() for key, field in entry.fields.items() if field.rule.longest
]


def test_every_string_except_text_has_a_maximum_length():
    strings = {
        key for entry in REQUESTS.values() for key, field in entry.fields.items() if field.kind in (str, list, dict)
    }
    bounded = {key for _name, key, _field in BOUNDED}
    by_form = {key for entry in REQUESTS.values() for key, field in entry.fields.items() if field.rule.form}
    assert strings - bounded - by_form == {"text", "lines"}


@pytest.mark.parametrize("name, key, field", BOUNDED, ids=[f"{name}-{key}" for name, key, _field in BOUNDED])
def test_a_string_may_have_its_maximum_length_and_no_more(name, key, field):
    make = {str: lambda word: word, list: lambda word: [word], dict: lambda word: {word: 1}}[field.kind]
    fits, too_long = (
        _with(name, key, make("ü" * field.rule.longest)),
        _with(name, key, make("x" * (field.rule.longest + 1))),
    )
    assert read(json.dumps(fits))[2][key] == make("ü" * field.rule.longest)
    REQUEST.validate(fits)
    with pytest.raises(BadRequest, match=f'"{key}" must be .* of at most {field.rule.longest} characters'):
        read(json.dumps(too_long))
    assert not REQUEST.is_valid(too_long)


@pytest.mark.parametrize("key, make", [("rooms", list), ("after", lambda words: dict.fromkeys(words, 1))])
def test_a_list_may_have_its_maximum_of_entries_and_no_more(key, make):
    words = [f"room{number}" for number in range(MAX_ITEMS + 1)]
    fits, too_many = _with("hello", key, make(words[:-1])), _with("hello", key, make(words))
    assert read(json.dumps(fits))[2][key] == make(words[:-1])
    REQUEST.validate(fits)
    with pytest.raises(BadRequest, match=f"no more than {MAX_ITEMS}"):
        read(json.dumps(too_many))
    assert not REQUEST.is_valid(too_many)


def test_another_version_is_refused_with_the_supported_one_whatever_else_it_sends():
    with pytest.raises(BadVersion, match="say hello with version 1") as refused:
        read('{"do":"hello","id":"7","version":2,"nick":"alice"}')
    assert (refused.value.id, refused.value.code) == ("7", "bad_version")


@pytest.mark.parametrize("line", [SAY % '"%s"', '{"do":"quit","id":"7","text":"%s"}'])
def test_a_text_may_be_as_long_as_a_line_at_this_door_in_bytes(line):
    assert read(line % "üü", max_line=4)[2]["text"] == "üü"
    with pytest.raises(LineTooLong) as refused:
        read(line % "üüx", max_line=4)
    assert refused.value.id == "7"


def test_a_refusal_names_the_first_byte_that_is_not_utf8():
    with pytest.raises(NotUtf8, match="0xFF at position 2"):
        read(b"{\xff}")
    with pytest.raises(NotUtf8):
        read(b'{"do":"say","id":"7","room":"lobby","text":"\xed\xa0\x80"}')  # a surrogate


MILLION = 1_000_000
HEAVY = {
    "brackets": "[" * MILLION,
    "braces": '{"a":' * (MILLION // 5),
    "a deep list in a field": '{"do":"say","id":"7","text":' + "[" * MILLION + "]" * MILLION + "}",
    "a deep list of a field that nests just not too deep": SAY % ("[" * 400 + "]" * 400),
    "digits": f'{{"do":"join","id":"7","room":"a","after":{"9" * MILLION}}}',
    "decimals": f'{{"do":"join","id":"7","room":"a","after":0.{"3" * MILLION}}}',
    "an exponent": f'{{"do":"join","id":"7","room":"a","after":1e{"9" * MILLION}}}',
    "one key again and again": "{" + '"a":1,' * (MILLION // 6) + '"a":1}',
    "many keys": "{" + "".join(f'"{n}":1,' for n in range(100_000)) + '"99999":1}',
    "a long name": f'{{"id":"7","do":"{"s" * MILLION}"}}',
    "a long field": f'{{"id":"7","do":"ping","{"s" * MILLION}":1}}',
    "many ids": '"id" ' * (MILLION // 5),
    "an id far from its value": '{"id"' + " " * MILLION + "x",
    "backslashes": '"' + "\\" * MILLION,
    "many rooms": '{"do":"hello","id":"7","version":1,"alias":"a","rooms":[' + '"a",' * (MILLION // 4) + "1]}",
}


@pytest.mark.parametrize("line", HEAVY.values(), ids=HEAVY)
def test_a_megabyte_made_to_hurt_is_refused_at_once(line):
    started = time.process_time()
    with pytest.raises(BadRequest) as refused:
        read(line)
    assert time.process_time() - started < 2  # seconds; some milliseconds, on a machine that has nothing else to do
    assert len(str(refused.value)) < 450


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([0, 1, 1.0, 12.0, "7", "a" * 16, "a" * 96, "a" * 97, "a" * 129, "a" * 1001, MAX_NUMBER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.just("*"), inner, max_size=3),
    max_leaves=6,
)
FITTING = {
    str: st.text(),
    bool: st.booleans(),
    int: st.integers(0, MAX_NUMBER) | st.just(1),
    float: st.floats(0, 2**40),
    list: st.lists(st.text(), max_size=3),
    dict: st.dictionaries(st.text(max_size=3), st.integers(0, MAX_NUMBER), max_size=3),
}


@st.composite
def nearly_requests(draw):
    """Make objects that are often requests, and else go wrong in a field or two."""
    name = draw(st.sampled_from(sorted(REQUESTS)))
    made = {"do": name, "id": draw(st.from_regex(IDENT, fullmatch=True))}
    for key, field in REQUESTS[name].fields.items():
        if field.needed or draw(st.booleans()):
            fitting = st.from_regex(field.rule.form, fullmatch=True) if field.rule.form else FITTING[field.kind]
            made[key] = draw(fitting.filter(lambda value, field=field: _is_near(value, field)))
    for key in draw(st.lists(st.sampled_from([*made, "act", "x", "limit"]), max_size=1)):
        made[key] = draw(ANYTHING)
    for key in draw(st.lists(st.sampled_from(sorted(made)), max_size=1) if draw(st.booleans()) else st.just([])):
        del made[key]
    return made


def _is_near(value, field):
    return field.kind is not int or field.rule.most == MAX_NUMBER or field.rule.least <= value <= field.rule.most


@given(nearly_requests())
def test_the_reader_and_the_schema_agree_on_what_is_a_request(made):
    line = json.dumps(made)
    assume("NaN" not in line and "Infinity" not in line)  # no JSON, so not the schema's to judge
    # Python's $ is not ECMAScript's.
    assume(not any(str(made.get(key, "")).endswith("\n") for key in ("id", "token", "name", "call")))
    try:
        name, ident, fields = read(line)
    except BadRequest:
        assert not REQUEST.is_valid(made)
    else:
        REQUEST.validate(made)
        assert (name, ident) == (made.pop("do"), made.pop("id"))
        assert made.items() <= fields.items()


@given(nearly_requests(), st.data())
def test_a_torn_or_garbled_line_is_only_ever_refused(made, data):
    line = json.dumps(made, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")
    at = data.draw(st.integers(0, len(line)))
    until = data.draw(st.integers(at, len(line)))
    _only_refused(line[:at] + data.draw(st.binary(max_size=4)) + line[until:])


@given(st.text(st.characters()) | st.binary() | st.text('{}[]":,\\u0dD8\n eE-+.9nulltrue'))
def test_anything_else_is_only_ever_refused(line):
    _only_refused(line)


def _only_refused(line):
    try:
        read(line)
    except (BadRequest, NotUtf8) as refused:
        assert str(refused).isprintable()


# The schema.


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_has_every_request_and_no_part_that_is_not_used():
    assert [one["$ref"] for one in DEFS["request"]["oneOf"]] == [f"#/$defs/request_{name}" for name in REQUESTS]
    text = json.dumps(SCHEMA)
    assert [name for name in DEFS if f'"#/$defs/{name}"' not in text] == []


def test_every_object_of_the_schema_is_closed():
    def objects(part):
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from objects(inner)
        if isinstance(part, dict) and part.get("type") == "object":
            yield part

    assert [part for part in objects(DEFS) if "additionalProperties" not in part] == []


def test_every_error_has_a_code_of_its_own_that_stands_in_the_schema():
    kinds = [kind for _name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ChatError)]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(kinds)
    assert set(codes) == set(DEFS["error"]["properties"]["error"]["enum"])
    assert {"not_utf8", "line_too_long", "chat_error", "taken_over", "bad_usage"} <= set(codes)
    assert errors.HelloFirst().code == "hello_first"


@pytest.mark.parametrize("kind", [errors.HelloFirst, errors.TakenOver])
def test_the_errors_of_programs_have_texts_of_one_line(kind):
    assert str(kind()).isprintable()


def test_the_kinds_of_the_schema_are_those_that_are_shown():
    assert set(DEFS["event"]["properties"]["kind"]["enum"]) == LOGGED


def test_the_transcript_of_the_docs_is_what_is_sent_and_read():
    page = (DOCS / "protocol.rst").read_text()
    lines = re.findall(r"^    ([<>]) (\{.*(?:\n       .*)*)", page, re.MULTILINE)
    assert len(lines) > 5
    for way, line in lines:
        line = line.replace("\n       ", "")
        if way == ">":
            read(line)
        else:
            MESSAGE.validate(json.loads(line))
            assert re.sub(r"(\.\d\d)0,", r"\1,", line) == json.dumps(json.loads(line), separators=(",", ":"))


# A request is one class.


@pytest.fixture
def knock():
    @request("nothing, for a test")
    @dataclass(frozen=True)
    class KnockRequest(JsonRequest):
        """Knock at the door of a room."""

        room: WantedRoom
        times: Annotated[int, Rule(least=1, most=3), About("How often.")] = 1

        def run(self, hub, ask) -> Done:
            ask.notice("knock " * self.times + self.room)
            return Done()

    yield KnockRequest
    del REQUESTS["knock"]


def test_one_class_is_read_checked_described_and_done(knock):
    assert read('{"do":"knock","id":"7","room":"ops"}') == ("knock", "7", {"room": "ops", "times": 1})
    with pytest.raises(BadRequest, match='in "knock", "times" must be a whole number from 1 to 3'):
        read('{"do":"knock","id":"7","room":"ops","times":4}')
    made = schema.whole(json.loads((DOCS / "jsonlines.schema.json").read_text()))["$defs"]
    assert made["request_knock"]["description"] == "Knock at the door of a room."
    assert made["request_knock"]["properties"]["times"] == {
        "description": "How often.", "type": "integer", "minimum": 1, "maximum": 3, "default": 1,
    }  # fmt: skip
    assert made["result_knock"]["required"] == ["result", "id"]
    assert "``knock`` ``room [times]``" in docs.protocol((DOCS / "protocol.rst").read_text())


def test_two_requests_cannot_have_one_name(knock):
    with pytest.raises(ValueError, match="two requests are called knock"):
        request("nothing")(knock)


def test_each_file_of_the_folder_is_imported_without_being_listed():
    files = {path.stem for path in Path(docs.__file__).parent.glob("*.py")} - {"__init__", "docs"}
    assert all(f"twisted_chat.requests.{name}" in sys.modules for name in files)
