//! SQLite's files as a snapshot of the disk has them, in the middle of writing; and with a write-ahead log whose end is
//! cut off or flipped.

use std::path::Path;
use std::process::Command;

use super::place::{GATELINE, Place, Replica, all, eventually};
use super::target::{People, Target};
use super::told::{Told, line};

/// How many copies are taken under load.
const COPIES: u32 = 5;
/// In how many places a write-ahead log is cut off, and a bit of it flipped, besides its end.
const PLACES: usize = 8;
/// What SQLite keeps on the disk. The shared memory beside them is not on it.
const FILES: [&str; 2] = ["gateline.db", "gateline.db-wal"];

/// Copies the files while the server stands still, wherever it is: as a snapshot of the disk takes them.
fn snapshot(server: &Replica, from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    server.signal("STOP");
    for file in FILES {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    server.signal("CONT");
}

/// Each event's number and leaf hash, as the file has them.
fn leaves(dir: &Path) -> Result<Vec<String>, String> {
    let script = "import sqlite3,sys\nfor n,h in sqlite3.connect(sys.argv[1]).execute('SELECT number, hex(leaf) FROM log ORDER BY number'): print(n,h)";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(dir.join(FILES[0]))
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()),
        false => Err(all(&output)),
    }
}

fn doctor(dir: &Path) -> std::process::Output {
    Command::new(GATELINE)
        .args(["doctor", "--dir"])
        .arg(dir)
        .output()
        .unwrap()
}

#[test]
fn a_copy_of_the_files_in_the_middle_of_writing_opens_and_has_what_was_acknowledged() {
    let mut told = Told::of(
        "torn-copy",
        "One server on SQLite, two people who register releases that roll out by themselves. At uneven moments the server is stopped \
         where it is (SIGSTOP), its two files are copied as a snapshot of the disk would have them, and it goes on.",
        "Each copy opens, `gateline doctor` finds it whole, and what was acknowledged before the copy is in it.",
    );
    let dir = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", dir.path().join(FILES[0]).display());
    let place = Place::start(&[store]);
    let server = &place.replicas[0];
    Target::of(&place, server.port);
    let people = People::from(1);
    let mut copies = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| people.work(&place, server.port));
        scope.spawn(|| people.work(&place, server.port));
        for number in 0..COPIES {
            let before = people.counts().0;
            eventually("there is more to lose", || {
                (people.counts().0 > before + 1).then_some(())
            });
            std::thread::sleep(std::time::Duration::from_millis(u64::from(number * 37 % 100)));
            let acknowledged = people.acknowledged();
            let copy = dir.path().join(format!("copy-{number}"));
            snapshot(server, dir.path(), &copy);
            copies.push((copy, acknowledged));
        }
        people.stop();
    });
    let mut sizes = Vec::new();
    for (copy, acknowledged) in &copies {
        let examined = doctor(copy);
        assert!(examined.status.success(), "{}", all(&examined));
        let found = Place::start(&[format!("sqlite:{}", copy.join(FILES[0]).display())]);
        // The token is the first server's; its hash was copied with the rest.
        let listed = place.ok(
            found.replicas[0].port,
            &["release", "list", "--json", "--limit", "500"],
        );
        for number in acknowledged {
            assert!(
                listed.contains(&format!("\"{number}.0.0\"")),
                "{number} was acknowledged before {}: {listed}",
                copy.display()
            );
        }
        sizes.push(acknowledged.len().to_string());
    }
    told.saw(format!(
        "{COPIES} copies, each whole; acknowledged before each, and in it: {} releases.",
        sizes.join(", ")
    ));
    told.saw(format!(
        "`gateline doctor` of the last: {}",
        line(&all(&doctor(&copies[copies.len() - 1].0)), "events hash")
    ));
}

#[test]
fn a_spoilt_end_of_the_write_ahead_log_is_left_out_or_refused_and_never_believed() {
    let mut told = Told::of(
        "torn-tail",
        "The files of a server on SQLite are copied while it stands still. In copies of the copy the write-ahead log is cut off at uneven \
         lengths, and bits are flipped in it, from its head to its last frame.",
        "What is left is a beginning of the same log, event for event, and `gateline doctor` finds it whole; or it is refused with the reason. \
         Nothing that was never recorded is ever shown. (What the disk lost is lost: a checkpoint kept elsewhere, \
         `gateline log --checkpoint`, shows that it was there.)",
    );
    let dir = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", dir.path().join(FILES[0]).display());
    let place = Place::start(&[store]);
    let server = &place.replicas[0];
    Target::of(&place, server.port);
    for minor in 0..4 {
        place.release(server.port, &format!("1.{minor}.0"));
    }
    let copy = dir.path().join("copy");
    snapshot(server, dir.path(), &copy);
    let wal = std::fs::read(copy.join(FILES[1])).unwrap();
    let whole = {
        let other = dir.path().join("whole");
        std::fs::create_dir_all(&other).unwrap();
        for file in FILES {
            std::fs::copy(copy.join(file), other.join(file)).unwrap();
        }
        leaves(&other).unwrap()
    };
    assert!(
        wal.len() > 100_000 && whole.len() > 20,
        "there is something to spoil: {} {}",
        wal.len(),
        whole.len()
    );
    let spoilt = |part: usize| {
        let at = wal.len() * part / PLACES + part * 331 % 4_096;
        let mut flipped = wal.clone();
        let at = at.min(wal.len() - 1);
        flipped[at] ^= 1 << (part % 8);
        [("cut", wal[..at].to_vec()), ("flipped", flipped)]
    };
    let (mut shorter, mut same, mut refused) = (0, 0, 0);
    let mut said = String::new();
    for (number, (_, bytes)) in (0..=PLACES).flat_map(spoilt).enumerate() {
        let at = dir.path().join(format!("spoilt-{number}"));
        std::fs::create_dir_all(&at).unwrap();
        std::fs::copy(copy.join(FILES[0]), at.join(FILES[0])).unwrap();
        std::fs::write(at.join(FILES[1]), bytes).unwrap();
        let examined = doctor(&at);
        if !examined.status.success() {
            said = all(&examined);
            assert!(
                said.contains("error") && said.trim().len() > 20,
                "it says why: {said}"
            );
            refused += 1;
            continue;
        }
        let found = leaves(&at).unwrap();
        assert_eq!(found, whole[..found.len()], "a beginning of the same log");
        if found.len() == whole.len() {
            same += 1
        } else {
            shorter += 1
        }
    }
    told.saw(format!(
        "{} spoilt logs of {} bytes: {same} changed nothing, {shorter} left a shorter beginning of the same log, {refused} were refused.",
        2 * (PLACES + 1),
        wal.len()
    ));
    if refused > 0 {
        told.saw(format!("A refusal: {}", line(&said, "error")));
    }
}
