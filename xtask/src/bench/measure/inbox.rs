//! The inbox with 10,000 open approvals: of somebody who is asked all of them, of somebody who is asked a hundredth, and of
//! somebody who asked for nothing and is asked nothing.

use std::time::{Duration, Instant};

use gateline_core::Command;
use gateline_model::{GroupName, Scope};
use gateline_server::hub::Hub;

use super::Scale;
use super::http::{LIMIT, Served, cells};
use super::place::{Place, apply, register, release, runtime};

const PROJECTS: usize = 100;
const REQUESTS: usize = 300;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let place = Place::new("inbox")?;
    runtime()?.block_on(measure(&place, scale))
}

/// One stage that asks a team of everybody, and one of its project.
fn pipeline(project: usize, number: usize) -> String {
    format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app-{number}, project: bench-{project}}}\nspec:\n  \
         artifacts: [{{name: app, kind: file}}]\n  stages:\n    - name: production\n      production: true\n      \
         target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      \
         approval: [{{any_order: true, layers: [{{from: tech-lead}}, {{from: team-{project}}}]}}]\n"
    )
}

async fn somebody(hub: &Hub, name: &str, groups: &[&str]) -> Result<String, String> {
    let secret = gateline_server::auth::draw_secret().map_err(|err| format!("{err:?}"))?;
    let groups = groups.iter().map(|group| group.parse::<GroupName>());
    let command = Command::IssueToken {
        id: name.parse().map_err(|err| format!("{err}"))?,
        hash: secret.hash,
        actor: name.parse().map_err(|err| format!("{err}"))?,
        scopes: vec![Scope::Read, Scope::Approve],
        groups: groups.collect::<Result<_, _>>().map_err(|err| err.to_string())?,
        expires: None,
    };
    let gateline = gateline_core::Actor::gateline();
    let done = hub.submit(gateline, command, None, Vec::new()).await;
    done.map_err(|err| format!("a command was refused: {err:?}"))?;
    Ok(secret.text)
}

async fn measure(place: &Place, scale: Scale) -> Result<(), String> {
    let hub = place.hub()?;
    let (pipelines, requests) = scale.of((100, REQUESTS), (1, 20));
    for project in 0..PROJECTS {
        for number in 0..pipelines {
            let pipeline = apply(&hub, &pipeline(project, number)).await?;
            register(&hub, &release(pipeline.reference(), "1.0.0")).await?;
        }
    }
    let began = Instant::now();
    while asking(&hub) < PROJECTS * pipelines {
        if began.elapsed() > Duration::from_secs(600) {
            return Err(format!("only {} promotions ask", asking(&hub)));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let all = somebody(&hub, "all", &["tech-lead"]).await?;
    let some = somebody(&hub, "some", &["team-42"]).await?;
    let none = somebody(&hub, "none", &[]).await?;
    let served = Served::start_as(hub, none.clone()).await?;
    println!("| request | who | p50 | p99 | bytes |\n|---|---|---|---|---|");
    for (path, who, token) in [
        (LIMIT, "anybody: the limit of HTTP itself".to_owned(), &none),
        (
            "/api/v1/inbox",
            format!("asked {} times", PROJECTS * pipelines),
            &all,
        ),
        ("/inbox", format!("asked {} times", PROJECTS * pipelines), &all),
        ("/inbox", format!("asked {pipelines} times"), &some),
        ("/inbox", "asked nothing".to_owned(), &none),
    ] {
        let paths = std::iter::repeat_n(path.to_owned(), requests);
        let (mut times, bytes) = served.by(token).ask(paths).await?;
        println!("| `{path}` | {who} | {} | {bytes} |", cells(&mut times));
    }
    println!("\n{PROJECTS} projects x {pipelines} pipelines, each with a promotion that asks two teams.");
    Ok(())
}

fn asking(hub: &Hub) -> usize {
    hub.with_world(|world| {
        let decided = world
            .promotions()
            .filter_map(|promotion| promotion.decision.as_ref());
        decided
            .filter(|decision| {
                decision
                    .verdicts
                    .iter()
                    .any(gateline_model::GateVerdict::is_asking)
            })
            .count()
    })
}
