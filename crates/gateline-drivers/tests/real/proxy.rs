//! The proxy as a process of its own, with real services behind it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::scene::{Scene, TESTBED, ask, bounded, free_address, payment_service, proxy_at, until};
use gateline_drivers::payment_service::Totals;
use gateline_drivers::proxy::{
    ArmSettings, Arms, ClientError, HEADERS_BYTES_MAX, LINE_BYTES_MAX, ProxyClient, REQUEST_BODY_BYTES_MAX,
    Route,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};

const ROUTE: &str = "payments/production";

fn arm(release: &str, weight: u8, backends: &[SocketAddr]) -> ArmSettings {
    ArmSettings {
        release: Some(release.into()),
        weight,
        backends: backends.to_vec(),
    }
}

fn route(scene: &Scene, key: &str, stable: ArmSettings, canary: ArmSettings) -> Route {
    Route {
        route: ROUTE.into(),
        listen: scene.listen,
        arms: Arms {
            stable,
            canary,
            ..Arms::default()
        },
        key: key.into(),
    }
}

fn all_to(scene: &Scene, key: &str, backends: &[SocketAddr]) -> Route {
    route(scene, key, arm("old", 100, backends), ArmSettings::default())
}

async fn client(scene: &Scene) -> ProxyClient {
    ProxyClient::connect(&scene.control()).await.unwrap()
}

