//! The pages: server-rendered HTML over the same views and commands as the API.
//!
//! A page is a function from a view to markup; it judges nothing and prints what was recorded word for word. Every page
//! works without our script, which only fetches it again when something changed. Knows no store and no engine.

mod assets;
mod board;
mod event;
mod forms;
mod link;
mod log;
mod login;
mod pages;
mod promote;
mod promotion;
mod release;
mod releases;
mod shell;
mod stage;
#[cfg(test)]
mod tests;
mod time;
mod visit;
mod words;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::call::{App, FORM_BYTES_MAX};

/// How long browsers keep a static file: its address changes with its content.
const STATIC_CACHE: &str = "public, max-age=31536000, immutable";

/// The pages, their forms and their files.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(pages::board))
        .route("/releases", get(pages::releases))
        .route("/releases/{project}/{pipeline}/{version}", get(pages::release))
        .route(
            "/promote/{project}/{pipeline}/{version}/{stage}",
            get(pages::promote),
        )
        .route(
            "/promotions/{project}/{pipeline}/{stage}/{number}",
            get(pages::promotion),
        )
        .route("/stages/{project}/{pipeline}/{stage}", get(pages::stage))
        .route("/log", get(pages::log))
        .route("/login", get(pages::login))
        .route("/static/{name}", get(file))
        .route(
            "/ui/promotions/{project}/{pipeline}/{stage}/{number}/{act}",
            post(forms::steer).get(forms::back_to_promotion),
        )
        .route(
            "/ui/promote/{project}/{pipeline}/{version}/{stage}",
            post(forms::promote).get(forms::back_to_promote),
        )
        .route(
            "/ui/stages/{project}/{pipeline}/{stage}/{act}",
            post(forms::stage).get(forms::back_to_stage),
        )
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

async fn file(Path(name): Path<String>) -> Response {
    match assets::named(&name) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media),
                (header::CACHE_CONTROL, STATIC_CACHE),
            ],
            asset.content,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
