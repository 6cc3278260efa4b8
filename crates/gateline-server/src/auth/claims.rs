//! Claims: what a token that somebody vouches for says, held against what it must say. Knows no clock and no issuer.

use jiff::Timestamp;
use serde_json::Value;

use super::jws::Claims;

/// How far the clocks of an issuer and of this server may be apart, in seconds.
pub(crate) const CLOCK_LEEWAY_SECS: i64 = 60;

/// Why what a token says is not enough.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    /// Another issuer's.
    #[error("it is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("it was made for somebody else: its audience is not `{0}`")]
    Audience(String),
    /// Its time is over, or it says nothing of it.
    #[error("its time is over, or not told")]
    Expired,
    /// Its time has not come.
    #[error("its time has not come; look at the clocks")]
    Early,
    /// It answers another request.
    #[error("it does not answer this sign-in")]
    Nonce,
    /// Something that must be there is not.
    #[error("it has no claim `{0}` that can be used")]
    Missing(String),
}

/// Holds issuer, audience and times against what they must be (OpenID Connect Core 1.0, section 3.1.3.7).
///
/// `audience` is what this server is called there; a token for several must name it as its authorised party.
pub(crate) fn check(claims: &Claims, issuer: &str, audience: &str, now: Timestamp) -> Result<(), ClaimError> {
    if text(claims, "iss") != Some(issuer) {
        return Err(ClaimError::Issuer);
    }
    let audiences = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let party = claims.get("azp").map(|party| party.as_str() == Some(audience));
    let ours = audiences.contains(&audience) && party.unwrap_or(audiences.len() == 1);
    if !ours {
        return Err(ClaimError::Audience(audience.to_owned()));
    }
    let now = now.as_second();
    match moment(claims, "exp") {
        Some(end) if now < end.saturating_add(CLOCK_LEEWAY_SECS) => {}
        Some(_) | None => return Err(ClaimError::Expired),
    }
    let begins = ["nbf", "iat"].map(|name| match claims.get(name) {
        None => Some(i64::MIN),
        Some(_) => moment(claims, name),
    });
    let begun = |begin: &Option<i64>| begin.is_some_and(|begin| begin <= now + CLOCK_LEEWAY_SECS);
    if !begins.iter().all(begun) {
        return Err(ClaimError::Early);
    }
    Ok(())
}

/// A claim that is text.
pub(crate) fn text<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    claims
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A moment in whole seconds; issuers write fractions too.
fn moment(claims: &Claims, name: &str) -> Option<i64> {
    let number = claims.get(name)?;
    number.as_i64().or_else(|| {
        let seconds = number.as_f64()?;
        (seconds.abs() < 1e15).then_some(seconds as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use test_case::test_case;

    const NOW: i64 = 1_800_000_000;

    fn checked(change: Value) -> Result<(), ClaimError> {
        let mut claims = json!({
            "iss": "https://login.example.com", "aud": "gateline", "exp": NOW + 300, "iat": NOW, "sub": "ana",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims: Claims = claims
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let now = Timestamp::from_second(NOW).unwrap();
        check(&claims, "https://login.example.com", "gateline", now)
    }

    #[test_case(json!({}), Ok(()); "as it should be")]
    #[test_case(json!({"iss": "https://login.example.com/"}), Err(ClaimError::Issuer); "a slash more is another issuer")]
    #[test_case(json!({"iss": null}), Err(ClaimError::Issuer); "no issuer")]
    #[test_case(json!({"iss": ["https://login.example.com"]}), Err(ClaimError::Issuer); "a list is no issuer")]
    #[test_case(json!({"aud": ["gateline"]}), Ok(()); "a list of one")]
    #[test_case(json!({"aud": ["gateline", "grafana"]}), Err(ClaimError::Audience("gateline".into())); "for several, and nobody says who asked")]
    #[test_case(json!({"aud": ["gateline", "grafana"], "azp": "gateline"}), Ok(()); "for several, and we asked")]
    #[test_case(json!({"azp": "grafana"}), Err(ClaimError::Audience("gateline".into())); "another party asked")]
    #[test_case(json!({"azp": 7}), Err(ClaimError::Audience("gateline".into())); "a party that is no text")]
    #[test_case(json!({"aud": "gateline2"}), Err(ClaimError::Audience("gateline".into())); "for somebody else")]
    #[test_case(json!({"aud": null}), Err(ClaimError::Audience("gateline".into())); "for nobody")]
    #[test_case(json!({"exp": NOW - CLOCK_LEEWAY_SECS + 1}), Ok(()); "over, within the leeway")]
    #[test_case(json!({"exp": NOW - CLOCK_LEEWAY_SECS}), Err(ClaimError::Expired); "over")]
    #[test_case(json!({"exp": null}), Err(ClaimError::Expired); "good for ever")]
    #[test_case(json!({"exp": "9999999999"}), Err(ClaimError::Expired); "an end that is no number")]
    #[test_case(json!({"exp": 1e300}), Err(ClaimError::Expired); "an end beyond all time")]
    #[test_case(json!({"exp": i64::MAX}), Ok(()); "an end that does not overflow")]
    #[test_case(json!({"iat": NOW + CLOCK_LEEWAY_SECS}), Ok(()); "from a clock that is ahead, within the leeway")]
    #[test_case(json!({"iat": NOW + CLOCK_LEEWAY_SECS + 1}), Err(ClaimError::Early); "from the future")]
    #[test_case(json!({"nbf": NOW + 3_600}), Err(ClaimError::Early); "not yet")]
    #[test_case(json!({"nbf": "soon"}), Err(ClaimError::Early); "not yet, in words")]
    fn a_token_is_for_us_from_its_issuer_and_of_now(change: Value, becomes: Result<(), ClaimError>) {
        assert_eq!(checked(change), becomes);
    }
}
