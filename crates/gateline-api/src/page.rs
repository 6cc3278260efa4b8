//! Pages: parts of long lists. A cursor is opaque to callers.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Items of a page where the request does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Most items of a page. More is asked for page by page.
pub const PAGE_MAX: u32 = 500;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give it as `after` to get what follows; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Why a text is not a page's limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a limit: write a whole number from 1 to {PAGE_MAX} (PAGE_MAX)")]
pub struct LimitError(String);

/// Reads a page's limit: the one rule of everything that is listed.
///
/// # Errors
/// [`LimitError`], unless it is from 1 to [`PAGE_MAX`].
pub fn page_limit(text: &str) -> Result<u32, LimitError> {
    text.parse()
        .ok()
        .filter(|limit| (1..=PAGE_MAX).contains(limit))
        .ok_or_else(|| LimitError(text.chars().take(40).collect()))
}

/// The same for a parameter of a query.
pub(crate) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    text.map(|text| page_limit(&text).map_err(serde::de::Error::custom))
        .transpose()
}

/// How many items a page has that was asked for with this limit.
pub fn page_size(limit: Option<u32>) -> usize {
    limit.unwrap_or(PAGE_DEFAULT) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_empty_by_request_and_never_over_the_limit() {
        assert_eq!(page_size(None), PAGE_DEFAULT as usize);
        assert_eq!(page_limit("1"), Ok(1));
        assert_eq!(page_limit("500"), Ok(PAGE_MAX));
        for text in ["0", "-1", "501", "99999999999", "", "many", "1.5"] {
            let says = page_limit(text).unwrap_err().to_string();
            assert!(says.contains("from 1 to 500 (PAGE_MAX)"), "{says}");
        }
    }
}
