//! The measuring itself: one file per benchmark, one line in the table.

mod action;
mod authority;
mod board;
mod decisions;
mod fold;
mod inbox;
mod numbers;
mod place;
mod raw;

/// What measures, and says what could not be.
type Bench = fn() -> Result<(), String>;

/// The benchmarks by name.
const BENCHES: [(&str, Bench); 6] = [
    ("decisions", decisions::run),
    ("action", action::run),
    ("fold", fold::run),
    ("board", board::run),
    ("inbox", inbox::run),
    ("authority", authority::run),
];

/// Runs one benchmark, or all of them.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    if let [flag, path] = arguments
        && flag == fold::CHILD
    {
        return fold::child(path);
    }
    for name in arguments {
        if !BENCHES.iter().any(|(known, _)| known == name) {
            let names = BENCHES.map(|(name, _)| name).join(", ");
            return Err(format!("there is no benchmark `{name}`: choose from {names}"));
        }
    }
    for (name, bench) in BENCHES {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            println!("\n## {name}\n\n`cargo xtask bench {name}`\n");
            bench()?;
        }
    }
    Ok(())
}
