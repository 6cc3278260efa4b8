//! Signed tokens: JSON Web Signatures in compact form, held against published keys.
//! Which algorithms may be used is the key's to say, never the token's. Knows no issuer, no claim and no clock.
//!
//! Layout: RFC 7515 (signatures), 7517 (keys), 7518 (algorithms), 8037 (Ed25519).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest signed token that is looked at, in bytes. Those of GitHub and GitLab have two to four thousand.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Most keys that an issuer may publish.
pub(crate) const KEYS_MAX: usize = 64;

/// What a token says, once somebody vouches for it.
pub(crate) type Claims = Map<String, Value>;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// It is no signed token.
    #[error("it is not a signed token: {0}")]
    Form(&'static str),
    /// No key of the issuer has its id.
    #[error("no key of its issuer has the id that it names")]
    UnknownKey,
    /// The key is for another algorithm.
    #[error("its algorithm `{0}` is not one that its key is for")]
    Algorithm(String),
    /// The signature is not the key's.
    #[error("its signature is not good")]
    Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    /// Extensions that must be understood; none is.
    #[serde(default)]
    crit: Option<Value>,
}

/// A token that was taken apart. Nothing that it says is known to be true.
pub(crate) struct Unverified<'t> {
    header: Header,
    signed: &'t str,
    signature: Vec<u8>,
    claims: Claims,
}

/// Whether a bearer token looks like a signed one rather than like one of ours.
pub(crate) fn looks_signed(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl<'t> Unverified<'t> {
    pub(crate) fn read(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Form("it is longer than 16384 bytes"));
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(TokenError::Form("it has not three parts"));
        };
        let bytes = |text: &str| {
            URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| TokenError::Form("a part is not base64url"))
        };
        let header: Header = serde_json::from_slice(&bytes(header)?)
            .map_err(|_| TokenError::Form("its header cannot be read"))?;
        if header.crit.is_some() {
            return Err(TokenError::Form("its header names extensions that are not known"));
        }
        if header
            .typ
            .as_ref()
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("jwt"))
        {
            return Err(TokenError::Form("it is of another type"));
        }
        Ok(Self {
            claims: serde_json::from_slice(&bytes(payload)?)
                .map_err(|_| TokenError::Form("its claims cannot be read"))?,
            signature: bytes(signature)?,
            signed: &token[..token.len() - signature.len() - 1],
            header,
        })
    }

    /// Who it says has signed it: only good for finding the keys that tell.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// What it says, if one of these keys has signed it.
    pub(crate) fn verify(&self, keys: &Keys) -> Result<&Claims, TokenError> {
        let key = keys
            .find(self.header.kid.as_deref())
            .ok_or(TokenError::UnknownKey)?;
        let algorithm = || TokenError::Algorithm(self.header.alg.chars().take(16).collect());
        if key.alg.as_ref().is_some_and(|alg| *alg != self.header.alg) {
            return Err(algorithm());
        }
        let good = match (&key.material, self.header.alg.as_str()) {
            (Material::Rsa { n, e }, alg) => {
                let scheme = match alg {
                    "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                    "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
                    "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return Err(algorithm()),
                };
                signature::RsaPublicKeyComponents { n, e }.verify(
                    scheme,
                    self.signed.as_bytes(),
                    &self.signature,
                )
            }
            (Material::P256(point), "ES256") => self.under(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Material::P384(point), "ES384") => self.under(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Material::Ed25519(key), "EdDSA" | "Ed25519") => self.under(&signature::ED25519, key),
            (Material::P256(_) | Material::P384(_) | Material::Ed25519(_), _) => return Err(algorithm()),
        };
        good.map_err(|_| TokenError::Signature)?;
        Ok(&self.claims)
    }

    fn under(
        &self,
        scheme: &'static dyn VerificationAlgorithm,
        key: &[u8],
    ) -> Result<(), ring::error::Unspecified> {
        UnparsedPublicKey::new(scheme, key).verify(self.signed.as_bytes(), &self.signature)
    }
}

