//! A session: one run of one command, with its options, its output and its surroundings.

use std::path::PathBuf;

use gateline_api::ReleaseName;
use gateline_model::ProjectName;
use jiff::Timestamp;

use crate::client::Client;
use crate::failure::Failure;
use crate::options::Options;
use crate::out::{Form, Out};

/// One run of one command.
pub(crate) struct Session {
    pub options: Options,
    pub out: Out,
    pub surroundings: Surroundings,
}

/// What the process finds around it.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// `GATELINE_TOKEN`.
    pub token: Option<String>,
    /// Where the person's settings are.
    pub config: Option<PathBuf>,
    /// A moment to take for now, in tests.
    pub now: Option<Timestamp>,
}

impl Surroundings {
    fn of_process() -> Self {
        let config = std::env::var_os("XDG_CONFIG_HOME")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        Self {
            token: std::env::var("GATELINE_TOKEN").ok(),
            config: config.or_else(home),
            now: None,
        }
    }
}

impl Session {
    /// A session of this process.
    pub fn new(options: Options) -> Self {
        let form = if options.json { Form::Json } else { Form::Text };
        let out = Out::standard(form, options.color, options.quiet);
        Self {
            options,
            out,
            surroundings: Surroundings::of_process(),
        }
    }

    /// A client of the server that is named.
    pub fn connect(&self) -> Result<Client, Failure> {
        Client::new(&self.options, &self.surroundings)
    }

    /// The time, for `3 minutes ago`.
    pub fn now(&self) -> Timestamp {
        self.surroundings.now.unwrap_or_else(Timestamp::now)
    }

    /// The release, in the project of the options where it names none.
    pub fn named(&self, release: &ReleaseName) -> ReleaseName {
        let mut release = release.clone();
        if let ReleaseName::Label(label) = &mut release
            && label.project.is_none()
        {
            label.project.clone_from(&self.options.project);
        }
        release
    }

    /// The project that must be named.
    pub fn project(&self) -> Result<ProjectName, Failure> {
        self.options.project.clone().ok_or_else(|| {
            Failure::usage(
                "the project is not named",
                "nothing else tells which one is meant",
            )
            .hint("add `--project NAME`, or set `GATELINE_PROJECT`")
        })
    }
}
