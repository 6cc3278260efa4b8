//! `gateline override`: reasoned, expiring permission for exactly one gate; a second person's word; the review afterwards.

use gateline_api::{
    ConfirmOverride, ConfirmRequest, Empty, Exit, GetPromotion, ListOverrides, OverrideGate, OverridePath,
    OverrideQuery, OverrideRequest, ReasonRequest, WithdrawOverride, WriteReview,
};
use gateline_model::GateName;

use super::Reason;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::render;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "The gate stays unsatisfied on record. Where the stage asks for a second person, the override counts once somebody
else has confirmed it. A release that came in by an override owes a review.

Examples:
  gateline override payment-service@1.4.0 --to production --gate soak --until 2h --reason 'fixes the outage'
  gateline override confirm payment-service@1.4.0 --to production --gate soak
  gateline override withdraw payment-service@1.4.0 --to production --gate soak --reason 'the outage is over'
  gateline override review payment-service@1.4.0 --to production --gate soak --reason 'what came of it'"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    which: Option<Which>,
    /// The gate
    #[arg(long, value_name = "GATE", required = true)]
    gate: Option<GateName>,
    /// When the permission ends: a time, or so long from now
    #[arg(long, value_name = "TIME|SPAN", required = true)]
    until: Option<Moment>,
    #[command(flatten)]
    reason: Option<Reason>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List overrides in force, with the time left, and reviews that are owed
    List,
    /// Confirm, as a second person, an override that somebody else asked for
    Confirm(Confirm),
    /// Write what came of an override that let a release in
    Review(Review),
    /// Take an override back, so that its gate counts again
    Withdraw(Review),
}

/// What is wanted where no verb follows. An `Option` of this cannot be flattened: its groups would be lost.
struct Ask {
    which: Which,
    gate: GateName,
    until: Moment,
    reason: Reason,
}

#[derive(Debug, clap::Args)]
struct Confirm {
    #[command(flatten)]
    which: Which,
    /// The gate
    #[arg(long, value_name = "GATE")]
    gate: GateName,
}

#[derive(Debug, clap::Args)]
struct Review {
    #[command(flatten)]
    which: Which,
    /// The gate that was overridden
    #[arg(long, value_name = "GATE")]
    gate: GateName,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let Args {
        verb,
        which,
        gate,
        until,
        reason,
    } = args;
    match verb {
        Some(Verb::List) => list(session).await,
        Some(Verb::Confirm(confirm)) => self::confirm(confirm, session).await,
        Some(Verb::Review(review)) => self::review(review, session).await,
        Some(Verb::Withdraw(withdraw)) => self::withdraw(withdraw, session).await,
        None => match (which, gate, until, reason) {
            (Some(which), Some(gate), Some(until), Some(reason)) => {
                let ask = Ask {
                    which,
                    gate,
                    until,
                    reason,
                };
                self::ask(ask, session).await
            }
            _ => Err(Failure::usage(
                "nothing was asked for",
                "name a promotion, or `list`, `confirm`, `review` or `withdraw`",
            )),
        },
    }
}

async fn withdraw(args: Review, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let of = OverridePath::new(&path.id(), &args.gate);
    let request = ReasonRequest {
        reason: args.reason.reason,
    };
    let view = client.send::<WithdrawOverride>(&of, &request).await?;
    let now = session.now();
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    session
        .out
        .say(&format!("the override of gate {} is withdrawn", args.gate));
    Ok(Exit::Done)
}

async fn ask(args: Ask, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let now = session.now();
    let request = OverrideRequest {
        gate: args.gate,
        until: args.until.ahead(now),
        reason: args.reason.reason,
    };
    let view = client.send::<OverrideGate>(&path, &request).await?;
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    let until = render::in_future(request.until, now);
    let waits = view
        .overrides
        .iter()
        .any(|one| one.waits && one.gate == request.gate);
    let gate = &request.gate;
    session.out.say(&match waits {
        true => format!("override of gate {gate} asked for, until {until}; a second person is to confirm it"),
        false => format!("gate {gate} overridden until {until}"),
    });
    Ok(Exit::Done)
}

async fn confirm(args: Confirm, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let now = session.now();
    let seen = client.get::<GetPromotion>(&path, &Empty {}).await?;
    let asked = seen
        .overrides
        .iter()
        .find(|one| one.waits && one.gate == args.gate);
    if let Some(asked) = asked {
        let why = render::reason(asked.reason.as_deref(), asked.erased.as_ref(), now);
        let until = render::in_future(asked.until, now);
        session
            .out
            .say(&format!("{} asked for it until {until}: {why}", asked.by));
    }
    let request = ConfirmRequest {
        asked_at: asked.map(|asked| asked.at),
    };
    let of = OverridePath::new(&path.id(), &args.gate);
    let view = client.send::<ConfirmOverride>(&of, &request).await?;
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    Ok(Exit::Done)
}

async fn review(args: Review, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_look_at(session, &client).await?;
    let of = OverridePath::new(&path.id(), &args.gate);
    let request = ReasonRequest {
        reason: args.reason.reason,
    };
    let left = client.send::<WriteReview>(&of, &request).await?;
    let now = session.now();
    session.out.say(&format!(
        "review of the override of {} written; what is left:",
        args.gate
    ));
    session.out.answer(&left, || render::overrides(&left, now))?;
    Ok(Exit::Done)
}

async fn list(session: &mut Session) -> Result<Exit, Failure> {
    let query = OverrideQuery {
        project: session.options.project.clone(),
    };
    let found = session.connect()?.get::<ListOverrides>(&Empty {}, &query).await?;
    let now = session.now();
    session.out.answer(&found, || render::overrides(&found, now))?;
    Ok(Exit::Done)
}
