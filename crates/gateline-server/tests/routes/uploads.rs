//! Large evidence: broken off and gone on with, held against its digest, and bounded.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use gateline_api::{EvidenceView, REPR_DIGEST_HEADER, UPLOAD_OFFSET_HEADER, UploadView, repr_digest};
use gateline_model::limits::EVIDENCE_BYTES_MAX;
use gateline_model::{Digest, Scope};
use gateline_server::{
    UPLOAD_IDLE_SECS_MAX, UPLOAD_MEMORY_BYTES_MAX, UPLOAD_SECS_MAX, UPLOADS_PER_ACTOR_MAX,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{App, Client, PIPELINE, body_of, junit, problem_of};

const ADDRESS: &str = "/api/v1/releases/payment-service@1.0.0/evidence";

async fn registered() -> (App, Client) {
    let (app, admin, _, _) = App::with_release(PIPELINE).await;
    (app, admin)
}

/// A report that is too long for the memory.
fn report() -> Vec<u8> {
    let report = junit(60_000, 0);
    assert!(report.len() > 2 * UPLOAD_MEMORY_BYTES_MAX);
    report
}

/// An upload under a key.
struct Upload<'c> {
    client: &'c Client,
    key: &'c str,
    digest: Digest,
}

impl<'c> Upload<'c> {
    fn of(client: &'c Client, key: &'c str, bytes: &[u8]) -> Self {
        Self {
            client,
            key,
            digest: Digest::of(bytes),
        }
    }

    async fn send(&self, offset: usize, body: Body) -> Response<Body> {
        let request = Request::post(ADDRESS)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.client.token()))
            .header(gateline_api::IDEMPOTENCY_HEADER, self.key)
            .header(REPR_DIGEST_HEADER, repr_digest(&self.digest))
            .header(UPLOAD_OFFSET_HEADER, offset);
        self.client.send_request(request.body(body).unwrap()).await
    }

    /// Sends some of it, and then the connection breaks.
    async fn break_off(&self, bytes: &[u8]) {
        let pieces = [
            Ok(bytes.to_vec()),
            Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        ];
        let response = self
            .send(0, Body::from_stream(futures::stream::iter(pieces)))
            .await;
        assert_eq!(problem_of(response).await.code, "request.body");
    }

    async fn stands(&self) -> UploadView {
        let request = Request::get(format!("{ADDRESS}/uploads/{}", self.key))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.client.token()))
            .header(REPR_DIGEST_HEADER, repr_digest(&self.digest));
        let response = self
            .client
            .send_request(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice(&body_of(response).await).unwrap()
    }

    /// Waits until so much of it has arrived.
    async fn stands_at(&self, offset: usize) {
        while self.stands().await.offset != offset as u64 {
            tokio::task::yield_now().await;
        }
    }

    async fn finish(&self, offset: usize, bytes: &[u8]) -> EvidenceView {
        let response = self.send(offset, Body::from(bytes[offset..].to_vec())).await;
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice(&body_of(response).await).unwrap()
    }

    /// Begins to send over a real connection, which stays open.
    async fn connect(&self, app: &App, bytes: &[u8], sent: usize) -> TcpStream {
        let mut stream = TcpStream::connect(app.listen().await).await.unwrap();
        let head = format!(
            "POST {ADDRESS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nidempotency-key: {}\r\n\
             repr-digest: {}\r\ncontent-length: {}\r\n\r\n",
            self.client.token(),
            self.key,
            repr_digest(&self.digest),
            bytes.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&bytes[..sent]).await.unwrap();
        stream
    }
}

fn files(app: &App) -> usize {
    std::fs::read_dir(app.dir().join("gateline.db-uploads")).map_or(0, |files| files.count())
}

