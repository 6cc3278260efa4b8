//! Who may read what: every route and page that reads, asked by a reader of the project, by a reader of another, and by somebody
//! who may do everything but look there. What is not seen is answered word for word as if it were not there: the same question is
//! asked of a twin server that has no such project.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use gateline_api::{
    ENDPOINTS, EndpointInfo, EvidenceView, InboxItem, LogPage, Method as Verb, Notice, Page, Rule,
};
use gateline_model::{Scope, Span, StreamId};
use gateline_server::page_table;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::page_rules::scopes;
use crate::support::{App, Client, PIPELINE, body_of, sarif};

/// The closed project: `rita` reads, `hera` is asked, nobody else has anything to do with it.
const HIDDEN: &str = "zebra";
/// What only its files say.
const MARKS: [&str; 2] = ["zebra", "stripes"];

const STRIPES: &str = r#"apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: stripes, project: zebra}
spec:
  artifacts: [{name: service, kind: file}]
  windows:
    always: {zone: Europe/Berlin, from: "00:00", to: "24:00"}
  stages:
    - name: dev
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      windows: [always]
      overrides: {second_person: true}
      gates:
        - findings: {high: 0}
          because: What was found once is found again, by somebody else.
      approval:
        - layers: [{from: herd}]
          overridable: true
"#;

const ROLES: &str = "apiVersion: gateline.dev/v1
kind: Roles
metadata: {project: zebra}
spec:
  teams:
    - {name: herd, members: [hera]}
  roles:
    - {name: readers, may: [read], actors: [rita]}
  protected:
    policies: {owners: [herd]}
";

const LETTERS: &str = "apiVersion: gateline.dev/v1
kind: Notifications
metadata: {project: zebra}
spec:
  rules:
    - {name: asked, on: [promotion_requested], to: [{channel: nowhere}]}
";

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20001225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christmas Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// A server, perhaps with the closed project, and those who ask.
struct Place {
    app: App,
    admin: Client,
    rita: Client,
    hera: Client,
    /// May do everything everywhere as far as tokens go, and has no role in the closed project.
    nobody: Client,
    /// The digest of a report, and of the evidence that was made of it.
    raw: String,
    evidence: String,
}

async fn told(client: &Client, method: Method, path: &str, body: Value) -> Value {
    let response = client
        .send(method, path, "application/json", body.to_string().into_bytes())
        .await;
    let status = response.status();
    let bytes = body_of(response).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "{path}: {}",
        String::from_utf8_lossy(&bytes)
    );
    serde_json::from_slice(&bytes).unwrap()
}

fn in_days(days: i64) -> Timestamp {
    Span::from_secs(days * 86_400).after(Timestamp::now())
}

fn file(text: &str) -> Value {
    json!({"file_name": "file.yaml", "text": text})
}

impl Place {
    async fn new() -> Self {
        let (app, admin, ..) = App::with_release(PIPELINE).await;
        let every: Vec<Scope> = scopes().collect();
        let nobody = app.actor("nobody", &every, &[], None).await;
        let rita = app.actor("rita", &[Scope::Read], &[], None).await;
        let hera = app.actor("hera", &[Scope::Approve], &[], None).await;
        Self {
            app,
            admin,
            rita,
            hera,
            nobody,
            raw: String::new(),
            evidence: String::new(),
        }
    }

