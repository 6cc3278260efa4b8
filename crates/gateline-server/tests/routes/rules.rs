//! What is true of every route, endpoint by endpoint of the table.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use gateline_api::{ENDPOINTS, EndpointInfo, Media, Rule};
use gateline_model::limits::EVIDENCE_BYTES_MAX;
use gateline_model::{Digest, Scope};
use gateline_server::auth::{SESSION_COOKIE, SIGN_IN_COOKIE};
use gateline_server::{BODY_SECS_MAX, CONTENT_SECURITY_POLICY, FORM_BYTES_MAX, JSON_BYTES_MAX};
use jiff::Timestamp;

use crate::issuer::Issuer;
use crate::page_rules::scopes;
use crate::support::{App, body_of, problem_of};

fn path(endpoint: &EndpointInfo) -> String {
    let path = filled(endpoint.path);
    // The endpoints that cannot be asked without saying what.
    match endpoint.name {
        "Can" => format!("{path}?verb=promote&project=payments"),
        "GetRisk" => format!("{path}?to=dev"),
        _ => path,
    }
}

/// A path with something legal in every place.
pub fn filled(path: &str) -> String {
    let digest = Digest::of(b"nothing").to_string();
    [
        ("{project}", "payments"),
        ("{pipeline}", "payment-service"),
        ("{stage}", "dev"),
        ("{number}", "1"),
        ("{release}", "payment-service@1.0.0"),
        ("{version}", "1.0.0"),
        ("{kind}", "pipeline"),
        ("{name}", "holidays"),
        ("{policy}", "rules"),
        ("{calendar}", "bavaria"),
        ("{gate}", "tests"),
        ("{id}", "nobody"),
        ("{key}", "job-7"),
        ("{account}", "nobody"),
        ("{provider}", "corp"),
        ("{digest}", &digest),
        ("{waiver}", &digest),
    ]
    .iter()
    .fold(path.to_owned(), |path, (place, text)| path.replace(place, text))
}

fn method(endpoint: &EndpointInfo) -> Method {
    endpoint.method.as_str().parse().unwrap()
}

fn guarded() -> impl Iterator<Item = (&'static EndpointInfo, Scope)> {
    ENDPOINTS.iter().filter_map(|endpoint| match endpoint.rule {
        Rule::Scope(scope) => Some((endpoint, scope)),
        Rule::Open => None,
    })
}

#[tokio::test]
async fn nobody_gets_in_without_a_good_token() {
    let (app, _, _, anonymous) = App::start().await;
    let wrong = app.with_token(Some("gateline_0".into()));
    let past = app.former("past").await;
    for (endpoint, _) in guarded() {
        for (client, why) in [
            (&anonymous, "carries no token"),
            (&wrong, "not known"),
            (&past, "has expired"),
        ] {
            let response = client
                .send(method(endpoint), &path(endpoint), "application/json", Vec::new())
                .await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{}", endpoint.name);
            assert!(
                response.headers().contains_key(header::WWW_AUTHENTICATE),
                "{}",
                endpoint.name
            );
            let problem = problem_of(response).await;
            assert!(
                problem.detail.contains(why),
                "{}: {}",
                endpoint.name,
                problem.detail
            );
            assert_eq!(problem.instance, Some(filled(endpoint.path)));
        }
    }
}

/// What somebody shows who is nobody: a header and why it does not help.
fn nobodies(issuer: &Issuer) -> Vec<(header::HeaderName, String, &'static str)> {
    let bearer = |token: &str, why| (header::AUTHORIZATION, format!("Bearer {token}"), why);
    let cookie = |value: &str, why| (header::COOKIE, format!("{SESSION_COOKIE}={value}"), why);
    let signed = issuer.sign(&issuer.claims(serde_json::json!({})));
    let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
    vec![
        bearer("gateline_0", "not known"),
        bearer("", "not known"),
        bearer(&"x".repeat(10_000), "not known"),
        bearer(&signed, "no roles name a machine"),
        bearer(&unsigned, "no roles name a machine"),
        bearer("a.b.c", "is not believed"),
        bearer("..", "is not believed"),
        (
            header::AUTHORIZATION,
            "Basic YTpi".to_owned(),
            "is not `Bearer TOKEN`",
        ),
        (
            header::AUTHORIZATION,
            "Negotiate".to_owned(),
            "is not `Bearer TOKEN`",
        ),
        cookie("gateline_0", "session is not known"),
        cookie(&"x".repeat(4_000), "session is not known"),
        (
            header::COOKIE,
            format!("{SIGN_IN_COOKIE}=a.1.b"),
            "carries no token",
        ),
        (
            "x-forwarded-for".parse().unwrap(),
            "127.0.0.1".to_owned(),
            "carries no token",
        ),
    ]
}

