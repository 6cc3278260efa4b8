//! The scene: a server on a free port, a pipeline, and releases that stand in different places.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use gateline_api::{
    Approve, ApproveRequest, Empty, EvidenceQuery, IncidentRequest, OpenIncident, ProjectPath, PromotionPath,
    PromotionState, PromotionView, RegisterRelease,
};
use gateline_model::{ChangeKind, Digest, Scope, Source};
use gateline_server::{Settings, router};
use tokio::net::TcpListener;

use crate::support::{App, Client, id, junit, release};

const PIPELINE: &str = include_str!("pipeline.yaml");
const COVERAGE: &str = "SF:src/pay.rs\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,1\nDA:5,0\nLF:5\nLH:4\nend_of_record\n";
const FINDINGS: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": [
    {"ruleId": "S608", "level": "warning", "message": {"text": "SQL made from text"},
     "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/pay.py"}, "region": {"startLine": 88}}}]}]}]}"#;

/// A server that pages can be asked of.
pub struct Scene {
    pub app: App,
    /// Where it is, without a path.
    pub origin: String,
    pub admin: Client,
    pub reader: Client,
    metrics: String,
    /// What production's approval says besides.
    asks: String,
}

impl Scene {
    /// A server with a pipeline and no release. Steps of a rollout stand for the pause.
    async fn asking(pause: &str, asks: &str) -> Scene {
        let (app, admin, ..) = App::start().await;
        let reader = app.actor("rita", &[Scope::Read], &[], None).await;
        let origin = listen(router(app.hub.clone(), Settings::default())).await;
        let scene = Scene {
            app,
            origin,
            admin,
            reader,
            metrics: metrics().await,
            asks: match asks {
                "" => String::new(),
                asks => format!("\n          {asks}"),
            },
        };
        scene.pause(pause).await;
        scene
    }

    /// From now on steps stand for this long.
    pub async fn pause(&self, pause: &str) {
        let text = PIPELINE
            .replace("@METRICS@", &self.metrics)
            .replace("@PAUSE@", pause)
            .replace("overridable: true", &format!("overridable: true{}", self.asks));
        self.admin.apply(&text).await.unwrap();
    }

    /// 1.0.0 is live everywhere; 1.1.0 breaks its callers and waits before production for `tech-lead`.
    pub async fn held() -> Scene {
        Self::held_for("").await
    }

    /// The same, where production's approval says something besides.
    pub async fn held_for(asks: &str) -> Scene {
        let scene = Self::asking("0s", asks).await;
        scene.register("1.0.0", false).await;
        scene
            .until("production/1", |view| view.state == PromotionState::Verified)
            .await;
        scene.pause("1h").await;
        scene.register("1.1.0", true).await;
        scene
            .until("production/2", |view| {
                view.says.contains("not satisfied: approval")
            })
            .await;
        scene
    }

    /// Besides: a proposal that waits on its owners, and an incident of what is live.
    pub async fn troubled(&self) {
        for suite in ["unit", "all"] {
            let pipeline = format!(
                "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: refunds, project: payments}}\n\
                 spec:\n  protected: {{owners: [tech-lead]}}\n  artifacts: [{{name: service, kind: file}}]\n  stages:\n    \
                 - name: live\n      target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      \
                 gates: [{{tests: {{suite: {suite}}}, because: Broken code wastes time.}}]\n"
            );
            self.admin.apply(&pipeline).await.unwrap();
        }
        let production = id("production/1").stage;
        let incident = IncidentRequest {
            name: "Payments are declined".to_owned(),
            stages: vec![production],
            labels: BTreeMap::new(),
            since: None,
            reason: "One in ten cards is declined since noon.".to_owned(),
        };
        let path = ProjectPath {
            project: "payments".parse().unwrap(),
        };
        self.admin
            .ask::<OpenIncident>(&path, &Empty {}, &incident)
            .await
            .unwrap();
    }

    /// One of every page, where it is troubled.
    pub fn pages(&self) -> [&'static str; 21] {
        [
            "/",
            "/inbox",
            "/releases",
            "/releases?project=payments&pipeline=payment-service",
            "/releases/payments/payment-service/1.1.0",
            "/promote/payments/payment-service/1.1.0/production",
            "/promotions/payments/payment-service/production/1",
            "/promotions/payments/payment-service/production/2",
            "/stages/payments/payment-service/production",
            "/people",
            "/policies",
            "/policies/payments/pipeline/payment-service",
            "/waivers",
            "/windows",
            "/overrides",
            "/policies/payments/proposal/1",
            "/incidents",
            "/keys",
            "/password",
            "/log",
            "/login",
        ]
    }

    /// Says yes to the promotion that is held.
    pub async fn approve(&self, question: Digest) {
        let path = PromotionPath::from(&id("production/2"));
        let yes = ApproveRequest {
            question: Some(question),
            comment: None,
            signed: None,
        };
        self.admin.ask::<Approve>(&path, &Empty {}, &yes).await.unwrap();
    }

