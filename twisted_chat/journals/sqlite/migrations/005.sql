-- The size of each log, so that retention can cut the largest, and the clock of retention.
ALTER TABLE rooms ADD COLUMN size INTEGER NOT NULL DEFAULT 0; -- bytes of its events, about: see queries.py
UPDATE rooms SET size = coalesce((
    SELECT sum(100 + length(CAST(text AS BLOB)) + length(ident)) FROM events
    WHERE events.id BETWEEN (rooms.id << 32) AND (rooms.id << 32 | 0xffffffff)
), 0);
CREATE INDEX rooms_large ON rooms (size) WHERE size > 32768; -- as in pruner.py

ALTER TABLE journal ADD COLUMN clock REAL NOT NULL DEFAULT 0; -- the time for retention: see retention_clock.py
ALTER TABLE journal ADD COLUMN lived REAL;                    -- seconds of running since the system's clock leapt
ALTER TABLE journal ADD COLUMN private INTEGER NOT NULL DEFAULT 0; -- the highest number of a forgotten log of @ALIAS
UPDATE journal SET clock = coalesce((SELECT max(last) FROM rooms), 0);

-- Authors are compared as they are spelled in events.
DROP TABLE authors;
