//! The command line as a person meets it: whole commands against a server that answers as it is told.

mod away;
mod commands;
mod help;
mod http;
mod judge;
mod looks;
mod signing;
mod views;

use std::io::Write;
use std::sync::{Arc, Mutex};

use clap::Parser;
use gateline_api::Exit;

use crate::out::{Form, Out};
use crate::session::{Session, Surroundings};
use crate::{Options, Verb};

#[derive(Debug, Parser)]
#[command(name = "gateline", about = crate::ABOUT, after_help = crate::AFTER_HELP)]
struct Gateline {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    options: Options,
}

/// What a command did.
struct Ran {
    exit: Exit,
    data: String,
    talk: String,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics while writing").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("nobody panics while writing");
        String::from_utf8(bytes.clone()).expect("commands write text")
    }
}

/// Runs a command line against a server, at a fixed moment and with a token.
fn run(server: &str, line: &[&str]) -> Ran {
    let words = ["gateline", "--server", server]
        .into_iter()
        .chain(line.iter().copied());
    let Gateline { verb, options } =
        Gateline::try_parse_from(words).expect("the test writes a legal command");
    let (data, talk) = (Kept::default(), Kept::default());
    let form = if options.json { Form::Json } else { Form::Text };
    let out = Out::to(
        Box::new(data.clone()),
        Box::new(talk.clone()),
        form,
        options.quiet,
    );
    let mut session = Session {
        options,
        out,
        surroundings: Surroundings {
            token: Some("glt_test".to_owned()),
            config: None,
            now: Some(views::at("2026-11-21T10:41:30Z")),
        },
    };
    let exit = match crate::perform(verb, &mut session) {
        Ok(exit) => exit,
        Err(failure) => session.out.failure(&failure),
    };
    Ran {
        exit,
        data: data.text(),
        talk: talk.text(),
    }
}
