//! What is wrong with the arguments, with the usage line that a person can take: what the environment says is not asked for.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{Command, Error};

/// The same error; its usage line without options that nobody wrote. Those that the environment sets stand there as if the
/// command asked for them.
pub(super) fn plain(mut error: Error, command: &Command, written: &[String]) -> Error {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return error;
    };
    let shown = usage.to_string();
    let mut kept = shown.clone();
    for option in from_environment(command) {
        let (name, _) = option.split_once(' ').unwrap_or((&option, ""));
        let is_written = written
            .iter()
            .any(|word| word == name || word.starts_with(&format!("{name}=")));
        if !is_written {
            kept = kept.replace(&format!(" {option}"), "");
        }
    }
    if kept != shown {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(StyledStr::from(kept)));
    }
    error
}

/// Every option of every verb that the environment can set, as a usage line writes it.
fn from_environment(command: &Command) -> Vec<String> {
    let arguments = command
        .get_arguments()
        .filter(|argument| argument.get_env().is_some());
    let options = arguments.filter_map(|argument| {
        let value = argument.get_value_names()?.first()?;
        Some(format!("--{} <{value}>", argument.get_long()?))
    });
    let inner = command.get_subcommands().flat_map(from_environment);
    options.chain(inner).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn command() -> Command {
        // `CARGO` is set wherever tests run.
        let server = Arg::new("server")
            .long("server")
            .value_name("URL")
            .env("CARGO")
            .global(true);
        let reason = Arg::new("reason")
            .long("reason")
            .value_name("TEXT")
            .required(true);
        let quiet = Arg::new("quiet").long("quiet").action(ArgAction::SetTrue);
        Command::new("gateline")
            .arg(server)
            .subcommand(Command::new("advance").arg(reason).arg(quiet))
    }

    fn said(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let error = command().try_get_matches_from(&words).unwrap_err();
        plain(error, &command(), &words).to_string()
    }

    #[test]
    fn what_the_environment_sets_is_not_asked_for() {
        let usage = said(&["gateline", "advance"]);
        assert!(
            usage.contains("Usage: gateline advance --reason <TEXT>"),
            "{usage}"
        );
        assert!(!usage.contains("--server"), "{usage}");
        let written = said(&["gateline", "advance", "--server", "x"]);
        assert!(written.contains("--server <URL>"), "{written}");
    }
}
