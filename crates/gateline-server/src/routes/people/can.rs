//! `GET /api/v1/can`

use gateline_api::{Can, CanQuery, CanReply};
use gateline_core::authority::{self, Denied, Object};
use gateline_core::{Actor, Credential, People};
use gateline_model::Scope;
use jiff::Timestamp;

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<Can>) -> Result<CanReply, Refused> {
    let asks = call.actor()?;
    let CanQuery {
        actor,
        verb,
        project,
        pipeline,
        stage,
    } = call.query.clone();
    // Of somebody else the roles are told: what tokens he shows is not known.
    let actor = match actor {
        Some(id) if id != asks.id => Actor {
            id,
            name: None,
            shown: Credential::Session,
        },
        Some(_) | None => asks.clone(),
    };
    let object = Object {
        project,
        pipeline,
        stage,
    };
    if !call.sight.sees(&object) {
        // Nothing is told of whom else something is permitted where the one who asks may not look.
        let denied = Denied::Unseen {
            actor: asks.id,
            scope: Scope::Read,
            object: object.clone(),
        };
        return Ok(CanReply {
            actor: actor.id,
            verb,
            object: object.to_string(),
            may: false,
            because: denied.to_string(),
            layers: Vec::new(),
        });
    }
    let now = Timestamp::now();
    let (answer, layers, unknown) = call.app.hub.with_world(|world| {
        let answer = authority::may(world, &actor, verb, &object, now);
        let stage = object
            .pipeline
            .as_ref()
            .zip(object.stage.as_ref())
            .and_then(|(pipeline, stage)| {
                let pipeline = world.project(&object.project)?.pipeline(pipeline)?;
                pipeline.stage(stage).cloned()
            });
        let people = People::of(world, &object.project, now);
        let (layers, unknown) = match stage.filter(|_| verb == Scope::Approve) {
            Some(stage) => (
                authority::layers_that_ask(&people, &actor.id, &stage),
                authority::layers_unknown(&people, &stage),
            ),
            None => Default::default(),
        };
        (answer, layers, unknown)
    });
    let asked = verb != Scope::Approve || object.stage.is_none() || !layers.is_empty();
    Ok(CanReply {
        actor: actor.id,
        verb,
        object: object.to_string(),
        may: answer.is_ok() && asked,
        because: match answer {
            Ok(_) if !asked => {
                let nobody = "no layer of the stage asks this actor".to_owned();
                std::iter::once(nobody)
                    .chain(unknown)
                    .collect::<Vec<_>>()
                    .join("; ")
            }
            Ok(right) => right.to_string(),
            Err(denied) => denied.to_string(),
        },
        layers,
    })
}
