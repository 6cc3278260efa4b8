//! Characters of others' texts that do more than stand where they are written.

/// Whether a character moves a terminal's cursor, or turns the text after it round so that it reads as something else.
pub fn plays_tricks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_writing_play_none_and_controls_do() {
        assert!("Grüße שלום 你好 🙂 ".chars().all(|c| !plays_tricks(c)));
        assert!(
            "\u{1b}\u{9b}\u{7f}\n\u{202e}\u{2066}\u{200f}"
                .chars()
                .all(plays_tricks)
        );
    }
}
