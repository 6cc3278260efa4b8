//! Every statement of the store. A test prepares each.

use crate::kept::{astray, spoilt};

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}

/// The columns of an event, as `read::recorded` takes them.
macro_rules! event {
    ($rest:literal) => {
        concat!(
            "SELECT number, name, version, type_version, at_us, actor, private, body ",
            "FROM log JOIN stream ON stream.id = stream_id ",
            $rest
        )
    };
}

/// Events whose numbers a sub-query finds: no body is read that is not shown.
/// ?1 first number, ?2 number after the last, ?3 limit, ?4 event or NULL, ?5 actor or NULL.
macro_rules! search {
    ($found:literal) => {
        concat!(
            "SELECT number, name, version, type_version, at_us, actor, private, body ",
            "FROM log JOIN stream ON stream.id = stream_id WHERE number IN (SELECT number FROM ",
            $found,
            " AND number >= ?1 AND number < ?2 AND (?4 IS NULL OR type = ?4) AND (?5 IS NULL OR actor = ?5)",
            " ORDER BY number DESC LIMIT ?3) ORDER BY number DESC"
        )
    };
}

/// ?1 project, ?2 pipeline, ?3 stage, ?4 release, ?5 ended: NULL for any. ?6 to ?10 the row before, ?11 limit.
macro_rules! promotions {
    ($of:literal) => {
        concat!(
            "SELECT doc FROM promotion WHERE ",
            $of,
            " AND (?3 IS NULL OR stage = ?3) AND (?4 IS NULL OR release = ?4) AND (?5 IS NULL OR ended = ?5)",
            " AND (?6 IS NULL OR requested_us < ?6 OR (requested_us = ?6",
            " AND (project, pipeline, stage, number) > (?7, ?8, ?9, ?10)))",
            " ORDER BY requested_us DESC, project, pipeline, stage, number LIMIT ?11"
        )
    };
}

/// ?1 project, ?2 pipeline, ?3 version: NULL for any. ?4 and ?5 the row before, ?6 limit.
macro_rules! releases {
    ($of:literal) => {
        concat!(
            "SELECT doc FROM release ",
            $of,
            " AND (?4 IS NULL OR registered_us < ?4 OR (registered_us = ?4 AND id > ?5))",
            " ORDER BY registered_us DESC, id LIMIT ?6"
        )
    };
}

