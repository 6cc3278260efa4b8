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

/// Files that nobody may write, until it is dropped: also who has them open already gets an error for each write.
struct Unwritable(Vec<PathBuf>);

impl Unwritable {
    fn now(files: Vec<PathBuf>) -> Self {
        let files = Self(files);
        files.set("+i");
        files
    }

    fn set(&self, how: &str) {
        let set = Command::new("chattr").arg(how).args(&self.0).status();
        assert!(set.unwrap().success(), "chattr {how} {:?}", self.0);
    }
}

impl Drop for Unwritable {
    fn drop(&mut self) {
        self.set("-i");
    }
}

/// The file system below this folder, as a server sees it, finds an error in itself: from now on it may only be read.
fn breaks(server: &Replica, folder: &Path) {
    let mounts = std::fs::read_to_string(format!("/proc/{}/mounts", server.child.id())).unwrap();
    let at = folder.to_str().unwrap();
    let mounted = mounts.lines().find(|line| line.split(' ').nth(1) == Some(at));
    let device = mounted.and_then(|line| line.split(' ').next()).unwrap();
    let trigger = format!(
        "/sys/fs/ext4/{}/trigger_fs_error",
        device.trim_start_matches("/dev/")
    );
    std::fs::write(trigger, "1").unwrap();
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_the_server_goes_on_when_it_may_be_written_again() {
    assert!(
        is_root(),
        "only root mounts a file of its own and forbids itself to write it: run the tests as root"
    );
    let mut told = Told::of(
        "disk-turns-read-only",
        "One server on SQLite whose file lies on a disk of its own (`ext4` in a file that it alone has mounted). While somebody registers releases \
         that roll out by themselves, the database's files may no longer be written (`chattr +i`: each write gets an error although they are open), \
         and later they may again. Then the file system finds an error in itself and turns read-only (`errors=remount-ro`), as when a disk fails; \
         the server is killed, and started again with the disk mounted anew.",
        "Requests are refused with what to do, and nothing of them is kept. `/readyz` answers 503 with the reason. Reading goes on. When the disk \
         takes writes again the server goes on by itself; after an error of the file system that takes a mount, and a start.",
    );
    let outside = tempfile::tempdir().unwrap();
    let image = outside.path().join("image");
    File::create(&image).unwrap().set_len(64 << 20).unwrap();
    let made = Command::new("mkfs.ext4").arg("-q").arg(&image).status();
    assert!(made.unwrap().success(), "mkfs.ext4");
    let disk = tempfile::tempdir().unwrap();
    let mounted = with_mounts(&format!(
        "mount -o loop,errors=remount-ro {} {}",
        image.display(),
        disk.path().display()
    ));
    let store = format!("sqlite:{}", disk.path().join("gateline.db").display());
    let mut place = Place::start_as(&mounted, std::slice::from_ref(&store));
    let target = Target::of(&place, place.replicas[0].port);
    let people = People::from(1);
    std::thread::scope(|scope| {
        let server = &place.replicas[0];
        scope.spawn(|| people.work(&place, server.port));
        let more = || {
            let before = people.counts().0;
            eventually("it takes requests", || {
                (people.counts().0 > before + 3).then_some(())
            });
        };
        more();
        let seen = PathBuf::from(format!("/proc/{}/root", server.child.id()));
        let folder = seen.join(disk.path().strip_prefix("/").unwrap());
        let files = ["gateline.db", "gateline.db-wal"].map(|name| folder.join(name));
        let unwritable = Unwritable::now(files.into());
        told.saw(format!(
            "Files that may not be written: {}",
            refused_with_the_reason(&place, server)
        ));
        drop(unwritable);
        eventually("it is ready again", || {
            server.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
        more();
        told.saw("When they might be written again it was ready, without a restart.");
        breaks(server, disk.path());
        told.saw(format!(
            "A file system with an error: {}",
            refused_with_the_reason(&place, server)
        ));
        people.stop();
    });
    place.replicas[0].kill();
    place.replicas[0].start_again();
    let server = &place.replicas[0];
    let steps = all_went_well(&place, server.port, &target, &[&people]);
    let (acknowledged, refused) = people.counts();
    told.saw(format!(
        "With the disk mounted anew: {acknowledged} releases were acknowledged and all are there; {refused} were refused."
    ));
    told.saw(steps);
    let examined = gateline_beside(server, &["doctor", "--store", &store]);
    told.saw(format!("`gateline doctor`: {}", line(&examined, "events hash")));
}

/// Waits until a server whose disk takes no writes says so, refuses what is to be kept, and shows what is there.
fn refused_with_the_reason(place: &Place, server: &Replica) -> String {
    let answer = eventually("it is not ready", || {
        let answer = server.get("/readyz");
        answer.starts_with("HTTP/1.1 503").then_some(answer)
    });
    let why = detail(&answer);
    assert!(why.contains("read-only"), "{why}");
    let create = ["token", "create", "bo", "--actor", "bo", "--scope", "read"];
    eventually("a request is refused with the reason", || {
        let output = place.gateline(server.port, &create);
        (!output.status.success() && all(&output).contains("read-only")).then_some(())
    });
    place.ok(server.port, &["release", "list"]);
    format!("`/readyz` answered 503: {why}. A request was refused; releases were listed meanwhile.")
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
