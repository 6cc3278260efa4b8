//! The measuring itself: one file or folder per benchmark, one line in the table.
//!
//! `--small` makes each of them last seconds and mean nothing: whoever writes one tries it so, in a build that is not optimised.

mod action;
mod authority;
mod board;
mod children;
mod decisions;
mod flight;
mod growth;
mod history;
mod http;
mod inbox;
mod life;
mod load;
mod machine;
mod numbers;
mod place;
mod postgres;
mod raw;

use std::time::Instant;

/// The argument for the small form.
const SMALL: &str = "--small";

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// As it is published.
    Full,
    /// To see that it works.
    Small,
}

impl Scale {
    /// The one or the other.
    fn of<T>(self, full: T, small: T) -> T {
        match self {
            Self::Full => full,
            Self::Small => small,
        }
    }

    /// As an argument of a part.
    fn word(self) -> String {
        self.of("full", "small").to_owned()
    }

    fn read(word: &str) -> Self {
        if word == "small" { Self::Small } else { Self::Full }
    }
}

/// What measures, and says what could not be.
type Bench = fn(Scale) -> Result<(), String>;

/// The benchmarks by name.
const BENCHES: [(&str, Bench); 8] = [
    ("decisions", decisions::run),
    ("action", action::run),
    ("flight", flight::run),
    ("growth", growth::run),
    ("life", life::run),
    ("board", board::run),
    ("inbox", inbox::run),
    ("authority", authority::run),
];

/// Runs one benchmark, or all of them.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some(done) = children::part(arguments) {
        return done;
    }
    let (flags, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| *argument == SMALL);
    let scale = if flags.is_empty() {
        Scale::Full
    } else {
        Scale::Small
    };
    for name in &names {
        if !BENCHES.iter().any(|(known, _)| known == name) {
            let known = BENCHES.map(|(name, _)| name).join(", ");
            return Err(format!("there is no benchmark `{name}`: choose from {known}"));
        }
    }
    for (name, bench) in BENCHES {
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            println!("\n## {name}\n\n`cargo xtask bench {name}`\n");
            let began = Instant::now();
            bench(scale)?;
            println!("\nTook {:.0} s.", began.elapsed().as_secs_f64());
        }
    }
    Ok(())
}
