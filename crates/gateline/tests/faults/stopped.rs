//! A server that stands still for longer than its lease, and wakes: it is fenced.

use super::cluster::Database;
use super::place::{Place, eventually};
use super::target::{STEP, everything_ends, written};
use super::told::{Told, line};

#[test]
fn a_server_that_stood_still_for_longer_than_its_lease_applies_nothing_when_it_wakes() {
    let mut told = Told::of(
        "sigstop",
        "Two servers on one PostgreSQL database. One gets SIGSTOP while it asks the target whether a step is applied, and SIGCONT after the \
         other one has taken the step and finished the rollout; the first one's question is then answered with what was true when it asked: \
         \"not applied\".",
        "The server that wakes applies nothing that another one has done meanwhile, records nothing under its lost lease, and decides \
         nothing until it knows the database's time again.",
    );
    let database = Database::new();
    let place = Place::start(&[database.url(), database.url()]);
    let dir = place.dir.path().join("target");
    std::fs::create_dir_all(&dir).unwrap();
    let at = dir.display();
    // Whoever asks first is not answered before it is let, and then with what was true when it asked.
    let observe = format!(
        "if mkdir {at}/first 2> /dev/null; then echo $PPID > {at}/tmp; mv {at}/tmp {at}/holder; \
         until test -e {at}/go; do sleep 0.05; done; exit 1; fi; grep -qx \"{STEP}\" {at}/applied || exit 1"
    );
    let apply = format!("echo {STEP} >> {at}/applied");
    let sh = |script: &str| format!("[/bin/sh, -c, {script:?}]");
    let spec = format!(
        "{{command: {{apply: {}, observe: {}, health: [/bin/true], timeout: 10m}}}}",
        sh(&apply),
        sh(&observe)
    );
    place.apply(place.replicas[0].port, &spec);
    place.release(place.replicas[0].port, "1.0.0");
    let holder = eventually("a server asks the target", || written(&dir.join("holder")));
    let sleeper = place
        .replicas
        .iter()
        .position(|replica| replica.child.id().to_string() == holder);
    let sleeper = sleeper.expect("the command is the server's own child");
    let (sleeper, other) = (&place.replicas[sleeper], &place.replicas[1 - sleeper]);
    sleeper.signal("STOP");
    let began = std::time::Instant::now();
    place.becomes(other.port, "1.0.0", "verified");
    told.saw(format!(
        "The other server took the step over and finished the rollout {} s after SIGSTOP (a lease is 20 s).",
        began.elapsed().as_secs()
    ));
    std::fs::write(dir.join("go"), "").unwrap();
    sleeper.signal("CONT");
    let said = eventually("it sees that the work is not its own", || {
        let log = sleeper.log();
        log.contains("another server has its lease")
            .then(|| line(&log, "another server has its lease"))
    });
    told.saw(format!("The server that woke said: {said}"));
    eventually("it is ready again", || {
        sleeper.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
    });
    place.becomes(sleeper.port, "1.0.0", "verified");
    place.release(sleeper.port, "1.1.0");
    place.becomes(other.port, "1.1.0", "verified");
    everything_ends(&place, sleeper.port);
    let applied = std::fs::read_to_string(dir.join("applied")).unwrap();
    let mut once: Vec<&str> = applied.lines().collect();
    once.sort_unstable();
    once.dedup();
    assert_eq!(
        once.len(),
        applied.lines().count(),
        "a step was taken twice:\n{applied}"
    );
    told.saw(format!(
        "{} steps were taken, none twice. Both servers go on.",
        once.len()
    ));
    told.saw(format!(
        "`gateline doctor`: {}",
        line(&place.doctor(&database.url()), "events hash")
    ));
}
