//! Erasing with the real binary: the text is in no file, no backup and no copy, and all of them are whole.

use std::process::{Command, Output};

use super::canary::files;
use super::{GATELINE, Place, all, text_of};

const NAME: &str = "Anastasia-Unforgettable";

fn run(arguments: &[&str]) -> Output {
    let output = Command::new(GATELINE).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", all(&output));
    output
}

fn holders(place: &Place, folder: &str) -> usize {
    let holds = |bytes: &[u8]| bytes.windows(NAME.len()).any(|part| part == NAME.as_bytes());
    let found = files(&place.path(folder)).into_iter();
    found.filter(|file| holds(&std::fs::read(file).unwrap())).count()
}

#[test]
fn an_erased_name_is_in_no_file_no_backup_and_no_copy_and_all_are_whole() {
    let mut place = Place::new();
    place.apply(&format!("    - name: live\n      target: {}\n", place.target()));
    place.release("1.0.0", &["--notes", &format!("For {NAME}")]);
    place.becomes("app@1.0.0", "live", "verified");
    assert!(holders(&place, "data") > 0);
    let checkpoint = place.ok(&["log", "--json"]);

    let asked = place.gateline(&["erase", "--containing", NAME, "--reason", "request 4711"]);
    assert_eq!(asked.status.code(), Some(2), "nobody was asked: {}", all(&asked));
    let looked = place.ok(&["erase", "--containing", NAME, "--reason", "x", "--dry-run"]);
    assert!(looked.contains("1 event would lose names and text"), "{looked}");
    assert_eq!(place.ok(&["log", "--json"]), checkpoint, "it was only looked at");
    let erased = place.ok(&["erase", "--containing", NAME, "--reason", "request 4711", "--yes"]);
    assert!(erased.contains("1 event lost names and text"), "{erased}");

    let log = place.ok(&["log", "--limit", "500"]);
    assert!(
        log.contains("text erased on") && log.contains("by admin"),
        "{log}"
    );
    assert!(log.contains("request 4711") && !log.contains(NAME), "{log}");
    let shown = place.ok(&["release", "show", "app@1.0.0"]);
    assert!(shown.contains("authors and notes were erased"), "{shown}");
    // The same content again is still the same release.
    place.release("1.0.0", &["--notes", &format!("For {NAME}")]);

    let (data, backup, new) = (place.path("data"), place.path("backup"), place.path("new"));
    run(&["backup", "--dir", text_of(&data), "--to", text_of(&backup)]);
    let packed = std::fs::File::open(&backup).unwrap();
    let unpacked = Command::new("gzip").arg("-dc").stdin(packed).output().unwrap();
    assert!(unpacked.stdout.len() > 1_000 && !all(&unpacked).contains(NAME));
    place.kill();
    run(&["restore", text_of(&backup), "--dir", text_of(&new)]);
    assert_eq!(holders(&place, "new"), 0);
    run(&["doctor", "--rebuild", "--dir", text_of(&data)]);
    assert_eq!(holders(&place, "data"), 0, "nor in space that is unused");
    for dir in [&data, &new] {
        run(&["doctor", "--dir", text_of(dir)]);
    }
}
