-- How often the file was opened to be written to: the sessions of each opening have numbers of their own.
ALTER TABLE journal ADD COLUMN opening INTEGER NOT NULL DEFAULT 0;
