//! For the tests of this crate only: runs the proxy and the payment service as processes of their own.
//! The binary that users have is `gateline`.

use std::future::pending;
use std::path::Path;
use std::process::ExitCode;

use gateline_drivers::payment_service::{self, Settings};
use gateline_drivers::proxy;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["proxy", control] => proxy::run(Path::new(control)).await?,
        ["payment-service", port, version, ref more @ ..] => {
            let mut settings = Settings {
                port: port.parse()?,
                version: version.into(),
                ..Settings::default()
            };
            for (name, value) in more.iter().filter_map(|pair| pair.split_once('=')) {
                match name {
                    "error_percent" => settings.error_percent = value.parse()?,
                    "latency_ms" => settings.latency_ms = value.parse()?,
                    "start_up_ms" => settings.start_up_ms = value.parse()?,
                    _ => return Err(format!("`{name}` is not a setting").into()),
                }
            }
            payment_service::run(settings).await?;
        }
        // Hears SIGTERM and goes on.
        ["stubborn", port] => {
            let _heard = signal(SignalKind::terminate())?;
            payment_service::serve(
                Settings {
                    port: port.parse()?,
                    ..Settings::default()
                },
                pending(),
            )
            .await?;
        }
        // Leaves its requests unanswered at SIGTERM.
        ["abrupt", port, version, latency_ms] => {
            let (port, version, latency_ms) = (port.parse()?, version.into(), latency_ms.parse()?);
            payment_service::serve(
                Settings {
                    port,
                    version,
                    latency_ms,
                    ..Settings::default()
                },
                pending(),
            )
            .await?;
        }
        _ => {
            return Err(
                "usage: proxy CONTROL | payment-service PORT VERSION [NAME=VALUE..] | stubborn PORT | abrupt PORT VERSION LATENCY_MS".into(),
            );
        }
    }
    Ok(())
}