#[tokio::test]
async fn no_route_lets_anybody_in_whatever_is_shown_that_is_not_good() {
    let (_app, _, _, anonymous) = App::start().await;
    let issuer = Issuer::start().await;
    for (endpoint, _) in guarded() {
        for (name, value, why) in nobodies(&issuer) {
            let request = Request::builder()
                .method(method(endpoint))
                .uri(path(endpoint))
                .header(header::CONTENT_TYPE, "application/json")
                .header("sec-fetch-site", "same-origin")
                .header(name, value)
                .body(Body::empty());
            let response = anonymous.send_request(request.unwrap()).await;
            assert_eq!(
                response.status(),
                StatusCode::UNAUTHORIZED,
                "{} {why}",
                endpoint.name
            );
            let detail = problem_of(response).await.detail;
            assert!(detail.contains(why), "{}: {detail}", endpoint.name);
        }
    }
}

/// Writes that the transport lets everybody try: who may write a review is its stage's to say, and a proposal or an override is
/// taken back by whoever made it. Each is asked below.
const SETTLED_BELOW: [&str; 3] = ["WriteReview", "WithdrawProposal", "WithdrawOverride"];

#[tokio::test]
async fn who_signed_in_and_has_no_role_may_read_everywhere_and_write_nowhere() {
    let (app, _, _, anonymous) = App::start().await;
    let session = app.sign_in("ana").await;
    for (endpoint, needed) in guarded() {
        let request = Request::builder()
            .method(method(endpoint))
            .uri(path(endpoint))
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &session)
            .body(Body::empty());
        let response = anonymous.send_request(request.unwrap()).await;
        let status = response.status();
        match needed {
            _ if SETTLED_BELOW.contains(&endpoint.name) => assert!(status.is_client_error(), "{status}"),
            Scope::Read => assert!(
                matches!(status, StatusCode::OK | StatusCode::NOT_FOUND),
                "{}: {status}",
                endpoint.name
            ),
            Scope::Admin => assert_eq!(status, StatusCode::FORBIDDEN, "{}", endpoint.name),
            _ => assert!(status.is_client_error(), "{}: {status}", endpoint.name),
        }
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_any_more() {
    let (app, admin, reader, _) = App::start().await;
    assert_eq!(reader.get("/api/v1/board").await.status(), StatusCode::OK);
    assert_eq!(
        admin
            .send(Method::POST, "/api/v1/tokens/reader/revoke", "", Vec::new())
            .await
            .status(),
        StatusCode::OK
    );
    assert_eq!(
        reader.get("/api/v1/board").await.status(),
        StatusCode::UNAUTHORIZED
    );
    drop(app);
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden_everything_but_reading() {
    let (app, _, _, _) = App::start().await;
    for (number, (endpoint, needed)) in guarded()
        .enumerate()
        .filter(|(_, (_, needed))| *needed != Scope::Read)
    {
        // Everything that a token can have but the one that is asked for.
        let others: Vec<Scope> = scopes().filter(|scope| *scope != needed).collect();
        let client = app.actor(&format!("token-{number}"), &others, &[], None).await;
        let response = client
            .send(method(endpoint), &path(endpoint), "application/json", Vec::new())
            .await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{}", endpoint.name);
        assert_eq!(
            problem_of(response).await.code,
            "auth.forbidden",
            "{}",
            endpoint.name
        );
    }
}

#[tokio::test]
async fn every_token_may_read() {
    let (app, _, _, _) = App::start().await;
    let ci = app.actor("ci", &[Scope::SubmitEvidence], &[], None).await;
    let reading =
        guarded().filter(|(one, needed)| *needed == Scope::Read && !SETTLED_BELOW.contains(&one.name));
    for (endpoint, _) in reading {
        let path = path(endpoint);
        let status = ci.send(method(endpoint), &path, "", Vec::new()).await.status();
        assert!(
            matches!(status, StatusCode::OK | StatusCode::NOT_FOUND),
            "{}: {status}",
            endpoint.name
        );
    }
}

#[tokio::test]
async fn a_foreign_method_is_refused_by_name() {
    let (_app, admin, _, _) = App::start().await;
    for endpoint in ENDPOINTS {
        for foreign in [Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let response = admin
                .send(foreign.clone(), &path(endpoint), "application/json", Vec::new())
                .await;
            assert_eq!(
                response.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{} {}",
                foreign,
                endpoint.path
            );
            let allow = response.headers()[header::ALLOW].to_str().unwrap();
            assert!(
                allow.contains(endpoint.method.as_str()),
                "{allow} {}",
                endpoint.path
            );
            assert_eq!(problem_of(response).await.code, "request.method");
        }
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused_whether_or_not_it_tells_its_length() {
    let (_app, admin, _, _) = App::start().await;
    for endpoint in ENDPOINTS {
        let limit = match endpoint.body {
            Media::Bytes => EVIDENCE_BYTES_MAX,
            Media::Form => FORM_BYTES_MAX,
            _ => JSON_BYTES_MAX,
        };
        let request = |told: Option<usize>| {
            let request = Request::builder()
                .method(method(endpoint))
                .uri(path(endpoint))
                .header(header::AUTHORIZATION, format!("Bearer {}", admin.token()));
            let request = match told {
                Some(length) => request.header(header::CONTENT_LENGTH, length),
                None => request,
            };
            let piece = vec![b' '; 1 << 20];
            let pieces = std::iter::repeat_n(piece, limit / (1 << 20) + 1);
            let stream = futures::stream::iter(pieces.map(Ok::<_, std::io::Error>));
            request
                .body(if told.is_some() {
                    Body::empty()
                } else {
                    Body::from_stream(stream)
                })
                .unwrap()
        };
        let told = admin.send_request(request(Some(limit + 1))).await;
        // An open endpoint without a body reads none, so there is nothing to be too large.
        assert_eq!(told.status(), StatusCode::PAYLOAD_TOO_LARGE, "{}", endpoint.name);
        assert_eq!(problem_of(told).await.code, "request.body_too_large");
        // What is taken as a stream is taken for something that there is: see `uploads`.
        if !matches!(endpoint.body, Media::None | Media::Bytes) {
            let untold = admin.send_request(request(None)).await;
            assert_eq!(
                untold.status(),
                StatusCode::PAYLOAD_TOO_LARGE,
                "{}",
                endpoint.name
            );
        }
    }
}

#[tokio::test]
async fn a_path_that_there_is_not_is_a_problem_too() {
    let (_app, admin, _, anonymous) = App::start().await;
    for client in [&admin, &anonymous] {
        let response = client.get("/api/v1/deployments").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(problem_of(response).await.code, "request.route");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let (_app, admin, _, anonymous) = App::start().await;
    let answers = [
        admin.get("/api/v1/board").await,
        anonymous.get("/api/v1/board").await,
        anonymous.get("/nowhere").await,
        anonymous.send(Method::DELETE, "/healthz", "", Vec::new()).await,
    ];
    for answer in answers {
        assert_eq!(
            answer.headers()[header::CONTENT_SECURITY_POLICY],
            CONTENT_SECURITY_POLICY
        );
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn names_and_parameters_that_cannot_be_read_are_told_apart() {
    let (_app, admin, _, _) = App::start().await;
    for (path, code, says) in [
        (
            "/api/v1/pipelines/Payments!/x",
            "request.path",
            "`Payments!` is not a project name",
        ),
        (
            "/api/v1/promotions/a/b/c/seven",
            "request.path",
            "`number` of the path must be a whole number from 0; `seven` came",
        ),
        ("/api/v1/promotions/a/b/c/%FF", "request.path", "`number`"),
        (
            "/api/v1/releases/payment-service",
            "request.path",
            "write PIPELINE@VERSION",
        ),
        (
            "/api/v1/evidence/raw/latest",
            "request.path",
            "`latest` is not a digest",
        ),
        (
            "/api/v1/board?teext=x",
            "request.query",
            "has `teext`, which is not known",
        ),
        (
            "/api/v1/log?stream=team/x",
            "request.query",
            "`team/x` is not a stream",
        ),
        (
            "/api/v1/log?from=abc",
            "request.query",
            "`from` of the query must be a time with its offset",
        ),
        (
            "/api/events?from=abc",
            "request.query",
            "must be a whole number from 0; `abc` came",
        ),
        ("/api/v1/promotions?after=x", "request.query", "after"),
        ("/api/v1/releases?project=payments", "request.query", "pipeline"),
    ] {
        let response = admin.get(path).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let problem = problem_of(response).await;
        assert_eq!(problem.code, code, "{path}");
        assert!(problem.detail.contains(says), "{path}: {}", problem.detail);
    }
}

#[tokio::test]
async fn every_list_takes_the_same_limits() {
    let (_app, admin, _, _) = App::start().await;
    let openapi = body_of(admin.get("/api/openapi.json").await).await;
    let openapi: serde_json::Value = serde_json::from_slice(&openapi).unwrap();
    let mut lists = 0;
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        let parameters = methods["get"]["parameters"].as_array().into_iter().flatten();
        if !parameters
            .into_iter()
            .any(|parameter| parameter["name"] == "limit")
        {
            continue;
        }
        lists += 1;
        for limit in ["1", "500"] {
            let response = admin.get(&format!("{path}?limit={limit}")).await;
            assert_eq!(response.status(), StatusCode::OK, "{path} {limit}");
        }
        for limit in ["0", "-1", "501", "99999999999", "many", ""] {
            let problem = problem_of(admin.get(&format!("{path}?limit={limit}")).await).await;
            assert_eq!((problem.status, problem.code.as_str()), (422, "request.query"));
            assert!(
                problem.detail.contains("from 1 to 500 (PAGE_MAX)"),
                "{}",
                problem.detail
            );
        }
    }
    assert_eq!(lists, 6, "board, pipelines, releases, promotions, inbox, log");
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_with_the_field_and_without_words_of_ours() {
    let (_app, admin, _, _) = App::start().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let path = "/api/v1/promotions";
    for (body, says) in [
        ("{", "it ends too early, at line 1 column 1"),
        ("[]", "must be an object; a list came"),
        ("{\"release\":\"a@1\"}", "lacks `stage`"),
        (
            "{\"release\":\"a@1\",\"stage\":\"dev\",\"x\":1}",
            "has `x`, which is not known",
        ),
        (
            "{\"release\":\"a@1\",\"stage\":3}",
            "`stage` of the body must be a string; the number 3 came",
        ),
        ("\u{ff}", "is not JSON"),
        (deep.as_str(), "nested too deeply"),
    ] {
        let response = admin
            .send(Method::POST, path, "application/json", body.as_bytes().to_vec())
            .await;
        let problem = problem_of(response).await;
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (422, "request.body"),
            "{body:.40}"
        );
        assert!(problem.detail.contains(says), "{}", problem.detail);
    }
    let response = admin.send(Method::POST, path, "text/xml", b"<a/>".to_vec()).await;
    assert_eq!(problem_of(response).await.code, "request.media");
}

#[tokio::test]
async fn a_packed_body_is_refused_before_it_is_taken_for_the_report_itself() {
    let (_app, admin, _, _) = App::start().await;
    for (encoding, is_refused) in [("gzip", true), ("identity, br", true), ("Identity", false)] {
        let request = Request::post("/api/v1/releases/payments.api@1/evidence")
            .header(header::AUTHORIZATION, format!("Bearer {}", admin.token()))
            .header(header::CONTENT_ENCODING, encoding);
        let response = admin.send_request(request.body(Body::from("{}")).unwrap()).await;
        let is_encoding = problem_of(response).await.code == "request.encoding";
        assert_eq!(is_encoding, is_refused, "{encoding}");
    }
}

#[tokio::test]
async fn an_authorization_header_of_another_scheme_is_refused() {
    let (_app, admin, _, _) = App::start().await;
    let request =
        Request::get("/api/v1/board").header(header::AUTHORIZATION, format!("Basic {}", admin.token()));
    let response = admin.send_request(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_lets_in_until_the_moment_it_ends() {
    let (app, _, _, _) = App::start().await;
    let later = app
        .actor("later", &[Scope::Read], &[], Some(Timestamp::MAX))
        .await;
    assert_eq!(later.get("/api/v1/board").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_waited_for_no_longer_than_the_limit() {
    let (_app, admin, _, _) = App::start().await;
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let request = Request::post("/api/v1/promotions")
        .header(header::AUTHORIZATION, format!("Bearer {}", admin.token()))
        .header(header::CONTENT_TYPE, "application/json");
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let response = admin
        .send_request(request.body(Body::from_stream(never)).unwrap())
        .await;
    assert_eq!(problem_of(response).await.code, "request.body_slow");
    assert_eq!(started.elapsed().as_secs(), BODY_SECS_MAX, "by the paused clock");
}
