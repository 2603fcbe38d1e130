-- The events that stand, each under its subject, whether or not the log still has it. A new one under the same subject
-- gets a new, higher rowid, so the order of the rows is the order of the events.
CREATE TABLE standing (
    subject TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    room TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    origin INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    ident TEXT NOT NULL,
    about INTEGER NOT NULL,
    data TEXT
);

-- What proves a secret, under the subject that it belongs to. Never in the log.
CREATE TABLE verifiers (subject TEXT PRIMARY KEY, verifier TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX verifiers_by_verifier ON verifiers (verifier);

-- By the number of the account. The rooms are an array and the marks an object in JSON.
CREATE TABLE profiles (account INTEGER PRIMARY KEY, rooms TEXT NOT NULL, marks TEXT NOT NULL, seen REAL NOT NULL);
