//! `GET /api/v1/can`

use gateline_api::{Can, CanQuery, CanReply, Named};
use gateline_core::authority::{self, Denied, Object};
use gateline_core::{Actor, Credential, People, World};
use gateline_model::{Declared, Scope, Stage, Who};
use jiff::Timestamp;

use crate::call::Call;
use crate::refused::Refused;
use crate::seen::not_there;

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
    there_is(&call, verb, &object)?;
    let now = Timestamp::now();
    let (answer, layers, unknown) = call.app.hub.with_world(|world| {
        let answer = authority::may(world, &actor, verb, &object, now);
        if verb != Scope::Approve {
            return (answer, Vec::new(), Vec::new());
        }
        let people = People::of(world, &object.project, now);
        let stages = stages_in(world, &object);
        let layers = stages
            .iter()
            .flat_map(|stage| authority::layers_that_ask(&people, &actor.id, stage));
        let mut layers: Vec<Who> = layers.collect();
        layers.sort();
        layers.dedup();
        let unknown = stages
            .iter()
            .flat_map(|stage| authority::layers_unknown(&people, stage));
        let mut unknown: Vec<String> = unknown.collect();
        unknown.sort();
        unknown.dedup();
        (answer, layers, unknown)
    });
    let asked = verb != Scope::Approve || !layers.is_empty();
    Ok(CanReply {
        actor: actor.id,
        verb,
        object: object.to_string(),
        may: answer.is_ok() && asked,
        because: match answer {
            Ok(_) if !asked => {
                let place = if object.stage.is_some() {
                    "the stage"
                } else {
                    "a stage there"
                };
                let nobody = format!("no layer of {place} asks this actor");
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

/// What an object has to be for the question to mean anything: what is to be applied need not be there yet.
fn there_is(call: &Call<Can>, verb: Scope, object: &Object) -> Result<(), Refused> {
    if matches!(verb, Scope::Apply | Scope::Admin) {
        return Ok(());
    }
    let Object {
        project,
        pipeline,
        stage,
    } = object;
    let Some(name) = pipeline else { return Ok(()) };
    let found = call
        .app
        .hub
        .with_world(|world| world.project(project)?.pipeline(name).cloned());
    let Some(found) = found else {
        let declared = Declared::Pipeline(name.clone());
        return Err(not_there(&Named::Declared(project.clone(), declared)));
    };
    match stage {
        Some(stage) if found.stage(stage).is_none() => Err(not_there(&Named::Stage(found.stage_ref(stage)))),
        Some(_) | None => Ok(()),
    }
}

/// The stages that an object is, or has in it.
fn stages_in(world: &World, object: &Object) -> Vec<Stage> {
    let Some(project) = world.project(&object.project) else {
        return Vec::new();
    };
    let names = project.in_force.keys();
    let names = names.filter(|name| object.pipeline.as_ref().is_none_or(|only| only == *name));
    let stages = names
        .filter_map(|name| project.pipeline(name))
        .flat_map(|pipeline| &pipeline.stages);
    let stages = stages.filter(|stage| object.stage.as_ref().is_none_or(|only| *only == stage.name));
    stages.cloned().collect()
}
