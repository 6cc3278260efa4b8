//! What pages tell people to type is there: commands with their options, and pipeline files that read.
//!
//! Commands are compared with the generated page of the command line; the test run sees to it that this one is fresh.

use std::collections::BTreeMap;

use super::sources::{Source, Sources};

/// The page with every verb's help.
const CLI: &str = "docs/reference/cli.md";
/// How a verb's part begins there.
const PART: &str = "# `gateline ";
/// Where commands in back quotes are an example of something else.
const OTHER: &[&str] = &[
    "GLOSSARY.md",
    "CHANGELOG.md",
    CLI,
    "xtask/src/tidy/examples.rs",
    "docs/decisions/",
];

pub fn find(sources: &Sources) -> Vec<String> {
    let verbs = verbs(sources.text(CLI));
    let mut wrong = Vec::new();
    for source in sources.all() {
        let has_commands = source.is_prose() || (source.is_rust() && !source.path.contains("/tests"));
        if has_commands && !OTHER.iter().any(|other| source.path.starts_with(other)) {
            wrong.extend(commands(source, &verbs));
        }
        if source.is_prose() {
            wrong.extend(pipelines(source));
        }
    }
    wrong
}

/// Each verb's path and its help; the empty path is what every verb takes.
fn verbs(page: &str) -> BTreeMap<&str, &str> {
    let mut parts = page.split(PART);
    let top = parts.next().unwrap_or_default();
    let named = parts.filter_map(|part| part.split_once('`'));
    named.chain([("", top)]).collect()
}

fn commands(source: &Source, verbs: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut in_block = false;
    let mut lines = source.lines();
    while let Some((number, line)) = lines.next() {
        in_block ^= line.trim_start().starts_with("```");
        let mut told = line.trim_start().trim_start_matches("$ ").to_owned();
        while told.ends_with('\\') {
            told.pop();
            let more = lines.next().map(|(_, line)| line.trim()).unwrap_or_default();
            told.push_str(more);
        }
        let quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let whole = Some(told).filter(|_| source.is_prose() && in_block);
        for command in quoted.chain(whole) {
            if let Some(why) = command
                .strip_prefix("gateline ")
                .and_then(|words| unknown(words, verbs))
            {
                wrong.push(format!("{}:{number}: `gateline` {why}", source.path));
            }
        }
    }
    wrong
}

/// What of a command there is not.
fn unknown(words: &str, verbs: &BTreeMap<&str, &str>) -> Option<String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_name = |word: &str| word.starts_with(|sign: char| sign.is_ascii_lowercase());
    let first = words.first().filter(|word| is_name(word) && **word != "help")?;
    let two = words.get(1).map(|second| format!("{first} {second}"));
    let (path, help) = two
        .as_deref()
        .and_then(|two| verbs.get_key_value(two))
        .or_else(|| verbs.get_key_value(first))
        .map_or_else(|| (*first, ""), |(path, help)| (*path, *help));
    if help.is_empty() {
        return Some(format!("has no verb `{path}`"));
    }
    let global = verbs.get("").copied().unwrap_or_default();
    let options = words.iter().filter(|word| word.starts_with("--"));
    let names = options.map(|word| word.split(['=', '\\', '"']).next().unwrap_or_default());
    let missing = names
        .map(|name| name.trim_end_matches([',', ')', '.']))
        .find(|name| {
            let has = |help: &str| help.split([' ', ',', '\n', '=']).any(|word| word == *name);
            !has(help) && !has(global)
        });
    missing.map(|name| format!("{path} has no option `{name}`"))
}

/// Whole files of pipelines, roles and servers in the page's blocks.
fn pipelines(source: &Source) -> Vec<String> {
    let blocks = source
        .text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next());
    let whole = blocks.filter(|block| block.starts_with("apiVersion:"));
    whole
        .filter_map(|block| {
            let server = format!("kind: {}", gateline_spec::SERVER_KIND);
            if block.lines().any(|line| line == server) {
                gateline_spec::read_server(&source.path, block).err()
            } else {
                gateline_spec::read_document(&source.path, block).err()
            }
        })
        .map(|diagnostics| format!("{}: {diagnostics}", source.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Command line\n      --json\n\n## `gateline log`\n      --limit <N>\n\n## `gateline token`\n\n### `gateline token create`\n      --scope <SCOPE>\n";

    fn found(line: &str) -> Vec<String> {
        find(&Sources::of(&[(CLI, PAGE), ("docs/a.md", line)]))
    }

    #[test]
    fn a_command_as_it_is_is_let_be() {
        for line in [
            "```text\ngateline log --limit 5 --json\n```",
            "See `gateline token create ci --scope=read`.",
            "```text\n$ gateline token create \\\n      --scope read\n```",
            "gateline is a binary",
            "`gateline VERB`",
        ] {
            assert_eq!(found(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn a_verb_or_an_option_that_there_is_not_is_found() {
        for line in [
            "`gateline lgo`",
            "`gateline log --limits 5`",
            "```text\ngateline token create ci --group a\n```",
        ] {
            assert_eq!(found(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_pipeline_file_that_does_not_read_is_found() {
        assert_eq!(
            found("```yaml\napiVersion: gateline.dev/v1\nkind: Pipeline\n```\n").len(),
            1
        );
    }
}
