//! `gateline account`: people who sign in with a password of this server's own.

use std::path::{Path, PathBuf};

use gateline_api::{
    AccountPath, AccountRequest, AccountView, DisableAccount, Empty, Exit, ListAccounts, MakeAccount,
    Password, PasswordRequest, SetPassword,
};
use gateline_model::AccountName;

use crate::failure::Failure;
use crate::render::{Line, Page, Table};
use crate::session::Session;
use crate::{files, prompt};

/// Longest password, in bytes.
const PASSWORD_BYTES_MAX: usize = 1_024;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make an account with its password, or open a disabled one again with a new password
    #[command(after_help = "Examples:
  gateline account create ana
  pass show gateline/ana | gateline account create ana")]
    Create(Named),
    /// Give an account another password, and end its sessions
    Password(Named),
    /// Let nobody in with an account any more, and end its sessions
    Disable {
        /// The account
        account: AccountName,
    },
    /// List the accounts
    List,
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The account; it is the actor's id too
    account: AccountName,
    /// Read the password from the first line of this file; otherwise it is asked for, or read from stdin
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Named {
    fn password(&self) -> Result<Password, Failure> {
        let text = match &self.password_file {
            Some(file) => files::text(file, PASSWORD_BYTES_MAX + 2)?,
            None if prompt::is_possible() => return prompt::new_password(&self.account).map(Password),
            None => files::text(Path::new("-"), PASSWORD_BYTES_MAX + 2)?,
        };
        let password = text.lines().next().unwrap_or_default().to_owned();
        if password.is_empty() {
            return Err(Failure::usage("there is no password", "the first line is empty"));
        }
        Ok(Password(password))
    }
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let list = match args.verb {
        Verb::List => client.get::<ListAccounts>(&Empty {}, &Empty {}).await?,
        Verb::Create(named) => {
            let request = AccountRequest {
                password: named.password()?,
                account: named.account,
            };
            let list = client.send::<MakeAccount>(&Empty {}, &request).await?;
            session.out.say(&format!("account {} made", request.account));
            list
        }
        Verb::Password(named) => {
            let request = PasswordRequest {
                password: named.password()?,
            };
            let path = AccountPath {
                account: named.account,
            };
            let list = client.send::<SetPassword>(&path, &request).await?;
            let account = path.account;
            session.out.say(&format!(
                "password of account {account} set; its sessions have ended"
            ));
            list
        }
        Verb::Disable { account } => {
            let path = AccountPath { account };
            let list = client.send::<DisableAccount>(&path, &Empty {}).await?;
            let account = path.account;
            session
                .out
                .say(&format!("account {account} disabled; its sessions have ended"));
            list
        }
    };
    session.out.answer(&list, || page(&list))?;
    Ok(Exit::Done)
}

fn page(list: &[AccountView]) -> Page {
    let mut page = Page::default();
    let mut table = Table::headed(["account", "state"]);
    for AccountView { account, disabled } in list {
        let state = if *disabled {
            Line::new().dim("disabled")
        } else {
            "open".into()
        };
        table.row([account.to_string().into(), state]);
    }
    page.table(table);
    page
}
