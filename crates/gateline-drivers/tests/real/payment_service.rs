//! The demonstration's service, as a process.

use std::process::Command;

use crate::scene::{ask, bounded, payment_service, until};

#[tokio::test]
async fn only_payments_fail_as_set_and_health_stays_green() {
    bounded(async {
        let (_service, at) = payment_service("1.2.0", &["error_percent=50"]).await;
        let mut failed = 0;
        for _ in 0..10 {
            failed += u32::from(ask(at, "GET /pay").await.unwrap().0 == 500);
            assert_eq!(ask(at, "GET /healthz").await.unwrap().0, 200);
        }
        assert_eq!(failed, 5);
        assert_eq!(ask(at, "POST /set?error_percent=0").await.unwrap().0, 200);
        assert_eq!(ask(at, "GET /pay").await.unwrap().0, 200);
        assert_eq!(ask(at, "POST /set?error_percent=half").await.unwrap().0, 400);
        let (_, page) = ask(at, "GET /metrics").await.unwrap();
        assert!(
            page.contains("application/openmetrics-text; version=1.0.0"),
            "{page}"
        );
        assert!(
            page.contains("payment_requests_total{code=\"500\"} 5\n"),
            "{page}"
        );
        assert!(page.ends_with("# EOF\n"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn it_is_not_healthy_before_it_has_started_up() {
    bounded(async {
        let (_service, at) = payment_service("1.0.0", &["start_up_ms=3600000"]).await;
        assert_eq!(ask(at, "GET /healthz").await.unwrap().0, 503);
        let (_service, at) = payment_service("1.0.0", &["start_up_ms=300"]).await;
        until(|| async { ask(at, "GET /healthz").await.unwrap().0 == 200 }).await;
    })
    .await;
}

#[tokio::test]
async fn after_sigterm_it_takes_nothing_new_and_finishes_what_it_has() {
    bounded(async {
        let (mut service, at) = payment_service("1.0.0", &["latency_ms=1000"]).await;
        let slow = tokio::spawn(async move { ask(at, "GET /pay").await });
        let begun = "payment_requests_in_flight 1\n";
        until(|| async { ask(at, "GET /metrics").await.unwrap().1.contains(begun) }).await;
        let pid = service.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        until(|| async { ask(at, "GET /version").await.is_none() }).await;
        assert_eq!(slow.await.unwrap().unwrap().0, 200);
        assert!(service.0.wait().unwrap().success());
    })
    .await;
}
