//! Origins: whether a browser's request comes from one of our own pages, and whether an address leads to one.
//! Headers: Fetch Metadata (`Sec-Fetch-Site`), and `Origin` for browsers without it.

use axum::http::{HeaderMap, header};
use gateline_api::entry;

use crate::refused::Refused;

/// Refuses a request that another site caused, or whose origin is not told.
pub(crate) fn refuse_foreign_origin(headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match (
        text("sec-fetch-site"),
        text(header::ORIGIN.as_str()),
        text(header::HOST.as_str()),
    ) {
        // `none`: typed or chosen by the person in the browser itself.
        (Some(site), _, _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, origin)| origin == host)
        }
        (None, _, _) => false,
    };
    if ours {
        return Ok(());
    }
    Err(Refused::new(
        &entry::ORIGIN,
        "a write with a session cookie must come from one of Gateline's own pages",
    ))
}

/// Longest path that is kept over a login: what a browser and every proxy before it take in a header.
const OWN_PATH_BYTES_MAX: usize = 2_048;

/// A path of this server that somebody gave us, or the board's: never another site. `//` and `/\\` begin a host's name.
pub(crate) fn own_path(given: Option<&str>) -> &str {
    given
        .filter(|path| path.len() <= OWN_PATH_BYTES_MAX)
        .filter(|path| path.starts_with('/') && !path.starts_with("//"))
        .filter(|path| path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'))
        .unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_followed() {
        let longest = format!("/{}", "x".repeat(OWN_PATH_BYTES_MAX - 1));
        for path in ["/", "/log?before=3", "/promotions/a/b/c/1", "/?q=a%20b", &longest] {
            assert_eq!(own_path(Some(path)), path);
        }
        for elsewhere in [
            "",
            "log",
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: b",
            "\\\\evil.example",
            " //evil.example",
            "javascript:alert(1)",
            &format!("{longest}x"),
        ] {
            assert_eq!(own_path(Some(elsewhere)), "/", "{elsewhere:?}");
        }
        assert_eq!(own_path(None), "/");
    }

    fn refused(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        refuse_foreign_origin(&headers).is_err()
    }

    #[test]
    fn only_our_own_pages_may_write() {
        assert!(!refused(&[("sec-fetch-site", "same-origin")]));
        assert!(!refused(&[
            ("origin", "http://127.0.0.1:7171"),
            ("host", "127.0.0.1:7171")
        ]));
        assert!(refused(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://a"),
            ("host", "a")
        ]));
        assert!(refused(&[("sec-fetch-site", "same-site")]));
        assert!(refused(&[
            ("origin", "http://evil.example"),
            ("host", "127.0.0.1:7171")
        ]));
        assert!(refused(&[("origin", "null"), ("host", "127.0.0.1:7171")]));
    }

    #[test]
    fn a_write_that_hides_its_origin_is_refused() {
        assert!(refused(&[("host", "127.0.0.1:7171")]));
    }
}
