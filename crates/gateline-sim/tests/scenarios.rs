//! Every file in `scenarios/` plays as its transcript says. `UPDATE_TRANSCRIPTS=1` writes them anew.

use std::path::{Path, PathBuf};

use gateline_model::INCIDENTS_OPEN_MAX;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

#[test]
fn every_scenario_plays_as_its_transcript_says() {
    let dir = scenarios();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "scenario"));
    files.sort();
    assert!(files.len() >= 10, "there are scenarios in {}", dir.display());
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    let mut wrong = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let played = match gateline_sim::run_scenario(&name, &text, &dir) {
            Ok(played) => played,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let transcript = path.with_extension("transcript");
        if update {
            std::fs::write(&transcript, &played).unwrap();
        }
        let expected = std::fs::read_to_string(&transcript).unwrap_or_default();
        if let Some((line, (is, was))) = played
            .lines()
            .zip(expected.lines())
            .enumerate()
            .find(|(_, (is, was))| is != was)
        {
            wrong.push(format!(
                "{}:{}: plays `{is}`, not `{was}`",
                transcript.display(),
                line + 1
            ));
        } else if played.lines().count() != expected.lines().count() {
            wrong.push(format!(
                "{}: is shorter or longer than what is played",
                transcript.display()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nif it is right now: UPDATE_TRANSCRIPTS=1",
        wrong.join("\n")
    );
}

const WATCHED: &str = r#"
pipeline <<END
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: shop, project: store}
spec:
  stages:
    - name: production
      target: {command: {apply: [./apply]}}
      watch:
        for: 1h
        every: 5m
        in_a_row: 1
        then: THEN
        gates:
          - http: {url: "http://127.0.0.1:8080/buy"}
            name: buy
            because: Selling is what the shop is for.
END
release 1.0.0
advance 2h
release 1.1.0
advance 1m
"#;

/// What is written down when the watch of `WATCHED` fails while so many incidents are open.
fn watch_fails(then: &str, open: usize) -> String {
    let incident = "incident \"something is wrong\" in=production by ana reason=\"people say so\"\n";
    let text = WATCHED.replace("THEN", then) + &incident.repeat(open) + "check buy status=500\nadvance 6m\n";
    gateline_sim::run_scenario("full", &text, &scenarios()).expect("it plays")
}

#[test]
fn a_watch_that_fails_says_when_there_is_no_room_for_its_incident() {
    let full = INCIDENTS_OPEN_MAX;
    let no_room = format!("no incident was opened: project `store` has {full} open incidents");
    let told = watch_fails("incident", full);
    let ended = told
        .lines()
        .find(|line| line.contains("watch ended failed"))
        .unwrap();
    assert!(ended.contains(&no_room), "{ended}");
    assert!(!told.contains(&format!("incident {} opened", full + 1)), "{told}");
    let told = watch_fails("incident", full - 1);
    assert!(!told.contains(&no_room), "{told}");
    assert!(told.contains(&format!("incident {full} opened")), "{told}");
    // What can be taken back is, however many are open.
    let told = watch_fails("roll_back", full);
    assert!(!told.contains(&no_room), "{told}");
    assert!(told.contains("rollback to 1.0.0 requested"), "{told}");
}

#[test]
fn a_scenario_that_says_nothing_is_no_scenario() {
    for text in ["", "\n\n", "# only a comment\n"] {
        let says = gateline_sim::run_scenario("empty", text, &scenarios()).unwrap_err();
        assert!(
            says.to_string().starts_with("empty:1: it says nothing to play"),
            "{says}"
        );
    }
}
