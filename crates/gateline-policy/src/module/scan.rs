//! What a source may look like before it is parsed.
//!
//! The parser of regorus doubles its time with each nested bracket, and what it parsed is walked recursively: nesting, long
//! chains of operators and their sum are bounded here. Knows strings and comments as regorus reads them, and no syntax.

use super::error::PolicyError;

/// Deepest nesting of brackets in a source.
pub const BRACKETS_DEPTH_MAX: usize = 12;
/// Most operators, dots and indexes in a row that one expression may have, those of the expressions around it included.
pub const CHAIN_MAX: usize = 40;
/// What all brackets of a module may cost the parser: each costs 2 to the power of its depth.
pub const PARSE_COST_MAX: u64 = 1 << 18;

/// What is open at one level of brackets.
#[derive(Default)]
struct Level {
    chain: usize,
    after_operand: bool,
}

/// Measures one source after the other.
#[derive(Default)]
pub(super) struct Scan {
    cost: u64,
}

impl Scan {
    /// Refuses a source that the parser should not see.
    pub(super) fn source(&mut self, file: &str, text: &str) -> Result<(), PolicyError> {
        let mut line = 1;
        let mut levels = vec![Level::default()];
        let mut rest = text.char_indices().peekable();
        while let Some((at, letter)) = rest.next() {
            let here = line;
            let refused = |says: String| Err(PolicyError::line(file, here, says));
            let level = levels.last_mut().expect("the outermost level is never closed");
            match letter {
                '\n' => line += 1,
                '\r' | '\t' | ' ' => {}
                letter if letter.is_control() => {
                    return refused(format!("it has the control character {letter:?}"));
                }
                '#' => while rest.next_if(|(_, next)| *next != '\n').is_some() {},
                '"' | '`' => {
                    level.operand();
                    line += string(letter, &mut rest);
                }
                '(' | '[' | '{' => {
                    // A call or an index goes on with what is in front of it.
                    let follows = at > 0 && text.as_bytes()[at - 1].is_ascii_graphic() && level.after_operand;
                    level.chain += usize::from(follows);
                    levels.push(Level::default());
                    let depth = levels.len() - 1;
                    if depth > BRACKETS_DEPTH_MAX {
                        return refused(format!(
                            "brackets nest more than {BRACKETS_DEPTH_MAX} deep; give the inner part a name of its own"
                        ));
                    }
                    self.cost += 1 << depth;
                    if self.cost > PARSE_COST_MAX {
                        return refused(format!(
                            "the brackets of the module cost its parser more than {PARSE_COST_MAX} units; nest less, or \
                             move data into `data.json`"
                        ));
                    }
                }
                ')' | ']' | '}' => {
                    if levels.len() > 1 {
                        levels.pop();
                    }
                    levels.last_mut().expect("one is left").after_operand = true;
                }
                ',' | ';' | ':' => *level = Level::default(),
                letter if letter.is_alphanumeric() || letter == '_' => {
                    let mut end = at + letter.len_utf8();
                    while let Some((at, letter)) =
                        rest.next_if(|(_, next)| next.is_alphanumeric() || *next == '_')
                    {
                        end = at + letter.len_utf8();
                    }
                    match &text[at..end] {
                        "in" => level.operator(),
                        _ => level.operand(),
                    }
                }
                _ => level.operator(),
            }
            if levels.iter().map(|level| level.chain).sum::<usize>() > CHAIN_MAX {
                return refused(format!(
                    "more than {CHAIN_MAX} operators and dots follow each other; give a part a name of its own"
                ));
            }
        }
        Ok(())
    }
}

impl Level {
    /// Two operands beside each other are two expressions.
    fn operand(&mut self) {
        if self.after_operand {
            self.chain = 0;
        }
        self.after_operand = true;
    }

    fn operator(&mut self) {
        self.chain += 1;
        self.after_operand = false;
    }
}

/// Passes the rest of a string; answers how many lines it has.
fn string(quote: char, rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> u32 {
    let mut lines = 0;
    while let Some((_, letter)) = rest.next() {
        match letter {
            '\\' if quote == '"' => drop(rest.next()),
            '\n' => lines += 1,
            letter if letter == quote => break,
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn scanned(text: &str) -> Result<(), String> {
        Scan::default()
            .source("a.rego", text)
            .map_err(|err| err.to_string())
    }

    #[test_case(&format!("{}1{}", "[".repeat(12), "]".repeat(12)), true; "twelve brackets")]
    #[test_case(&format!("x\ny := {}1{}", "[".repeat(13), "]".repeat(13)), false; "thirteen brackets")]
    #[test_case(&format!("x := \"{}\"", "[".repeat(99)), true; "brackets in a string")]
    #[test_case(&format!("x := \"\\\"{}\"", "[".repeat(99)), true; "brackets after a quote in a string")]
    #[test_case(&format!("x := `\"\\`{}`{}", "[]".repeat(9), "[".repeat(9)), true; "a raw string knows no escapes")]
    #[test_case(&format!("# {}\nx", "[".repeat(99)), true; "brackets in a comment")]
    #[test_case(&format!("x := 1{}", " + 1".repeat(39)), true; "a long sum")]
    #[test_case(&format!("x := 1{}", "\n + 1".repeat(41)), false; "a sum that is too long, over many lines")]
    #[test_case(&format!("x := a{}", ".b".repeat(41)), false; "a path that is too long")]
    #[test_case(&format!("x := a{}", "[0]".repeat(41)), false; "too many indexes")]
    #[test_case(&format!("x if 1{}", " in a".repeat(41)), false; "too many words for membership")]
    #[test_case(&"x := 1 + 1\n".repeat(99), true; "many short sums")]
    #[test_case(&format!("{}1", "(1 + 1 + 1 + 1 + ".repeat(11)), false; "sums in sums")]
    #[test_case("x := \u{1}", false; "a control character")]
    fn only_what_the_parser_can_bear_reaches_it(text: &str, may: bool) {
        assert_eq!(scanned(text).is_ok(), may, "{:?}", scanned(text));
    }

    #[test]
    fn the_place_is_told() {
        let text = format!("package a\n\nx := `\n`\n\ny := {}", "[".repeat(13));
        let says = scanned(&text).unwrap_err();
        assert!(says.starts_with("a.rego:6: brackets nest more than 12"), "{says}");
    }

    #[test]
    fn many_nested_brackets_are_as_bad_as_deep_ones() {
        let nested = format!("x := {}1{}\n", "[".repeat(12), "]".repeat(12));
        assert_eq!(scanned(&nested.repeat(20)), Ok(()));
        assert!(scanned(&nested.repeat(40)).unwrap_err().contains("cost"));
    }
}