async fn kept(client: &Client, view: &EvidenceView) -> Vec<u8> {
    let raw = view.raw.unwrap();
    body_of(client.get(&format!("/api/v1/evidence/raw/{raw}")).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_gone_on_with_where_the_server_has_it() {
    let (app, admin) = registered().await;
    let report = report();
    let upload = Upload::of(&admin, "job-7", &report);
    let half = report.len() / 2;
    let stream = upload.connect(&app, &report, half).await;
    upload.stands_at(half).await;
    drop(stream);
    let view = upload.finish(half, &report).await;
    assert_eq!(view.says, "60000 passed, 0 failed, 0 errored, 0 skipped of 60000");
    assert!(kept(&admin, &view).await == report);
    assert_eq!(files(&app), 0);
    // The same again is the same answer, and takes no byte of the body.
    let stands = upload.stands().await;
    assert_eq!((stands.complete, stands.offset, stands.until), (true, 0, None));
    let again = upload.send(report.len(), Body::empty()).await;
    let again: EvidenceView = serde_json::from_slice(&body_of(again).await).unwrap();
    assert_eq!(again, view);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_under_the_same_key_goes_on_and_the_first_is_told() {
    let (app, admin) = registered().await;
    let report = report();
    let upload = Upload::of(&admin, "job-7", &report);
    let half = report.len() / 2;
    let mut first = upload.connect(&app, &report, half).await;
    upload.stands_at(half).await;
    upload.finish(half, &report).await;
    let mut answer = String::new();
    let _ = first.read_to_string(&mut answer).await;
    assert!(
        answer.starts_with("HTTP/1.1 409") && answer.contains("upload.taken_over"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_arrived_is_there_after_a_restart() {
    let (app, admin) = registered().await;
    let report = report();
    let half = report.len() / 2;
    Upload::of(&admin, "job-7", &report)
        .break_off(&report[..half])
        .await;
    let restarted = app.again(&admin);
    let upload = Upload::of(&restarted, "job-7", &report);
    let stands = upload.stands().await;
    assert_eq!((stands.offset, stands.complete), (half as u64, false));
    assert!(stands.until.is_some());
    let view = upload.finish(half, &report).await;
    assert!(kept(&restarted, &view).await == report);
}

#[tokio::test]
async fn the_same_key_with_other_bytes_is_refused_before_and_after() {
    let (_app, admin) = registered().await;
    let (report, other) = (report(), junit(60_001, 0));
    let upload = Upload::of(&admin, "job-7", &report);
    upload.break_off(&report[..report.len() / 2]).await;
    let foreign = Upload::of(&admin, "job-7", &other);
    let refused = || async {
        problem_of(foreign.send(0, Body::from(other.clone())).await)
            .await
            .code
    };
    assert_eq!(refused().await, "idempotency.key_reused");
    upload.finish(report.len() / 2, &report).await;
    assert_eq!(refused().await, "idempotency.key_reused");
    let others = Upload::of(&admin, "job-8", &other);
    assert_eq!(others.stands().await.offset, 0);
    others.finish(0, &other).await;
}

#[tokio::test]
async fn bytes_that_are_not_the_announced_ones_are_not_recorded() {
    let (app, admin) = registered().await;
    let (report, other) = (report(), junit(60_001, 0));
    let size = app.hub.with_world(|world| world.next());
    for sent in [report.clone(), junit(1, 0)] {
        let upload = Upload::of(&admin, "job-7", &other);
        let problem = problem_of(upload.send(0, Body::from(sent)).await).await;
        assert_eq!((problem.status, problem.code.as_str()), (422, "upload.digest"));
    }
    // What goes on with other bytes is found out as well.
    let upload = Upload::of(&admin, "job-9", &other);
    upload.break_off(&report[..2_000_000].to_ascii_uppercase()).await;
    let problem = problem_of(
        upload
            .send(2_000_000, Body::from(other[2_000_000..].to_vec()))
            .await,
    )
    .await;
    assert_eq!(problem.code, "upload.digest");
    assert_eq!(upload.stands().await.offset, 0, "it begins anew");
    assert_eq!(app.hub.with_world(|world| world.next()), size);
    assert_eq!(files(&app), 0);
}

#[tokio::test]
async fn a_body_that_begins_elsewhere_is_told_where_it_stands() {
    let (_app, admin) = registered().await;
    let report = report();
    let upload = Upload::of(&admin, "job-7", &report);
    upload.break_off(&report[..2_000_000]).await;
    for offset in [1, 1_999_999, 2_000_001] {
        let problem = problem_of(upload.send(offset, Body::from(report[offset..].to_vec())).await).await;
        assert_eq!(problem.code, "upload.offset");
        assert!(
            problem.detail.contains("stands at byte 2000000"),
            "{}",
            problem.detail
        );
    }
    // From the beginning is always right.
    upload.finish(0, &report).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_nothing_of_it_stays() {
    let (app, admin) = registered().await;
    let piece = vec![b' '; 1 << 20];
    let pieces = std::iter::repeat_n(piece, EVIDENCE_BYTES_MAX / (1 << 20) + 1);
    let body = Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, io::Error>)));
    let problem = problem_of(Upload::of(&admin, "job-7", b"").send(0, body).await).await;
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (413, "request.body_too_large")
    );
    assert!(
        problem.detail.contains("EVIDENCE_BYTES_MAX"),
        "{}",
        problem.detail
    );
    assert_eq!(files(&app), 0);
}

#[tokio::test]
async fn a_body_that_trickles_is_taken_no_longer_than_the_limit_and_silence_less() {
    let (_app, admin) = registered().await;
    let upload = Upload::of(&admin, "job-7", b"");
    for (every, limit, secs) in [
        (UPLOAD_IDLE_SECS_MAX - 1, "UPLOAD_SECS_MAX", UPLOAD_SECS_MAX),
        (
            UPLOAD_IDLE_SECS_MAX + 1,
            "UPLOAD_IDLE_SECS_MAX",
            UPLOAD_IDLE_SECS_MAX,
        ),
    ] {
        tokio::time::pause();
        let started = tokio::time::Instant::now();
        let trickle = futures::stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(every)).await;
            Some((Ok::<_, io::Error>(b"<".to_vec()), ()))
        });
        let problem = problem_of(upload.send(0, Body::from_stream(trickle)).await).await;
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (408, "request.body_slow")
        );
        assert!(problem.detail.contains(limit), "{}", problem.detail);
        assert_eq!(started.elapsed().as_secs(), secs, "by the paused clock");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn an_actor_may_begin_only_so_many_uploads() {
    let (app, admin) = registered().await;
    let report = report();
    let keys: Vec<String> = (0..UPLOADS_PER_ACTOR_MAX)
        .map(|number| format!("job-{number}"))
        .collect();
    for key in &keys {
        Upload::of(&admin, key, &report)
            .break_off(&report[..UPLOAD_MEMORY_BYTES_MAX + 1])
            .await;
    }
    let one_more = Upload::of(&admin, "one-more", &report);
    one_more.break_off(&report[..UPLOAD_MEMORY_BYTES_MAX + 1]).await;
    // The one that broke off longest ago made room for it; the others stand where they stood.
    Upload::of(&admin, &keys[0], &report).stands_at(0).await;
    Upload::of(&admin, &keys[1], &report)
        .stands_at(UPLOAD_MEMORY_BYTES_MAX + 1)
        .await;
    // What is short needs no room there, and others have room of their own.
    Upload::of(&admin, "short", &junit(1, 0))
        .finish(0, &junit(1, 0))
        .await;
    let ci = app.actor("ci", &[Scope::SubmitEvidence], &[], None).await;
    Upload::of(&ci, "one-more", &report).finish(0, &report).await;
    // One that is finished makes room for another.
    Upload::of(&admin, &keys[3], &report)
        .finish(UPLOAD_MEMORY_BYTES_MAX + 1, &report)
        .await;
    one_more.finish(UPLOAD_MEMORY_BYTES_MAX + 1, &report).await;
}

#[tokio::test]
async fn without_a_key_or_a_digest_nothing_stays_of_what_breaks_off() {
    let (app, admin) = registered().await;
    for headers in [&[][..], &[("idempotency-key", "job-7")]] {
        let pieces = [Ok(report()), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
        let mut request =
            Request::post(ADDRESS).header(header::AUTHORIZATION, format!("Bearer {}", admin.token()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from_stream(futures::stream::iter(pieces));
        let response = admin.send_request(request.body(body).unwrap()).await;
        assert_eq!(problem_of(response).await.code, "request.body");
        assert_eq!(files(&app), 0, "{headers:?}");
    }
}
