//! What a channel said, made fit for the log: short, on one line, without what a terminal would obey.

/// Most characters of an answer that are repeated.
const SAID_CHARS_MAX: usize = 160;

/// The beginning of an answer, behind a colon; nothing of an empty one, or of a page.
pub(super) fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    // Before it is cut: whoever was shown a secret may say it again.
    let text = crate::secret::hide(&text);
    let line: String = text
        .chars()
        .map(|letter| {
            if gateline_model::plays_tricks(letter) {
                ' '
            } else {
                letter
            }
        })
        .take(SAID_CHARS_MAX)
        .collect();
    match line.trim() {
        "" => String::new(),
        page if page.starts_with('<') => String::new(),
        text => format!(": {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_short_line() {
        assert_eq!(shown(b"no\r\n\x1b[31msuch thing"), ": no   [31msuch thing");
        assert_eq!(shown(b"<!doctype html>"), "");
        assert_eq!(shown(b" \n"), "");
        assert!(shown(&[b'x'; 5_000]).len() < 200);
    }
}
