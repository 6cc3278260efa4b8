//! `cargo xtask test`: everything that must hold, step by step, up to the first that fails.
//!
//! Ends with a table of the steps and, alone on the last line, `N passed, M failed`: each test counts, and each other
//! step as one.

mod count;
mod deny;
mod schemathesis;
mod steps;
mod tools;

use std::time::{Duration, Instant};

use count::Counts;
use steps::{STEPS, Step, When};

/// How a step ended.
struct Ended {
    name: &'static str,
    counts: Counts,
    took: Duration,
    why: Option<String>,
}

pub fn run(args: &[String]) -> Result<(), String> {
    let steps = chosen(args)?;
    let mut ended = Vec::new();
    for step in &steps {
        println!("\n==== {}: {}", step.name, step.about);
        let began = Instant::now();
        let (counts, why) = match (step.run)() {
            Ok(counts) => (counts, None),
            Err(failure) => (failure.counts, Some(failure.why)),
        };
        let failed = why.is_some();
        ended.push(Ended {
            name: step.name,
            counts,
            took: began.elapsed(),
            why,
        });
        if failed {
            break;
        }
    }
    let total = summarise(&steps, &ended);
    match ended
        .into_iter()
        .find_map(|step| step.why.map(|why| format!("step `{}`: {why}", step.name)))
    {
        None => {
            println!("{total}");
            Ok(())
        }
        Some(why) => {
            // Before the last line, which is the count.
            eprintln!("error: {why}");
            println!("{total}");
            std::process::exit(1);
        }
    }
}

fn chosen(args: &[String]) -> Result<Vec<&'static Step>, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => Ok(STEPS.iter().filter(|step| step.when == When::Always).collect()),
        ["--all"] => Ok(STEPS.iter().collect()),
        ["--only", name] => match STEPS.iter().find(|step| step.name == name) {
            Some(step) => Ok(vec![step]),
            None => {
                let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
                Err(format!(
                    "there is no step `{name}`; the steps are {}",
                    names.join(", ")
                ))
            }
        },
        _ => Err("usage: cargo xtask test [--all] [--only STEP]".to_owned()),
    }
}

fn summarise(steps: &[&Step], ended: &[Ended]) -> Counts {
    println!(
        "\n{:<12} {:>8} {:>8} {:>9}",
        "step", "passed", "failed", "seconds"
    );
    for Ended {
        name,
        counts,
        took,
        why: _,
    } in ended
    {
        println!(
            "{name:<12} {:>8} {:>8} {:>9.1}",
            counts.passed,
            counts.failed,
            took.as_secs_f64()
        );
    }
    for step in &steps[ended.len()..] {
        println!("{:<12} not run", step.name);
    }
    println!();
    ended.iter().map(|step| step.counts).sum()
}
