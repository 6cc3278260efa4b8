-- Times are microseconds since 1970-01-01T00:00:00Z, hashes are SHA-256 in 32 bytes.

-- The end of the log and the last fence that a lease was given. One row.
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    size INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    frontier BLOB NOT NULL
) STRICT;

CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What search looks at comes first: SQLite reads a row from its front.
-- `body` is the bytes that the leaf covers. Erasing clears `salt` and `private`; `private_hash` stays.
CREATE TABLE log (
    number INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    type_version INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    leaf BLOB NOT NULL,
    private_hash BLOB,
    salt BLOB,
    private BLOB,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_stream ON log (stream_id, version);
CREATE INDEX log_type ON log (type);
CREATE INDEX log_actor ON log (actor);

-- Keys of accepted commands, in the order in which they are forgotten.
CREATE TABLE idempotency (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL UNIQUE,
    request BLOB NOT NULL,
    first INTEGER,
    last INTEGER,
    at_us INTEGER NOT NULL
) STRICT;

-- `id` is the stream and the kind, `kind` the latter as JSON. `free_us` is when the work may be leased next:
-- a lease moves it on, so that looking for free work never walks over what is leased.
CREATE TABLE work (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    due_us INTEGER NOT NULL,
    free_us INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    leased_until_us INTEGER,
    owner TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX work_free ON work (free_us, id);

CREATE TABLE rollout (
    id INTEGER PRIMARY KEY,
    promotion TEXT NOT NULL UNIQUE,
    root BLOB NOT NULL
) STRICT;

CREATE TABLE tick (
    number INTEGER PRIMARY KEY,
    rollout_id INTEGER NOT NULL,
    arm TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    line BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX tick_once ON tick (rollout_id, arm, at_us);

CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE promotion (
    project TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    stage TEXT NOT NULL,
    number INTEGER NOT NULL,
    release BLOB NOT NULL,
    requested_us INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    doc BLOB NOT NULL,
    PRIMARY KEY (project, pipeline, stage, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX promotion_requested ON promotion (requested_us DESC);
CREATE INDEX promotion_pipeline ON promotion (project, pipeline, requested_us DESC);
CREATE INDEX promotion_release ON promotion (release);

CREATE TABLE release (
    id BLOB PRIMARY KEY,
    project TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    version TEXT NOT NULL,
    registered_us INTEGER NOT NULL,
    doc BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX release_registered ON release (registered_us DESC);
CREATE INDEX release_pipeline ON release (project, pipeline, registered_us DESC);
CREATE INDEX release_version ON release (project, pipeline, version);
INSERT INTO head (id, size, at_us, fence, frontier) VALUES (0, 0, 0, 0, x'0000000000000000');
