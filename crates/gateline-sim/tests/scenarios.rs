//! Every file in `scenarios/` plays as its transcript says. `UPDATE_TRANSCRIPTS=1` writes them anew.

use std::path::{Path, PathBuf};

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