    /// The same with the closed project, in which there is one of everything.
    async fn with_hidden() -> Self {
        let mut place = Self::new().await;
        let admin = place.admin.clone();
        admin.apply(STRIPES).await.unwrap();
        let module = |says: &str| {
            let rego = format!("package main\n\nimport rego.v1\n\nwarn contains \"{says}\" if false\n");
            json!({"project": HIDDEN, "name": "rules", "files": {"rules.rego": rego}})
        };
        told(&admin, Method::PUT, "/api/v1/policies", module("zebra one")).await;
        let calendar = json!({"project": HIDDEN, "name": "bavaria", "text": HOLIDAYS});
        told(&admin, Method::PUT, "/api/v1/calendars", calendar).await;
        told(&admin, Method::PUT, "/api/v1/notifications", file(LETTERS)).await;
        told(&admin, Method::PUT, "/api/v1/roles", file(ROLES)).await;
        told(&admin, Method::PUT, "/api/v1/policies", module("zebra two")).await;
        let release = json!({
            "of": {"project": HIDDEN, "pipeline": "stripes"},
            "version": "1.0.0",
            "artifacts": {"service": format!("file:service@{}", gateline_model::Digest::of(b"zebra"))},
            "text": {"authors": ["Zed"], "notes": "Stripes for the zebra."},
        });
        let release = told(&admin, Method::POST, "/api/v1/releases", release).await;
        let path = "/api/v1/releases/zebra%2Fstripes@1.0.0/evidence";
        let report = String::from_utf8(sarif("error"))
            .unwrap()
            .replace("S608", "zebra-608");
        let response = admin
            .send(
                Method::POST,
                path,
                "application/octet-stream",
                report.into_bytes(),
            )
            .await;
        let bytes = body_of(response).await;
        let evidence: EvidenceView = serde_json::from_slice(&bytes).unwrap();
        let found = serde_json::to_value(&evidence.found).unwrap();
        let finding = &found["facts"]["findings"][0]["identity"];
        assert!(finding.is_string(), "{found}");
        place.raw = evidence.raw.unwrap().to_string();
        place.evidence = evidence.id.to_string();
        let waiver = json!({
            "release": release["id"], "finding": finding, "until": in_days(20), "reason": "zebra",
        });
        told(&admin, Method::POST, "/api/v1/waivers", waiver).await;
        let freeze = json!({
            "project": HIDDEN, "name": "later", "from": in_days(10), "until": in_days(12),
            "reason": "zebra",
        });
        told(&admin, Method::POST, "/api/v1/freezes", freeze).await;
        let incident = json!({
            "name": "zebra", "stages": [{"project": HIDDEN, "pipeline": "stripes", "stage": "dev"}], "reason": "zebra",
        });
        told(&admin, Method::POST, "/api/v1/projects/zebra/incidents", incident).await;
        let permission = json!({"gate": "approval", "until": in_days(1), "reason": "zebra"});
        let path = "/api/v1/promotions/zebra/stripes/dev/1/override";
        told(&admin, Method::POST, path, permission).await;
        let delegation = json!({"to": "rita", "until": in_days(1), "reason": "zebra"});
        let path = "/api/v1/projects/zebra/delegations";
        told(&place.hera, Method::POST, path, delegation).await;
        place
    }

    /// A path with what there is of the closed project in every place.
    fn path(&self, pattern: &str) -> String {
        let raw = if pattern.contains("/raw/") {
            &self.raw
        } else {
            &self.evidence
        };
        [
            ("{project}", HIDDEN),
            ("{pipeline}", "stripes"),
            ("{stage}", "dev"),
            ("{number}", "1"),
            ("{letter}", "1"),
            ("{release}", "zebra%2Fstripes@1.0.0"),
            ("{version}", "1.0.0"),
            ("{kind}", "pipeline"),
            (
                "{name}",
                if pattern.contains("/policies/") {
                    "stripes"
                } else {
                    "later"
                },
            ),
            ("{policy}", "rules"),
            ("{calendar}", "bavaria"),
            ("{gate}", "approval"),
            ("{key}", "job-7"),
            ("{digest}", raw),
            ("{waiver}", raw),
        ]
        .iter()
        .fold(pattern.to_owned(), |path, (place, text)| {
            path.replace(place, text)
        })
    }
}

/// What somebody is answered: status and body.
async fn answer(client: &Client, path: &str) -> (StatusCode, String) {
    let response = client.get(path).await;
    let status = response.status();
    (
        status,
        String::from_utf8_lossy(&body_of(response).await).into_owned(),
    )
}

fn says_of_it(body: &str) -> bool {
    MARKS.iter().any(|mark| body.contains(mark))
}

