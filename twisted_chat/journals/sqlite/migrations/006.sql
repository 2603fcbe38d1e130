-- The index of words, by rules of our own: it is told words with spaces between them, see tokenizer.py, so that for FTS5 all
-- characters beyond ASCII are letters. It is filled again when there is time.
DROP TABLE found;
CREATE VIRTUAL TABLE found USING fts5 (text, content='', columnsize=0, tokenize='ascii');
UPDATE rooms SET indexed = first - 1;
