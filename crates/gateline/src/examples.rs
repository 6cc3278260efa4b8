//! Every example of every help screen and guide, held against the parser: what is shown can be typed.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Parser};

use super::Gateline;

/// One example, and where it stands.
struct Example {
    place: String,
    line: String,
}

#[test]
fn every_example_of_every_help_and_guide_can_be_typed() {
    let mut command = Gateline::command();
    command.build();
    let mut all = Vec::new();
    of_help(&command, &mut all);
    assert!(all.len() > 60, "help screens have examples: {}", all.len());
    let of_help = all.len();
    for file in pages() {
        of_page(&file, &mut all);
    }
    assert!(all.len() > of_help + 60, "guides have examples: {}", all.len());
    let wrong: Vec<String> = all.iter().filter_map(refused).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_override_is_asked_for_as_its_guide_says_and_its_verbs_are_none_of_it() {
    let ask = "gateline override pay@1.1.0 --to production --gate soak --until 2h --reason x";
    let with = |rest: &str| Gateline::try_parse_from(words(&format!("gateline override {rest}")));
    assert!(Gateline::try_parse_from(words(ask)).is_ok());
    assert!(with("list").is_ok());
    for lacks in [
        "",
        "pay@1.1.0 --gate soak --until 2h",
        "pay@1.1.0 --gate soak --reason x",
        "pay@1.1.0 --until 2h --reason x",
        "--gate soak --until 2h --reason x",
    ] {
        let err = with(lacks).err().map(|err| err.kind());
        assert_eq!(err, Some(ErrorKind::MissingRequiredArgument), "{lacks}");
    }
}

fn of_help(command: &Command, into: &mut Vec<Example>) {
    let help = command.get_after_help().or(command.get_after_long_help());
    let text = help.map(ToString::to_string).unwrap_or_default();
    let place = command.get_bin_name().unwrap_or("gateline");
    of_lines(&format!("{place} --help"), text.lines().map(str::trim), into);
    for inner in command.get_subcommands() {
        of_help(inner, into);
    }
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![root.join("README.md")];
    for folder in ["docs/guides", "docs/concepts"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("it is in the repository");
        found.extend(entries.map(|entry| entry.expect("it can be listed").path()));
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found.sort();
    found
}

/// The lines of a page's blocks of code.
fn of_page(path: &Path, into: &mut Vec<Example>) {
    let text = std::fs::read_to_string(path).expect("it is in the repository");
    let mut within = false;
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with("```") {
            within = !within;
            return None;
        }
        within.then_some(line)
    });
    let place = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    of_lines(&place, lines, into);
}

fn of_lines<'a>(place: &str, lines: impl Iterator<Item = &'a str>, into: &mut Vec<Example>) {
    let mut begun = String::new();
    for line in lines {
        let line = line.strip_prefix("$ ").unwrap_or(line);
        if begun.is_empty() && !line.starts_with("gateline ") {
            continue;
        }
        begun.push_str(line.trim_end_matches('\\'));
        if !line.ends_with('\\') {
            into.push(Example {
                place: place.to_owned(),
                line: std::mem::take(&mut begun),
            });
        }
    }
}

/// What the parser says against an example, if anything.
fn refused(example: &Example) -> Option<String> {
    let Example { place, line } = example;
    let err = Gateline::try_parse_from(words(line)).err()?;
    // What a shell would fill in has no value here, and `..` stands for any.
    let filled_in = line.contains('$') || line.contains("..");
    match err.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::ValueValidation if filled_in => None,
        _ => Some(format!(
            "{place}: {line}\n  {}",
            err.to_string().trim().replace('\n', "\n  ")
        )),
    }
}

/// The words of a line, as a shell takes them: up to a comment, a pipe, or three spaces, behind which a page explains.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quote, mut spaces) = (String::new(), false, None, 0);
    for letter in line.chars().chain([' ']) {
        spaces = if letter == ' ' && quote.is_none() {
            spaces + 1
        } else {
            0
        };
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), letter) => word.push(letter),
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, ' ') => {
                if spaces > 2 || matches!(word.as_str(), "#" | "|" | ">" | "<" | "&&" | ";") {
                    return words;
                }
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (None, letter) => {
                word.push(letter);
                begun = true;
            }
        }
    }
    words
}
