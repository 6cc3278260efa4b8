//! A disk that is full, and one that takes no writes. The server has the disk mounted for itself alone, so that nothing else
//! on the host feels it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::{GATELINE, Place, Replica, all, eventually};
use super::target::{People, Target, all_went_well, detail};
use super::told::{Told, line};

/// What starts a program with mounts of its own, after this was done to them.
pub fn with_mounts(mount: &str) -> Vec<String> {
    let alone = if is_root() { "-m" } else { "-Urm" };
    let script = format!("{mount} && exec \"$@\"");
    ["unshare", alone, "sh", "-c", &script, "sh"]
        .map(str::to_owned)
        .into()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Runs Gateline where a server has its mounts.
fn gateline_beside(server: &Replica, arguments: &[&str]) -> String {
    let mut enter = Command::new("nsenter");
    enter.arg("-t").arg(server.child.id().to_string());
    if !is_root() {
        enter.args(["-U", "--preserve-credentials"]);
    }
    let output = enter.arg("-m").arg(GATELINE).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", all(&output));
    all(&output)
}

/// Takes all the room that is left.
fn fill(file: &Path) -> u64 {
    let mut filler = File::create(file).unwrap();
    let mut size = 0;
    for piece in [65_536, 4_096, 512] {
        while let Ok(written @ 1..) = filler.write(&vec![b'x'; piece]) {
            size += written as u64;
        }
    }
    size
}

#[test]
fn a_full_disk_is_told_and_nothing_is_half_done_and_it_goes_on_when_there_is_room() {
    let mut told = Told::of(
        "disk-full",
        "One server on SQLite whose file lies on a disk of 16 MB (a `tmpfs` that it alone has mounted, with `unshare -m`). While somebody \
         registers releases that roll out by themselves, the disk is filled to its last byte; later the room is given back.",
        "Requests are refused with what to do, and nothing of them is kept. `/readyz` answers 503 with the reason. Reading goes on. When there \
         is room again the server goes on by itself, within seconds.",
    );
    let disk = tempfile::tempdir().unwrap();
    let mounted = with_mounts(&format!(
        "mount -t tmpfs -o size=16m tmpfs {}",
        disk.path().display()
    ));
    let store = format!("sqlite:{}", disk.path().join("gateline.db").display());
    let place = Place::start_as(&mounted, std::slice::from_ref(&store));
    let server = &place.replicas[0];
    let target = Target::of(&place, server.port);
    let people = People::from(1);
    std::thread::scope(|scope| {
        scope.spawn(|| people.work(&place, server.port));
        eventually("there is something to lose", || {
            (people.counts().0 >= 5).then_some(())
        });
        // As the server sees it: nobody else has this disk.
        let seen = PathBuf::from(format!("/proc/{}/root", server.child.id()));
        let filler = seen.join(disk.path().strip_prefix("/").unwrap()).join("filler");
        let size = fill(&filler);
        let answer = eventually("it is not ready", || {
            let answer = server.get("/readyz");
            answer.starts_with("HTTP/1.1 503").then_some(answer)
        });
        let why = detail(&answer);
        assert!(why.contains("free some space"), "{why}");
        told.saw(format!(
            "{size} bytes filled the disk. `/readyz` answered 503: {why}"
        ));
        let refused = eventually("a request is refused", || {
            let output = place.gateline(
                server.port,
                &["token", "create", "bo", "--actor", "bo", "--scope", "read"],
            );
            (!output.status.success()).then(|| all(&output))
        });
        assert!(refused.contains("free some space"), "{refused}");
        told.saw(format!(
            "A request was refused: {}",
            line(&refused, "free some space")
        ));
        place.ok(server.port, &["release", "list"]);
        told.saw("Releases were listed meanwhile.");
        std::fs::remove_file(&filler).unwrap();
        let before = people.counts().0;
        eventually("it is ready again", || {
            server.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
        eventually("it takes requests again", || {
            (people.counts().0 > before).then_some(())
        });
        people.stop();
    });
    let steps = all_went_well(&place, server.port, &target, &[&people]);
    let (acknowledged, refused) = people.counts();
    told.saw(format!(
        "With room again it was ready, without a restart. {acknowledged} releases were acknowledged and all are there; {refused} were refused."
    ));
    told.saw(steps);
    let examined = gateline_beside(server, &["doctor", "--store", &store]);
    told.saw(format!("`gateline doctor`: {}", line(&examined, "events hash")));
}

#[test]
fn a_disk_that_may_only_be_read_is_told_at_the_start_and_nothing_is_changed() {
    let mut told = Told::of(
        "disk-read-only",
        "A server on SQLite is stopped, and started again with its disk mounted read-only (a bind mount that it alone has). Then once more with \
         the disk as it was.",
        "It does not start, says why and what to do, and changes nothing.",
    );
    let disk = tempfile::tempdir().unwrap();
    let at = disk.path().display();
    let store = format!("sqlite:{}", disk.path().join("gateline.db").display());
    let mut place = Place::start(std::slice::from_ref(&store));
    Target::of(&place, place.replicas[0].port);
    place.release(place.replicas[0].port, "1.0.0");
    place.becomes(place.replicas[0].port, "1.0.0", "verified");
    place.replicas[0].kill();
    let before = place.doctor(&store);
    let read_only = with_mounts(&format!(
        "mount --bind {at} {at} && mount -o remount,ro,bind {at}"
    ));
    let output = Command::new(&read_only[0])
        .args(&read_only[1..])
        .args([
            GATELINE,
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--store",
            &store,
            "--dir",
        ])
        .arg(place.dir.path().join("other"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = all(&output);
    assert!(
        said.contains("Read-only file system") && said.contains("gateline.db"),
        "{said}"
    );
    told.saw(format!(
        "It ended with {}: {}",
        output.status,
        line(&said, "Read-only")
    ));
    assert_eq!(place.doctor(&store), before);
    place.replicas[0].start_again();
    place.becomes(place.replicas[0].port, "1.0.0", "verified");
    told.saw(format!(
        "`gateline doctor`, before and after: {}",
        line(&before, "events hash")
    ));
}
