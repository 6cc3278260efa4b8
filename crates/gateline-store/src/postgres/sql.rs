//! Every statement of the store, with the types of its parameters. A test prepares each.
//!
//! Statements that write take arrays: one statement a table and batch, however many appends it has.

use tokio_postgres::types::Type;

use crate::kept::{astray, spoilt};

/// One statement.
#[derive(Debug)]
pub(super) struct Sql {
    pub text: &'static str,
    pub types: &'static [Type],
    pub plan: Plan,
}

/// When a statement is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Once for a connection that nobody shares: what every batch runs. It must be right for tables of any size, and PostgreSQL
    /// must not prefer a plan of its own for each batch: it takes a parameter in a subquery, `(SELECT $1)`, for what it could be.
    Once,
    /// Each time, for the values that it is given: what filters by what may be there or not.
    Each,
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident $plan:ident [$($type:ident)*] $sql:expr;)*) => {
        $($(#[$doc])* pub(super) static $name: Sql = Sql { text: $sql, types: &[$(Type::$type),*], plan: Plan::$plan };)*
        pub(super) static ALL: &[&Sql] = &[$(&$name),*];
    };
}

/// The columns of an event, as `read::recorded` takes them.
macro_rules! event {
    ($rest:literal) => {
        concat!(
            "SELECT number, name, version, type_version, at_us, actor, private, body ",
            "FROM gateline.log JOIN gateline.stream ON stream.id = stream_id ",
            $rest
        )
    };
}

statements! {
    // ---- head and streams ----
    HEAD Once [] "SELECT size, at_us, frontier FROM gateline.head WHERE id = 0";
    HEAD_LOCK Once [] "SELECT size, at_us, frontier FROM gateline.head WHERE id = 0 FOR UPDATE";
    HEAD_MOVE Once [INT8 INT8 BYTEA] "UPDATE gateline.head SET size = $1, at_us = $2, frontier = $3 WHERE id = 0";
    STREAMS Once [TEXT_ARRAY] "SELECT id, name,
        (SELECT version FROM gateline.log WHERE stream_id = stream.id ORDER BY version DESC LIMIT 1)
        FROM gateline.stream WHERE name = ANY ((SELECT $1)::text[])";
    STREAMS_ADD Once [INT8_ARRAY TEXT_ARRAY] "INSERT INTO gateline.stream (id, name) SELECT * FROM unnest($1, $2)";
    BATCH Once [TEXT INT8 INT8] "INSERT INTO gateline.writer (id, batch, at_us) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET batch = $2, at_us = $3";
    BATCH_OF Each [TEXT] "SELECT batch FROM gateline.writer WHERE id = $1";
    SETTLE Each [] "UPDATE gateline.head SET settled = settled + 1 WHERE id = 0";
    WRITERS_FORGET Each [INT8] "DELETE FROM gateline.writer WHERE at_us < $1";
    NAME Each [] "SELECT gen_random_uuid()::text";
    TIME Each [] "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8";
    BACKEND Each [] "SELECT pg_backend_pid(), current_setting('synchronous_commit'), current_setting('server_encoding'),
        current_setting('server_version_num')::int4, pg_is_in_recovery()";
    NOTIFY Each [TEXT] "SELECT pg_notify('gateline', $1)";

    // ---- append ----
    KEYS Once [TEXT_ARRAY] "SELECT scope, request, first, last, at_us FROM gateline.idempotency
        WHERE scope = ANY ((SELECT $1)::text[])";
    KEYS_ADD Once [TEXT_ARRAY BYTEA_ARRAY INT8_ARRAY INT8_ARRAY INT8]
        "INSERT INTO gateline.idempotency (scope, request, first, last, at_us)
        SELECT n.*, $5 FROM unnest($1, $2, $3, $4) n
        ON CONFLICT (scope) DO UPDATE SET request = excluded.request, first = excluded.first, last = excluded.last,
        at_us = excluded.at_us";
    KEYS_FORGET Once [INT8 INT8] "DELETE FROM gateline.idempotency WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM gateline.idempotency WHERE at_us < (SELECT $1) ORDER BY at_us LIMIT (SELECT $2)))";
    /// Also moves the head: $13 size, $14 frontier.
    LOG_ADD Once [INT8_ARRAY INT8_ARRAY INT8_ARRAY TEXT_ARRAY INT4 INT8 TEXT_ARRAY BYTEA_ARRAY BYTEA_ARRAY BYTEA_ARRAY
        BYTEA_ARRAY BYTEA_ARRAY INT8 BYTEA]
        "WITH moved AS (UPDATE gateline.head SET size = $13, at_us = $6, frontier = $14 WHERE id = 0)
        INSERT INTO gateline.log (number, stream_id, version, type, actor, leaf, private_hash, salt, private, body,
        type_version, at_us)
        SELECT n.*, $5, $6 FROM unnest($1, $2, $3, $4, $7, $8, $9, $10, $11, $12) n";
    BLOBS_ADD Once [BYTEA_ARRAY INT8_ARRAY INT8_ARRAY] "WITH kept AS (
        INSERT INTO gateline.blob (digest, id, size) SELECT * FROM unnest($1, $2, $3) ON CONFLICT (digest) DO NOTHING RETURNING id)
        DELETE FROM gateline.blob_coming WHERE id IN (SELECT id FROM kept)";
    BLOBS_KNOWN Each [BYTEA_ARRAY] "SELECT digest FROM gateline.blob WHERE digest = ANY ($1)";
    BLOB_COMING Each [INT8] "INSERT INTO gateline.blob_coming (at_us) VALUES ($1) RETURNING id";
    BLOB_PIECE_ADD Each [INT8 INT8 INT8 BYTEA]
        "INSERT INTO gateline.blob_piece (blob_id, number, form, bytes) VALUES ($1, $2, $3, $4)";
    BLOBS_SWEEP Each [INT8] "WITH gone AS (DELETE FROM gateline.blob_coming WHERE at_us < $1 RETURNING id)
        DELETE FROM gateline.blob_piece WHERE blob_id IN (SELECT id FROM gone)";
    PROMOTIONS_PUT Once [TEXT_ARRAY TEXT_ARRAY TEXT_ARRAY INT8_ARRAY BYTEA_ARRAY INT8_ARRAY BOOL_ARRAY BYTEA_ARRAY]
        "INSERT INTO gateline.promotion (project, pipeline, stage, number, release, requested_us, ended, doc)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (project, pipeline, stage, number) DO UPDATE SET release = excluded.release,
        requested_us = excluded.requested_us, ended = excluded.ended, doc = excluded.doc";
    RELEASES_PUT Once [BYTEA_ARRAY TEXT_ARRAY TEXT_ARRAY TEXT_ARRAY INT8_ARRAY BYTEA_ARRAY]
        "INSERT INTO gateline.release (id, project, pipeline, version, registered_us, doc)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE SET project = excluded.project, pipeline = excluded.pipeline, version = excluded.version,
        registered_us = excluded.registered_us, doc = excluded.doc";
    ERASE Each [INT8_ARRAY] "UPDATE gateline.log SET private = NULL, salt = NULL
        WHERE number = ANY ($1) AND private IS NOT NULL";

    // ---- work ----
    WORK_ADD Once [TEXT_ARRAY TEXT_ARRAY INT8_ARRAY] "INSERT INTO gateline.work (id, kind, due_us, free_us, fence, attempt)
        SELECT id, kind, due, due, 0, 0 FROM unnest($1, $2, $3) n (id, kind, due) ON CONFLICT (id) DO NOTHING";
    WORK_REMOVE Once [TEXT_ARRAY] "DELETE FROM gateline.work WHERE id = ANY ((SELECT $1)::text[])";
    WORK_HELD Once [TEXT_ARRAY] "SELECT id, fence FROM gateline.work
        WHERE id = ANY ((SELECT $1)::text[]) AND leased_until_us IS NOT NULL ORDER BY id FOR UPDATE";
    WORK_END Once [TEXT_ARRAY] "UPDATE gateline.work SET leased_until_us = NULL, owner = NULL, free_us = due_us
        WHERE id = ANY ((SELECT $1)::text[])";
    /// $1 now, or NULL for the database's clock; $2 limit, $3 length of the lease, $4 owner.
    WORK_LEASE Once [INT8 INT8 INT8 TEXT] "WITH moment AS MATERIALIZED (
        SELECT coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::int8) AS us),
        free AS MATERIALIZED (SELECT id, free_us FROM gateline.work WHERE free_us <= (SELECT us FROM moment)
            ORDER BY free_us, id LIMIT $2 FOR UPDATE SKIP LOCKED),
        given AS MATERIALIZED (SELECT id, nextval('gateline.fence') AS fence FROM (
            SELECT id FROM free ORDER BY free_us, id) ordered)
        UPDATE gateline.work SET fence = given.fence, attempt = attempt + 1, leased_until_us = us + $3, owner = $4,
            free_us = greatest(due_us, us + $3)
        FROM given, moment WHERE work.id = given.id RETURNING work.id, kind, due_us, work.fence, attempt";
    WORK_RELEASE Once [TEXT INT8 INT8] "UPDATE gateline.work SET leased_until_us = NULL, owner = NULL, due_us = $3, free_us = $3
        WHERE id = $1 AND fence = $2 AND leased_until_us IS NOT NULL";
    WORK_RENEW Once [TEXT INT8 INT8] "UPDATE gateline.work SET leased_until_us = $3, free_us = greatest(due_us, $3)
        WHERE id = $1 AND fence = $2 AND leased_until_us IS NOT NULL";
    WORK_NEXT Once [] "SELECT free_us FROM gateline.work ORDER BY free_us LIMIT 1";
    WORK Each [] "SELECT id, kind, due_us, fence, attempt, leased_until_us FROM gateline.work ORDER BY id";
    WORK_KEPT Each [] "SELECT id, kind FROM gateline.work FOR UPDATE";

    // ---- what cannot be, and what mends it ----
    MISSING Each [TEXT_ARRAY] "SELECT name FROM unnest($1) name WHERE to_regclass('gateline.' || name) IS NULL ORDER BY name";
    WORK_SPOILT Each [] spoilt!("SELECT id FROM gateline.work");
    WORK_SPOILT_REMOVE Each [] spoilt!("DELETE FROM gateline.work");
    WORK_UNSOUND Each [] "SELECT id FROM gateline.work
        WHERE free_us <> greatest(due_us, leased_until_us) ORDER BY id";
    WORK_SOUND Each [] "UPDATE gateline.work SET free_us = greatest(due_us, leased_until_us)
        WHERE free_us <> greatest(due_us, leased_until_us)";
    FENCE_UNSOUND Each [] "SELECT last_value FROM gateline.fence WHERE CASE WHEN is_called THEN last_value ELSE 0 END
        NOT BETWEEN coalesce((SELECT max(fence) FROM gateline.work), 0) AND 4611686018427387904";
    FENCE_SOUND Each [] "SELECT setval('gateline.fence', greatest((SELECT max(fence) FROM gateline.work), 1))
        FROM gateline.fence WHERE CASE WHEN is_called THEN last_value ELSE 0 END
        NOT BETWEEN coalesce((SELECT max(fence) FROM gateline.work), 0) AND 4611686018427387904";
    ROLLOUTS_UNSOUND Each [] "SELECT promotion FROM gateline.rollout
        WHERE ticks <> (SELECT count(*) FROM gateline.tick WHERE rollout_id = rollout.id) ORDER BY promotion";
    ROLLOUTS_SOUND Each [] "UPDATE gateline.rollout SET ticks = (SELECT count(*) FROM gateline.tick WHERE rollout_id = rollout.id)";
    KEYS_UNSOUND Each [] astray!("SELECT scope FROM gateline.idempotency", "gateline.head");
    KEYS_SOUND Each [] astray!("DELETE FROM gateline.idempotency", "gateline.head");

    // ---- ticks ----
    ROLLOUT_ADD Once [TEXT BYTEA] "INSERT INTO gateline.rollout (promotion, ticks, root) VALUES ($1, 0, $2)
        ON CONFLICT (promotion) DO NOTHING";
    ROLLOUT_LOCK Once [TEXT] "SELECT id, ticks, root FROM gateline.rollout WHERE promotion = $1 FOR UPDATE";
    ROLLOUT_MOVE Once [INT8 INT8 BYTEA] "UPDATE gateline.rollout SET ticks = $2, root = $3 WHERE id = $1";
    TICKS_KNOWN Once [TEXT TEXT_ARRAY INT8_ARRAY] "SELECT tick.arm, tick.at_us FROM gateline.rollout
        JOIN gateline.tick ON rollout_id = rollout.id JOIN unnest($2, $3) n (arm, at_us) USING (arm, at_us)
        WHERE promotion = $1";
    TICKS_ADD Once [INT8 INT8_ARRAY TEXT_ARRAY INT8_ARRAY BYTEA_ARRAY]
        "INSERT INTO gateline.tick (rollout_id, number, arm, at_us, line) SELECT $1, n.* FROM unnest($2, $3, $4, $5) n";
    TICKS Each [TEXT] "SELECT root, line FROM gateline.rollout LEFT JOIN gateline.tick ON rollout_id = rollout.id
        WHERE promotion = $1 ORDER BY number";
    TICKS_SPAN Each [TEXT] "SELECT id, (SELECT min(at_us) FROM gateline.tick WHERE rollout_id = rollout.id),
        (SELECT max(at_us) FROM gateline.tick WHERE rollout_id = rollout.id) FROM gateline.rollout WHERE promotion = $1";
    TICKS_BEFORE Each [INT8 INT8_ARRAY] "SELECT arm, moment, line FROM unnest($2) moment, unnest('{canary,stable}'::text[]) one,
        LATERAL (SELECT arm, line FROM gateline.tick WHERE rollout_id = $1 AND arm = one COLLATE \"C\" AND at_us <= moment
        ORDER BY at_us DESC LIMIT 1) latest";

    // ---- access ----
    PASSWORD Each [TEXT] "SELECT hash FROM gateline.password WHERE account = $1";
    PASSWORDS_PUT Each [TEXT_ARRAY TEXT_ARRAY] "INSERT INTO gateline.password (account, hash) SELECT * FROM unnest($1, $2)
        ON CONFLICT (account) DO UPDATE SET hash = excluded.hash";
    PASSWORDS_DELETE Each [TEXT_ARRAY] "DELETE FROM gateline.password WHERE account = ANY ($1)";
    SESSIONS_END_ALL Each [TEXT_ARRAY] "DELETE FROM gateline.session WHERE actor = ANY ($1)";
    SESSION Each [BYTEA] "SELECT id, actor, name, provider, token, agent, began_us, used_us, ends_us FROM gateline.session
        WHERE id = $1";
    SESSIONS_OF Each [TEXT] "SELECT id, actor, name, provider, token, agent, began_us, used_us, ends_us FROM gateline.session
        WHERE actor = $1 ORDER BY began_us DESC, id";
    SESSION_PUT Each [BYTEA TEXT TEXT TEXT TEXT TEXT INT8 INT8 INT8]
        "INSERT INTO gateline.session (id, actor, name, provider, token, agent, began_us, used_us, ends_us)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET actor = $2, name = $3, provider = $4, token = $5, agent = $6, began_us = $7,
        used_us = $8, ends_us = $9";
    SESSIONS_TRIM Each [TEXT INT8] "DELETE FROM gateline.session WHERE id IN (
        SELECT id FROM gateline.session WHERE actor = $1 ORDER BY began_us DESC, id OFFSET $2)";
    SESSION_USE Each [BYTEA INT8] "UPDATE gateline.session SET used_us = $2 WHERE id = $1 AND used_us < $2";
    SESSION_END Each [BYTEA] "DELETE FROM gateline.session WHERE id = $1";
    SESSIONS_END_OF Each [TEXT BYTEA] "DELETE FROM gateline.session WHERE actor = $1 AND id IS DISTINCT FROM $2";
    SESSIONS_END_STALE Each [INT8 INT8] "DELETE FROM gateline.session WHERE ends_us <= $1 OR used_us < $2";

    // ---- doctor ----
    RAW Each [INT8 INT8] "SELECT number, name, version, type, type_version, at_us, actor, private_hash, salt, private, body, leaf
        FROM gateline.log LEFT JOIN gateline.stream ON stream.id = stream_id WHERE number >= $1 ORDER BY number LIMIT $2";
    PROMOTION_ROWS Each [] "SELECT doc, project, pipeline, stage, number, release, requested_us, ended
        FROM gateline.promotion ORDER BY project, pipeline, stage, number";
    RELEASE_ROWS Each [] "SELECT doc, id, project, pipeline, version, registered_us FROM gateline.release ORDER BY id";
    PROMOTIONS_CLEAR Each [] "DELETE FROM gateline.promotion";
    RELEASES_CLEAR Each [] "DELETE FROM gateline.release";

    // ---- copy ----
    IS_EMPTY Each [] "SELECT (SELECT size FROM gateline.head) = 0 AND NOT EXISTS (SELECT FROM gateline.idempotency)
        AND NOT EXISTS (SELECT FROM gateline.work) AND NOT EXISTS (SELECT FROM gateline.rollout)
        AND NOT EXISTS (SELECT FROM gateline.blob) AND NOT EXISTS (SELECT FROM gateline.password)";
    FENCE Each [] "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM gateline.fence";
    FENCE_SET Each [INT8] "SELECT setval('gateline.fence', $1)";
    KEYS_ALL Each [] "SELECT scope, request, first, last, at_us FROM gateline.idempotency ORDER BY at_us, scope";
    ROLLOUTS Each [] "SELECT promotion, root FROM gateline.rollout ORDER BY promotion";
    BLOBS_ALL Each [] "SELECT id, digest, size FROM gateline.blob ORDER BY digest";
    BLOB_PIECE_OF Each [INT8 INT8] "SELECT form, bytes FROM gateline.blob_piece WHERE blob_id = $1 AND number = $2";
    PASSWORDS Each [] "SELECT account, hash FROM gateline.password ORDER BY account";
    WORK_FILL Each [TEXT TEXT INT8 INT8 INT4] "INSERT INTO gateline.work (id, kind, due_us, free_us, fence, attempt)
        VALUES ($1, $2, $3, $3, $4, $5)";
    LOG_FILL Each [INT8_ARRAY INT8_ARRAY INT8_ARRAY TEXT_ARRAY INT4_ARRAY INT8_ARRAY TEXT_ARRAY BYTEA_ARRAY BYTEA_ARRAY
        BYTEA_ARRAY BYTEA_ARRAY BYTEA_ARRAY]
        "INSERT INTO gateline.log (number, stream_id, version, type, type_version, at_us, actor, leaf, private_hash, salt,
        private, body) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    // ---- read ----
    READ Once [INT8 INT8] event!("WHERE number >= $1 ORDER BY number LIMIT $2");
    READ_STREAM Each [TEXT INT8] event!("WHERE name = $1 AND version > $2 ORDER BY version");
    LEAVES Each [INT8 INT8] "SELECT leaf FROM gateline.log WHERE number >= $1 ORDER BY number LIMIT $2";
    /// The first number whose event is not before $1. Times never go back, so half of the rest is left out each time.
    NUMBER_AT Each [INT8] "WITH RECURSIVE cut (low, high) AS (
        SELECT 0::int8, (SELECT size FROM gateline.head)
        UNION ALL
        SELECT CASE WHEN at_us < $1 THEN number + 1 ELSE low END, CASE WHEN at_us < $1 THEN high ELSE number END
        FROM cut, LATERAL (SELECT number, at_us FROM gateline.log WHERE number = (low + high) / 2) middle WHERE low < high)
        SELECT low FROM cut WHERE low >= high";
    /// $1 first number, $2 number after the last, $3 limit, $4 event or NULL, $5 actor or NULL.
    SEARCH Each [INT8 INT8 INT8 TEXT TEXT] event!("WHERE number >= $1 AND number < $2 AND ($4 IS NULL OR type = $4)
        AND ($5 IS NULL OR actor = $5) ORDER BY number DESC LIMIT $3");
    /// $6 and $7 are the first stream name and the one after the last.
    SEARCH_STREAM Each [INT8 INT8 INT8 TEXT TEXT TEXT TEXT] event!("WHERE number >= $1 AND number < $2
        AND ($4 IS NULL OR type = $4) AND ($5 IS NULL OR actor = $5) AND name >= $6 AND name < $7
        ORDER BY number DESC LIMIT $3");
    KEY Each [TEXT] "SELECT scope, request, first, last, at_us FROM gateline.idempotency WHERE scope = $1";
    BLOB Each [BYTEA] "SELECT size FROM gateline.blob WHERE digest = $1";
    BLOB_PIECE Each [BYTEA INT8] "SELECT size, form, bytes FROM gateline.blob JOIN gateline.blob_piece ON blob_id = blob.id
        WHERE digest = $1 AND number = $2";
    /// $1 project, $2 pipeline, $3 stage, $4 release, $5 ended: NULL for any. $6 to $10 the row before, $11 limit.
    PROMOTIONS Each [TEXT TEXT TEXT BYTEA BOOL INT8 TEXT TEXT TEXT INT8 INT8]
        "SELECT doc FROM gateline.promotion WHERE ($1 IS NULL OR project = $1) AND ($2 IS NULL OR pipeline = $2)
        AND ($3 IS NULL OR stage = $3) AND ($4 IS NULL OR release = $4) AND ($5 IS NULL OR ended = $5)
        AND ($6 IS NULL OR requested_us < $6 OR (requested_us = $6
        AND (project, pipeline, stage, number) > ($7, $8, $9, $10)))
        ORDER BY requested_us DESC, project, pipeline, stage, number LIMIT $11";
    /// $1 project, $2 pipeline, $3 version: NULL for any. $4 and $5 the row before, $6 limit.
    RELEASES Each [TEXT TEXT TEXT INT8 BYTEA INT8]
        "SELECT doc FROM gateline.release WHERE ($1 IS NULL OR project = $1) AND ($2 IS NULL OR pipeline = $2)
        AND ($3 IS NULL OR version = $3) AND ($4 IS NULL OR registered_us < $4 OR (registered_us = $4 AND id > $5))
        ORDER BY registered_us DESC, id LIMIT $6";
}
