//! What is true of every page and every form, line by line of their table.

use axum::http::{Method, StatusCode, header};
use gateline_api::{Rule, encode};
use gateline_model::{Digest, Scope};
use gateline_server::{CONTENT_SECURITY_POLICY, FORM_BYTES_MAX, PageInfo, page_table};

use crate::pages::{get, post, text};
use crate::rules::filled;
use crate::support::{App, problem_of};

/// Every scope that a token can have, but `admin`, which has all.
pub fn scopes() -> impl Iterator<Item = Scope> {
    Scope::ALL.into_iter().filter(|scope| *scope != Scope::Admin)
}

fn guarded() -> impl Iterator<Item = (PageInfo, Scope)> {
    page_table().into_iter().filter_map(|page| match page.rule {
        Rule::Scope(scope) => Some((page, scope)),
        Rule::Open => None,
    })
}

fn forms() -> impl Iterator<Item = (PageInfo, Scope)> {
    guarded().filter(|(page, _)| page.method == Method::POST)
}

#[test]
fn only_the_login_page_and_the_files_are_open_and_every_form_asks_for_more_than_reading() {
    let open: Vec<&str> = page_table()
        .iter()
        .filter(|page| page.rule == Rule::Open)
        .map(|page| page.path)
        .collect();
    assert_eq!(open, ["/login", "/static/{name}"]);
    for (form, scope) in forms() {
        // Ending one's own sessions is everybody's right, as is taking one's own proposal back; who may write a review is its
        // stage's to say, and an override is taken back by whoever granted it.
        assert_eq!(
            scope == Scope::Read,
            [
                "/ui/password/set",
                "/ui/sessions/end",
                "/ui/overrides/review",
                "/ui/overrides/withdraw",
                "/ui/policies/{project}/proposal/{number}/withdraw"
            ]
            .contains(&form.path),
            "{}",
            form.path
        );
        assert!(form.path.starts_with("/ui/"), "{}", form.path);
    }
}

#[tokio::test]
async fn whoever_is_not_known_is_sent_to_log_in_and_from_there_to_where_they_wanted_to_go() {
    let (app, _, _, anonymous) = App::start().await;
    let wrong = app.with_token(Some("gateline_0".into()));
    for (page, _) in guarded() {
        let path = filled(page.path);
        for client in [&anonymous, &wrong] {
            let response = client.send(page.method.clone(), &path, "", Vec::new()).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
            let to = format!("/login?next={}", encode(&path));
            assert_eq!(response.headers()[header::LOCATION], to.as_str(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_form_is_forbidden_to_every_token_without_its_scope() {
    let (app, ..) = App::start().await;
    let asking = forms().filter(|(_, needed)| *needed != Scope::Read);
    for (number, (form, needed)) in asking.enumerate() {
        let path = filled(form.path);
        let others: Vec<Scope> = scopes().filter(|scope| *scope != needed).collect();
        let client = app.actor(&format!("others-{number}"), &others, &[], None).await;
        let token = Digest::of(format!("{} csrf", client.token()).as_bytes()).hex();
        let response = post(&client, &path, format!("csrf={token}&key=k&reason=no")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        let page = text(response).await;
        assert!(
            page.contains("auth.forbidden") && page.contains("role=\"alert\""),
            "{path}"
        );
        // The scope alone is let in: what stops it then is only that there is no such thing.
        let client = app.actor(&format!("only-{number}"), &[needed], &[], None).await;
        let token = Digest::of(format!("{} csrf", client.token()).as_bytes()).hex();
        let status = post(&client, &path, format!("csrf={token}&key=k&reason=no"))
            .await
            .status();
        assert_ne!(status, StatusCode::FORBIDDEN, "{path}");
        assert!(status.is_client_error(), "{path}: {status}");
    }
}

#[tokio::test]
async fn the_address_of_a_form_leads_back_to_its_page() {
    let (_app, _, reader, _) = App::start().await;
    for (form, _) in forms() {
        let path = filled(form.path);
        let response = get(&reader, &path).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        let to = response.headers()[header::LOCATION].to_str().unwrap();
        let page = page_table()
            .into_iter()
            .find(|page| page.method == Method::GET && filled(page.path) == to);
        assert!(page.is_some(), "{path} leads to {to}");
    }
}

#[tokio::test]
async fn a_form_from_no_page_of_this_session_or_too_large_is_refused() {
    let (_app, admin, _, _) = App::start().await;
    for (form, _) in forms() {
        let path = filled(form.path);
        let response = post(&admin, &path, "csrf=00&key=k&reason=no".to_owned()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        let huge = format!("reason={}", "x".repeat(FORM_BYTES_MAX));
        let response = post(&admin, &path, huge).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn a_foreign_method_is_refused_by_name() {
    let (_app, admin, _, _) = App::start().await;
    for page in page_table() {
        for foreign in [Method::DELETE, Method::PATCH, Method::PUT, Method::OPTIONS] {
            let path = filled(page.path);
            let response = admin.send(foreign.clone(), &path, "", Vec::new()).await;
            assert_eq!(
                response.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{foreign} {path}"
            );
            assert_eq!(problem_of(response).await.code, "request.method");
        }
    }
}

#[tokio::test]
async fn no_page_may_run_a_script_or_take_a_style_from_anywhere_but_our_files() {
    let (_app, admin, _, _) = App::start().await;
    for word in [
        "'unsafe-inline'",
        "'unsafe-eval'",
        "'unsafe-hashes'",
        "http:",
        "https:",
        "*",
    ] {
        assert!(!CONTENT_SECURITY_POLICY.contains(word), "{word}");
    }
    for (page, _) in guarded() {
        let response = match page.method {
            Method::GET => get(&admin, &filled(page.path)).await,
            _ => post(&admin, &filled(page.path), String::new()).await,
        };
        let policy = &response.headers()[header::CONTENT_SECURITY_POLICY];
        assert_eq!(policy, CONTENT_SECURITY_POLICY, "{}", page.path);
        let page = text(response).await;
        let scripts = page.matches("<script").count();
        let ours = |file: &str| {
            page.matches(&format!("<script defer src=\"/static/{file}."))
                .count()
        };
        assert_eq!((scripts, ours("gateline"), ours("passkey")), (2, 1, 1), "{page}");
        for inline in ["<style", " style=\"", " onclick=", " onload=", "javascript:"] {
            assert!(!page.contains(inline), "`{inline}` in {page}");
        }
    }
}
