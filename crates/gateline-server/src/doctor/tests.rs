//! A small history in a real file, edited behind Gateline's back: each edit is found and named.

use std::sync::Arc;

use gateline_core::{Actor, Command};
use gateline_engine::{Engine, Input, Output, Request};
use gateline_log::{Frontier, Hash};
use gateline_model::{Artifact, ArtifactAt, Change, Digest, PipelineRef, Private, Release};
use gateline_store::{Blob, Read as _};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use super::checkpoint::CHECKPOINT_BYTES_MAX;
use super::*;

const PIPELINE: &str = "
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: app, project: shop}
spec:
  artifacts:
    - {name: service, kind: file}
  stages:
    - name: dev
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      gates:
        - tests: {suite: unit}
          because: Broken code wastes the time of every later stage.
";

/// The first moment of 2100 in microseconds.
const YEAR_2100: i64 = 4_102_444_800_000_000;

/// A file with a history: two releases, both promoted into `dev`; the first promotion was aborted.
struct Case {
    dir: TempDir,
}

impl Case {
    fn new() -> Self {
        Self::with(|_, _| {})
    }

    /// The same history, and then something more.
    fn with(more: impl FnOnce(&mut SqliteStore, &mut Engine)) -> Self {
        let case = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let mut store = SqliteStore::open(case.path()).unwrap();
        let mut engine = Engine::default();
        let pipeline = gateline_spec::read("pipeline", PIPELINE).unwrap().pipeline;
        let blob = Arc::new(Blob::of(PIPELINE.as_bytes()).unwrap());
        let source = blob.digest();
        let apply = Command::ApplyPipeline {
            pipeline: pipeline.into(),
            source,
            written: None,
        };
        ask(&mut store, &mut engine, 0, apply, vec![blob]);
        for (secs, version) in [(10, "1.0.0"), (20, "1.1.0")] {
            ask(&mut store, &mut engine, secs, register(version), vec![]);
        }
        let abort = Command::Abort {
            promotion: "shop/app/dev/1".parse().unwrap(),
            reason: "Ana asked for it".to_owned(),
        };
        ask(&mut store, &mut engine, 30, abort, vec![]);
        more(&mut store, &mut engine);
        drop(store);
        case
    }

    fn place(&self) -> Place {
        Place::File(self.path())
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("gateline.db")
    }

    fn edit(&self, sql: &str) {
        let changed = Connection::open(self.path()).unwrap().execute_batch(sql);
        changed.unwrap_or_else(|err| panic!("{err}\n{sql}"));
    }

    /// The number of the first event of this type.
    fn first(&self, kind: &str) -> u64 {
        let events = SqliteReader::open(self.path()).unwrap().read(0, 100).unwrap();
        let found = events.iter().find(|recorded| recorded.event.name() == kind);
        found.unwrap_or_else(|| panic!("no {kind} in {events:#?}")).number
    }

    fn says(&self) -> String {
        match examine(&self.place(), Vec::new()) {
            Ok(health) => health.to_string(),
            Err(illness) => illness.to_string(),
        }
    }
}

fn register(version: &str) -> Command {
    let release = Release {
        of: PipelineRef {
            project: "shop".parse().unwrap(),
            pipeline: "app".parse().unwrap(),
        },
        version: version.parse().unwrap(),
        artifacts: vec![Artifact {
            name: "service".parse().unwrap(),
            at: format!("file:/srv/app@{}", Digest::of(version.as_bytes()))
                .parse::<ArtifactAt>()
                .unwrap(),
        }],
        change: Change::default(),
        text: Digest::of(b""),
    };
    Command::RegisterRelease {
        release: release.into(),
        text: Private::default(),
    }
}

