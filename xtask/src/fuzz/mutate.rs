//! An input from a seed: a sample, spoilt a few times.

/// Longest input; what is longer is cut off.
const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// Most changes to one input.
const CHANGES_MAX: usize = 12;
/// Longest span that one change moves, removes or repeats.
const SPAN_BYTES_MAX: usize = 400;
/// How often one change repeats a span at most.
const REPEATS_MAX: usize = 5_000;
/// Numbers at the edges of types, and texts that only look like numbers.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e309",
    "-1e999",
    "1e-400",
    "0.1",
    "NaN",
    "inf",
    "99999999999999999999999999999999",
    "0x10",
    "01",
    "1_000",
    "1.7976931348623157e308",
];
/// What opens something that is to be closed.
const OPENERS: &[&str] = &[
    "[",
    "{\"a\":",
    "{\"results\":[",
    "<a>",
    "<testsuite>",
    "<!--",
    "<![CDATA[",
    "- ",
    "- - ",
    "? ",
    "{a: ",
    "a:\n  ",
    "(",
    "&a [",
    "*a ",
    "!",
    "\"",
    "\\",
    "@@ -1 +1 @@\n",
];
/// What readers of any format may trip over.
const ODDITIES: &[&str] = &[
    "\u{feff}",
    "\0",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{10ffff}",
    "\\ud800",
    "\\u0000",
    "&#0;",
    "&#x110000;",
    "&amp;",
    "&lt",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<?xml version='1.1'?>",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "<<: *a",
    "---\n",
    "...\n",
    "%YAML 9.9\n",
    "!!binary ",
    "~",
    ".inf",
    "${{ a }}",
    "AAAA====",
    "-----BEGIN",
    "sha256:",
];

/// A generator of numbers that the seed alone decides (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.roll() % end).unwrap_or_default()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> Option<&'a T> {
        from.get(self.below(from.len())).copied()
    }
}

/// The input of a seed.
pub fn input(samples: &[Vec<u8>], tokens: &[String], seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let at = dice.below(samples.len());
    let mut bytes = samples.get(at).cloned().unwrap_or_default();
    for _ in 0..=dice.below(CHANGES_MAX) {
        change(&mut bytes, samples, tokens, &mut dice);
        bytes.truncate(INPUT_BYTES_MAX);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, samples: &[Vec<u8>], tokens: &[String], dice: &mut Dice) {
    let at = dice.below(bytes.len());
    let span = at..(at + 1 + dice.below(SPAN_BYTES_MAX)).min(bytes.len());
    let insert = |bytes: &mut Vec<u8>, text: &[u8]| drop(bytes.splice(at..at, text.iter().copied()));
    match dice.below(14) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 if !bytes.is_empty() => bytes[at] = dice.below(256).to_le_bytes()[0],
        2 => bytes.truncate(at),
        3 if !bytes.is_empty() => drop(bytes.drain(span)),
        4 if !bytes.is_empty() => {
            let copy = bytes[span].to_vec();
            let often = repeats(dice);
            insert(bytes, &bounded(&copy, often));
        }
        5 => {
            let other = &samples[dice.below(samples.len())];
            let from = dice.below(other.len());
            let until = (from + 1 + dice.below(SPAN_BYTES_MAX)).min(other.len());
            insert(bytes, &other[from.min(until)..until]);
        }
        6 | 7 => {
            let at = dice.below(tokens.len());
            let token = tokens.get(at).map(String::as_str).unwrap_or_default();
            insert(bytes, token.as_bytes());
        }
        8 => {
            let opener = dice.pick(OPENERS).unwrap_or_default();
            let often = repeats(dice);
            insert(bytes, &bounded(opener.as_bytes(), often));
        }
        9 | 10 => number(bytes, at, dice),
        11 => insert(bytes, dice.pick(ODDITIES).unwrap_or_default().as_bytes()),
        12 => swap_tokens(bytes, tokens, dice),
        _ if !bytes.is_empty() => {
            // One span over another: keys get the values of others.
            let copy = bytes[span].to_vec();
            let to = dice.below(bytes.len());
            let end = (to + copy.len()).min(bytes.len());
            drop(bytes.splice(to..end, copy));
        }
        _ => {}
    }
}

/// Mostly few, sometimes very many.
fn repeats(dice: &mut Dice) -> usize {
    match dice.below(4) {
        0 => 1 + dice.below(REPEATS_MAX),
        _ => 1 + dice.below(20),
    }
}

fn bounded(text: &[u8], often: usize) -> Vec<u8> {
    let most = INPUT_BYTES_MAX / text.len().max(1);
    text.repeat(often.min(most))
}

/// Puts an odd number in the place of the next one.
fn number(bytes: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let Some(start) = bytes[at..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|found| at + found)
    else {
        return;
    };
    let length = bytes[start..].iter().position(|byte| !byte.is_ascii_digit());
    let end = length.map_or(bytes.len(), |length| start + length);
    let other = dice.pick(NUMBERS).unwrap_or_default();
    drop(bytes.splice(start..end, other.bytes()));
}

/// Puts one word of the format in the place of another.
fn swap_tokens(bytes: &mut Vec<u8>, tokens: &[String], dice: &mut Dice) {
    let (one, other) = (dice.below(tokens.len()), dice.below(tokens.len()));
    let (Some(one), Some(other)) = (tokens.get(one), tokens.get(other)) else {
        return;
    };
    let found = bytes
        .windows(one.len().max(1))
        .position(|window| window == one.as_bytes());
    if let Some(start) = found {
        drop(bytes.splice(start..start + one.len(), other.bytes()));
    }
}

/// The words of some samples: names, strings and tags, each once.
pub fn tokens(samples: &[Vec<u8>]) -> Vec<String> {
    const TOKEN_BYTES_MAX: usize = 40;
    const TOKENS_MAX: usize = 2_000;
    let mut tokens = std::collections::BTreeSet::new();
    for sample in samples {
        let text = String::from_utf8_lossy(sample);
        let is_word = |sign: char| sign.is_alphanumeric() || "_-.:/@$#".contains(sign);
        for word in text.split(|sign: char| !is_word(sign)) {
            if (2..=TOKEN_BYTES_MAX).contains(&word.len()) && tokens.len() < TOKENS_MAX {
                tokens.insert(word.to_owned());
            }
        }
    }
    tokens.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_follows_from_its_seed_alone_and_stays_within_its_limit() {
        let samples = vec![b"{\"runs\": [1, 2]}".to_vec(), Vec::new()];
        let tokens = tokens(&samples);
        assert_eq!(tokens, ["runs"]);
        let mut differ = 0;
        for seed in 0..2_000 {
            let input_one = input(&samples, &tokens, seed);
            assert_eq!(input_one, input(&samples, &tokens, seed));
            assert!(input_one.len() <= INPUT_BYTES_MAX);
            differ += usize::from(!samples.contains(&input_one));
        }
        assert!(differ > 1_500, "{differ}");
    }
}
