//! `cargo xtask fuzz`: every reader of something that strangers write, fed with real samples that were spoilt.
//!
//! `--secs N` shares that time among the targets, `--only TARGET` takes one, `--seed S` plays one input of it again. Each
//! input follows from target and seed alone. What must hold of it: no panic, no endless loop, no more memory than
//! [`GROWTH_KB_MAX`], and facts that are stored are read back. Knows no coverage.

mod memory;
mod mutate;
mod passkeys;
mod targets;
mod written;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use targets::Target;

use crate::shell;

/// Time for all targets where none is given.
const SECS: u64 = 30;
/// Most memory that one input may take, in kB: what the readers promise beyond the facts that they keep.
const GROWTH_KB_MAX: u64 = 64 * 1024;
/// Time beyond the given one after which a run is taken to be in an endless loop.
const HANGS_AFTER: Duration = Duration::from_secs(120);
/// Characters of the note that names the input at hand.
const NOTE_CHARS: usize = 80;

/// What is asked for.
struct Settings {
    secs: u64,
    only: Option<String>,
    seed: Option<u64>,
}

pub fn run(args: &[String]) -> Result<(), String> {
    let settings = settings(args)?;
    let targets = targets::all()?;
    let chosen: Vec<&Target> = targets
        .iter()
        .filter(|target| settings.only.as_ref().is_none_or(|only| *only == target.name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        return Err(format!(
            "there is no such target; the targets are {}",
            names.join(", ")
        ));
    }
    // What an input says of its panic is told with its seed.
    panic::set_hook(Box::new(|_| {}));
    if let Some(seed) = settings.seed {
        return chosen.iter().try_for_each(|target| try_one(target, seed));
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first = u64::try_from(since.as_nanos()).unwrap_or_default();
    let share = Duration::from_secs(settings.secs) / u32::try_from(chosen.len()).unwrap_or(1);
    let note = Note::open()?;
    let mut inputs = 0_u64;
    for target in &chosen {
        let began = Instant::now();
        let mut seed = first;
        while began.elapsed() < share {
            note.is_at(&target.name, seed);
            try_one(target, seed)?;
            seed = seed.wrapping_add(1);
        }
        let count = seed.wrapping_sub(first);
        inputs += count;
        println!("{:<20} {count:>8} inputs, seeds {first} and on", target.name);
    }
    println!("{inputs} inputs of {} targets: none that did harm", chosen.len());
    Ok(())
}

/// Runs `cargo xtask fuzz` as a process of its own, so that also an overflown stack and an endless loop are told.
///
/// # Errors
/// What an input did, and how it is played again.
pub fn apart(secs: u64) -> Result<(), String> {
    let this = std::env::current_exe().map_err(|err| format!("could not find this program: {err}"))?;
    let mut fuzz = Command::new(this);
    fuzz.args(["fuzz", "--secs", &secs.to_string()]);
    let last = || {
        let told = std::fs::read_to_string(note_path()).unwrap_or_default();
        format!(
            "the last input: `cargo xtask fuzz {}`",
            told.trim_matches(['\0', ' ', '\n'])
        )
    };
    let ran = shell::run(&mut fuzz, Some(Duration::from_secs(secs) + HANGS_AFTER));
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => Err(format!("fuzzing ended with {}; {}", ran.status, last())),
        Err(why) => Err(format!("{why}; {}", last())),
    }
}

fn settings(args: &[String]) -> Result<Settings, String> {
    let mut settings = Settings {
        secs: SECS,
        only: None,
        seed: None,
    };
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("`{value}` is no whole number"))
        };
        match flag.as_str() {
            "--secs" => settings.secs = number()?,
            "--seed" => settings.seed = Some(number()?),
            "--only" => settings.only = Some(value.clone()),
            other => {
                return Err(format!(
                    "`{other}` is not known here; there is --secs, --only and --seed"
                ));
            }
        }
    }
    Ok(settings)
}

fn try_one(target: &Target, seed: u64) -> Result<(), String> {
    let input = mutate::input(&target.samples, &target.tokens, seed);
    let before = memory::begin();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| (target.read)(&input)));
    let growth = memory::peak_kb().saturating_sub(before);
    let why = match ended {
        Err(panicked) => {
            let text = panicked.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panicked.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
        Ok(Err(why)) => why,
        Ok(Ok(())) if growth > GROWTH_KB_MAX => {
            format!(
                "took {growth} kB for {} bytes; {GROWTH_KB_MAX} kB are allowed",
                input.len()
            )
        }
        Ok(Ok(())) => return Ok(()),
    };
    let kept = folder().join(format!("{}-{seed}", target.name));
    let kept = match std::fs::write(&kept, &input) {
        Ok(()) => format!("the input is in `{}`", kept.display()),
        Err(err) => format!("the input could not be kept: {err}"),
    };
    let name = &target.name;
    Err(format!(
        "`{name}` {why}; {kept}; again: `cargo xtask fuzz --only {name} --seed {seed}`"
    ))
}

fn folder() -> PathBuf {
    shell::target().join("fuzz")
}

fn note_path() -> PathBuf {
    folder().join("last")
}

/// Names the input at hand in a file, for when this process ends without a word.
struct Note(File);

impl Note {
    fn open() -> Result<Self, String> {
        let open = || {
            std::fs::create_dir_all(folder())?;
            File::create(note_path())
        };
        open()
            .map(Note)
            .map_err(|err| format!("could not write `{}`: {err}", note_path().display()))
    }

    fn is_at(&self, target: &str, seed: u64) {
        let text = format!("{:<NOTE_CHARS$}", format!("--only {target} --seed {seed}"));
        // Without it one would only have to search longer.
        let _ = self.0.write_all_at(text.as_bytes(), 0);
    }
}
