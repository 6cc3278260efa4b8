//! The inbox with 10,000 open approvals: of somebody who is asked all of them, of somebody who is asked a hundredth, and of
//! somebody who asked for nothing and is asked nothing.

use std::time::{Duration, Instant};

use gateline_core::Command;
use gateline_model::{GroupName, Scope};
use gateline_server::hub::Hub;

use super::numbers::{Times, ms};
use super::place::{Place, apply, register, release, runtime};

const PROJECTS: usize = 100;
const PIPELINES: usize = 100;
const REQUESTS: usize = 300;

pub(super) fn run() -> Result<(), String> {
    let place = Place::new("inbox")?;
    runtime()?.block_on(measure(&place))
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

async fn measure(place: &Place) -> Result<(), String> {
    gateline_drivers::install_crypto();
    let hub = place.hub()?;
    for project in 0..PROJECTS {
        for number in 0..PIPELINES {
            let pipeline = apply(&hub, &pipeline(project, number)).await?;
            register(&hub, &release(pipeline.reference(), "1.0.0")).await?;
        }
    }
    let began = Instant::now();
    while asking(&hub) < PROJECTS * PIPELINES {
        if began.elapsed() > Duration::from_secs(600) {
            return Err(format!("only {} promotions ask", asking(&hub)));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let all = somebody(&hub, "all", &["tech-lead"]).await?;
    let some = somebody(&hub, "some", &["team-42"]).await?;
    let none = somebody(&hub, "none", &[]).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|err| err.to_string())?;
    let address = listener.local_addr().map_err(|err| err.to_string())?;
    let router = gateline_server::router(hub.clone(), gateline_server::Settings::default());
    tokio::spawn(async move { axum::serve(listener, router).await });
    println!("| request | who | p50 | p99 | bytes |\n|---|---|---|---|---|");
    let client = reqwest::Client::new();
    for (path, who, token) in [
        ("/healthz", "anybody: the limit of HTTP itself", &none),
        ("/api/v1/inbox", "asked 10,000 times", &all),
        ("/inbox", "asked 10,000 times", &all),
        ("/inbox", "asked 100 times", &some),
        ("/inbox", "asked nothing", &none),
    ] {
        let mut times = Times::default();
        let mut bytes = 0;
        for _ in 0..REQUESTS {
            let asked = Instant::now();
            let request = client.get(format!("http://{address}{path}")).bearer_auth(token);
            let answer = request.send().await.and_then(reqwest::Response::error_for_status);
            let answer = answer.map_err(|err| err.to_string())?;
            bytes = answer.bytes().await.map_err(|err| err.to_string())?.len();
            times.push(asked.elapsed());
        }
        let (p50, p99) = (ms(times.percentile(0.5)), ms(times.percentile(0.99)));
        println!("| `{path}` | {who} | {p50} | {p99} | {bytes} |");
    }
    println!("\n{PROJECTS} projects x {PIPELINES} pipelines, each with a promotion that asks two teams.");
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
