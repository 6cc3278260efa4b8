//! A real hub over a real database file, and three actors named by what they may do.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use gateline_api::{
    ApplyPipeline, ApplyRequest, Empty, Endpoint, EvidenceQuery, EvidenceView, GetPromotion, Problem,
    PromotionPath, PromotionState, PromotionView, RegisterRelease, RegisterRequest, ReleasePath, ReleaseView,
    SubmitEvidence, address,
};
use gateline_core::{Actor, Command};
use gateline_drivers::{Drivers, process::ProcessDriver};
use gateline_model::{Change, ChangeText, Digest, GroupName, PromotionId, Scope, TokenId};
use gateline_server::hub::Hub;
use gateline_server::{Settings, auth, router};
use gateline_store::SqliteStore;
use http_body_util::BodyExt;
use jiff::Timestamp;
use tempfile::TempDir;
use tower::ServiceExt;

/// The pipeline that tests use: dev wants a test report, production wants a yes from `tech-lead`.
pub const PIPELINE: &str = include_str!("pipeline.yaml");

/// How long the token of somebody who was an administrator lasts: long enough to be made on a busy machine.
const FORMER_FOR: Duration = Duration::from_secs(2);

/// A running server without its socket.
pub struct App {
    pub hub: Hub,
    router: Router,
    dir: TempDir,
    /// The token of who registers releases: whoever did may not approve them.
    ci: Option<String>,
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    router: Router,
    token: Option<String>,
    pub key: Option<String>,
    ci: Option<String>,
}

impl App {
    /// A new server, and its three actors: admin, reader, anonymous.
    pub async fn start() -> (App, Client, Client, Client) {
        App::start_with(Settings::default()).await
    }

    /// A new server with release 1.0.0 of this pipeline: its admin, its reader, and the release.
    pub async fn with_release(pipeline: &str) -> (App, Client, Client, ReleaseView) {
        let (app, admin, reader, _) = App::start().await;
        admin.apply(pipeline).await.unwrap();
        let release = admin.register("1.0.0").await.unwrap();
        (app, admin, reader, release)
    }

    pub async fn start_with(settings: Settings) -> (App, Client, Client, Client) {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("gateline.db")).unwrap();
        let drivers = Drivers {
            process: ProcessDriver {
                state_dir: dir.path().to_owned(),
            },
            post: std::sync::Arc::new(gateline_drivers::letter::Post {
                channels: settings.file.channels.clone(),
                people: settings.file.people.clone(),
                url: settings.file.url.clone(),
            }),
        };
        let hub = Hub::start(store, drivers, "test").unwrap();
        let mut app = App {
            router: router(hub.clone(), settings),
            hub,
            dir,
            ci: None,
        };
        app.ci = app.actor("registrar", &[Scope::Register], &[], None).await.token;
        let admin = app.actor("admin", &[Scope::Admin], &["tech-lead"], None).await;
        let reader = app.actor("reader", &[Scope::Read], &[], None).await;
        let anonymous = app.with_token(None);
        (app, admin, reader, anonymous)
    }

    /// The folder of the database.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Listens on a real socket.
    pub async fn listen(&self) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// Another server over the same folder, as after a restart.
    pub fn again(&self, client: &Client) -> Client {
        Client {
            router: router(self.hub.clone(), Settings::default()),
            ..client.clone()
        }
    }

    /// An actor with a token of these scopes.
    pub async fn actor(
        &self,
        name: &str,
        scopes: &[Scope],
        groups: &[&str],
        expires: Option<Timestamp>,
    ) -> Client {
        let secret = auth::draw_secret().unwrap();
        let command = Command::IssueToken {
            id: name.parse().unwrap(),
            hash: secret.hash,
            actor: name.parse().unwrap(),
            scopes: scopes.to_vec(),
            groups: groups
                .iter()
                .map(|group| group.parse::<GroupName>().unwrap())
                .collect(),
            expires,
        };
        self.hub
            .submit(Actor::gateline(), command, None, Vec::new())
            .await
            .unwrap();
        // The same secret opens a session of it: a test shows either, as a program or as a browser.
        self.session(&secret, name, "test", Some(name.parse().unwrap()))
            .await;
        self.with_token(Some(secret.text))
    }

    /// Somebody whose token administered, and is over by now.
    pub async fn former(&self, name: &str) -> Client {
        let ends = Timestamp::now() + FORMER_FOR;
        let former = self.actor(name, &[Scope::Admin], &[], Some(ends)).await;
        while Timestamp::now() <= ends {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        former
    }

    /// Makes a local account and a session of it; gives the cookie as a browser sends it.
    pub async fn sign_in(&self, name: &str) -> String {
        let account: gateline_model::AccountName = name.parse().unwrap();
        let command = Command::MakeAccount { account };
        self.hub
            .submit(Actor::gateline(), command, None, Vec::new())
            .await
            .unwrap();
        let secret = auth::draw_secret().unwrap();
        self.session(&secret, name, "local", None).await;
        format!("{}={}", auth::SESSION_COOKIE, secret.text)
    }

    /// A session whose cookie has this secret for its value.
    async fn session(&self, secret: &auth::Secret, actor: &str, provider: &str, token: Option<TokenId>) {
        let now = Timestamp::now();
        let session = gateline_store::Session {
            id: secret.hash,
            actor: actor.parse().unwrap(),
            name: None,
            provider: provider.to_owned(),
            token,
            agent: "test".to_owned(),
            began: now,
            used: now,
            ends: now + jiff::SignedDuration::from_hours(1),
        };
        let kept = self.hub.write_beside(move |store| store.put_session(&session));
        kept.await.unwrap();
    }

    pub fn with_token(&self, token: Option<String>) -> Client {
        Client {
            router: self.router.clone(),
            token,
            key: None,
            ci: self.ci.clone(),
        }
    }

    /// Waits, event by event, until a promotion stands as wanted.
    pub async fn until(&self, client: &Client, id: &PromotionId, wanted: PromotionState) -> PromotionView {
        let mut news = self.hub.watch();
        loop {
            let view = client.promotion(id).await.unwrap();
            if view.state == wanted {
                return view;
            }
            assert!(
                view.ended_at.is_none(),
                "`{id}` ended as {}: {}",
                view.state,
                view.says
            );
            news.recv().await.unwrap();
        }
    }
}

