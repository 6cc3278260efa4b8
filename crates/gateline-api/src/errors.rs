//! The error table: every code that the transport itself gives, with its status, exit code, title and hint.
//!
//! Rejections of the judgement bring their own code, sentence and hint; their status comes from their kind, and
//! their exit code from the status.

/// Exit codes of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// It is held: nothing is broken, try later.
    Held = 1,
    /// The command or its input is wrong.
    Usage = 2,
    /// Policy or permission refuses it.
    Refused = 3,
    /// A rollout or a verification failed.
    Failed = 4,
    /// It could not be found out.
    Unknown = 5,
    /// A bug of ours.
    Bug = 70,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorEntry {
    /// Stable code.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Exit code of a command that ends with it.
    pub exit: Exit,
    /// What kind of problem it is.
    pub title: &'static str,
    /// What to do.
    pub hint: &'static str,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident: $code:literal, $status:literal, $exit:ident, $title:literal, $hint:literal;)*) => {
        /// Each code by name.
        pub mod entry {
            use super::{ErrorEntry, Exit};
            $($(#[$doc])* pub const $name: ErrorEntry =
                ErrorEntry { code: $code, status: $status, exit: Exit::$exit, title: $title, hint: $hint };)*
        }

        /// All of them, in the order of their codes.
        pub const ERRORS: &[ErrorEntry] = &[$(entry::$name),*];
    };
}