/// A backend that says these bytes to every connection, whatever is asked, and closes it.
async fn liar(says: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(says.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn of_1000_requests_at_5_per_cent_the_canary_answers_50() {
    bounded(async {
        let scene = Scene::new().await;
        let (_old, old) = payment_service("1.0.0", &[]).await;
        let (_new, new) = payment_service("2.0.0", &["error_percent=10"]).await;
        let set = route(&scene, "1", arm("old", 95, &[old]), arm("new", 5, &[new]));
        assert!(client(&scene).await.set(&set).await.unwrap());
        let load = scene.load(500);
        scene.answered(&load, 1_000).await;
        let Totals { sent, .. } = load.stop().await;
        // The generator does not stop at exactly 1000: fill up to the next thousand.
        for _ in 0..(1_000 - sent % 1_000) % 1_000 {
            ask(scene.listen, "GET /pay").await.unwrap();
        }
        let thousands = sent.div_ceil(1_000);
        let shown = scene.proxy_view().await.route.unwrap();
        assert_eq!(
            (shown.canary.requests, shown.canary.errors),
            (50 * thousands, 5 * thousands)
        );
        assert_eq!((shown.stable.requests, shown.stable.errors), (950 * thousands, 0));
        assert_eq!(shown.stable.buckets.last().unwrap().1, 950 * thousands);
    })
    .await;
}

#[tokio::test]
async fn changing_a_route_under_load_loses_no_request() {
    bounded(async {
        let scene = Scene::new().await;
        let (_a, a) = payment_service("1.0.0", &["latency_ms=5"]).await;
        let (_b, b) = payment_service("2.0.0", &["latency_ms=5"]).await;
        let mut client = client(&scene).await;
        client.set(&all_to(&scene, "first", &[a])).await.unwrap();
        let load = scene.load(300);
        for turn in 0..40 {
            scene.answered(&load, 10).await;
            let to = if turn % 2 == 0 { b } else { a };
            assert!(
                client
                    .set(&all_to(&scene, &turn.to_string(), &[to]))
                    .await
                    .unwrap()
            );
        }
        let Totals { sent, ok, bad } = load.stop().await;
        assert!(sent >= 400);
        assert_eq!((ok, bad), (sent, 0));
    })
    .await;
}

#[tokio::test]
async fn requests_in_flight_finish_at_the_backend_that_left_the_route() {
    bounded(async {
        let scene = Scene::new().await;
        let (_old, old) = payment_service("1.0.0", &["latency_ms=1500"]).await;
        let (_new, new) = payment_service("2.0.0", &[]).await;
        client(&scene)
            .await
            .set(&all_to(&scene, "1", &[old]))
            .await
            .unwrap();
        let listen = scene.listen;
        let slow = tokio::spawn(async move { ask(listen, "GET /pay").await });
        until(|| async { scene.proxy_view().await.in_flight.get(&old) == Some(&1) }).await;
        client(&scene)
            .await
            .set(&all_to(&scene, "2", &[new]))
            .await
            .unwrap();
        assert!(
            ask(scene.listen, "GET /version")
                .await
                .unwrap()
                .1
                .ends_with("2.0.0\n")
        );
        let (status, answer) = slow.await.unwrap().unwrap();
        assert!(status == 200 && answer.contains("1.0.0"), "{answer}");
        until(|| async { scene.proxy_view().await.in_flight.is_empty() }).await;
    })
    .await;
}

#[tokio::test]
async fn a_get_that_one_backend_cannot_take_is_answered_by_another() {
    bounded(async {
        let scene = Scene::new().await;
        let (_service, good) = payment_service("1.0.0", &[]).await;
        let (nobody, silent) = (free_address(), liar("").await);
        client(&scene)
            .await
            .set(&all_to(&scene, "1", &[nobody, good, silent, good]))
            .await
            .unwrap();
        for _ in 0..20 {
            assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
        }
        let shown = scene.proxy_view().await.route.unwrap();
        assert_eq!((shown.stable.requests, shown.stable.errors), (20, 0));
    })
    .await;
}

#[tokio::test]
async fn a_canary_that_cannot_be_reached_is_counted_although_the_sender_gets_an_answer() {
    bounded(async {
        let scene = Scene::new().await;
        let (_service, good) = payment_service("1.0.0", &[]).await;
        let set = route(
            &scene,
            "1",
            arm("old", 50, &[good]),
            arm("new", 50, &[free_address()]),
        );
        client(&scene).await.set(&set).await.unwrap();
        for _ in 0..20 {
            assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
        }
        let shown = scene.proxy_view().await.route.unwrap();
        assert_eq!((shown.canary.requests, shown.canary.errors), (10, 10));
        assert_eq!((shown.stable.requests, shown.stable.errors), (20, 0));
    })
    .await;
}

#[tokio::test]
async fn a_backend_that_breaks_off_is_an_error_of_its_arm_and_never_asked_twice_by_post() {
    bounded(async {
        let scene = Scene::new().await;
        let half = liar("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
        let mut client = client(&scene).await;
        client.set(&all_to(&scene, "1", &[half])).await.unwrap();
        let (_, answer) = ask(scene.listen, "GET /pay").await.unwrap();
        assert!(
            answer.contains("Content-Length: 100") || answer.contains("content-length: 100"),
            "{answer}"
        );
        until(|| async { scene.proxy_view().await.route.unwrap().stable.errors == 1 }).await;

        let silent = liar("").await;
        client.set(&all_to(&scene, "2", &[silent])).await.unwrap();
        assert_eq!(ask(scene.listen, "POST /pay").await.unwrap().0, 502);
        let shown = scene.proxy_view().await.route.unwrap();
        assert_eq!((shown.stable.requests, shown.stable.errors), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_or_no_request_is_refused_and_no_error_of_any_arm() {
    bounded(async {
        let scene = Scene::new().await;
        let (_service, good) = payment_service("1.0.0", &[]).await;
        client(&scene)
            .await
            .set(&all_to(&scene, "1", &[good]))
            .await
            .unwrap();
        let raw = async |request: String| {
            let mut stream = TcpStream::connect(scene.listen).await.unwrap();
            let _ = stream.write_all(request.as_bytes()).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).into_owned()
        };
        let end = "Host: shop\r\nConnection: close\r\n";
        let huge = REQUEST_BODY_BYTES_MAX + 1;
        for (request, status) in [
            (
                format!("POST /set HTTP/1.1\r\n{end}Content-Length: {huge}\r\n\r\n"),
                "413",
            ),
            (
                format!(
                    "GET /pay HTTP/1.1\r\n{end}X-Huge: {}\r\n\r\n",
                    "x".repeat(2 * HEADERS_BYTES_MAX)
                ),
                "431",
            ),
            (format!("CONNECT shop:443 HTTP/1.1\r\n{end}\r\n"), "501"),
            ("\u{1}\u{2}\u{3} nonsense\r\n\r\n".to_owned(), "400"),
        ] {
            let answer = raw(request).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{status}: {answer}"
            );
        }
        let shown = scene.proxy_view().await.route.unwrap();
        assert_eq!((shown.stable.requests, shown.stable.errors), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_body_that_grows_too_large_on_the_way_is_ended_and_no_error_of_any_arm() {
    bounded(async {
        let scene = Scene::new().await;
        // Reads whatever comes, and says nothing.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = listener.local_addr().unwrap();
        let read = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
        });
        client(&scene)
            .await
            .set(&all_to(&scene, "1", &[sink]))
            .await
            .unwrap();
        let mut stream = TcpStream::connect(scene.listen).await.unwrap();
        let head = "POST /set HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = [b"100000\r\n".to_vec(), vec![b'x'; 0x10_0000], b"\r\n".to_vec()].concat();
        for _ in 0..=REQUEST_BODY_BYTES_MAX / 0x10_0000 {
            // The proxy may close before it has read everything.
            let _ = stream.write_all(&chunk).await;
        }
        let _ = read.await.unwrap();
        until(|| async { scene.proxy_view().await.in_flight.is_empty() }).await;
        let shown = scene.proxy_view().await.route.unwrap();
        assert_eq!((shown.stable.requests, shown.stable.errors), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_restarted_proxy_goes_on_with_the_same_routes() {
    bounded(async {
        let mut scene = Scene::new().await;
        let (_service, good) = payment_service("1.0.0", &[]).await;
        let set = all_to(&scene, "the key", &[good]);
        client(&scene).await.set(&set).await.unwrap();
        scene.proxy.0.kill().unwrap();
        scene.proxy.0.wait().unwrap();
        assert!(ask(scene.listen, "GET /pay").await.is_none());
        // Its socket is still there, and stale.
        assert!(scene.control().exists());
        scene.proxy = proxy_at(&scene.control()).await;
        until(|| async { scene.proxy_view().await.route.unwrap().listening }).await;
        assert_eq!(scene.proxy_view().await.route.unwrap().set, set);
        assert_eq!(ask(scene.listen, "GET /pay").await.unwrap().0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_removed_route_stays_away_over_a_restart() {
    bounded(async {
        let mut scene = Scene::new().await;
        let (_service, good) = payment_service("1.0.0", &[]).await;
        client(&scene)
            .await
            .set(&all_to(&scene, "1", &[good]))
            .await
            .unwrap();
        assert_eq!(client(&scene).await.list().await.unwrap(), [ROUTE]);
        assert!(client(&scene).await.remove(ROUTE).await.unwrap());
        assert!(!client(&scene).await.remove(ROUTE).await.unwrap());
        scene.proxy.0.kill().unwrap();
        scene.proxy.0.wait().unwrap();
        scene.proxy = proxy_at(&scene.control()).await;
        assert!(client(&scene).await.list().await.unwrap().is_empty());
        assert!(ask(scene.listen, "GET /pay").await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_second_proxy_on_the_same_socket_is_refused_and_the_first_goes_on() {
    bounded(async {
        let scene = Scene::new().await;
        let mut second = tokio::process::Command::new(TESTBED);
        second.arg("proxy").arg(scene.control()).kill_on_drop(true);
        let output = second.output().await.unwrap();
        assert!(!output.status.success());
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(says.contains("another proxy already runs on"), "{says}");
        assert!(client(&scene).await.list().await.unwrap().is_empty());
        let mode = std::fs::metadata(scene.control()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    })
    .await;
}

#[tokio::test]
async fn a_proxy_does_not_start_without_the_routes_that_it_had() {
    bounded(async {
        let dir = tempfile::tempdir().unwrap();
        for bad in [
            "",
            "{\"routes\": [",
            "{\"routes\": [{\"route\": \"a\"}]}",
            &"[".repeat(1_000_000),
        ] {
            std::fs::write(dir.path().join("control.state.json"), bad).unwrap();
            let output = tokio::process::Command::new(TESTBED)
                .args(["proxy", dir.path().join("control").to_str().unwrap()])
                .kill_on_drop(true)
                .output()
                .await
                .unwrap();
            assert!(!output.status.success());
            let says = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                says.contains("does not hold routes") && says.contains("move it away"),
                "{says}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn one_key_is_one_setting() {
    bounded(async {
        let scene = Scene::new().await;
        let (a, b) = (free_address(), free_address());
        let mut client = client(&scene).await;
        assert!(client.set(&all_to(&scene, "1", &[a])).await.unwrap());
        assert!(!client.set(&all_to(&scene, "1", &[a])).await.unwrap());
        let err = client.set(&all_to(&scene, "1", &[b])).await.unwrap_err();
        assert!(
            matches!(&err, ClientError::Refused { why, .. } if why.contains("use a new key")),
            "{err}"
        );
        assert_eq!(
            scene.proxy_view().await.route.unwrap().set.arms.stable.backends,
            [a]
        );
    })
    .await;
}

#[tokio::test]
async fn a_route_whose_address_is_taken_is_refused_and_changes_nothing() {
    bounded(async {
        let scene = Scene::new().await;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = taken.local_addr().unwrap();
        let set = Route {
            listen,
            ..all_to(&scene, "1", &[free_address()])
        };
        let err = client(&scene).await.set(&set).await.unwrap_err();
        assert!(
            err.to_string().contains(&format!("could not listen on {listen}")),
            "{err}"
        );
        assert!(client(&scene).await.list().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_on_the_control_socket_and_the_proxy_goes_on() {
    bounded(async {
        let scene = Scene::new().await;
        for (line, says) in [
            ("{".to_owned(), "not a request"),
            ("\"list\"".to_owned(), "not a request"),
            ("{\"list\": {}, \"get\": {}}".to_owned(), "not a request"),
            (
                "{\"get\": {\"route\": \"a\", \"colour\": 1}}".to_owned(),
                "unknown field `colour`",
            ),
            ("[".repeat(10_000), "not a request"),
            ("x".repeat(2 * LINE_BYTES_MAX), "longer than"),
        ] {
            let mut stream = BufReader::new(UnixStream::connect(scene.control()).await.unwrap());
            // A proxy that refuses early closes before it has read everything.
            let _ = stream.write_all(format!("{line}\n").as_bytes()).await;
            let mut reply = String::new();
            stream.read_line(&mut reply).await.unwrap();
            assert!(
                reply.starts_with("{\"refused\"") && reply.contains(says),
                "{line:.40}: {reply}"
            );
        }
        assert!(client(&scene).await.list().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_proxy_that_is_asked_to_end_finishes_its_requests_first() {
    bounded(async {
        let mut scene = Scene::new().await;
        let (_service, slow) = payment_service("1.0.0", &["latency_ms=1000"]).await;
        client(&scene)
            .await
            .set(&all_to(&scene, "1", &[slow]))
            .await
            .unwrap();
        let listen = scene.listen;
        let request = tokio::spawn(async move { ask(listen, "GET /pay").await });
        until(|| async { scene.proxy_view().await.in_flight.get(&slow) == Some(&1) }).await;
        let pid = scene.proxy.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(request.await.unwrap().unwrap().0, 200);
        assert!(scene.proxy.0.wait().unwrap().success());
        assert!(!scene.control().exists());
    })
    .await;
}
