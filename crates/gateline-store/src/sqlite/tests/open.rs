//! Opening a file: locked, read-only, foreign, newer.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::*;

#[test]
fn a_second_server_on_the_same_file_is_refused_and_told_who_has_it() {
    let dir = Dir::new();
    let first = SqliteStore::open(dir.path(FILE)).unwrap();
    std::os::unix::fs::symlink(dir.path(FILE), dir.path("link.db")).unwrap();
    for path in [FILE, "link.db"] {
        let err = SqliteStore::open(dir.path(path)).unwrap_err().to_string();
        assert!(
            err.contains(&format!("is in use by process {}", std::process::id())),
            "{err}"
        );
    }
    drop(first);
    SqliteStore::open(dir.path(FILE)).unwrap();
}

/// Tells the child of the next test which file to open.
const READ_ONLY: &str = "GATELINE_TEST_READ_ONLY";

#[test]
fn a_read_only_file_or_directory_is_refused_with_the_remedy() {
    if let Ok(path) = std::env::var(READ_ONLY) {
        let err = SqliteStore::open(path).unwrap_err();
        println!("refused: {err}");
        return;
    }
    // Root may write everything: the file is opened as somebody else, by a copy of this test that he can reach.
    let refusal = |file_mode: u32, dir_mode: u32| {
        let dir = Dir::new();
        drop(SqliteStore::open(dir.path(FILE)).unwrap());
        fs::copy(std::env::current_exe().unwrap(), dir.path("test")).unwrap();
        let modes = [(FILE, file_mode), ("gateline.db.lock", 0o666), ("", dir_mode)];
        for (file, mode) in modes {
            fs::set_permissions(dir.path(file), fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut child = Command::new(dir.path("test"));
        child.args([
            "--exact",
            "sqlite::tests::open::a_read_only_file_or_directory_is_refused_with_the_remedy",
        ]);
        child.arg("--nocapture").env(READ_ONLY, dir.path(FILE));
        if is_root() {
            child.uid(65_534);
        }
        let output = child.output().unwrap();
        fs::set_permissions(dir.path(""), fs::Permissions::from_mode(0o777)).unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let file = refusal(0o444, 0o777);
    assert!(
        file.contains("is read-only; give the server's account the right to write"),
        "{file}"
    );
    let directory = refusal(0o666, 0o555);
    assert!(
        directory.contains("give the server's account the right to write"),
        "{directory}"
    );
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_foreign_file_is_refused_and_left_as_it_is() {
    let dir = Dir::new();
    fs::write(
        dir.path("text.db"),
        "not a database, but long enough to look like one ".repeat(50),
    )
    .unwrap();
    let other = Connection::open(dir.path("other.db")).unwrap();
    other.execute_batch("CREATE TABLE log (number INTEGER)").unwrap();
    drop(other);
    for file in ["text.db", "other.db"] {
        let before = fs::read(dir.path(file)).unwrap();
        let err = SqliteStore::open(dir.path(file)).unwrap_err();
        assert!(matches!(err, SqliteError::Foreign(_)), "{err}");
        assert_eq!(fs::read(dir.path(file)).unwrap(), before);
    }
}

#[test]
fn a_file_of_a_newer_gateline_is_refused() {
    let dir = Dir::new();
    let store = SqliteStore::open(dir.path(FILE)).unwrap();
    store
        .conn
        .pragma_update(None, "user_version", schema::VERSION + 1)
        .unwrap();
    drop(store);
    for err in [
        SqliteStore::open(dir.path(FILE)).unwrap_err(),
        SqliteReader::open(dir.path(FILE)).unwrap_err(),
    ] {
        assert!(
            matches!(
                err,
                SqliteError::Newer { found, known, .. }
                    if (found, known) == (schema::VERSION + 1, schema::VERSION)
            ),
            "{err}"
        );
    }
}

#[test]
fn content_that_was_kept_whole_is_read_after_the_tables_are_brought_forward() {
    let dir = Dir::new();
    let old = Connection::open(dir.path(FILE)).unwrap();
    old.execute_batch(include_str!("../migrations/0001_log.sql"))
        .unwrap();
    old.execute_batch("PRAGMA application_id = 0x67617465; PRAGMA user_version = 1")
        .unwrap();
    let contents: Vec<Vec<u8>> = [0, 1, crate::PIECE_BYTES, 2 * crate::PIECE_BYTES + 5]
        .map(|length| (0..length).map(|at| (at / 1_000) as u8).collect())
        .into();
    for bytes in &contents {
        let digest = Digest::of(bytes);
        old.execute(
            "INSERT INTO blob (digest, bytes) VALUES (?1, ?2)",
            rusqlite::params![digest.as_bytes(), bytes],
        )
        .unwrap();
    }
    drop(old);
    let mut store = SqliteStore::open(dir.path(FILE)).unwrap();
    let known = Append {
        blobs: vec![sample::blob(&contents[3])],
        ..sample::nothing()
    };
    append(&mut store, known).unwrap();
    for bytes in &contents {
        assert!(store.blob(&Digest::of(bytes)).unwrap().as_ref() == Some(bytes));
    }
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        store
            .conn
            .query_row(&sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(
        (count("blob"), count("blob_piece")),
        (4, 1 + 1 + 3),
        "nothing is kept twice"
    );
}

#[test]
fn a_file_of_the_first_gateline_is_brought_forward() {
    let dir = Dir::new();
    let old = Connection::open(dir.path(FILE)).unwrap();
    let first = include_str!("../migrations/0001_log.sql");
    old.execute_batch(first).unwrap();
    let ours = "PRAGMA application_id = 0x67617465; PRAGMA user_version = 1;";
    old.execute_batch(ours).unwrap();
    drop(old);
    // A reader changes nothing, so it can only say so.
    let err = SqliteReader::open(dir.path(FILE)).unwrap_err();
    assert!(matches!(err, SqliteError::Older { found: 1, .. }), "{err}");
    let store = SqliteStore::open(dir.path(FILE)).unwrap();
    assert_eq!(store.sessions(&"ana".parse().unwrap()).unwrap(), []);
    assert!(SqliteReader::open(dir.path(FILE)).is_ok());
}
