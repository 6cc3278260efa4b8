//! `cargo xtask faults [--all] [NAME]`: makes faults on purpose against the real binary, and writes down what was seen.
//!
//! Each fault is a test; what it observed it tells itself. This puts the parts on one page, a failed one too: the page says
//! what happened, not what should have.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::shell;

/// The page.
const PAGE: &str = "docs/reference/reliability.md";
/// What the tests read: where their parts go, and how often a server is killed.
const FOLDER: &str = "GATELINE_FAULTS";
const KILLS: (&str, &str) = ("GATELINE_KILLS", "200");
/// How a part begins on the page.
const MARK: (&str, &str) = ("<!-- fault: ", " -->\n");

/// A fault: its name, its title, and the test that makes it.
struct Fault {
    name: &'static str,
    title: &'static str,
    test: &'static str,
}

macro_rules! faults {
    ($($name:literal $title:literal $test:literal;)*) => {
        /// Every fault, in the order of the page.
        const FAULTS: &[Fault] = &[$(Fault { name: $name, title: $title, test: $test }),*];
    };
}

faults! {
    "sigkill-sqlite" "A server on SQLite is killed, again and again"
        "a_server_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice";
    "sigkill-postgresql" "Servers on PostgreSQL are killed, again and again"
        "servers_that_share_a_database_and_are_killed_again_and_again_lose_nothing_and_do_nothing_twice";
    "sigterm" "A server is told to stop in the middle of its work"
        "a_server_that_is_told_to_stop_ends_what_it_does_and_holds_nothing_when_it_is_gone";
    "sigstop" "A server stands still for longer than its lease, and wakes"
        "a_server_that_stood_still_for_longer_than_its_lease_applies_nothing_when_it_wakes";
    "disk-full" "The disk is full"
        "a_full_disk_is_told_and_nothing_is_half_done_and_it_goes_on_when_there_is_room";
    "disk-read-only" "The disk may only be read"
        "a_disk_that_may_only_be_read_is_told_at_the_start_and_nothing_is_changed";
    "disk-turns-read-only" "The disk turns read-only while the server runs"
        "a_disk_that_turns_read_only_is_told_and_the_server_goes_on_when_it_may_be_written_again";
    "torn-copy" "SQLite's files are copied in the middle of writing"
        "a_copy_of_the_files_in_the_middle_of_writing_opens_and_has_what_was_acknowledged";
    "torn-tail" "The end of SQLite's write-ahead log is spoilt"
        "a_spoilt_end_of_the_write_ahead_log_is_left_out_or_refused_and_never_believed";
    "failover" "PostgreSQL's primary crashes under load"
        "what_was_acknowledged_outlives_the_primary";
    "lost-commits" "PostgreSQL loses what was committed last"
        "a_server_whose_database_lost_its_last_commits_ends_and_begins_anew_with_what_is_left";
    "network-silent" "The line to the database is silent"
        "a_server_whose_line_to_the_database_is_silent_says_so_and_the_other_one_goes_on";
    "network-cut" "The line to the database breaks, again and again"
        "a_line_that_breaks_again_and_again_loses_nothing_that_was_acknowledged";
    "dns-database" "The database's name cannot be looked up"
        "a_database_whose_name_is_gone_is_told_and_found_again";
    "dns-outside" "Names of the outside cannot be looked up"
        "a_metric_source_and_an_address_to_tell_without_a_name_are_errored_and_tried_again";
    "trickle" "A metric source never ends its answer"
        "a_metric_source_that_trickles_is_errored_at_its_limit_and_holds_nothing_up";
}

/// Makes faults and writes the page.
///
/// # Errors
/// When a promise was not kept, or nothing could be run. The page is written all the same.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (long, name) = match arguments[..] {
        [] => (false, None),
        ["--all"] => (true, None),
        ["--all", name] | [name, "--all"] => (true, Some(name)),
        [name] => (false, Some(name)),
        _ => return Err("usage: cargo xtask faults [--all] [NAME]".to_owned()),
    };
    let asked: Vec<&Fault> = FAULTS
        .iter()
        .filter(|fault| name.is_none_or(|name| name == fault.name))
        .collect();
    if asked.is_empty() {
        let names: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        return Err(format!("there is no such fault; there are {}", names.join(", ")));
    }
    let told = shell::target().join("faults");
    let _ = std::fs::remove_dir_all(&told);
    std::fs::create_dir_all(&told).map_err(|err| format!("could not make `{}`: {err}", told.display()))?;
    let ran = make(&asked, long, &told)?;
    let old = std::fs::read_to_string(crate::root().join(PAGE)).unwrap_or_default();
    let mut parts = parts(&old);
    for fault in &asked {
        parts.insert(fault.name.to_owned(), part(fault, &told)?);
    }
    std::fs::write(crate::root().join(PAGE), page(&parts))
        .map_err(|err| format!("could not write `{PAGE}`: {err}"))?;
    println!("wrote {PAGE}");
    if ran {
        Ok(())
    } else {
        Err(format!("a promise was not kept; `{PAGE}` says which"))
    }
}