fn reads() -> impl Iterator<Item = &'static EndpointInfo> {
    ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.method == Verb::Get && endpoint.rule != Rule::Open)
}

/// Lists of what projects have: each is filtered, and what the reader of the closed project is told says so.
const LISTS: [&str; 19] = [
    "Can",
    "GetBoard",
    "GetInbox",
    "GetInboxRollouts",
    "ListCalendars",
    "ListFreezes",
    "ListIncidents",
    "ListOverrides",
    "ListPipelines",
    "ListPolicies",
    "ListPromotions",
    "ListProposals",
    "ListReleases",
    "ListWaivers",
    "ListWindows",
    "SearchLog",
    "WatchEvents",
    "WhoAmI",
    "ListKeys",
];

/// What tells of no project: the server's own numbers, and what is the caller's own.
const OF_NO_PROJECT: [&str; 6] = [
    "GetCheckpoint",
    "GetKeyStatement",
    "GetMetrics",
    "ListAccounts",
    "ListSessions",
    "ListTokens",
];

#[test]
fn every_route_that_reads_names_what_it_is_about_or_is_a_list_that_is_filtered() {
    for endpoint in reads() {
        let ways = [
            endpoint.of_a_project,
            LISTS.contains(&endpoint.name),
            OF_NO_PROJECT.contains(&endpoint.name),
        ];
        assert_eq!(
            ways.iter().filter(|way| **way).count(),
            1,
            "`{}` reads: make its path name what it is about (`Names`), or filter it and add it to LISTS here",
            endpoint.name
        );
        assert_eq!(
            endpoint.of_a_project,
            endpoint.path.contains('{'),
            "{}",
            endpoint.name
        );
    }
}

#[tokio::test]
async fn what_is_not_seen_is_answered_word_for_word_as_if_it_were_not_there() {
    let (place, twin) = (Place::with_hidden().await, Place::new().await);
    for endpoint in reads().filter(|endpoint| endpoint.of_a_project) {
        let path = match endpoint.name {
            "GetRisk" => format!("{}?to=dev", place.path(endpoint.path)),
            "GetStatement" | "GetProposalStatement" => {
                format!("{}?answer=approve", place.path(endpoint.path))
            }
            _ => place.path(endpoint.path),
        };
        let name = endpoint.name;
        let (status, body) = answer(&place.admin, &path).await;
        assert_eq!(status, StatusCode::OK, "{name} {path}: {body}");
        // Whoever has the right to look is let in, as far as the token's scope goes.
        let (status, _) = answer(&place.rita, &path).await;
        let wanted = if endpoint.rule == Rule::Scope(Scope::Read) {
            200
        } else {
            403
        };
        assert_eq!(status.as_u16(), wanted, "{name} for the reader");
        let hidden = answer(&place.nobody, &path).await;
        let missing = answer(&twin.nobody, &path).await;
        assert_eq!(hidden.0, StatusCode::NOT_FOUND, "{name}: {}", hidden.1);
        assert_eq!(hidden, missing, "{name}");
    }
}

#[tokio::test]
async fn lists_leave_out_what_is_not_seen() {
    let place = Place::with_hidden().await;
    for endpoint in reads().filter(|endpoint| !endpoint.of_a_project) {
        let path = match endpoint.name {
            "Can" => "/api/v1/can?verb=promote&project=zebra".to_owned(),
            // It does not end: it is watched below.
            "WatchEvents" => continue,
            _ => endpoint.path.to_owned(),
        };
        let (status, body) = answer(&place.nobody, &path).await;
        match endpoint.name {
            "Can" => {
                let reply: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(reply["because"], "no role lets `nobody` read in `zebra`");
                assert!(!body.contains("readers"), "{body}");
            }
            _ => assert!(!says_of_it(&body), "{} {status}: {body}", endpoint.name),
        }
        // The list is not empty for everybody: what was left out is what `nobody` may not see.
        // Rollouts wait on those who may promote, and `rita` reads.
        let of_others = ["ListKeys", "WhoAmI", "GetInboxRollouts"].contains(&endpoint.name);
        let of_it = LISTS.contains(&endpoint.name) && !of_others;
        if of_it {
            let (status, body) = answer(&place.rita, &path).await;
            assert!(
                status.is_success() && says_of_it(&body),
                "{}: {body}",
                endpoint.name
            );
        }
    }
}

