//! Challenges: what a registry wants to see before it answers (`WWW-Authenticate`, RFC 9110 and the token scheme of
//! the distribution specification).

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token from the realm, which may want user and password.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The first of a header's challenges that can be met; of several headers a bearer token is the better one.
    pub(super) fn of<'h>(headers: impl Iterator<Item = &'h str>) -> Option<Challenge> {
        let mut best = None;
        for header in headers {
            match read(header) {
                Some(bearer @ Challenge::Bearer { .. }) => return Some(bearer),
                Some(Challenge::Basic) => best = Some(Challenge::Basic),
                None => {}
            }
        }
        best
    }
}

fn read(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    for (name, value) in parameters(rest) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            "scope" => scope = Some(value),
            _ => {}
        }
    }
    Some(Challenge::Bearer {
        realm: realm?,
        service,
        scope,
    })
}

/// `name="value"` and `name=value`, with commas between; a comma in quotes is part of its value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_owned();
        let mut value = String::new();
        let mut chars = after.chars();
        if after.starts_with('"') {
            chars.next();
            while let Some(char) = chars.next() {
                match char {
                    '"' => break,
                    '\\' => value.extend(chars.next()),
                    char => value.push(char),
                }
            }
            rest = chars.as_str();
        } else {
            let (plain, after) = after.split_once(',').unwrap_or((after, ""));
            plain.trim().clone_into(&mut value);
            rest = after;
        }
        found.push((name, value));
    }
    found
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let (realm, service) = (realm.to_owned(), service.map(str::to_owned));
        let scope = scope.map(str::to_owned);
        Some(Challenge::Bearer {
            realm,
            service,
            scope,
        })
    }

    #[test_case(&["Basic realm=\"here\""], Some(Challenge::Basic); "a password")]
    #[test_case(&["Negotiate"], None; "what is not spoken")]
    #[test_case(&["Bearer service=\"x\""], None; "a token from nowhere")]
    #[test_case(&["Bearer realm=\"https://a/t\",service=\"r\",scope=\"repository:x:pull,push\""],
        bearer("https://a/t", Some("r"), Some("repository:x:pull,push")); "a comma in quotes")]
    #[test_case(&["bearer realm=https://a/t , error=\"b\\\"c\""], bearer("https://a/t", None, None); "without quotes")]
    #[test_case(&["Basic", "Bearer realm=\"https://a/t\""], bearer("https://a/t", None, None); "a token before a password")]
    #[test_case(&["Bearer realm=\"https://a"], bearer("https://a", None, None); "a quote that does not end")]
    fn a_challenge_is_read(headers: &[&str], challenge: Option<Challenge>) {
        assert_eq!(Challenge::of(headers.iter().copied()), challenge);
    }

    #[test]
    fn a_spoilt_challenge_harms_nobody() {
        let header =
            b"Bearer realm=\"https://a/t\",service=\"r\\\"x\",scope=\"repository:x:pull,push\" , error=b";
        crate::spoilt::spoilt(&[header, b"Basic realm=x"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            drop(Challenge::of([&*text].into_iter()));
        });
    }
}
