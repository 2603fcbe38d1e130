-- The number of times the file was opened for writing: the sessions of each opening have their own numbers.
ALTER TABLE journal ADD COLUMN opening INTEGER NOT NULL DEFAULT 0;
