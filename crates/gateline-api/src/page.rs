//! Pages: parts of long lists. A cursor is opaque to callers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// How many items a page has that was asked for with this limit.
pub fn page_size(limit: Option<u32>) -> usize {
    limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_empty_by_request_and_never_over_the_limit() {
        assert_eq!(page_size(None), PAGE_DEFAULT as usize);
        assert_eq!(page_size(Some(0)), 1);
        assert_eq!(page_size(Some(u32::MAX)), PAGE_MAX as usize);
    }
}
