//! A store that is moved, backed up, restored and examined by the real binary.

use std::process::{Command, Output};

use super::cluster::Database;
use super::place::{GATELINE, Place, Replica, SIMPLE, all};

fn run(arguments: &[&str]) -> Output {
    Command::new(GATELINE).args(arguments).output().unwrap()
}

#[test]
fn a_history_moves_from_a_file_to_a_database_and_back_and_a_backup_fits_both() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let file = format!("sqlite:{}", path("first.db"));
    let mut place = Place::start(std::slice::from_ref(&file));
    let port = place.replicas[0].port;
    place.apply(port, SIMPLE);
    place.release(port, "1.0.0");
    place.becomes(port, "1.0.0", "verified");
    let whole = run(&["store", "copy", &file, &database.url()]);
    assert!(
        all(&whole).contains("is in use by process"),
        "a server uses it: {}",
        all(&whole)
    );
    place.replicas[0].kill();
    // The health of what is live goes on being looked at: what is compared is as it is when nobody runs.
    let copied = run(&["store", "copy", &file, &database.url()]);
    assert!(copied.status.success(), "{}", all(&copied));
    let said = |place: &str| all(&run(&["doctor", "--store", place]));
    assert_eq!(said(&file), said(&database.url()));
    assert!(said(&file).contains("events hash and fold"), "{}", said(&file));

    // It goes on there, under the same token.
    place.replicas[0] = Replica::start(&[], dir.path(), "second", &database.url());
    let port = place.replicas[0].port;
    place.release(port, "1.1.0");
    place.becomes(port, "1.1.0", "verified");
    let backup = path("backup");
    let backed_up = run(&["backup", "--to", &backup, "--store", &database.url()]);
    assert!(
        backed_up.status.success(),
        "while a server runs: {}",
        all(&backed_up)
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&backup).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        !run(&["backup", "--to", &backup, "--store", &database.url()])
            .status
            .success(),
        "it is there"
    );
    place.replicas[0].kill();

    let restored = run(&["restore", &backup, "--dir", &path("restored")]);
    assert!(restored.status.success(), "{}", all(&restored));
    let back = format!("sqlite:{}", path("back.db"));
    assert!(run(&["store", "copy", &database.url(), &back]).status.success());
    assert_eq!(said(&back), said(&database.url()));
    for store in [&file, &database.url()] {
        let refused = run(&["restore", &backup, "--store", store]);
        assert!(all(&refused).contains("is not empty"), "{}", all(&refused));
    }
    let bytes = std::fs::read(&backup).unwrap();
    let spoilt: [(&str, Vec<u8>); 4] = [
        ("cut", bytes[..bytes.len() / 2].to_vec()),
        (
            "flipped",
            bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ u8::from(at == bytes.len() / 2))
                .collect(),
        ),
        ("empty", Vec::new()),
        ("foreign", b"not a backup".to_vec()),
    ];
    for (name, bytes) in spoilt {
        std::fs::write(path(name), bytes).unwrap();
        let refused = run(&["restore", &path(name), "--dir", &path("never")]);
        assert_eq!(refused.status.code(), Some(2), "{name}: {}", all(&refused));
        assert!(
            all(&refused).contains("nothing was kept"),
            "{name}: {}",
            all(&refused)
        );
    }
    assert!(
        run(&["restore", &backup, "--dir", &path("never")])
            .status
            .success(),
        "nothing was"
    );
}

#[test]
fn what_is_typed_wrong_ends_with_2_and_a_pipe_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let pipe = pipe.display().to_string();
    let at_pipe = format!("sqlite:{pipe}");
    let data = dir.path().join("data").display().to_string();
    for (typed, code, says) in [
        (
            vec!["doctor", "--store", "mysql://db/x"],
            2,
            "neither `sqlite:PATH`",
        ),
        (vec!["store", "copy", "here", "there"], 2, "neither `sqlite:PATH`"),
        (
            vec!["serve", "--listen", "localhost:1"],
            2,
            "such as 127.0.0.1:7474",
        ),
        (
            vec!["serve", "--dir", &data, "--config", &pipe],
            2,
            "it is no regular file",
        ),
        (
            vec!["serve", "--dir", &data, "--config", "/"],
            2,
            "it is no regular file",
        ),
        (
            vec!["serve", "--dir", &data, "--store", &at_pipe],
            5,
            "it is no regular file",
        ),
        (
            vec!["backup", "--to", "never", "--store", &at_pipe],
            5,
            "it is no regular file",
        ),
        (vec!["doctor", "--store", &at_pipe], 5, "it is no regular file"),
        (vec!["restore", &pipe, "--dir", &data], 2, "it is no regular file"),
        (
            vec!["restore", "/dev/stdin", "--dir", &data],
            2,
            "whose files are not taken",
        ),
        (vec!["doctor", "--dir", &data], 2, "no database"),
    ] {
        let refused = run(&typed);
        assert_eq!(refused.status.code(), Some(code), "{typed:?}: {}", all(&refused));
        assert!(all(&refused).contains(says), "{typed:?}: {}", all(&refused));
    }
}

#[test]
fn the_doctor_of_a_database_names_what_was_edited_and_makes_anew_what_lies_beside() {
    let database = Database::new();
    let place = Place::start(&[database.url()]);
    let port = place.replicas[0].port;
    place.apply(port, SIMPLE);
    place.release(port, "1.0.0");
    place.becomes(port, "1.0.0", "verified");
    drop(place.replicas);
    let url = database.url();
    let doctor = |more: &[&str]| run(&[&["doctor", "--store", &url], more].concat());
    let whole = all(&doctor(&[]));
    for edit in [
        "DELETE FROM gateline.promotion",
        "UPDATE gateline.release SET version = '9'",
        "DELETE FROM gateline.work",
    ] {
        database.psql(edit);
        let found = doctor(&[]);
        assert_eq!(found.status.code(), Some(5), "{edit}: {}", all(&found));
        assert!(
            all(&found).contains("gateline doctor --rebuild"),
            "{edit}: {}",
            all(&found)
        );
        assert_eq!(all(&doctor(&["--rebuild"])), whole, "{edit}");
    }
    database.psql("UPDATE gateline.log SET actor = 'mallory' WHERE number = 2");
    let found = doctor(&[]);
    assert_eq!(found.status.code(), Some(5), "{}", all(&found));
    assert!(all(&found).contains("event 2:"), "{}", all(&found));
}