    /// Waits, event by event, until a promotion is like this. It may not be there yet.
    pub async fn until(&self, promotion: &str, like: impl Fn(&PromotionView) -> bool) -> PromotionView {
        let mut news = self.app.hub.watch();
        loop {
            match self.admin.promotion(&id(promotion)).await {
                Ok(view) if like(&view) => return view,
                Ok(view) => assert!(
                    view.ended_at.is_none(),
                    "`{promotion}` is {}: {}",
                    view.state,
                    view.says
                ),
                Err(_) => {}
            }
            news.recv().await.unwrap();
        }
    }

    /// Registers a release with evidence that satisfies the gates of dev, and waits until it asks for production.
    pub async fn register(&self, version: &str, breaking: bool) {
        let mut request = release(version);
        request.change.breaking = breaking;
        request.change.kind = ChangeKind::Feature;
        request.change.tickets = vec!["PAY-1188".to_owned()];
        request.change.source = Some(Source {
            repository: "https://git.example/payments".to_owned(),
            commit: "9c1e2ab".repeat(6)[..40].to_owned(),
            range: Some("4f1c0de..9c1e2ab".to_owned()),
        });
        request.text.notes = "Pays in two steps: reserve, then settle.\nOld clients must move.".to_owned();
        let registered = self.admin.register_this(&request).await.unwrap();
        let name = format!("payment-service@{version}");
        let named = |name: &str| EvidenceQuery {
            name: Some(name.to_owned()),
            ..EvidenceQuery::default()
        };
        for (query, bytes) in [
            (named("unit"), junit(412, 0)),
            (named("coverage"), COVERAGE.as_bytes().to_vec()),
            (named("lint"), FINDINGS.as_bytes().to_vec()),
        ] {
            self.admin.evidence(&name, &query, &bytes).await.unwrap();
        }
        assert_eq!(registered.version.to_string(), version);
        let number = registered.number;
        self.until(&format!("staging/{number}"), |view| {
            view.state == PromotionState::Verified
        })
        .await;
    }
}

/// The promotion that `Scene::judged` leaves under way.
pub const JUDGED: &str = "/promotions/payments/checkout/live/2";

impl Scene {
    /// A second pipeline, in which 1.1.0 is compared with 1.0.0 by evidence, and has just begun.
    pub async fn judged(&self) {
        let text = JUDGED_PIPELINE.replace("@METRICS@", &self.metrics);
        self.admin.apply(&text).await.unwrap();
        for (version, number) in [("1.0.0", 1), ("1.1.0", 2)] {
            let mut request = release(version);
            request.of.pipeline = "checkout".parse().unwrap();
            self.admin
                .ask::<RegisterRelease>(&Empty {}, &Empty {}, &request)
                .await
                .unwrap();
            let promotion = format!("payments/checkout/live/{number}").parse().unwrap();
            let mut news = self.app.hub.watch();
            loop {
                let reached = self
                    .admin
                    .promotion(&promotion)
                    .await
                    .is_ok_and(|view| match number {
                        1 => view.state == PromotionState::Verified,
                        _ => view.state == PromotionState::RollingOut,
                    });
                if reached {
                    break;
                }
                news.recv().await.unwrap();
            }
        }
    }
}

const JUDGED_PIPELINE: &str = r#"
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: checkout, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  stages:
    - name: live
      production: true
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      rollout:
        canary:
          pace: evidence
          judge:
            by: evidence
            every: 200ms
            patience: 1h
            tolerate: {budget: 200, gauges: {cpu: {above: 3, limit: 0.9}}}
            source:
              from: {openmetrics: {url: "@METRICS@"}}
              requests: 'requests_total{arm="{arm}"}'
              errors: 'errors_total{arm="{arm}"}'
              gauges: {cpu: 'cpu{arm="{arm}"}'}
"#;

async fn listen(service: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service).await });
    origin
}

/// A metric source: each look sees some more requests, one of fifty of the canary's failed.
async fn metrics() -> String {
    let looks = Arc::new(AtomicU64::new(0));
    let page = move || {
        let seen = looks.fetch_add(1, Ordering::Relaxed) * 30;
        async move {
            format!(
                "# TYPE requests counter\nrequests_total{{arm=\"canary\"}} {seen}\nrequests_total{{arm=\"stable\"}} {}\n\
                 # TYPE errors counter\nerrors_total{{arm=\"canary\"}} {}\nerrors_total{{arm=\"stable\"}} {}\n\
                 # TYPE cpu gauge\ncpu{{arm=\"canary\"}} 0.11\ncpu{{arm=\"stable\"}} 0.62\n# EOF\n",
                seen * 4,
                seen / 50,
                seen / 100,
            )
        }
    };
    listen(Router::new().route("/", get(page))).await
}
