-- What lets people in. No state folds from it; rows are replaced and deleted.
CREATE TABLE password (
    account TEXT PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id BLOB PRIMARY KEY,
    actor TEXT NOT NULL,
    name TEXT,
    provider TEXT NOT NULL,
    token TEXT,
    agent TEXT NOT NULL,
    began_us INTEGER NOT NULL,
    used_us INTEGER NOT NULL,
    ends_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_actor ON session (actor, began_us DESC);
CREATE INDEX session_ends ON session (ends_us);
CREATE INDEX session_used ON session (used_us);
