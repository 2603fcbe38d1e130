-- The index of the words in posts, which is filled later than the log.
ALTER TABLE rooms ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0; -- the last number that is in the index
CREATE INDEX rooms_behind ON rooms (id) WHERE indexed < number;

CREATE VIEW posts AS SELECT id, text FROM events WHERE kind IN ('said', 'acted');
CREATE VIRTUAL TABLE found USING fts5 (
    text, content='posts', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
