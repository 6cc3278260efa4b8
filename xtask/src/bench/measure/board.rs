//! The board with 1,000 pipelines of 5 stages: the JSON that the API gives and the page that a browser gets.

use std::time::{Duration, Instant};

use gateline_server::hub::Hub;

use super::numbers::{Times, ms};
use super::place::{Place, apply, register, release, runtime};

const PIPELINES: usize = 1_000;
const REQUESTS: usize = 300;

pub(super) fn run() -> Result<(), String> {
    let place = Place::new("board")?;
    runtime()?.block_on(measure(&place))
}

fn pipeline(number: usize) -> String {
    let mut text = format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app-{number}, project: bench}}\nspec:\n  \
         artifacts: [{{name: app, kind: file}}]\n  stages:\n"
    );
    let names = ["dev", "test", "staging", "canary", "production"];
    for (index, name) in names.iter().enumerate() {
        let after = if index == 0 {
            String::new()
        } else {
            format!(", after: [{}]", names[index - 1])
        };
        text.push_str(&format!(
            "    - {{name: {name}{after}, target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}, health_every: 1d}}\n"
        ));
    }
    text
}

async fn measure(place: &Place) -> Result<(), String> {
    gateline_drivers::install_crypto();
    let hub = place.hub()?;
    for number in 0..PIPELINES {
        let pipeline = apply(&hub, &pipeline(number)).await?;
        register(&hub, &release(pipeline.reference(), "1.0.0")).await?;
    }
    // The command driver takes every release through its five stages.
    let began = Instant::now();
    while live(&hub) < PIPELINES * 5 {
        if began.elapsed() > Duration::from_secs(600) {
            return Err(format!(
                "only {} of {} stages are live",
                live(&hub),
                PIPELINES * 5
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let token = gateline_server::serve::first_secret(&hub).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|err| err.to_string())?;
    let address = listener.local_addr().map_err(|err| err.to_string())?;
    let router = gateline_server::router(hub, gateline_server::Settings::default());
    tokio::spawn(async move { axum::serve(listener, router).await });
    println!("| request | p50 | p99 | bytes |\n|---|---|---|---|");
    let client = reqwest::Client::new();
    for path in ["/healthz", "/api/v1/board", "/api/v1/board?limit=500", "/"] {
        let mut times = Times::default();
        let mut bytes = 0;
        for _ in 0..REQUESTS {
            let asked = Instant::now();
            let request = client.get(format!("http://{address}{path}")).bearer_auth(&token);
            let answer = request
                .header("cookie", format!("gateline_session={token}"))
                .send()
                .await;
            let answer = answer
                .and_then(reqwest::Response::error_for_status)
                .map_err(|err| err.to_string())?;
            bytes = answer.bytes().await.map_err(|err| err.to_string())?.len();
            times.push(asked.elapsed());
        }
        println!(
            "| `{path}` | {} | {} | {bytes} |",
            ms(times.percentile(0.5)),
            ms(times.percentile(0.99))
        );
    }
    println!(
        "\n{PIPELINES} pipelines x 5 stages, every stage live; `/healthz` is the limit of the HTTP path itself."
    );
    Ok(())
}

fn live(hub: &Hub) -> usize {
    hub.with_world(|world| world.stages().filter(|(_, stage)| stage.live.is_some()).count())
}
