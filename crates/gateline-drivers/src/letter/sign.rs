//! Signatures by a shared secret: what we write under letters, and what Slack and GitHub write under theirs.

use gateline_model::Digest;
use ring::hmac;

/// HMAC with SHA-256.
pub fn sha256_mac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().to_vec()
}

/// Whether two texts are the same; how long it takes tells nothing of where they differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    // Both by their digests under a key that nobody can choose for: no length is told either.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"gateline compares");
    hmac::verify(&key, other, hmac::sign(&key, one).as_ref()).is_ok()
}

/// What Slack writes under a request: `v0=` and the MAC of version, time and body.
pub fn slack_signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mac = sha256_mac(secret.as_bytes(), &[b"v0:", timestamp.as_bytes(), b":", body]);
    format!("v0={}", hex(&mac))
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The code of a question that a person types: enough of its digest that nobody finds another with the same.
pub fn code_of(question: &Digest) -> String {
    question.hex()[..CODE_DIGITS].to_owned()
}

/// Digits of the code, 64 bits of it.
const CODE_DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_s_own_example_is_signed_as_slack_signs_it() {
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            slack_signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }

    #[test]
    fn only_the_same_is_the_same() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }
}
