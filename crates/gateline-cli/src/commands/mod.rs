//! The verbs: one file and one line each, the daily ones first, then the nouns.

mod abort;
mod account;
mod advance;
mod apply;
mod approve;
mod ask;
mod calendar;
mod can;
mod delegate;
mod diff;
mod erase;
mod evidence;
mod explain;
mod freeze;
mod gate;
mod inbox;
mod incident;
mod judge;
mod key;
mod lint;
mod log;
mod notifications;
mod r#override;
mod pause;
mod pipeline;
mod policy;
mod promote;
mod promotion;
mod proposal;
mod reject;
mod release;
mod request_changes;
mod resume;
mod risk;
mod roles;
mod rollback;
mod schema;
mod signatures;
mod simulate;
mod stage;
mod status;
mod summary;
mod token;
mod waive;
mod waiver;
mod whoami;
mod window;
mod withdraw;

use gateline_api::{
    Empty, Endpoint, Exit, GetPromotion, PromotionPath, PromotionView, ReasonRequest, Refuse, RefuseRequest,
};
use gateline_model::No;
use gateline_model::limits::TEXT_BYTES_MAX;

use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::signing::Sign;
use crate::which::Which;

macro_rules! verbs {
    ($($verb:ident: $module:ident, $about:literal;)*) => {
        /// What the client can be asked for.
        #[derive(Debug, clap::Subcommand)]
        pub enum Verb {
            $(#[doc = $about] $verb($module::Args),)*
        }

        /// Does what a verb asks.
        pub(crate) async fn perform(verb: Verb, session: &mut Session) -> Result<Exit, Failure> {
            match verb {
                $(Verb::$verb(args) => $module::run(args, session).await,)*
            }
        }
    };
}

verbs! {
    Status: status, "Show what is live in every stage, and what is proposed";
    Promote: promote, "Request the promotion of a release into a stage";
    Explain: explain, "Show why a promotion may or may not go on, and who or what can change that";
    Risk: risk, "Show the risk of a release before a stage, factor by factor, and what the level picks";
    Inbox: inbox, "Show what waits on you, oldest first";
    Summary: summary, "Show what somebody who is asked needs to know, on one screen";
    Approve: approve, "Approve a promotion";
    Reject: reject, "Say no to a promotion";
    RequestChanges: request_changes, "Say what is to be changed before a promotion goes on";
    Withdraw: withdraw, "Take your answer to a promotion back";
    Ask: ask, "Ask a named person to look at a promotion";
    Delegate: delegate, "Hand your answers on for a time";
    Override: r#override, "Permit admission although one named gate is not satisfied";
    Window: window, "List when stages let releases in";
    Freeze: freeze, "Declare, lift and list freezes";
    Incident: incident, "Open, list, show and close incidents, and lift their suspects";
    Waive: waive, "Accept one finding for a time";
    Waiver: waiver, "List and lift waivers";
    Log: log, "Search the log";
    Erase: erase, "Erase names and texts beside events for ever; the log stays provable";
    Simulate: simulate, "Rehearse a scenario, or many random ones with faults, offline";
    Abort: abort, "End a promotion; a rollout is taken back";
    Pause: pause, "Let a rollout stand still";
    Resume: resume, "Let a rollout that stands still go on";
    Advance: advance, "Let a rollout go on to its next step without waiting for time or the judge";
    Rollback: rollback, "Bring back the release that was live in a stage before";
    Lint: lint, "Check pipeline files, offline";
    Schema: schema, "Print the JSON Schema of pipeline files";
    Apply: apply, "Bring files of pipelines, roles and notifications into force";
    Diff: diff, "Show what a pipeline file would change";
    Release: release, "Register, show and list releases, and lift their bars";
    Evidence: evidence, "Submit, list and show what tools wrote about a release, or read it offline";
    Gate: gate, "List and explain the kinds of gate, offline";
    Judge: judge, "Show what the judge says of a recorded rollout, offline";
    Promotion: promotion, "List promotions";
    Pipeline: pipeline, "List and show pipelines";
    Policy: policy, "Test, run, apply, list and show policy modules";
    Calendar: calendar, "Apply, list and show calendars of holidays";
    Proposal: proposal, "List, show, approve, reject and withdraw new versions of what is protected";
    Stage: stage, "Show a stage";
    Roles: roles, "Show who may do what in a project";
    Notifications: notifications, "Show what people are told: letters that wait, were sent or failed, and the rules";
    Can: can, "Explain whether somebody may do something, and who may";
    Whoami: whoami, "Show who you are here, and in which teams";
    Token: token, "Create, revoke and list tokens";
    Key: key, "Enrol, revoke and list the keys that sign answers";
    Account: account, "Create, disable and list local accounts, and set their passwords";
}

/// A reason that must be given.
#[derive(Debug, clap::Args)]
pub struct Reason {
    /// Why; it is recorded in the log
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why, so that others can understand it later".to_owned()),
        long if long.len() > TEXT_BYTES_MAX => Err(format!("it has more than {TEXT_BYTES_MAX} bytes")),
        text => Ok(text.to_owned()),
    }
}

/// Says something to an open promotion, with a reason, and shows it as it is then.
async fn steer<E>(which: &Which, reason: Reason, session: &mut Session) -> Result<Exit, Failure>
where
    E: Endpoint<Path = PromotionPath, Query = Empty, Body = ReasonRequest, Reply = PromotionView>,
{
    let client = session.connect()?;
    let path = which.to_act_on(session, &client).await?;
    let Reason { reason } = reason;
    let view = client.send::<E>(&path, &ReasonRequest { reason }).await?;
    let now = session.now();
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    Ok(Exit::Done)
}

/// Says no to what is asked now, and shows the promotion as it is then.
async fn answer_no(
    which: &Which,
    no: No,
    reason: Reason,
    sign: &Sign,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = which.to_act_on(session, &client).await?;
    let seen = client.get::<GetPromotion>(&path, &Empty {}).await?;
    let answer = (Some(no).into(), reason.reason.as_str());
    let signed = sign.answer(session, &client, &path, &seen, answer).await?;
    let request = RefuseRequest {
        no,
        question: seen.decision.as_ref().map(|decision| decision.question),
        reason: reason.reason,
        signed,
    };
    let view = client.send::<Refuse>(&path, &request).await?;
    let now = session.now();
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    Ok(Exit::Done)
}

/// Several things in one list, read page by page, at most so many.
macro_rules! all_pages {
    ($client:expr, $endpoint:ty, $query:expr, $limit:expr) => {{
        let mut query = $query;
        let mut items = Vec::new();
        loop {
            let left = $limit as usize - items.len();
            query.limit = Some((left as u32).min(gateline_api::PAGE_MAX));
            let page = $client.get::<$endpoint>(&gateline_api::Empty {}, &query).await?;
            let came = page.items.len();
            items.extend(page.items.into_iter().take(left));
            query.after = page.next;
            // A page of nothing that promises more would go on for ever.
            if query.after.is_none() || came == 0 || items.len() >= $limit as usize {
                break items;
            }
        }
    }};
}
use all_pages;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_has_an_end() {
        assert_eq!(reason(" broken \n"), Ok("broken".to_owned()));
        assert!(reason("  ").is_err());
        assert!(reason(&"x".repeat(TEXT_BYTES_MAX + 1)).is_err());
    }
}