errors! {
    /// Alerts for which there is no room.
    ALERTS_FULL: "alerts.full", 503, Unknown, "Not every alert was taken", "close the incidents that are over; the sender tries again by itself";
    /// A token that lacks the scope.
    FORBIDDEN: "auth.forbidden", 403, Refused, "This token may not do that", "ask an administrator for a token with that scope: `gateline token create`";
    /// A write from a page of another origin.
    ORIGIN: "auth.origin", 403, Refused, "The request came from another site", "send it from Gateline's own pages, or with a bearer token";
    /// No token, or one that is not known, revoked or expired.
    UNAUTHORIZED: "auth.unauthorized", 401, Refused, "A valid token is needed", "give a token with `Authorization: Bearer ..`, or set `GATELINE_TOKEN`";
    /// An issuer of signed tokens that does not answer.
    ISSUER: "auth.issuer_unreachable", 503, Unknown, "The issuer of the signed token could not be asked", "try again; look whether the server reaches it";
    /// Somebody who could not be signed in.
    SIGN_IN: "auth.sign_in", 403, Refused, "The sign-in did not succeed", "begin again on the login page; where it goes on, tell an administrator";
    /// Too many passwords tried.
    THROTTLED: "auth.throttled", 429, Refused, "Too many passwords were tried", "wait as long as `Retry-After` says";
    /// The old password that came with a new one is not the right one.
    WRONG_OLD_PASSWORD: "auth.wrong_old_password", 422, Refused, "The old password is not the right one", "write the password that you log in with; an administrator gives an account another one with `gateline account password NAME`";
    /// A password that is not the account's, or an account that there is not.
    WRONG_PASSWORD: "auth.wrong_password", 401, Refused, "Nobody was let in", "try again; an administrator gives an account another password with `gateline account password NAME`";
    /// Our fault.
    BUG: "bug", 500, Bug, "Gateline has a bug", "report it with the server's log of this moment";
    /// A file that is no calendar.
    CALENDAR_INVALID: "calendar.invalid", 422, Usage, "The calendar cannot be used", "mend the entry, or leave it out of the file";
    /// A calendar that was never applied.
    CALENDAR_UNKNOWN: "calendar.unknown", 404, Usage, "There is no such calendar", "list them with `gateline calendar list`";
    /// An evidence format that is not read.
    FORMAT: "evidence.format", 422, Usage, "The format of the evidence is not known", "name it with `--as` (in the API: `format`)";
    /// A pipeline without a registry.
    NO_REGISTRY: "evidence.no_registry", 422, Usage, "There is nowhere to fetch evidence from", "declare `attestations: {registry: ..}` on an artifact of the pipeline";
    /// A registry that does not give what it has.
    REGISTRY: "evidence.registry", 502, Unknown, "What is attached to the artifacts could not be fetched", "see that the server reaches the registry, and try again";
    /// Content that was never kept.
    EVIDENCE_UNKNOWN: "evidence.unknown", 404, Usage, "There is no such evidence", "take the digest from the release's evidence";
    /// A promotion that a channel is not for.
    HOOK_PROJECT: "hook.project", 403, Refused, "The channel is not for this project", "add the project to the channel's `projects` in the server's file";
    /// Signed too long ago.
    HOOK_OLD: "hook.old", 401, Refused, "The answer came too late", "answer anew; see that the server's clock is right";
    /// Somebody who is not declared.
    HOOK_PERSON: "hook.person", 403, Refused, "Nobody knows who answered", "add the person's id under `people` in the server's file, and start the server again";
    /// The same answer again.
    HOOK_REPLAYED: "hook.replayed", 409, Refused, "The answer came before", "nothing needs to be done";
    /// A signature of nobody who is declared.
    HOOK_SIGNATURE: "hook.signature", 401, Refused, "The signature is not right", "see that the secret of the channel is the sender's";
    /// An answer to what is not asked any more.
    HOOK_STALE: "hook.stale", 409, Refused, "What was answered is not what is asked now", "look again and answer what you see";
    /// A hook that nobody declared.
    HOOK_UNDECLARED: "hook.undeclared", 404, Usage, "No channel hears answers here", "declare a channel with the secret that answers are signed with";
    /// One key, two requests.
    KEY_REUSED: "idempotency.key_reused", 422, Usage, "The idempotency key was used for another request", "use a new key for a new request";
    /// A key that is empty, too long or not text.
    KEY_INVALID: "idempotency.key_invalid", 422, Usage, "The idempotency key cannot be used", "send 1 to 200 visible ASCII characters, as a UUID";
    /// An incident that never was, or was closed long ago.
    INCIDENT_UNKNOWN: "incident.unknown", 404, Usage, "There is no such incident", "list them with `gateline incident list --closed`";
    /// A key that nobody may enrol by what was shown.
    KEY_FRESH: "key.fresh", 403, Refused, "The key was not enrolled", "sign in anew and enrol it on the page `/keys`, or give an administrator what `gateline key enrol --print` writes";
    /// Rules of notifications that were never applied.
    NOTIFICATIONS_UNKNOWN: "notifications.unknown", 404, Usage, "There are no such rules", "declare them with `gateline apply -f notifications.yaml`";
    /// A password that nobody should use.
    PASSWORD: "password.unusable", 422, Usage, "The password cannot be used", "choose one of 12 characters or more, as four or five words";
    /// A pipeline file with errors.
    PIPELINE_INVALID: "pipeline.invalid", 422, Usage, "The pipeline file has errors", "mend the findings; `gateline lint` shows them with their lines";
    /// A pipeline or version that was never applied.
    PIPELINE_UNKNOWN: "pipeline.unknown", 404, Usage, "There is no such pipeline", "list them with `gateline pipeline list`";
    /// A policy module that cannot be run.
    POLICY_INVALID: "policy.invalid", 422, Usage, "The policy module cannot be run", "mend the file at the line; `gateline policy test DIR` loads it without a server";
    /// A policy module that was never applied.
    POLICY_UNKNOWN: "policy.unknown", 404, Usage, "There is no such policy module", "list them with `gateline policy list`";
    /// A project that nothing belongs to.
    PROJECT_UNKNOWN: "project.unknown", 404, Usage, "There is no such project", "apply a pipeline of the project first, with `gateline apply`";
    /// Roles that were never applied.
    ROLES_UNKNOWN: "roles.unknown", 404, Usage, "There are no such roles", "declare them with `gateline apply -f roles.yaml`";
    /// A proposal that never was.
    PROPOSAL_UNKNOWN: "proposal.unknown", 404, Usage, "There is no such proposal", "list them with `gateline proposal list`";
    /// A promotion that never was.
    PROMOTION_UNKNOWN: "promotion.unknown", 404, Usage, "There is no such promotion", "list them with `gateline promotion list`";
    /// A promotion that asks nothing any more.
    PROMOTION_NOT_HELD: "promotion.not_held", 409, Refused, "The promotion is not before its gates any more", "see how it goes with `gateline explain PROMOTION`";
    /// An artifact that nobody could find, or find again.
    ARTIFACT: "release.artifact", 422, Usage, "The artifact's address cannot be used", "write `oci://REPOSITORY@sha256:..`, `file:PATH@sha256:..` or `git:URL@COMMIT`";
    /// A label that several projects have.
    RELEASE_AMBIGUOUS: "release.ambiguous", 422, Usage, "Several projects have this release", "name the project, as in `payments/payment-service@1.4.0`";
    /// A release that was never registered.
    RELEASE_UNKNOWN: "release.unknown", 404, Usage, "There is no such release", "register it first with `gateline release create`";
    /// A body that cannot be read.
    BODY: "request.body", 422, Usage, "The request's body cannot be read", "see `/api/openapi.json` for its fields";
    /// A body that does not arrive.
    BODY_SLOW: "request.body_slow", 408, Unknown, "The request's body did not arrive in time", "send it again over a better connection";
    /// A body over its limit.
    BODY_TOO_LARGE: "request.body_too_large", 413, Usage, "The request's body is too large", "send less; the limits are in `/api/openapi.json`";
    /// A body that is packed.
    ENCODING: "request.encoding", 415, Usage, "The request's body is packed", "send it as it is, without `Content-Encoding`";
    /// A body of another media type.
    MEDIA: "request.media", 415, Usage, "The request's media type is not taken", "send `Content-Type: application/json`";
    /// A method that the path does not know.
    METHOD: "request.method", 405, Usage, "The path does not take this method", "see `/api/openapi.json` for its methods";
    /// A parameter in the path that cannot be read.
    PATH: "request.path", 422, Usage, "A name in the path cannot be read", "see `/api/openapi.json` for its form";
    /// A parameter after `?` that cannot be read.
    QUERY: "request.query", 422, Usage, "A query parameter cannot be read", "see `/api/openapi.json` for the parameters";
    /// A path that there is not.
    ROUTE: "request.route", 404, Usage, "There is nothing at this path", "see `/api/openapi.json` for all paths";
    /// Too many commands wait.
    BUSY: "server.busy", 503, Unknown, "The server is busy", "try again after the time in `Retry-After`, with the same idempotency key";
    /// No room for what arrives.
    DISK_FULL: "server.disk_full", 507, Unknown, "The server's disk is full", "free some space on the disk that holds the database, then send it again with the same idempotency key";
    /// The store does not answer.
    UNAVAILABLE: "server.unavailable", 503, Unknown, "The server cannot reach its store", "try again with the same idempotency key; see `/readyz`";
    /// A stage that its pipeline does not have.
    STAGE_UNKNOWN: "stage.unknown", 404, Usage, "There is no such stage", "see the pipeline's stages with `gateline status`";
    /// A token whose secret cannot be shown again.
    TOKEN_SHOWN: "token.shown_once", 409, Refused, "The token was shown when it was made", "revoke it and create another";
    /// Bytes that are not the announced ones.
    UPLOAD_DIGEST: "upload.digest", 422, Usage, "The bytes have another digest than was announced", "send the file again while nothing writes to it";
    /// Headers of an upload that make no sense.
    UPLOAD_HEADER: "upload.header", 422, Usage, "The headers of the upload cannot be used", "send `Idempotency-Key`, `Repr-Digest: sha-256=:..:` and a whole number in `Upload-Offset`, or none of them";
    /// A body that begins elsewhere than what arrived ends.
    UPLOAD_OFFSET: "upload.offset", 409, Unknown, "The upload stands at another byte", "ask for the byte to go on from, or send all of it without `Upload-Offset`";
    /// Another request goes on with it.
    UPLOAD_TAKEN_OVER: "upload.taken_over", 409, Unknown, "Another request goes on with this upload", "send it again with the same idempotency key to learn what became of it";
    /// Too many uploads, or too many bytes in them.
    UPLOADS_MANY: "upload.too_many", 429, Unknown, "Too much was begun and not finished", "finish it with its idempotency keys, or wait until it expires";
}

