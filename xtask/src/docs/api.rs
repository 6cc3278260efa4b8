//! The page of endpoints, from `gateline_api::ENDPOINTS`.

use gateline_api::{ENDPOINTS, EndpointInfo, IDEMPOTENCY_KEY_BYTES_MAX, Media, PAGE_DEFAULT, PAGE_MAX, Rule};

use super::head;
use super::table::cell;

pub fn page() -> String {
    let about = format!(
        "Bodies are JSON where nothing else is said; [openapi.json](openapi.json) has every field, and the server gives the\n\
         same document at `/api/openapi.json`. Send `Authorization: Bearer TOKEN`. A write takes an `Idempotency-Key` (at most\n\
         {IDEMPOTENCY_KEY_BYTES_MAX} characters): sent again with the same body it happens once, with another body it is refused. Lists come in\n\
         pages of {PAGE_DEFAULT}, at most {PAGE_MAX}; `after` asks for the next one. `{{release}}` is its digest, or `PROJECT%2FPIPELINE@VERSION`:\n\
         a slash within a part of the path is written `%2F`. Errors: [errors.md](errors.md)."
    );
    let mut text = head("API", "`gateline_api::ENDPOINTS`", &about);
    text.push_str("\n| request | what it does | scope | key | body | reply |\n|---|---|---|---|---|---|\n");
    for endpoint in ENDPOINTS {
        text.push_str(&row(endpoint));
    }
    text
}

fn row(endpoint: &EndpointInfo) -> String {
    let scope = match endpoint.rule {
        Rule::Open => "none".to_owned(),
        Rule::Scope(scope) => {
            let word = serde_json::to_value(scope).unwrap_or_default();
            format!("`{}`", word.as_str().unwrap_or_default())
        }
    };
    format!(
        "| `{} {}` | {} | {scope} | {} | {} | {} |\n",
        endpoint.method.as_str(),
        endpoint.path,
        cell(endpoint.summary),
        if endpoint.takes_key { "yes" } else { "" },
        media(endpoint.body),
        media(endpoint.reply),
    )
}

fn media(media: Media) -> &'static str {
    match media {
        Media::None => "",
        Media::Json | Media::Secret => "JSON",
        Media::Bytes => "bytes",
        Media::Form => "form",
        Media::Events => "event stream",
        Media::Text => "text",
    }
}
