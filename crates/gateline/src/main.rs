//! The binary: picks a verb of the server or of the command line.

use std::process::ExitCode;

mod usage;

use clap::{CommandFactory, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "gateline", version, about = gateline_cli::ABOUT, after_help = gateline_cli::AFTER_HELP)]
struct Gateline {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    options: gateline_cli::Options,
}

#[derive(Subcommand)]
enum Verb {
    #[command(flatten)]
    Client(gateline_cli::Verb),
    #[command(flatten)]
    Server(gateline_server::ServerVerb),
}

fn main() -> ExitCode {
    let Gateline { verb, options } = Gateline::try_parse().unwrap_or_else(|error| {
        let written: Vec<String> = std::env::args().collect();
        usage::plain(error, &Gateline::command(), &written).exit()
    });
    match verb {
        Verb::Client(verb) => gateline_cli::run(options, verb),
        Verb::Server(verb) => gateline_server::run(verb),
    }
}

#[cfg(test)]
mod examples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_verb_of_one_side_hides_one_of_the_other() {
        Gateline::command().debug_assert();
    }

    #[test]
    fn an_option_of_both_sides_reaches_both() {
        let Gateline { verb, options } = Gateline::parse_from(["gateline", "demo", "--once", "--json"]);
        assert!(options.json);
        assert!(matches!(
            verb,
            Verb::Server(gateline_server::ServerVerb::Demo {
                once: true,
                json: true,
                ..
            })
        ));
    }
}