#[tokio::test]
async fn pages_show_nothing_of_what_is_not_seen() {
    let place = Place::with_hidden().await;
    let mut shown_to_rita = 0;
    for page in page_table() {
        if page.method != Method::GET || page.rule == Rule::Open {
            continue;
        }
        let path = place.path(page.path);
        let (status, body) = answer(&place.nobody, &path).await;
        let seen = answer(&place.rita, &path).await;
        if page.path.contains('{') {
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(seen.0, StatusCode::OK, "{path}: {}", seen.1);
            assert!(
                !body.contains("Stripes for") && !body.contains("herd"),
                "{path}: {body}"
            );
        } else {
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(!says_of_it(&body), "{path}: {body}");
            shown_to_rita += usize::from(says_of_it(&seen.1));
        }
    }
    // The board, the inbox, incidents, the letters, the log, overrides, people, policies, releases, waivers and windows.
    assert_eq!(shown_to_rita, 11);
    for path in [
        "/people?project=zebra",
        "/policies?project=zebra",
        "/letters?project=zebra",
    ] {
        let (_, body) = answer(&place.nobody, path).await;
        assert!(
            !body.contains("herd") && !body.contains("stripes"),
            "{path}: {body}"
        );
    }
}

#[tokio::test]
async fn who_may_not_look_may_not_write_either_and_learns_nothing_by_trying() {
    let place = Place::with_hidden().await;
    let writes = ENDPOINTS
        .iter()
        .filter(|one| one.method != Verb::Get && one.of_a_project);
    for endpoint in writes {
        let path = place.path(endpoint.path);
        let method = endpoint.method.as_str().parse().unwrap();
        let response = place
            .nobody
            .send(method, &path, "application/json", b"{}".to_vec())
            .await;
        let status = response.status();
        let body = String::from_utf8(body_of(response).await).unwrap();
        assert!(
            matches!(status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN),
            "{} {status}: {body}",
            endpoint.name
        );
        assert!(
            !body.contains("readers") && !body.contains("herd"),
            "{}: {body}",
            endpoint.name
        );
    }
    // What names the project in its body is refused by the one rule, and that says no more.
    let freeze = json!({"project": HIDDEN, "name": "x", "until": in_days(1), "reason": "x"});
    for (path, body, status, says) in [
        (
            "/api/v1/pipelines",
            file(STRIPES),
            403,
            "apply pipelines, policies, calendars and notifications in `zebra/stripes`, nor read there",
        ),
        ("/api/v1/freezes", freeze, 404, "there is no project `zebra`"),
    ] {
        let method = if status == 403 { Method::PUT } else { Method::POST };
        let body = body.to_string().into_bytes();
        let response = place.nobody.send(method, path, "application/json", body).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let body = String::from_utf8(body_of(response).await).unwrap();
        assert!(body.contains(says) && !body.contains("readers"), "{path}: {body}");
    }
}

