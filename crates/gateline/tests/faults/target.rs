//! A target that writes down what was done, and the people who register releases for it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::place::{Place, WITHIN};

/// The name of a step, in the environment of a command target.
pub const STEP: &str = "$GATELINE_VERSION $GATELINE_ACTION $GATELINE_WEIGHT";

/// A target that takes a moment for each step, writes down what was done, and can be asked whether it was.
pub struct Target {
    done: PathBuf,
}

impl Target {
    /// That of the place's one stage from now on: said at this port.
    pub fn of(place: &Place, port: u16) -> Self {
        let done = place.dir.path().join("done");
        std::fs::write(&done, "").unwrap();
        let target = Self { done };
        place.apply(port, &target.spec());
        target
    }

    fn spec(&self) -> String {
        let done = self.done.display();
        let apply = format!("sleep 0.05; echo {STEP} >> {done}");
        let observe = format!("grep -qx \\\"{STEP}\\\" {done} || exit 1");
        format!(
            "{{command: {{apply: [/bin/sh, -c, \"{apply}\"], revert: [/bin/sh, -c, \"{apply}\"], \
             observe: [/bin/sh, -c, \"{observe}\"], health: [/bin/true]}}}}"
        )
    }

    /// How many steps were taken. None was taken twice.
    pub fn steps(&self) -> usize {
        let done = std::fs::read_to_string(&self.done).unwrap();
        let once: BTreeSet<&str> = done.lines().collect();
        assert_eq!(
            once.len(),
            done.lines().count(),
            "a step was taken twice:\n{done}"
        );
        once.len()
    }
}

/// People who register releases, and what they were told.
#[derive(Default)]
pub struct People {
    pub done: AtomicBool,
    next: AtomicU32,
    acknowledged: Mutex<BTreeSet<u32>>,
    refused: AtomicU32,
}

impl People {
    /// People who count from here.
    pub fn from(first: u32) -> Self {
        Self {
            next: AtomicU32::new(first - 1),
            ..Self::default()
        }
    }

    /// Registers one release after another at this port, until it is over.
    pub fn work(&self, place: &Place, port: u16) {
        while !self.done.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst) + 1;
            let file = place.dir.path().join(format!("app-{number}"));
            std::fs::write(&file, number.to_string()).unwrap();
            let artifact = format!("app=file:{}", file.display());
            let release = format!("app@{number}.0.0");
            let create = ["release", "create", &release, "--artifact", &artifact];
            if place.gateline(port, &create).status.success() {
                self.acknowledged.lock().unwrap().insert(number);
            } else {
                self.refused.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    pub fn stop(&self) {
        self.done.store(true, Ordering::SeqCst);
    }

    pub fn acknowledged(&self) -> BTreeSet<u32> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// How many were acknowledged, and how many were refused or not answered.
    pub fn counts(&self) -> (usize, u32) {
        (
            self.acknowledged.lock().unwrap().len(),
            self.refused.load(Ordering::SeqCst),
        )
    }

    /// Everything that was acknowledged is there.
    pub fn nothing_is_lost(&self, place: &Place, port: u16) {
        assert!(
            !self.acknowledged().is_empty(),
            "nothing was acknowledged: this test saw nothing"
        );
        // Most of them at once: a command for each of hundreds takes longer than the fault.
        let listed = place.ok(port, &["release", "list", "--json", "--limit", "500"]);
        for number in self.acknowledged() {
            if !listed.contains(&format!("\"{number}.0.0\"")) {
                place.ok(port, &["release", "show", &format!("app@{number}.0.0")]);
            }
        }
    }
}

/// Waits until no promotion is open, for as long as fewer and fewer are.
pub fn everything_ends(place: &Place, port: u16) {
    let (mut least, mut since) = (usize::MAX, Instant::now());
    loop {
        let open = place.gateline(port, &["promotion", "list", "--open", "--limit", "500", "--json"]);
        let open: serde_json::Value = serde_json::from_slice(&open.stdout).unwrap_or_default();
        match open.as_array() {
            Some(open) if open.is_empty() => return,
            Some(open) if open.len() < least => (least, since) = (open.len(), Instant::now()),
            Some(_) | None => assert!(
                since.elapsed() < WITHIN,
                "these do not come to their end: {open:#}"
            ),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Everything that was acknowledged is there and comes to its end, and no step was taken twice. Gives what was seen.
pub fn all_went_well(place: &Place, port: u16, target: &Target, people: &[&People]) -> String {
    for people in people {
        people.nothing_is_lost(place, port);
    }
    everything_ends(place, port);
    let steps = target.steps();
    format!("{steps} steps were taken, none twice; no promotion is open.")
}

/// What stands in a file, when something does.
pub fn written(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// What a refused request says of why, quoted: the detail of the problem in a whole answer.
pub fn detail(answer: &str) -> String {
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or(answer);
    format!("`` {detail} ``")
}
