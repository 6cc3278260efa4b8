//! Passkeys of the fuzzing: made by hand with P-256 and Ed25519, at `https://gateline.example`, over `statement`.

/// Client data and authenticator data of a new passkey.
pub(super) const PASSKEY_MADE: [(&str, &str); 2] = [
    (
        "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoic1JIRzRkTVk4Z01HUGx3V3VyUThFSU1tcndxaTk3WlhZTWxWUjZROXZsSSIsIm9yaWdpbiI6Imh0dHBzOi8vZ2F0ZWxpbmUuZXhhbXBsZSIsImNyb3NzT3JpZ2luIjpmYWxzZX0",
        "ZB8IU5npuEjDrgOomKHnb2ij4D-5i94QoxijepJyZlFdAAAAAwAAAAAAAAAAAAAAAAAAAAAABGNyZWSlAQIDJiABIVggHhhTL9R1TALzBB2cdc6zO4P_2BrHzk_ogsyxyYvFiW4iWCCkbDEcTi_0DdlqNlPm5FRF0y3-SG7O11x6kMahiIHAow",
    ),
    (
        "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoic1JIRzRkTVk4Z01HUGx3V3VyUThFSU1tcndxaTk3WlhZTWxWUjZROXZsSSIsIm9yaWdpbiI6Imh0dHBzOi8vZ2F0ZWxpbmUuZXhhbXBsZSIsImNyb3NzT3JpZ2luIjpmYWxzZX0",
        "ZB8IU5npuEjDrgOomKHnb2ij4D-5i94QoxijepJyZlFFAAAAAAAAAAAAAAAAAAAAAAAAAAAABGNyZWSkAQEDJyAGIVgg6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw",
    ),
];

/// COSE key, client data, authenticator data and signature.
pub(super) const PASSKEY_SIGNED: [[&str; 4]; 2] = [
    [
        "pQECAyYgASFYIB4YUy_UdUwC8wQdnHXOszuD_9gax85P6ILMscmLxYluIlggpGwxHE4v9A3ZajZT5uRURdMt_khuztdcepDGoYiBwKM",
        "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoic1JIRzRkTVk4Z01HUGx3V3VyUThFSU1tcndxaTk3WlhZTWxWUjZROXZsSSIsIm9yaWdpbiI6Imh0dHBzOi8vZ2F0ZWxpbmUuZXhhbXBsZSIsImNyb3NzT3JpZ2luIjpmYWxzZX0",
        "ZB8IU5npuEjDrgOomKHnb2ij4D-5i94QoxijepJyZlEFAAAABA",
        "MEUCIECt8SBeTAkH3ri8EjEHDRBXeY8qmorQBLweerawyhW7AiEA1sZbHa4slVW8gdpzI7D6MxIGN1VEv1wp1FnOPTeKbJc",
    ],
    [
        "pAEBAycgBiFYIOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs",
        "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoic1JIRzRkTVk4Z01HUGx3V3VyUThFSU1tcndxaTk3WlhZTWxWUjZROXZsSSIsIm9yaWdpbiI6Imh0dHBzOi8vZ2F0ZWxpbmUuZXhhbXBsZSIsImNyb3NzT3JpZ2luIjpmYWxzZX0",
        "ZB8IU5npuEjDrgOomKHnb2ij4D-5i94QoxijepJyZlEFAAAABA",
        "PjNQ-Gw_h1wEggO5D62q49gXQYiPz5tu4QgY5nuV1EIOT1NdYjwDY86HdG4oBUAHuut2mu7BMtzksAvxDd7ICQ",
    ],
];

/// What is signed to say yes.
pub(super) const ANSWER_STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"about":{"promotion":{"id":"shop/shop/live/7","release":"sha256:3333333333333333333333333333333333333333333333333333333333333333","version":"1.0.0"}},"actor":"ann","answer":"approve","code":"7f3a 90c2","comment":"sha256:1111111111111111111111111111111111111111111111111111111111111111","expires_at":"2026-11-21T09:15:00Z","issued_at":"2026-11-21T09:00:00Z","nonce":"abababababababababababababababababababababababababababababababab","question":"sha256:2222222222222222222222222222222222222222222222222222222222222222","server":"https://gateline.example"},"predicateType":"https://gateline.dev/attestation/approval/v1","subject":[{"digest":{"sha256":"4444444444444444444444444444444444444444444444444444444444444444"},"name":"image"}]}"#;

#[cfg(test)]
mod tests {
    use gateline_evidence::{Site, enrol_passkey, verify_statement};
    use gateline_model::{ANSWER_PURPOSE, AnswerStatement, Digest, Proof, SignedStatement, Tier};

    use super::*;

    #[test]
    fn what_is_spoilt_is_whole_before() {
        let site = Site::of("https://gateline.example").unwrap();
        for (client_data, data) in PASSKEY_MADE {
            enrol_passkey(&site, &Digest::of(b"statement"), client_data, data).unwrap();
        }
        for [public, client_data, authenticator_data, signature] in PASSKEY_SIGNED {
            let signed = SignedStatement {
                statement: "statement".to_owned(),
                key: String::new(),
                proof: Proof::Passkey {
                    client_data: client_data.to_owned(),
                    authenticator_data: authenticator_data.to_owned(),
                    signature: signature.to_owned(),
                },
            };
            verify_statement(&signed, Tier::Passkey, public, Some(&site), ANSWER_PURPOSE).unwrap();
        }
        AnswerStatement::read(ANSWER_STATEMENT).unwrap();
    }
}