/// Runs the tests of these faults. Tells whether all of them passed.
fn make(asked: &[&Fault], long: bool, told: &Path) -> Result<bool, String> {
    let tests: Vec<String> = asked
        .iter()
        .map(|fault| format!("test({})", fault.test))
        .collect();
    let told = told
        .canonicalize()
        .map_err(|err| format!("could not find `{}`: {err}", told.display()))?;
    let mut nextest = shell::cargo(&[
        "nextest",
        "run",
        "--workspace",
        "--no-fail-fast",
        "--color",
        "never",
    ]);
    nextest
        // The binaries that have them: nothing else is built.
        .args(["--test", "faults", "--test", "replicas", "--test", "whole", "-E"])
        .arg(tests.join(" | "))
        .env(FOLDER, told);
    if long {
        nextest.env(KILLS.0, KILLS.1);
    }
    Ok(shell::run(&mut nextest, None)?.status.success())
}

/// The part of the page on one fault, as its test told it.
fn part(fault: &Fault, told: &Path) -> Result<String, String> {
    let Fault { name, title, test } = fault;
    let says = std::fs::read_to_string(told.join(name))
        .unwrap_or_else(|_| "**Observed.** The test told nothing in this run.\n".to_owned());
    let date = shell::run(Command::new("date").args(["-u", "+%-d %B %Y"]), None)?.out;
    let date = date.first().cloned().unwrap_or_default();
    Ok(format!(
        "## {title}\n\n{}\n`cargo xtask faults {name}`, {date}; the test is `{test}`.\n",
        says.trim_end().to_owned() + "\n"
    ))
}

/// The parts that stand on a page, by name.
fn parts(page: &str) -> BTreeMap<String, String> {
    let parts = page
        .split(MARK.0)
        .skip(1)
        .filter_map(|part| part.split_once(MARK.1));
    parts
        .map(|(name, text)| (name.to_owned(), text.trim_end().to_owned() + "\n"))
        .collect()
}

fn page(parts: &BTreeMap<String, String>) -> String {
    let mut page = "# Reliability\n\n<!-- Written by `cargo xtask faults`. -->\n\nFaults that are made on purpose against the real binary, with real \
                    databases, processes and disks; what is promised of each, and what was\nobserved when this page was made. Every one is a test of \
                    `cargo xtask test` as well; `cargo xtask test --all` kills servers 200 times instead of 20.\nWhat the simulation does to the middle, \
                    seed by seed, stands in [rehearsing a pipeline](../guides/rehearse.md).\n"
        .to_owned();
    for fault in FAULTS {
        let none = format!("## {}\n\nNot made yet.\n", fault.title);
        let part = parts.get(fault.name).unwrap_or(&none);
        page.push_str(&format!("\n{}{}{}{part}", MARK.0, fault.name, MARK.1));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_back_part_by_part_and_one_fault_changes_its_own_part_only() {
        let mut parts = BTreeMap::new();
        for fault in FAULTS {
            parts.insert(fault.name.to_owned(), format!("## {}\n\nIt held.\n", fault.title));
        }
        let text = page(&parts);
        assert_eq!(super::parts(&text), parts);
        parts.insert("trickle".to_owned(), "## Other\n\nIt did not.\n".to_owned());
        let changed = page(&parts);
        assert_eq!(
            changed.replace(
                "## Other\n\nIt did not.",
                "## A metric source never ends its answer\n\nIt held."
            ),
            text
        );
    }

    #[test]
    fn the_page_tells_every_fault() {
        let text = std::fs::read_to_string(crate::root().join(PAGE)).unwrap();
        let told = parts(&text);
        for fault in FAULTS {
            let part = told.get(fault.name).map(String::as_str).unwrap_or_default();
            assert!(
                part.contains("**Observed.**"),
                "`{}` is not told; run `cargo xtask faults {0}`",
                fault.name
            );
        }
    }
}