impl Client {
    /// The secret of this client's token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// Shows its token no more: a browser shows a cookie.
    pub fn forget(&mut self) {
        self.token = None;
    }

    pub fn with_key(&self, key: &str) -> Client {
        Client {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// Asks, the way the command line does.
    pub async fn ask<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        body: &E::Body,
    ) -> Result<E::Reply, Problem> {
        let body = match E::BODY {
            gateline_api::Media::Json | gateline_api::Media::Secret => serde_json::to_vec(body).unwrap(),
            _ => Vec::new(),
        };
        self.ask_with::<E>(path, query, body).await
    }

    async fn ask_with<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        body: Vec<u8>,
    ) -> Result<E::Reply, Problem> {
        let method = E::METHOD.as_str().parse().unwrap();
        let response = self
            .send(method, &address::<E>(path, query), "application/json", body)
            .await;
        let status = response.status();
        let bytes = body_of(response).await;
        if status == StatusCode::OK {
            Ok(serde_json::from_slice(&bytes).unwrap())
        } else {
            Err(serde_json::from_slice(&bytes).unwrap())
        }
    }

    /// Sends a request as it is.
    pub async fn send(&self, method: Method, path: &str, media: &str, body: Vec<u8>) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, media);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = &self.key {
            request = request.header(gateline_api::IDEMPOTENCY_HEADER, key);
        }
        self.send_request(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn send_request(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response<Body> {
        self.send(Method::GET, path, "text/plain", Vec::new()).await
    }

    pub async fn apply(&self, text: &str) -> Result<gateline_api::ApplyReply, Problem> {
        let body = ApplyRequest {
            file_name: "pipeline.yaml".into(),
            text: text.into(),
            written: None,
        };
        self.ask::<ApplyPipeline>(&Empty {}, &Empty {}, &body).await
    }

    /// Registers a release of the test pipeline, as the CI where it may: then whoever asks may approve it.
    pub async fn register(&self, version: &str) -> Result<ReleaseView, Problem> {
        self.register_this(&release(version)).await
    }

    /// The same, of this release.
    pub async fn register_this(&self, body: &RegisterRequest) -> Result<ReleaseView, Problem> {
        let ci = Client {
            token: self.ci.clone(),
            ..self.clone()
        };
        match ci.ask::<RegisterRelease>(&Empty {}, &Empty {}, body).await {
            Err(problem) if problem.status == 403 => {
                self.ask::<RegisterRelease>(&Empty {}, &Empty {}, body).await
            }
            registered => registered,
        }
    }

    pub async fn evidence(
        &self,
        release: &str,
        query: &EvidenceQuery,
        bytes: &[u8],
    ) -> Result<EvidenceView, Problem> {
        let path = ReleasePath {
            release: release.parse().unwrap(),
        };
        self.ask_with::<SubmitEvidence>(&path, query, bytes.to_vec())
            .await
    }

    pub async fn promotion(&self, id: &PromotionId) -> Result<PromotionView, Problem> {
        self.ask::<GetPromotion>(&PromotionPath::from(id), &Empty {}, &Empty {})
            .await
    }
}

pub fn release(version: &str) -> RegisterRequest {
    let artifact = format!("file:service@{}", Digest::of(version.as_bytes()));
    RegisterRequest {
        of: serde_json::from_str(r#"{"project":"payments","pipeline":"payment-service"}"#).unwrap(),
        version: version.parse().unwrap(),
        artifacts: [("service".parse().unwrap(), artifact)].into(),
        change: Change::default(),
        text: ChangeText {
            authors: vec!["Ana".into()],
            notes: "Pays faster.".into(),
        },
    }
}

/// A test report with this many passed and failed cases.
pub fn junit(passed: u32, failed: u32) -> Vec<u8> {
    let mut text = String::from("<testsuites><testsuite name=\"unit\">");
    for case in 0..passed {
        text.push_str(&format!(
            "<testcase classname=\"t\" name=\"p{case}\" time=\"0.1\"/>"
        ));
    }
    for case in 0..failed {
        text.push_str(&format!(
            "<testcase classname=\"t\" name=\"f{case}\"><failure message=\"no\"/></testcase>"
        ));
    }
    text.push_str("</testsuite></testsuites>");
    text.into_bytes()
}

/// A report of one finding, of this level.
pub fn sarif(level: &str) -> Vec<u8> {
    let text = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": [
        {"ruleId": "S608", "level": "@LEVEL@", "message": {"text": "SQL made from text"},
         "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/pay.py"}, "region": {"startLine": 88}}}]}]}]}"#;
    text.replace("@LEVEL@", level).into_bytes()
}

pub fn id(text: &str) -> PromotionId {
    format!("payments/payment-service/{text}").parse().unwrap()
}

pub async fn body_of(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

pub async fn problem_of(response: Response<Body>) -> Problem {
    let media = response.headers()[header::CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(media, gateline_api::PROBLEM_MEDIA, "status {}", response.status());
    let status = response.status();
    let problem: Problem = serde_json::from_slice(&body_of(response).await).unwrap();
    assert_eq!(problem.status, status.as_u16());
    problem
}
