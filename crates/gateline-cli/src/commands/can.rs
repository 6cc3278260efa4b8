//! `gateline can`: whether somebody may do something, and by which right; or who may.

use gateline_api::{Can, CanQuery, Empty, Exit};
use gateline_model::{ActorId, PipelineName, ProjectName, Scope, StageName};

use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 where the actor may, with 3 where not. Of others the roles are told, not the tokens.

Examples:
  gateline can me promote payments/payment-service/production
  gateline can bo override payments"
)]
pub struct Args {
    /// The actor, or `me`
    actor: ActorId,
    /// The verb: admin, register, submit_evidence, promote, approve, waive, override, freeze, apply or read
    #[arg(value_parser = verb)]
    verb: Scope,
    /// What it is done to: PROJECT, PROJECT/PIPELINE or PROJECT/PIPELINE/STAGE
    #[arg(value_parser = object)]
    object: Object,
}

#[derive(Debug, Clone)]
struct Object {
    project: ProjectName,
    pipeline: Option<PipelineName>,
    stage: Option<StageName>,
}

fn verb(text: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::word).join(", ");
    let found = Scope::ALL
        .into_iter()
        .find(|scope| scope.word() == text.replace('-', "_"));
    found.ok_or_else(|| format!("the verbs are {}", known()))
}

fn object(text: &str) -> Result<Object, String> {
    let mut parts = text.split('/');
    let project = parts
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|err| format!("{err}"))?;
    let pipeline = parts
        .next()
        .map(str::parse)
        .transpose()
        .map_err(|err| format!("{err}"))?;
    let stage = parts
        .next()
        .map(str::parse)
        .transpose()
        .map_err(|err| format!("{err}"))?;
    if parts.next().is_some() {
        return Err("write PROJECT, PROJECT/PIPELINE or PROJECT/PIPELINE/STAGE".to_owned());
    }
    Ok(Object {
        project,
        pipeline,
        stage,
    })
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let query = CanQuery {
        actor: Some(args.actor).filter(|actor| actor.as_str() != "me"),
        verb: args.verb,
        project: args.object.project,
        pipeline: args.object.pipeline,
        stage: args.object.stage,
    };
    let reply = client.get::<Can>(&Empty {}, &query).await?;
    session.out.answer(&reply, || render::can(&reply))?;
    Ok(if reply.may { Exit::Done } else { Exit::Refused })
}
