//! Numbers as arguments: what cannot be one is answered with what is asked.

/// Most items that one command lists. It asks for them page by page.
pub const LIST_MAX: u32 = 10_000;

/// How many items to list.
pub fn list_limit(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|limit| (1..=LIST_MAX).contains(limit))
        .ok_or_else(|| format!("write a whole number from 1 to {LIST_MAX} (LIST_MAX)"))
}

/// The number of an event in the log.
pub fn log_number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "write a log number: a whole number from 0, as `gateline log` shows it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_at_least_one_item_and_an_end() {
        assert_eq!((list_limit("1"), list_limit("10000")), (Ok(1), Ok(LIST_MAX)));
        for text in ["0", "-1", "10001", "abc", "", "99999999999"] {
            assert!(
                list_limit(text).unwrap_err().contains("from 1 to 10000"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_log_number_is_answered_with_what_is_one() {
        assert_eq!(log_number("0"), Ok(0));
        for text in ["abc", "-1", "1.5", "", "99999999999999999999"] {
            assert!(
                log_number(text).unwrap_err().contains("a whole number from 0"),
                "{text}"
            );
        }
    }
}
