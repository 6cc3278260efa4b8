-- Times are microseconds since 1970-01-01T00:00:00Z, hashes are SHA-256 in 32 bytes. Text is compared byte by byte.

-- The end of the log. One row, and its lock gives every batch its place. `settled` is written by whoever asks what became
-- of a commit that was not acknowledged: his own commit then covers it.
CREATE TABLE gateline.head (
    id integer PRIMARY KEY CHECK (id = 0),
    size bigint NOT NULL,
    at_us bigint NOT NULL,
    frontier bytea NOT NULL,
    settled bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO gateline.head (id, size, at_us, frontier, settled) VALUES (0, 0, 0, '\x0000000000000000', 0);

-- Fences of leases. No two leases have the same.
CREATE SEQUENCE gateline.fence;

-- Who writes, with the number of his last batch that was committed.
CREATE TABLE gateline.writer (
    id text COLLATE "C" PRIMARY KEY,
    batch bigint NOT NULL,
    at_us bigint NOT NULL
) WITH (fillfactor = 50);

-- `id` is the number of its first event.
CREATE TABLE gateline.stream (
    id bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- `body` is the bytes that the leaf covers. Erasing clears `salt` and `private`; `private_hash` stays.
CREATE TABLE gateline.log (
    number bigint PRIMARY KEY,
    stream_id bigint NOT NULL,
    version bigint NOT NULL,
    at_us bigint NOT NULL,
    type_version integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    leaf bytea NOT NULL,
    private_hash bytea,
    salt bytea,
    private bytea,
    body bytea NOT NULL
);
CREATE UNIQUE INDEX log_stream ON gateline.log (stream_id, version);
CREATE INDEX log_type ON gateline.log (type, number);
CREATE INDEX log_actor ON gateline.log (actor, number);

-- Keys of accepted commands.
CREATE TABLE gateline.idempotency (
    scope text COLLATE "C" PRIMARY KEY,
    request bytea NOT NULL,
    first bigint,
    last bigint,
    at_us bigint NOT NULL
);
CREATE INDEX idempotency_at ON gateline.idempotency (at_us);

-- `id` is the stream and the kind, `kind` the latter as JSON. `free_us` is when the work may be leased next:
-- a lease moves it on, so that looking for free work never walks over what is leased.
CREATE TABLE gateline.work (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    due_us bigint NOT NULL,
    free_us bigint NOT NULL,
    fence bigint NOT NULL,
    attempt integer NOT NULL,
    leased_until_us bigint,
    owner text
);
CREATE INDEX work_free ON gateline.work (free_us, id);

CREATE TABLE gateline.rollout (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    promotion text COLLATE "C" NOT NULL UNIQUE,
    ticks bigint NOT NULL,
    root bytea NOT NULL
);

CREATE TABLE gateline.tick (
    rollout_id bigint NOT NULL,
    number bigint NOT NULL,
    arm text COLLATE "C" NOT NULL,
    at_us bigint NOT NULL,
    line bytea NOT NULL,
    PRIMARY KEY (rollout_id, number)
);
CREATE UNIQUE INDEX tick_once ON gateline.tick (rollout_id, arm, at_us);

-- Content that is on its way: its pieces are written before the batch that keeps it, so that the head's lock is short.
-- What no batch keeps is swept.
CREATE TABLE gateline.blob_coming (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_us bigint NOT NULL
);

CREATE TABLE gateline.blob (
    digest bytea PRIMARY KEY,
    id bigint NOT NULL UNIQUE,
    size bigint NOT NULL
);

-- `number` from 0. `form` is 0 for bytes as they are, 1 for zlib.
CREATE TABLE gateline.blob_piece (
    blob_id bigint NOT NULL,
    number bigint NOT NULL,
    form bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (blob_id, number)
);
-- They are compressed already.
ALTER TABLE gateline.blob_piece ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE gateline.promotion (
    project text COLLATE "C" NOT NULL,
    pipeline text COLLATE "C" NOT NULL,
    stage text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    release bytea NOT NULL,
    requested_us bigint NOT NULL,
    ended boolean NOT NULL,
    doc bytea NOT NULL,
    PRIMARY KEY (project, pipeline, stage, number)
);
CREATE INDEX promotion_requested ON gateline.promotion (requested_us DESC, project, pipeline, stage, number);
CREATE INDEX promotion_pipeline ON gateline.promotion (project, pipeline, requested_us DESC, stage, number);
CREATE INDEX promotion_release ON gateline.promotion (release);

CREATE TABLE gateline.release (
    id bytea PRIMARY KEY,
    project text COLLATE "C" NOT NULL,
    pipeline text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    registered_us bigint NOT NULL,
    doc bytea NOT NULL
);
CREATE INDEX release_registered ON gateline.release (registered_us DESC, id);
CREATE INDEX release_pipeline ON gateline.release (project, pipeline, registered_us DESC, id);
CREATE INDEX release_version ON gateline.release (project, pipeline, version);

-- What lets people in. No state folds from it; rows are replaced and deleted.
CREATE TABLE gateline.password (
    account text COLLATE "C" PRIMARY KEY,
    hash text NOT NULL
);

CREATE TABLE gateline.session (
    id bytea PRIMARY KEY,
    actor text COLLATE "C" NOT NULL,
    name text,
    provider text NOT NULL,
    token text,
    agent text NOT NULL,
    began_us bigint NOT NULL,
    used_us bigint NOT NULL,
    ends_us bigint NOT NULL
);
CREATE INDEX session_actor ON gateline.session (actor, began_us DESC);
CREATE INDEX session_ends ON gateline.session (ends_us);
CREATE INDEX session_used ON gateline.session (used_us);
