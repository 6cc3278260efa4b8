//! A server that is killed again and again while people work with it: what was acknowledged stays, no step is taken twice, and
//! everything ends.
//!
//! `GATELINE_KILLS` says how often; `cargo xtask test --all` asks for 200.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::told::{Told, line};
use super::{GATELINE, Place, all, eventually, text_of};

/// How often the server is killed where nobody says otherwise.
const KILLS: u32 = 20;
/// Who works at the same time.
const WORKERS: u32 = 3;

/// A target that takes a moment, writes down what was done, and can be asked whether it was.
fn target(done: &Path) -> String {
    let what = "$GATELINE_VERSION $GATELINE_ACTION $GATELINE_WEIGHT";
    let apply = format!("sleep 0.05; echo {what} >> {}", done.display());
    let observe = format!("grep -qx \\\"{what}\\\" {} || exit 1", done.display());
    format!(
        "{{command: {{apply: [/bin/sh, -c, \"{apply}\"], revert: [/bin/sh, -c, \"{apply}\"], \
         observe: [/bin/sh, -c, \"{observe}\"], health: [/bin/true]}}}}"
    )
}

/// So long that a kill meets every part of the work, at no fixed beat.
fn moment(round: u32) -> Duration {
    Duration::from_millis(u64::from(150 + round * 379 % 700))
}

#[test]
fn a_server_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice() {
    let kills = std::env::var("GATELINE_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mut told = Told::of(
        "sigkill-sqlite",
        "One server on SQLite, and three people who register releases that roll out by themselves. The server gets SIGKILL at uneven moments and \
         is started again.",
        "What was acknowledged is there. No step is taken twice, for the target can be asked. Every promotion ends. The log hashes and folds.",
    );
    let mut place = Place::new();
    let done = place.write("done", "");
    place.apply(&format!("    - name: live\n      target: {}\n", target(&done)));

    let (address, dir) = (place.address.clone(), place.dir.path().to_owned());
    let (ends, next) = (AtomicBool::new(false), AtomicU32::new(1));
    let acknowledged: Mutex<BTreeSet<u32>> = Mutex::default();
    let register = |number: u32| {
        let file = dir.join(format!("app-{number}"));
        std::fs::write(&file, number.to_string()).unwrap();
        let artifact = format!("app=file:{}", file.display());
        let release = format!("app@{number}.0.0");
        Command::new(GATELINE)
            .args(["release", "create", &release, "--artifact", &artifact, "--token"])
            .arg(format!("file:{}", dir.join("admin").display()))
            .env("GATELINE_SERVER", format!("http://{address}"))
            .env("GATELINE_PROJECT", "shop")
            .output()
            .unwrap()
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if register(number).status.success() {
                        acknowledged.lock().unwrap().insert(number);
                    }
                }
            });
        }
        for round in 0..kills {
            std::thread::sleep(moment(round));
            place.kill();
            place.start();
        }
        ends.store(true, Ordering::Relaxed);
    });

    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(
        !acknowledged.is_empty(),
        "nothing was acknowledged: this test saw nothing"
    );
    for number in &acknowledged {
        let shown = place.gateline(&["release", "show", &format!("app@{number}.0.0")]);
        assert!(
            shown.status.success(),
            "{number} was acknowledged: {}",
            all(&shown)
        );
    }
    eventually("everything came to its end", || {
        let open = place.ok(&["promotion", "list", "--open", "--json"]);
        let open: serde_json::Value = serde_json::from_str(&open).unwrap();
        open.as_array().is_some_and(Vec::is_empty)
    });
    let lines = std::fs::read_to_string(&done).unwrap();
    let once: BTreeSet<&str> = lines.lines().collect();
    assert_eq!(
        once.len(),
        lines.lines().count(),
        "a step was taken twice:\n{lines}"
    );
    place.kill();
    let examined = Command::new(GATELINE)
        .args(["doctor", "--dir", text_of(&place.path("data"))])
        .output()
        .unwrap();
    assert!(examined.status.success(), "{}", all(&examined));
    told.saw(format!(
        "{kills} kills. {} releases were acknowledged and all are there.",
        acknowledged.len()
    ));
    told.saw(format!(
        "{} steps were taken, none twice; no promotion is open.",
        once.len()
    ));
    told.saw(format!(
        "`gateline doctor`: {}",
        line(&all(&examined), "events hash")
    ));
}