/// Lets the engine do one command and all that follows from it, without a driver.
fn ask(store: &mut SqliteStore, engine: &mut Engine, secs: i64, command: Command, blobs: Vec<Arc<Blob>>) {
    let now = Timestamp::from_second(1_800_000_000 + secs).unwrap();
    let request = Request {
        ticket: 1,
        actor: Actor {
            id: "ana".parse().unwrap(),
            name: Some("Ana".to_owned()),
            shown: gateline_core::Credential::Gateline,
        },
        command,
        key: None,
        salt: [7; 16],
        blobs,
        passwords: Vec::new(),
    };
    let mut inputs = vec![Input::Request(Box::new(request))];
    while let Some(input) = inputs.pop() {
        for output in engine.step(now, input).unwrap() {
            match output {
                // Committed a moment after it was decided, as by a real store.
                Output::Append(batch, appends) => inputs.push(Input::Committed(
                    batch,
                    store.append(now + std::time::Duration::from_millis(3), &appends),
                )),
                Output::Claim(_) => inputs.push(Input::Leased(Vec::new())),
                Output::Tell(_, answer) => drop(answer.unwrap()),
                Output::Folded(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn where_no_database_is_none_is_made_and_the_flag_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    for folder in [dir.path(), &dir.path().join("none"), &file] {
        let path = folder.join("gateline.db");
        let place = Place::File(path.clone());
        for illness in [
            examine(&place, Vec::new()).unwrap_err(),
            rebuild(&place).unwrap_err(),
        ] {
            let says = illness.to_string();
            assert!(
                says.contains(&format!("no database at `{}`", path.display())),
                "{says}"
            );
            assert!(says.contains("--dir"), "{says}");
        }
        assert!(!path.exists());
    }
}

#[test]
fn a_history_that_nobody_edited_is_whole() {
    let case = Case::new();
    let says = case.says();
    assert!(says.contains("pieces of planned work and 4 rows agree"), "{says}");
}

#[test]
fn a_checkpoint_of_then_is_the_beginning_of_the_log_of_now_or_is_said_not_to_be() {
    let mut kept = Vec::new();
    let case = Case::with(|store, engine| {
        let head = store.head().unwrap();
        let checkpoint = gateline_api::Checkpoint {
            size: head.size,
            root: head.root.to_string(),
            at: head.at,
        };
        kept = serde_json::to_vec(&checkpoint).unwrap();
        ask(store, engine, 40, register("1.2.0"), vec![]);
    });
    let file = case.dir.path().join("kept.json");
    let says = |content: &[u8]| {
        std::fs::write(&file, content).unwrap();
        let examined = Checkpoint::read(&file).and_then(|kept| examine(&case.place(), vec![kept]));
        examined.map_or_else(|illness| illness.to_string(), |health| health.to_string())
    };
    let whole = says(&kept);
    assert!(
        whole.contains("; the log begins with that of the checkpoint"),
        "{whole}"
    );

    let with = |field: &str, value: serde_json::Value| {
        let mut kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
        kept[field] = value;
        serde_json::to_vec(&kept).unwrap()
    };
    let rewritten = says(&with("root", "00".repeat(32).into()));
    assert!(rewritten.contains("they are not those of then"), "{rewritten}");
    let short = says(&with("size", 1_000.into()));
    assert!(short.contains("its end is gone"), "{short}");
    for (content, why) in [
        (with("root", "none".into()), "`root`: "),
        (b"{}".to_vec(), "missing field `size`"),
        (
            vec![b' '; CHECKPOINT_BYTES_MAX as usize + 1],
            "longer than 65536 bytes",
        ),
    ] {
        let says = says(&content);
        assert!(
            says.contains("kept.json` is no checkpoint") && says.contains(why),
            "{says}"
        );
    }
}

#[test]
fn a_text_that_is_gone_and_was_not_erased_is_found() {
    let case = Case::new();
    let number = case.first("pipeline_applied");
    case.edit(&format!(
        "UPDATE log SET private = NULL, salt = NULL WHERE number = {number}"
    ));
    let found =
        format!("event {number}: its names and text are gone, and no event says that they were erased");
    assert!(case.says().contains(&found), "{}", case.says());
}

#[test]
fn a_text_that_is_there_although_it_was_erased_is_found_and_goes_with_a_rebuild() {
    let mut kept = Vec::new();
    let case = Case::with(|store, engine| {
        let size = store.head().unwrap().size;
        kept = store.raw(0, size as usize).unwrap();
        kept.retain(|raw| raw.private.is_some());
        let erase = Command::EraseText {
            events: (0..size).collect(),
            reason: "request 4711".to_owned(),
        };
        ask(store, engine, 40, erase.clone(), vec![]);
        let after = store.read(0, 100).unwrap();
        assert!(after[..size as usize].iter().all(|one| one.private.is_none()));
        ask(store, engine, 50, erase, vec![]);
        let again = store.head().unwrap().size;
        assert_eq!(again, after.len() as u64, "it is said once");
    });
    assert!(case.says().contains("hash and fold"), "{}", case.says());

    let raw = kept.first().expect("some event has a name");
    let put_back = "UPDATE log SET salt = ?1, private = ?2 WHERE number = ?3";
    Connection::open(case.path())
        .unwrap()
        .execute(put_back, (&raw.salt, &raw.private, raw.number as i64))
        .unwrap();
    let says = case.says();
    assert!(
        says.contains(&format!("the text of event {} is there", raw.number)) && says.contains("--rebuild"),
        "{says}"
    );
    rebuild(&case.place()).unwrap();
    let store = SqliteReader::open(case.path()).unwrap();
    assert_eq!(store.read(raw.number, 1).unwrap()[0].private, None);
}

#[test]
fn an_edit_of_the_log_is_found_and_named_by_its_number() {
    let ended = Case::new().first("promotion_ended");
    let hashes = "do not hash to its leaf";
    for (edit, says) in [
        (
            "UPDATE log SET body = CAST(replace(CAST(body AS TEXT), 'aborted', 'abortee') AS BLOB) WHERE number = #",
            format!("event {ended}: its body, type, stream"),
        ),
        (
            "UPDATE log SET private = CAST(replace(CAST(private AS TEXT), 'Ana', 'Bob') AS BLOB) WHERE number = #",
            format!("event {ended}: its private part does not hash"),
        ),
        (
            "UPDATE log SET salt = NULL WHERE number = #",
            format!("event {ended}: its private part does not hash"),
        ),
        ("UPDATE log SET actor = 'bob' WHERE number = #", hashes.to_owned()),
        (
            "UPDATE log SET at_us = at_us + 1 WHERE number = #",
            hashes.to_owned(),
        ),
        (
            "UPDATE log SET type = 'step_applied' WHERE number = #",
            hashes.to_owned(),
        ),
        (
            "UPDATE log SET version = 99 WHERE number = #",
            "it is version 99 of `promotion/shop/app/dev/1`".to_owned(),
        ),
        (
            "UPDATE log SET leaf = zeroblob(32) WHERE number = #",
            format!("event {ended}: its body"),
        ),
        (
            "DELETE FROM log WHERE number = #",
            format!("event {ended} is missing"),
        ),
        ("DELETE FROM log WHERE number > 1", "events 2 to ".to_owned()),
        (
            "DELETE FROM stream WHERE name = 'project/shop'",
            "event 0: its body".to_owned(),
        ),
        (
            "UPDATE head SET frontier = x'00'",
            "the head of the log".to_owned(),
        ),
        (
            "UPDATE head SET at_us = at_us + 1",
            "not the last event's time".to_owned(),
        ),
        ("DELETE FROM blob", "of event 0 is missing".to_owned()),
        (
            "UPDATE blob_piece SET bytes = x'00'",
            "its piece 0: it does not end where it must".to_owned(),
        ),
        (
            "UPDATE blob_piece SET form = 0, bytes = zeroblob((SELECT size FROM blob WHERE blob.id = blob_id))",
            "the bytes have another digest".to_owned(),
        ),
        ("DELETE FROM blob_piece", "its piece 0 is missing".to_owned()),
    ] {
        let case = Case::new();
        case.edit(&edit.replace('#', &ended.to_string()));
        let found = case.says();
        assert!(
            found.starts_with("the log is not what was recorded; restore a backup"),
            "{edit}: {found}"
        );
        assert!(found.contains(&says), "{edit}: {found}");
        assert!(
            matches!(rebuild(&case.place()), Err(Illness::Log(_))) || edit.contains("blob"),
            "{edit}"
        );
    }
}

#[test]
fn two_events_that_changed_places_are_named() {
    let case = Case::new();
    let (first, last) = (case.first("promotion_requested"), case.first("promotion_ended"));
    case.edit(&format!(
        "UPDATE log SET number = -1 WHERE number = {first};
         UPDATE log SET number = {first} WHERE number = {last};
         UPDATE log SET number = {last} WHERE number = -1;"
    ));
    let found = case.says();
    for number in [first, last] {
        assert!(
            found.contains(&format!("event {number}: it is version")),
            "{found}"
        );
    }
    assert!(found.contains("leaves were edited or changed places"), "{found}");
}

#[test]
fn a_head_that_forgets_the_last_event_is_found() {
    let case = Case::new();
    let reader = SqliteReader::open(case.path()).unwrap();
    let leaves: Vec<Hash> = reader.leaves(0, 100).unwrap();
    let mut frontier = Frontier::new();
    leaves[..leaves.len() - 1]
        .iter()
        .for_each(|leaf| frontier.append(*leaf));
    let conn = Connection::open(case.path()).unwrap();
    let head = rusqlite::params![frontier.size() as i64, frontier.to_bytes()];
    conn.execute("UPDATE head SET size = ?1, frontier = ?2", head)
        .unwrap();
    let found = case.says();
    let size = frontier.size();
    assert!(
        found.contains(&format!("its head says that there are {size} events")),
        "{found}"
    );
}

#[test]
fn an_edit_beside_the_log_is_found_named_and_rebuilt() {
    let replaced = |table: &str, from: &str, to: &str, rest: &str| {
        format!("UPDATE {table} SET doc = CAST(replace(CAST(doc AS TEXT), '{from}', '{to}') AS BLOB) {rest}")
    };
    for (edit, says) in [
        (
            replaced("promotion", "aborted", "verified", ""),
            "the row of promotion shop/app/dev/1 is not what the log makes",
        ),
        (
            replaced("promotion", "2027-01-15T08:00:10", "2027-01-14T08:00:10", ""),
            "row of promotion `shop/app/dev/1`: it is filed under other keys",
        ),
        (
            replaced(
                "release",
                "\"breaking\":false",
                "\"breaking\":true",
                "WHERE version = '1.1.0'",
            ),
            "the row of release shop/app@1.1.0 is not what the log makes",
        ),
        (
            "UPDATE promotion SET ended = 1 - ended".to_owned(),
            "row of promotion `shop/app/dev/2`",
        ),
        (
            "UPDATE promotion SET doc = x'5b' WHERE number = 2".to_owned(),
            "row of promotion `shop/app/dev/2`",
        ),
        (
            "DELETE FROM promotion WHERE number = 1".to_owned(),
            "the row of promotion shop/app/dev/1 is missing",
        ),
        (
            "DELETE FROM work".to_owned(),
            "work `promotion/shop/app/dev/2#judge` is planned and not kept",
        ),
        (
            "UPDATE work SET id = replace(id, '/2#', '/9#')".to_owned(),
            "work `promotion/shop/app/dev/9#judge` is kept and not planned",
        ),
        (
            "UPDATE work SET id = id || 'x'".to_owned(),
            "work `promotion/shop/app/dev/2#judgex`",
        ),
        (
            "UPDATE work SET kind = '{}'".to_owned(),
            "work `promotion/shop/app/dev/2#judge`",
        ),
        (
            format!("UPDATE work SET due_us = {YEAR_2100}, free_us = {YEAR_2100}"),
            "dev/2#judge` is due at 2100-01-01T00:00:00Z, which is later than anything",
        ),
        (
            format!("UPDATE work SET leased_until_us = {YEAR_2100}, free_us = {YEAR_2100}, owner = 'r1'"),
            "dev/2#judge` is leased until 2100-01-01T00:00:00Z, and no lease is longer than 20s",
        ),
        (
            "UPDATE work SET free_us = free_us + 1".to_owned(),
            "dev/2#judge` is free at another time than",
        ),
        (
            "UPDATE work SET fence = 99".to_owned(),
            "the last fence that was given is said to be 0, which cannot be",
        ),
        (
            format!("UPDATE head SET fence = {}", i64::MAX),
            "is said to be 9223372036854775807, which cannot be",
        ),
        (
            "UPDATE work SET attempt = -1".to_owned(),
            "dev/2#judge` has a time, a fence or a count that cannot be",
        ),
        (
            format!("UPDATE work SET due_us = {}, free_us = {}", i64::MIN, i64::MIN),
            "dev/2#judge` has a time, a fence or a count that cannot be",
        ),
        (
            "INSERT INTO idempotency (scope, request, first, last, at_us)
             VALUES ('ana POST /x key', zeroblob(32), 900, 901, 0)"
                .to_owned(),
            "the key of an accepted request, `ana POST /x key`, names events that are not in the log",
        ),
    ] {
        let case = Case::new();
        let whole = case.says();
        case.edit(&edit);
        let found = case.says();
        assert!(found.starts_with("the log is whole, but"), "{edit}: {found}");
        assert!(found.contains(says), "{edit}: {found}");
        assert!(found.contains("--rebuild"), "{found}");
        assert_eq!(rebuild(&case.place()).unwrap().to_string(), whole, "{edit}");
        assert_eq!(case.says(), whole, "{edit}");
    }
}

#[test]
fn a_file_whose_index_lost_a_row_is_said_to_be_damaged() {
    let case = Case::new();
    case.edit("PRAGMA wal_checkpoint(TRUNCATE)");
    let conn = Connection::open(case.path()).unwrap();
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let page_bytes = number("PRAGMA page_size");
    let root = number("SELECT rootpage FROM sqlite_schema WHERE name = 'log_type'");
    drop(conn);
    let mut file = std::fs::read(case.path()).unwrap();
    let page = &mut file[(root - 1) * page_bytes..root * page_bytes];
    let kind = b"promotion_ended";
    let at = page.windows(kind.len()).position(|bytes| bytes == kind).unwrap();
    page[at] = b'q';
    std::fs::write(case.path(), file).unwrap();
    let says = case.says();
    assert!(
        says.starts_with("the database is damaged; restore a backup") && says.contains("index log_type"),
        "{says}"
    );
}

#[test]
fn a_table_or_an_index_that_is_missing_is_named_and_a_file_with_none_stays_empty() {
    for (edit, says) in [
        ("DROP TABLE session", "table `session` is missing"),
        ("DROP INDEX log_stream", "index `log_stream` is missing"),
        ("DELETE FROM head", "the head of the log: it is missing"),
    ] {
        let case = Case::new();
        case.edit(edit);
        assert!(case.says().contains(says), "{edit}: {}", case.says());
    }
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("gateline.db"));
    std::fs::write(dir.path().join("gateline.db"), "").unwrap();
    for illness in [
        examine(&place, Vec::new()).unwrap_err(),
        rebuild(&place).unwrap_err(),
    ] {
        assert!(
            illness.to_string().contains("has no tables of Gateline"),
            "{illness}"
        );
    }
    assert_eq!(
        std::fs::metadata(dir.path().join("gateline.db")).unwrap().len(),
        0
    );
}

#[test]
fn a_log_that_is_ahead_of_the_clock_is_told_and_its_leases_are_no_illness() {
    let case = Case::new();
    case.edit(
        "UPDATE work SET due_us = (SELECT at_us FROM head), leased_until_us = (SELECT at_us FROM head) + 20000000,
         free_us = (SELECT at_us FROM head) + 20000000, owner = 'r1'",
    );
    let says = case.says();
    // The history is of 2027.
    let ahead = Timestamp::now() < Timestamp::from_second(1_800_000_000).unwrap();
    assert_eq!(
        says.contains("ahead of the clock: what waits for a moment"),
        ahead,
        "{says}"
    );
    assert!(says.contains("rows agree"), "{says}");
}

#[test]
fn a_database_in_use_is_examined_and_not_rebuilt() {
    let case = Case::new();
    let _server = SqliteStore::open(case.path()).unwrap();
    assert!(examine(&case.place(), Vec::new()).is_ok());
    let refused = rebuild(&case.place()).unwrap_err().to_string();
    assert!(refused.contains("is in use"), "{refused}");
}

#[test]
fn differences_over_the_limit_are_counted() {
    let mut differences = Differences::default();
    (0..DIFFERENCES_NAMED_MAX + 5).for_each(|number| differences.add(format!("event {number}")));
    assert!(differences.to_string().ends_with("\n  event 99\n  and 5 more"));
}
