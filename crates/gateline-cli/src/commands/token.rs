//! `gateline token`: what lets an actor in.

use gateline_api::{Empty, Exit, IssueToken, ListTokens, RevokeToken, TokenPath, TokenRequest, TokenView};
use gateline_model::{ActorId, GroupName, Scope, TokenId};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::moment::Moment;
use crate::render::{self, Line, Page, Table};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a token; its secret is printed once, on stdout
    Create(Create),
    /// Withdraw a token at once
    Revoke {
        /// The token's id
        id: TokenId,
    },
    /// List the tokens, without their secrets
    List,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline token create ci --actor ci@payments --scope register --scope submit-evidence --expires 90d > token
  gateline token create ana --actor ana --scope approve --group tech-lead")]
struct Create {
    /// Its id
    id: TokenId,
    /// Whose identity it carries
    #[arg(long)]
    actor: ActorId,
    /// What it may do; may be given more than once
    #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// A group that it may approve for; may be given more than once
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<GroupName>,
    /// When it ends: a time, or so long from now; never where it is not given
    #[arg(long, value_name = "TIME|SPAN")]
    expires: Option<Moment>,
}

/// A scope as the API writes it; `-` is as good as `_`.
fn scope(text: &str) -> Result<Scope, String> {
    serde_json::from_value(text.replace('-', "_").into()).map_err(|_| {
        "use one of admin, read, register, submit-evidence, promote, approve, override, freeze, apply"
            .to_owned()
    })
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    let list = match args.verb {
        Verb::List => client.get::<ListTokens>(&Empty {}, &Empty {}).await?,
        Verb::Revoke { id } => {
            let left = client
                .send::<RevokeToken>(&TokenPath { id: id.clone() }, &Empty {})
                .await?;
            session.out.say(&format!("token {id} revoked; what is left:"));
            left
        }
        Verb::Create(create) => {
            let request = TokenRequest {
                id: create.id,
                actor: create.actor,
                scopes: create.scopes,
                groups: create.groups,
                expires: create.expires.map(|expires| expires.ahead(now)),
            };
            let reply = client.send::<IssueToken>(&Empty {}, &request).await?;
            session.out.answer(&reply, || {
                let mut page = Page::default();
                page.line(&reply.token);
                page
            })?;
            session.out.say(&format!(
                "token {} made for {}; it is not shown again",
                reply.id, request.actor
            ));
            return Ok(Exit::Done);
        }
    };
    session.out.answer(&list, || page(&list, now))?;
    Ok(Exit::Done)
}

fn page(list: &[TokenView], now: Timestamp) -> Page {
    let mut page = Page::default();
    let mut table = Table::headed(["token", "actor", "scopes", "groups", "expires"]);
    for view in list {
        let scopes: Vec<String> = view.scopes.iter().map(|scope| word(*scope)).collect();
        let groups: Vec<&str> = view.groups.iter().map(GroupName::as_str).collect();
        let expires = match view.expires {
            Some(at) if view.expired => Line::new().bad(format!("expired {}", render::clock(at, now))),
            Some(at) => render::in_future(at, now).into(),
            None => Line::new().dim("never"),
        };
        table.row([
            (&view.id).into(),
            (&view.actor).into(),
            scopes.join(", ").into(),
            groups.join(", ").into(),
            expires,
        ]);
    }
    page.table(table);
    page
}

/// The scope as it is written.
fn word(scope: Scope) -> String {
    let json = serde_json::to_value(scope).unwrap_or_default();
    json.as_str().unwrap_or_default().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back_what_is_shown() {
        for text in [
            "admin",
            "read",
            "register",
            "submit-evidence",
            "promote",
            "approve",
            "waive",
            "override",
            "freeze",
            "apply",
        ] {
            assert_eq!(word(scope(text).unwrap()), text);
        }
        assert!(scope("root").unwrap_err().contains("submit-evidence"));
    }
}
