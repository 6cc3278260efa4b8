//! Options that every verb takes.

use gateline_model::ProjectName;

/// Options that every verb takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// The server's address
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "GATELINE_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:7474"
    )]
    pub server: String,
    /// Where the token is: `env:NAME` or `file:PATH`; else `GATELINE_TOKEN`, else ~/.config/gateline/token
    // Read as plain text: clap repeats what it cannot parse, and that may be the secret itself.
    #[arg(long, global = true, value_name = "REF")]
    pub token: Option<String>,
    /// The project, where a name does not say it
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "GATELINE_PROJECT",
        hide_env_values = true
    )]
    pub project: Option<ProjectName>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but errors and what was asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: Color,
    /// The key that makes a repeated write recognisable; a random one where it is not given
    #[arg(long, global = true, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
