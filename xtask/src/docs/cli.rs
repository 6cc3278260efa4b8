//! The page of the command line: what the binary itself says with `--help`, verb by verb.

use std::process::Command;

use super::head;
use crate::shell;

/// Options that every verb takes: told once, at the top.
const GLOBAL: &str = "Global options:";

/// Builds the binary and asks it.
///
/// # Errors
/// When it cannot be built or does not answer.
pub fn page() -> Result<String, String> {
    // As the tests are built, with the features of the whole workspace: one build serves both.
    shell::must(&mut shell::cargo(&["test", "--workspace", "--no-run"]))?;
    let about = "`--json` prints JSON everywhere. A release is written `PIPELINE@VERSION`. Exit codes are in [errors.md](errors.md).";
    let mut text = head("Command line", "`gateline --help`", about);
    let top = help(&[])?;
    text.push_str(&format!("\n```text\n{top}\n```\n"));
    for verb in verbs(&top) {
        part(&mut text, &[verb])?;
    }
    Ok(text)
}

fn part(text: &mut String, path: &[&str]) -> Result<(), String> {
    let said = help(path)?;
    let mark = "#".repeat(path.len() + 1);
    text.push_str(&format!(
        "\n{mark} `gateline {}`\n\n```text\n{}\n```\n",
        path.join(" "),
        own(&said)
    ));
    for verb in verbs(&said) {
        part(text, &[path, &[verb]].concat())?;
    }
    Ok(())
}

fn help(path: &[&str]) -> Result<String, String> {
    let binary = shell::target().join("debug/gateline");
    let mut command = Command::new(&binary);
    command.args(path).arg("--help");
    // A help shows what its variables are set to.
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GATELINE_"));
    for (name, _) in ours {
        command.env_remove(name);
    }
    let asked = command.output();
    let asked = asked.map_err(|err| format!("could not ask `{}`: {err}", binary.display()))?;
    if !asked.status.success() {
        return Err(format!(
            "`gateline {} --help` ended with {}",
            path.join(" "),
            asked.status
        ));
    }
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    Ok(said
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned())
}

/// The verbs that a help lists.
fn verbs(help: &str) -> Vec<&str> {
    let lines = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let words = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    words
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect()
}

/// A help without the options that every verb takes.
fn own(help: &str) -> String {
    let Some((before, global)) = help.split_once(GLOBAL) else {
        return help.to_owned();
    };
    let is_heading = |line: &&str| !line.is_empty() && !line.starts_with(' ');
    let after: Vec<&str> = global
        .lines()
        .skip(1)
        .skip_while(|line| !is_heading(line))
        .collect();
    format!("{before}{}", after.join("\n")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "About.\n\nCommands:\n  serve  Run it\n  log    Search\n         the log\n  help   Print this\n\nGlobal options:\n      --json\n          Print JSON\n\n          More\n\nExamples:\n  gateline log";

    #[test]
    fn a_helps_verbs_are_found() {
        assert_eq!(verbs(HELP), ["serve", "log"]);
    }

    #[test]
    fn what_every_verb_takes_is_told_once() {
        let own = own(HELP);
        assert!(
            !own.contains("--json") && !own.contains("More") && own.ends_with("Examples:\n  gateline log"),
            "{own}"
        );
    }
}
