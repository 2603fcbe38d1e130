"""The words that a search finds: the index in the file and the rules in Python agree on all texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.errors import NotRecalled
from twisted_chat.core.events import SAID, Event
from twisted_chat.core.ports import Query
from twisted_chat.journals.matching import chosen
from twisted_chat.journals.sqlite import database, event_store
from twisted_chat.journals.sqlite.queries import recalled
from twisted_chat.journals.sqlite.slices import SliceBudget
from twisted_chat.journals.sqlite.word_index import index_some
from twisted_chat.journals.tokenizer import words_in

LETTERS = st.sampled_from("aAbß zé\u0301\u0300_-.'\t 1²字数库กิ่किはバ가ёйΆ𠀀🙂\u200d\ue000\U000e0101")
TEXTS = st.text(LETTERS | st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    path = tmp_path_factory.mktemp("words") / "chat.db"
    database.create(path)
    connection = database.open_writer(path)
    yield connection
    connection.close()


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), words=TEXTS)
def test_the_index_finds_what_the_rules_find(connection, texts, words):
    group = f"room{connection.total_changes}"  # a new one each time
    kept = event_store.EventStore(connection).commit([Event(SAID, group, "alice", text, 1) for text in texts], 1.0)
    budget = SliceBudget()
    while index_some(connection, budget):
        pass
    for query in (Query(group, words=words), *(Query(group, words=text) for text in texts)):
        try:
            found = chosen(query, lambda group: kept)
        except NotRecalled:
            with pytest.raises(NotRecalled):
                recalled(connection, query)
        else:
            assert recalled(connection, query) == found
            assert not words_in(query.words) or query.words not in texts or found


def test_a_file_with_an_old_index_is_indexed_again(tmp_path, monkeypatch):
    path = tmp_path / "chat.db"
    database.create(path)
    monkeypatch.setattr(database, "newest_version", lambda: 5)
    connection = database.open_writer(path)
    connection.execute("INSERT INTO rooms (id, name, number, last, oldest, indexed) VALUES (1, 'lobby', 3, 1, 1, 3)")
    for number in (1, 2, 3):
        row = (1 << 32 | number, SAID, "alice", "数据库 and words", 1, 1.0, "")
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO found (rowid, text) SELECT id, text FROM posts")
    connection.close()
    monkeypatch.undo()
    connection = database.open_writer(path)
    assert index_some(connection, SliceBudget())
    for words in ("数据", "words"):
        assert len(recalled(connection, Query("lobby", words=words))) == 3
    connection.close()