/// The keys that an issuer publishes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    kid: Option<String>,
    alg: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct PublishedKeys {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads what an issuer publishes. Keys of a kind that is not known, or for encryption, are left out.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let PublishedKeys { keys } =
            serde_json::from_slice(bytes).map_err(|err| format!("its keys cannot be read: {err}"))?;
        if keys.len() > KEYS_MAX {
            return Err(format!(
                "it publishes {} keys; the limit is {KEYS_MAX}",
                keys.len()
            ));
        }
        let keys: Vec<Key> = keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("it publishes no key that can be used".to_owned());
        }
        Ok(Self(keys))
    }

    /// The key of this id; without an id, the only one.
    fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, &self.0[..]) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let key: PublishedKey = serde_json::from_value(value).ok()?;
        if key.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let point = |length: usize| {
            let (x, y) = (bytes(&key.x)?, bytes(&key.y)?);
            let right = x.len() == length && y.len() == length;
            right.then(|| [&[4], x.as_slice(), y.as_slice()].concat())
        };
        let material = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", _) => Material::Rsa {
                n: bytes(&key.n)?,
                e: bytes(&key.e)?,
            },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(&key.x)?),
            _ => return None,
        };
        Some(Self {
            kid: key.kid,
            alg: key.alg,
            material,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 A.2: RS256.
    const RSA: &str = r#"{"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}"#;
    const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    /// RFC 7515 A.3: ES256.
    const EC: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    /// RFC 8037 A.1 and A.4: Ed25519. Its payload is no JSON, so only the signature's form is of use here.
    const ED: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn keys(text: &str) -> Keys {
        Keys::read(text.as_bytes()).unwrap()
    }

    fn verified(token: &str, by: &str) -> Result<(), TokenError> {
        Unverified::read(token)?.verify(&keys(by)).map(|_| ())
    }

    /// A token with another header before the same claims.
    fn with_header(token: &str, header: &str) -> String {
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn the_examples_of_the_standard_are_good() {
        assert_eq!(verified(RS256, RSA), Ok(()));
        assert_eq!(verified(ES256, EC), Ok(()));
        assert_eq!(Unverified::read(ES256).unwrap().issuer(), Some("joe"));
    }

    #[test]
    fn a_token_with_one_changed_character_is_not() {
        for (token, by) in [(RS256, RSA), (ES256, EC)] {
            // The last character of base64 may hold bits that say nothing: take one inside.
            for at in [token.find('.').unwrap() + 5, token.len() - 20] {
                let mut changed = token.to_owned();
                let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
                changed.replace_range(at..=at, other);
                assert!(verified(&changed, by).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn the_key_chooses_the_algorithm_and_not_the_token() {
        let algorithm = |alg: &str| Err(TokenError::Algorithm(alg.to_owned()));
        for alg in ["none", "None", "HS256", "ES256", "EdDSA", ""] {
            let token = with_header(RS256, &format!(r#"{{"alg":"{alg}"}}"#));
            assert_eq!(verified(&token, RSA), algorithm(alg));
        }
        // The same without a signature, as `none` is written.
        let (bare, _) = with_header(ES256, r#"{"alg":"none"}"#)
            .rsplit_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(verified(&format!("{bare}."), EC), algorithm("none"));
        assert_eq!(
            verified(&with_header(ES256, r#"{"alg":"EdDSA"}"#), EC),
            algorithm("EdDSA")
        );
        assert_eq!(
            verified(&with_header(ES256, r#"{"alg":"ES256"}"#), ED),
            algorithm("ES256")
        );
        // A key that names its algorithm takes no other of its kind.
        let named = RSA.replace(r#""kty""#, r#""alg":"PS256","kty""#);
        assert_eq!(verified(RS256, &named), algorithm("RS256"));
    }

    #[test]
    fn a_public_key_is_no_secret_to_sign_with() {
        // Key confusion: HMAC with what everybody can read.
        let public = URL_SAFE_NO_PAD.encode(RSA);
        for secret in [RSA.as_bytes(), public.as_bytes()] {
            let signed = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#),
                URL_SAFE_NO_PAD.encode(r#"{"iss":"joe"}"#)
            );
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
            let tag = ring::hmac::sign(&key, signed.as_bytes());
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
            assert_eq!(verified(&token, RSA), Err(TokenError::Algorithm("HS256".into())));
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_or_is_the_only_one() {
        let two = RSA.replace("]}", r#",{"kty":"EC","kid":"b","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#);
        assert_eq!(verified(RS256, &two), Err(TokenError::UnknownKey));
        assert_eq!(
            verified(&with_header(ES256, r#"{"alg":"ES256","kid":"c"}"#), &two),
            Err(TokenError::UnknownKey)
        );
        assert_eq!(
            verified(&with_header(ES256, r#"{"alg":"ES256","kid":"b"}"#), &two),
            Err(TokenError::Signature)
        );
        // Keys for encryption and of other kinds are no keys here.
        assert!(Keys::read(RSA.replace(r#""kty""#, r#""use":"enc","kty""#).as_bytes()).is_err());
        assert!(
            Keys::read(br#"{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"EC","crv":"P-521"},7]}"#).is_err()
        );
        assert!(Keys::read(b"{}").is_err());
        let many = format!(r#"{{"keys":[{}]}}"#, vec!["{}"; KEYS_MAX + 1].join(","));
        assert!(Keys::read(many.as_bytes()).unwrap_err().contains("65 keys"));
    }

    #[test]
    fn what_is_no_token_is_refused_whatever_it_is() {
        let deep = URL_SAFE_NO_PAD.encode("[".repeat(5_000));
        let long = "a".repeat(TOKEN_BYTES_MAX + 1);
        for token in [
            "",
            "..",
            "a.b",
            "a.b.c.d",
            "!.!.!",
            &format!("{deep}.{deep}.a"),
            &format!("{}.{deep}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#)),
            &long,
            &with_header(ES256, r#"{"alg":"ES256","crit":["b64"]}"#),
            &with_header(ES256, r#"{"alg":"ES256","typ":"at+jwt"}"#),
            &with_header(ES256, r#"{"alg":"ES256","alg":"none"}"#),
            &with_header(ES256, r#"{"kid":"a"}"#),
        ] {
            assert!(
                matches!(verified(token, EC), Err(TokenError::Form(_))),
                "{token:.60}"
            );
        }
    }

    #[test]
    fn a_spoilt_token_or_key_harms_nobody_and_is_not_believed() {
        let keys = Keys::read(EC.as_bytes()).unwrap();
        crate::spoilt::spoilt(&[ES256.as_bytes()], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if text == ES256 {
                return;
            }
            if let Ok(token) = Unverified::read(&text) {
                let _ = token.issuer();
                assert!(token.verify(&keys).is_err(), "{text}");
            }
        });
        crate::spoilt::spoilt(&[EC.as_bytes(), RSA.as_bytes()], |bytes| drop(Keys::read(bytes)));
    }
}
