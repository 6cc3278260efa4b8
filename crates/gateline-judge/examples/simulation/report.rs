//! The tables of the benchmark, as Markdown.

use crate::rollout::Summary;

pub fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn seconds(secs: f64) -> String {
    match secs {
        never if never.is_infinite() => "never".to_owned(),
        short if short < 600.0 => format!("{short:.0} s"),
        long => format!("{:.0} min", long / 60.0),
    }
}

fn number(value: f64) -> String {
    match value {
        nothing if nothing.is_nan() => "-".to_owned(),
        small if small < 9.95 => format!("{small:.1}"),
        large => format!("{large:.0}"),
    }
}

/// False rollbacks, inconclusive ones, and minutes to promote.
pub fn good(summary: &Summary) -> String {
    let Summary {
        rolled_back,
        inconclusive,
        minutes,
        ..
    } = summary;
    format!(
        "{} / {} / {}",
        percent(*rolled_back),
        percent(*inconclusive),
        number(*minutes)
    )
}

/// Found, shipped, time to detect, and bad requests.
pub fn bad(summary: &Summary) -> String {
    let Summary {
        rolled_back,
        promoted,
        detect,
        bad,
        ..
    } = summary;
    format!(
        "{:.0}% / {:.0}% · {} / {} · {} / {}",
        rolled_back * 100.0,
        promoted * 100.0,
        seconds(detect.0),
        seconds(detect.1),
        number(bad.0),
        number(bad.1)
    )
}

/// A row of a table.
pub fn row(cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    println!("| {} |", cells.join(" | "));
}

/// The head of a table.
pub fn head(first: &str, names: impl IntoIterator<Item = String>) {
    let names: Vec<String> = std::iter::once(first.to_owned()).chain(names).collect();
    println!();
    row(names.iter().cloned());
    row(names.iter().map(|_| "---".to_owned()));
}
