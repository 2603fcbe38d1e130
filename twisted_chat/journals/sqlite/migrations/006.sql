-- The index of words, by our own rules: it gets words with spaces between them (tokenizer.py), so that for FTS5 all
-- characters beyond ASCII are letters. It is filled again when there is time.
DROP TABLE found;
CREATE VIRTUAL TABLE found USING fts5 (text, content='', columnsize=0, tokenize='ascii');
UPDATE rooms SET indexed = first - 1;
