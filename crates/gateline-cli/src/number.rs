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

/// How many random runs to play. None would prove nothing.
pub fn seeds(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|seeds| *seeds > 0)
        .ok_or_else(|| "write a whole number from 1, such as `2000`".to_owned())
}

/// The number that a random run is played from.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "write a whole number from 0, as a failing run prints it".to_owned())
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

    #[test]
    fn no_seeds_at_all_prove_nothing_and_are_refused() {
        assert_eq!((seeds("1"), seed("0")), (Ok(1), Ok(0)));
        for text in ["0", "-1", "many", ""] {
            assert!(seeds(text).unwrap_err().contains("from 1"), "{text}");
        }
        assert!(seed("x").unwrap_err().contains("from 0"));
    }

    #[test]
    fn a_negative_number_is_answered_as_a_number_and_not_as_an_unknown_option() {
        for args in [
            ["log", "--limit", "-1"],
            ["log", "--before", "-1"],
            ["status", "--limit", "-1"],
            ["simulate", "--seeds", "-1"],
        ] {
            let command =
                <crate::Verb as clap::Subcommand>::augment_subcommands(clap::Command::new("gateline"));
            let says = command
                .try_get_matches_from([&["gateline"], &args[..]].concat())
                .unwrap_err()
                .to_string();
            assert!(says.contains("a whole number from"), "{args:?}: {says}");
        }
    }
}