/// The notices of a stream up to one of this stream.
async fn notices(client: &Client, until: &StreamId) -> Vec<Notice> {
    let request = Request::get("/api/events?from=0")
        .header(header::AUTHORIZATION, format!("Bearer {}", client.token()))
        .body(Body::empty());
    let mut response = client.send_request(request.unwrap()).await;
    let mut text = String::new();
    loop {
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        let told: Vec<Notice> = data.map(|line| serde_json::from_str(line).unwrap()).collect();
        if told.iter().any(|notice| notice.stream == *until) {
            return told;
        }
        let piece = response.body_mut().frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&piece.into_data().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn the_stream_of_events_tells_of_what_is_seen_alone() {
    let place = Place::with_hidden().await;
    let last = place.admin.register("1.0.1").await.unwrap();
    let last = StreamId::Release(last.id);
    let of_it = |told: &[Notice]| {
        told.iter()
            .filter(|one| one.stream.to_string().contains(HIDDEN))
            .count()
    };
    let hidden = notices(&place.nobody, &last).await;
    assert_eq!(of_it(&hidden), 0, "{hidden:?}");
    let seen = notices(&place.rita, &last).await;
    assert!(of_it(&seen) > 5, "{seen:?}");
    let releases = |told: &[Notice]| {
        told.iter()
            .filter(|one| one.event == "release_registered")
            .count()
    };
    assert_eq!(
        (releases(&hidden), releases(&seen)),
        (2, 3),
        "a release's stream has its digest for a name"
    );
}

#[tokio::test]
async fn a_watcher_who_loses_the_right_to_look_hears_no_more_of_it() {
    let place = Place::with_hidden().await;
    let request = Request::get("/api/events")
        .header(header::AUTHORIZATION, format!("Bearer {}", place.rita.token()))
        .body(Body::empty());
    let mut stream = place.rita.send_request(request.unwrap()).await;
    // Neither a reader any more, nor instead of somebody who is asked.
    let without = ROLES
        .replace("actors: [rita]", "actors: [ron]")
        .replace("[hera]", "[hans]");
    told(&place.admin, Method::PUT, "/api/v1/roles", file(&without)).await;
    let freeze = json!({"project": HIDDEN, "name": "now", "until": in_days(1), "reason": "x"});
    told(&place.admin, Method::POST, "/api/v1/freezes", freeze).await;
    let last = place.admin.register("1.0.1").await.unwrap();
    let last = StreamId::Release(last.id).to_string();
    let mut text = String::new();
    while !text.contains(&last) {
        let piece = stream.body_mut().frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&piece.into_data().unwrap()).unwrap());
    }
    assert!(!text.contains("freeze_declared"), "{text}");
}

#[tokio::test]
async fn who_is_asked_sees_what_is_asked_without_a_role() {
    let place = Place::with_hidden().await;
    let (status, body) = answer(&place.hera, "/api/v1/inbox").await;
    assert_eq!(status, StatusCode::OK);
    let inbox: Page<InboxItem> = serde_json::from_str(&body).unwrap();
    assert_eq!(inbox.items.len(), 1);
    let (status, _) = answer(&place.hera, "/api/v1/promotions/zebra/stripes/dev/1").await;
    assert_eq!(status, StatusCode::OK);
    let reply = told(
        &place.hera,
        Method::GET,
        "/api/v1/can?verb=read&project=zebra",
        json!({}),
    )
    .await;
    assert_eq!(reply["because"], "as one who is asked there");
    let (_, reply) = answer(&place.rita, "/api/v1/can?verb=read&project=zebra").await;
    assert!(reply.contains("by role `readers` of `zebra`, by name"), "{reply}");
}

#[tokio::test]
async fn a_page_of_the_log_goes_on_behind_what_is_not_seen() {
    let place = Place::with_hidden().await;
    place.admin.register("1.0.1").await.unwrap();
    let (mut before, mut numbers) = (None, Vec::new());
    loop {
        let query = before
            .map(|number: u64| format!("&before={number}"))
            .unwrap_or_default();
        let (_, body) = answer(&place.nobody, &format!("/api/v1/log?limit=2{query}")).await;
        let page: LogPage = serde_json::from_str(&body).unwrap();
        numbers.extend(page.events.iter().map(|one| one.number));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let (_, all) = answer(&place.nobody, "/api/v1/log?limit=200").await;
    let all: LogPage = serde_json::from_str(&all).unwrap();
    assert_eq!(
        numbers,
        all.events.iter().map(|one| one.number).collect::<Vec<_>>()
    );
    let size = place.app.hub.with_world(|world| world.next());
    assert!((numbers.len() as u64) < size, "something is left out");
}
