-- The event that an event is about, and data that only some events have: neither takes space where it is missing.
ALTER TABLE events ADD COLUMN about INTEGER NOT NULL DEFAULT 0; -- the number of another event of the same log; 0: none
ALTER TABLE events ADD COLUMN data TEXT;                        -- an object in JSON; NULL: nothing
