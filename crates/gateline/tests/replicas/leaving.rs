//! Servers that are told to stop: what they do ends or is handed over, and nobody waits for a lease to run out.

use std::path::Path;

use super::cluster::Database;
use super::place::{Place, eventually};
use super::told::{Told, line};

/// How many pieces of work a server holds, as the database says.
fn held_by(database: &Database, process: u32) -> String {
    database.psql(&format!(
        "SELECT count(*) FROM gateline.work WHERE owner = 'serve-{process}' AND leased_until_us IS NOT NULL"
    ))
}

/// A target that says which server applies a step, and ends it when it is let; it can be asked what was applied.
fn target(at: &Path) -> String {
    let at = at.display();
    let what = "$GATELINE_VERSION-$GATELINE_ACTION-$GATELINE_WEIGHT";
    let sh = |script: String| format!("[/bin/sh, -c, {script:?}]");
    let apply = format!(
        "echo $PPID > {at}/tmp; mv {at}/tmp {at}/holder; until test -e {at}/go; do sleep 0.05; done; echo {what} >> {at}/applied"
    );
    let observe = format!("grep -qx -- {what} {at}/applied 2> /dev/null || exit 1");
    format!(
        "{{command: {{apply: {}, observe: {}, health: [/bin/true]}}}}",
        sh(apply),
        sh(observe)
    )
}

/// The server that wrote down that it is at work: which, and its process.
fn holder(place: &Place, at: &Path) -> (usize, u32) {
    let process = eventually("a server is at work", || {
        let written = std::fs::read_to_string(at.join("holder")).ok()?;
        written.trim().parse::<u32>().ok()
    });
    let mut servers = place.replicas.iter();
    let at = servers.position(|replica| replica.child.id() == process);
    (at.expect("the command is the server's own child"), process)
}

#[test]
fn a_server_that_is_told_to_stop_ends_what_it_does_and_holds_nothing_when_it_is_gone() {
    let mut told = Told::of(
        "sigterm",
        "Two servers on one PostgreSQL database. The one that applies a step gets SIGTERM; the step ends a moment later. Meanwhile somebody asks \
         the other server for a release.",
        "A server that is told to stop takes nothing more, lets what acts on the outside end (10 s), gives every lease back (5 s) and ends. The other \
         one goes on at once, not when a lease has run out. No step is taken twice.",
    );
    let database = Database::new();
    let mut place = Place::start(&[database.url(), database.url()]);
    let at = place.dir.path().join("target");
    std::fs::create_dir_all(&at).unwrap();
    place.apply(place.replicas[0].port, &target(&at));
    place.release(place.replicas[0].port, "1.0.0");
    let (leaves, holder) = holder(&place, &at);
    place.replicas[leaves].signal("TERM");
    eventually("it takes no more connections", || {
        place.replicas[leaves].get("/healthz").is_empty().then_some(())
    });
    // Somebody who asks meanwhile is answered by the other one.
    let other = place.replicas[1 - leaves].port;
    place.release(other, "1.1.0");
    std::fs::write(at.join("go"), "").unwrap();
    let began = std::time::Instant::now();
    let ended = place.replicas[leaves].child.wait().unwrap();
    assert!(ended.success(), "{ended}: {}", place.replicas[leaves].log());
    assert_eq!(held_by(&database, holder), "0");
    assert!(
        place.replicas[leaves].log().contains("Handed all work over"),
        "{}",
        place.replicas[leaves].log()
    );
    told.saw(format!(
        "It ended {} ms after the step, with {ended}, and held no lease in the database.",
        began.elapsed().as_millis()
    ));
    place.becomes(other, "1.1.0", "verified");
    told.saw(format!(
        "The other one had finished both rollouts {} ms after the step.",
        began.elapsed().as_millis()
    ));
    let applied = std::fs::read_to_string(at.join("applied")).unwrap();
    let mut once: Vec<&str> = applied.lines().collect();
    once.sort_unstable();
    once.dedup();
    assert_eq!(
        applied.lines().count(),
        once.len(),
        "no step is applied twice: {applied}"
    );
    told.saw(format!("{} steps were taken, none twice.", once.len()));
    told.saw(format!(
        "`gateline doctor`: {}",
        line(&place.doctor(&database.url()), "events hash")
    ));
}

#[test]
fn a_look_that_a_stopping_server_had_begun_is_another_servers_at_once() {
    let database = Database::new();
    let mut place = Place::start(&[database.url(), database.url()]);
    let at = place.dir.path().join("check");
    std::fs::create_dir_all(&at).unwrap();
    // The first look stands still for longer than any test waits; the second one passes.
    let check = format!(
        "if mkdir {0}/first 2> /dev/null; then echo $PPID > {0}/tmp; mv {0}/tmp {0}/holder; sleep 600; fi; exit 0",
        at.display()
    );
    let target = format!(
        "{{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      gates:\n        - command: {{run: [/bin/sh, -c, {check:?}], timeout: 10m}}\n          \
         because: Somebody must have looked."
    );
    place.apply(place.replicas[0].port, &target);
    place.release(place.replicas[0].port, "1.0.0");
    let (leaves, holder) = holder(&place, &at);
    place.replicas[leaves].signal("TERM");
    let ended = place.replicas[leaves].child.wait().unwrap();
    assert!(ended.success(), "{ended}: {}", place.replicas[leaves].log());
    assert_eq!(held_by(&database, holder), "0");
    place.becomes(place.replicas[1 - leaves].port, "1.0.0", "verified");
    place.replicas[leaves].start_again();
    place.becomes(place.replicas[leaves].port, "1.0.0", "verified");
}

#[test]
fn a_server_whose_database_lost_its_last_commits_ends_and_begins_anew_with_what_is_left() {
    let mut told = Told::of(
        "lost-commits",
        "Two servers on one PostgreSQL database, which loses what was committed last, as in a failover to a standby that lagged behind.",
        "Neither goes on with what is not there: each ends within two seconds and says why. Started again they know what is left, and the record is whole.",
    );
    let database = Database::new();
    let mut place = Place::start(&[database.url(), database.url()]);
    let port = place.replicas[0].port;
    place.apply(port, "{command: {apply: [/bin/true], health: [/bin/true]}}");
    database.psql("CREATE TABLE public.then AS SELECT * FROM gateline.head");
    place.ok(
        port,
        &["token", "create", "ghost", "--actor", "ghost", "--scope", "read"],
    );
    let began = std::time::Instant::now();
    database.psql(
        "BEGIN; LOCK gateline.head; DELETE FROM gateline.log WHERE number >= (SELECT size FROM public.then);
         DELETE FROM gateline.idempotency WHERE last >= (SELECT size FROM public.then);
         UPDATE gateline.head SET (size, at_us, frontier) = (SELECT size, at_us, frontier FROM public.then); COMMIT",
    );
    for replica in &mut place.replicas {
        let ended = replica.child.wait().unwrap();
        assert_eq!(ended.code(), Some(5), "{}", replica.log());
        let says = "is not the one that this server read";
        assert!(replica.log().contains(says), "{}", replica.log());
    }
    told.saw(format!(
        "Both ended with 5, the last {} ms after the commits were gone.",
        began.elapsed().as_millis()
    ));
    place
        .replicas
        .iter_mut()
        .for_each(super::place::Replica::start_again);
    let tokens = place.ok(port, &["token", "list"]);
    assert!(!tokens.contains("ghost"), "{tokens}");
    place.release(port, "1.0.0");
    place.becomes(port, "1.0.0", "verified");
    told.saw(format!(
        "Started again: {}.",
        line(&place.doctor(&database.url()), "events hash")
    ));
}