/// The exit code for a problem: by its code, or else by its status.
pub fn exit_of(code: &str, status: u16) -> Exit {
    if let Some(entry) = ERRORS.iter().find(|entry| entry.code == code) {
        return entry.exit;
    }
    match status {
        401 | 403 | 409 => Exit::Refused,
        500 => Exit::Bug,
        400..=499 => Exit::Usage,
        _ => Exit::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        for entry in ERRORS {
            assert!(
                !entry.title.is_empty() && !entry.hint.is_empty(),
                "{}",
                entry.code
            );
        }
    }

    #[test]
    fn no_code_stands_twice() {
        for (index, entry) in ERRORS.iter().enumerate() {
            assert!(
                ERRORS[index + 1..].iter().all(|other| other.code != entry.code),
                "{}",
                entry.code
            );
        }
    }

    #[test]
    fn a_rejection_that_policy_gave_is_refused_and_a_wrong_name_is_usage() {
        assert_eq!(exit_of("release.barred", 409), Exit::Refused);
        assert_eq!(exit_of("gate.unknown", 404), Exit::Usage);
        assert_eq!(exit_of("server.busy", 503), Exit::Unknown);
        assert_eq!(exit_of("whatever", 502), Exit::Unknown);
        assert_eq!(exit_of("whatever", 500).code(), 70);
    }
}