statements! {
    // ---- head and streams ----
    HEAD: "SELECT size, at_us, fence, frontier FROM head";
    HEAD_MOVE: "UPDATE head SET size = ?1, at_us = ?2, frontier = ?3";
    FENCE_MOVE: "UPDATE head SET fence = ?1";
    HEAD_TOUCH: "UPDATE head SET fence = fence";
    STREAM: "SELECT id, (SELECT max(version) FROM log WHERE stream_id = stream.id) FROM stream WHERE name = ?1";
    STREAM_ADD: "INSERT INTO stream (name) VALUES (?1)";

    // ---- append ----
    KEY: "SELECT request, first, last, at_us FROM idempotency WHERE scope = ?1";
    KEY_ADD: "INSERT OR REPLACE INTO idempotency (scope, request, first, last, at_us) VALUES (?1, ?2, ?3, ?4, ?5)";
    KEY_OLDEST: "SELECT at_us FROM idempotency ORDER BY id LIMIT 1";
    KEYS_FORGET: "DELETE FROM idempotency WHERE id IN (
        SELECT id FROM (SELECT id, at_us FROM idempotency ORDER BY id LIMIT ?2) WHERE at_us < ?1)";
    LOG_ADD: "INSERT INTO log (number, stream_id, version, type, type_version, at_us, actor, leaf, private_hash, salt,
        private, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    BLOB_ADD: "INSERT OR IGNORE INTO blob (digest, size) VALUES (?1, ?2)";
    BLOB_PIECE_ADD: "INSERT INTO blob_piece (blob_id, number, form, bytes) VALUES (?1, ?2, ?3, ?4)";
    /// What changes in a promotion's life. No index has these columns.
    PROMOTION_MOVE: "UPDATE promotion SET ended = ?7, doc = ?8
        WHERE project = ?1 AND pipeline = ?2 AND stage = ?3 AND number = ?4 AND release = ?5 AND requested_us = ?6";
    PROMOTION_PUT: "INSERT OR REPLACE INTO promotion (project, pipeline, stage, number, release, requested_us, ended, doc)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    RELEASE_PUT: "INSERT OR REPLACE INTO release (id, project, pipeline, version, registered_us, doc)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    ERASE: "UPDATE log SET private = NULL, salt = NULL WHERE number = ?1 AND private IS NOT NULL";

    // ---- work ----
    WORK_ADD: "INSERT OR IGNORE INTO work (id, kind, due_us, free_us, fence, attempt) VALUES (?1, ?2, ?3, ?3, 0, 0)";
    WORK_REMOVE: "DELETE FROM work WHERE id = ?1";
    WORK_HELD: "SELECT fence FROM work WHERE id = ?1 AND leased_until_us IS NOT NULL";
    WORK_END: "UPDATE work SET leased_until_us = NULL, owner = NULL, free_us = due_us WHERE id = ?1";
    WORK_FREE: "SELECT id, kind, due_us, attempt FROM work WHERE free_us <= ?1 ORDER BY free_us, id LIMIT ?2";
    WORK_LEASE: "UPDATE work SET fence = ?2, attempt = attempt + 1, leased_until_us = ?3, owner = ?4,
        free_us = max(due_us, ?3) WHERE id = ?1";
    WORK_RELEASE: "UPDATE work SET leased_until_us = NULL, owner = NULL, due_us = ?3, free_us = ?3
        WHERE id = ?1 AND fence = ?2 AND leased_until_us IS NOT NULL";
    WORK_RENEW: "UPDATE work SET leased_until_us = ?3, free_us = max(due_us, ?3)
        WHERE id = ?1 AND fence = ?2 AND leased_until_us IS NOT NULL";
    WORK_NEXT: "SELECT min(free_us) FROM work";
    WORK: "SELECT id, kind, due_us, fence, attempt, leased_until_us FROM work ORDER BY id";

    // ---- what cannot be, and what mends it ----
    INTEGRITY: "PRAGMA integrity_check(100)";
    WORK_SPOILT: spoilt!("SELECT id FROM work");
    WORK_SPOILT_REMOVE: spoilt!("DELETE FROM work");
    WORK_UNSOUND: "SELECT id FROM work WHERE free_us <> max(due_us, coalesce(leased_until_us, due_us)) ORDER BY id";
    WORK_SOUND: "UPDATE work SET free_us = max(due_us, coalesce(leased_until_us, due_us))";
    FENCE_UNSOUND: "SELECT fence FROM head WHERE fence NOT BETWEEN coalesce((SELECT max(fence) FROM work), 0) AND 4611686018427387904";
    FENCE_SOUND: "UPDATE head SET fence = coalesce((SELECT max(fence) FROM work), 0)
        WHERE fence NOT BETWEEN coalesce((SELECT max(fence) FROM work), 0) AND 4611686018427387904";
    KEYS_UNSOUND: astray!("SELECT scope FROM idempotency", "head");
    KEYS_SOUND: astray!("DELETE FROM idempotency", "head");

    // ---- ticks ----
    ROLLOUT: "SELECT id, root FROM rollout WHERE promotion = ?1";
    ROLLOUT_PUT: "INSERT INTO rollout (promotion, root) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET root = ?2 RETURNING id";
    TICK_ADD: "INSERT OR IGNORE INTO tick (rollout_id, arm, at_us, line) VALUES (?1, ?2, ?3, ?4)";
    TICKS_SPAN: "SELECT (SELECT min(at_us) FROM tick WHERE rollout_id = ?1 AND arm = ?2),
        (SELECT max(at_us) FROM tick WHERE rollout_id = ?1 AND arm = ?2)";
    TICK_BEFORE: "SELECT line FROM tick WHERE rollout_id = ?1 AND arm = ?2 AND at_us <= ?3 ORDER BY at_us DESC LIMIT 1";
    TICKS: "SELECT line FROM tick WHERE rollout_id = ?1 ORDER BY number";

    // ---- access ----
    PASSWORD: "SELECT hash FROM password WHERE account = ?1";
    PASSWORD_PUT: "INSERT OR REPLACE INTO password (account, hash) VALUES (?1, ?2)";
    PASSWORD_DELETE: "DELETE FROM password WHERE account = ?1";
    SESSION: "SELECT id, actor, name, provider, token, agent, began_us, used_us, ends_us FROM session WHERE id = ?1";
    SESSIONS_OF: "SELECT id, actor, name, provider, token, agent, began_us, used_us, ends_us FROM session
        WHERE actor = ?1 ORDER BY began_us DESC, id";
    SESSION_PUT: "INSERT OR REPLACE INTO session (id, actor, name, provider, token, agent, began_us, used_us, ends_us)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    SESSION_USE: "UPDATE session SET used_us = ?2 WHERE id = ?1 AND used_us < ?2";
    SESSION_END: "DELETE FROM session WHERE id = ?1";
    SESSIONS_END_OF: "DELETE FROM session WHERE actor = ?1 AND id IS NOT ?2";
    SESSIONS_END_STALE: "DELETE FROM session WHERE ends_us <= ?1 OR used_us < ?2";
    SESSIONS_TRIM: "DELETE FROM session WHERE id IN (
        SELECT id FROM session WHERE actor = ?1 ORDER BY began_us DESC, id LIMIT -1 OFFSET ?2)";

    // ---- doctor ----
    RAW: "SELECT number, name, version, type, type_version, at_us, actor, private_hash, salt, private, body, leaf
        FROM log LEFT JOIN stream ON stream.id = stream_id WHERE number >= ?1 ORDER BY number LIMIT ?2";
    PROMOTION_ROWS: "SELECT doc, project, pipeline, stage, number, release, requested_us, ended FROM promotion
        ORDER BY project, pipeline, stage, number";
    RELEASE_ROWS: "SELECT doc, id, project, pipeline, version, registered_us FROM release ORDER BY id";
    PROMOTIONS_CLEAR: "DELETE FROM promotion";
    RELEASES_CLEAR: "DELETE FROM release";

    // ---- copy ----
    IS_EMPTY: "SELECT (SELECT size FROM head) = 0 AND NOT EXISTS (SELECT 1 FROM idempotency)
        AND NOT EXISTS (SELECT 1 FROM work) AND NOT EXISTS (SELECT 1 FROM rollout) AND NOT EXISTS (SELECT 1 FROM blob)
        AND NOT EXISTS (SELECT 1 FROM password)";
    KEYS: "SELECT scope, request, first, last, at_us FROM idempotency ORDER BY at_us, scope";
    ROLLOUTS: "SELECT id, promotion, root FROM rollout ORDER BY promotion";
    BLOBS: "SELECT id, digest, size FROM blob ORDER BY digest";
    BLOB_PIECE_OF: "SELECT form, bytes FROM blob_piece WHERE blob_id = ?1 AND number = ?2";
    PASSWORDS: "SELECT account, hash FROM password ORDER BY account";
    WORK_FILL: "INSERT INTO work (id, kind, due_us, free_us, fence, attempt) VALUES (?1, ?2, ?3, ?3, ?4, ?5)";

    // ---- read ----
    READ: event!("WHERE number >= ?1 ORDER BY number LIMIT ?2");
    READ_STREAM: event!("WHERE name = ?1 AND version > ?2 ORDER BY version");
    LEAVES: "SELECT leaf FROM log WHERE number >= ?1 ORDER BY number LIMIT ?2";
    AT: "SELECT at_us FROM log WHERE number = ?1";
    SEARCH: search!("log WHERE 1");
    SEARCH_EVENT: search!("log WHERE type = ?4");
    SEARCH_ACTOR: search!("log WHERE actor = ?5");
    /// ?6 and ?7 are the first stream name and the one after the last. `CROSS` keeps the order: streams first.
    SEARCH_STREAM: search!("stream CROSS JOIN log ON stream_id = stream.id WHERE name >= ?6 AND name < ?7");
    /// The same over a few numbers: the log first, from its end, until there are enough.
    SEARCH_RECENT: search!("log CROSS JOIN stream ON stream.id = stream_id WHERE name >= ?6 AND name < ?7");
    BLOB: "SELECT size FROM blob WHERE digest = ?1";
    BLOB_PIECE: "SELECT size, form, bytes FROM blob JOIN blob_piece ON blob_id = blob.id WHERE digest = ?1 AND number = ?2";
    PROMOTIONS: promotions!("(?1 IS NULL OR project = ?1) AND (?2 IS NULL OR pipeline = ?2)");
    PROMOTIONS_OF: promotions!("project = ?1 AND pipeline = ?2");
    PROMOTIONS_OF_RELEASE: promotions!("release = ?4 AND (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR pipeline = ?2)");
    RELEASES: releases!("WHERE ?1 IS NULL AND ?2 IS NULL AND (?3 IS NULL OR version = ?3)");
    RELEASES_OF: releases!("WHERE project = ?1 AND pipeline = ?2 AND ?3 IS NULL");
    RELEASES_OF_VERSION: releases!("INDEXED BY release_version WHERE project = ?1 AND pipeline = ?2 AND version = ?3");
}
