-- The log. The key of an event is ROOM << 32 | NUMBER, so one B-tree serves every query about a room.
PRAGMA application_id = 0x54774368;

CREATE TABLE journal (name TEXT NOT NULL);
INSERT INTO journal VALUES (lower(hex(randomblob(8))));

-- Every log: a room, * or @ALIAS. Never deleted, so that numbers never begin again.
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 0,    -- of the last event
    last REAL NOT NULL DEFAULT 0,         -- its time
    first INTEGER NOT NULL DEFAULT 1,     -- the number of the oldest event that is kept, or would be
    oldest REAL                           -- its time; NULL: none is kept
);
CREATE INDEX rooms_by_oldest ON rooms (oldest);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    origin INTEGER NOT NULL,
    at REAL NOT NULL,                     -- seconds since the epoch
    ident TEXT NOT NULL
);

-- Every way in which an author was ever written, by what makes them the same.
CREATE TABLE authors (name TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX authors_by_key ON authors (key);

-- The idents of posts: a request that is sent again is not kept twice.
CREATE TABLE idents (ident TEXT PRIMARY KEY, event INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID;

-- The aliases in each room at the end of the log.
CREATE TABLE present (room INTEGER NOT NULL, alias TEXT NOT NULL, PRIMARY KEY (room, alias)) WITHOUT ROWID;

-- For people with the sqlite3 program.
CREATE VIEW log AS
    SELECT r.name AS room, e.id & 0xffffffff AS number, datetime(e.at, 'unixepoch') AS at, e.kind, e.author, e.text
    FROM rooms r JOIN events e ON e.id BETWEEN (r.id << 32) AND (r.id << 32 | 0xffffffff);
