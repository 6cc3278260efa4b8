//! Whose a request is: of a cohort that always gets the canary, of a user who keeps his arm, or of nobody in particular.
//!
//! Reads the headers only. A user's place is a number from 0 to 99 that a hash gives him: below the canary's weight he
//! is at the canary. So he keeps his arm while the weight only grows; and the canary's release is hashed with him, so
//! that it is not always the same users who see releases first.

use gateline_model::{Arm, Cohort, Digest, RequestMark};
use hyper::header::{self, HeaderMap, HeaderValue};

use super::wire::Arms;

/// How a request comes to its arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placing {
    /// By the arms' weights.
    InTurn,
    /// At this one.
    At(Arm),
}

/// Where a request goes, and the cookie that its sender is given, so that he stays there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) placing: Placing,
    pub(super) cookie: Option<HeaderValue>,
}

/// Reads whose a request is. `fresh` gives the value for a cookie of its own.
pub(super) fn whose(arms: &Arms, headers: &HeaderMap, fresh: impl FnOnce() -> Option<u64>) -> Whose {
    let at = |placing| Whose {
        placing,
        cookie: None,
    };
    if let Some(rule) = &arms.cohort
        && marked(headers, &rule.by)
            .and_then(cohort)
            .is_some_and(|cohort| cohort <= rule.upto)
    {
        return at(Placing::At(Arm::Canary));
    }
    // Where everybody is at one arm, nobody can lose his.
    let Some(mark) = arms
        .sticky
        .as_ref()
        .filter(|_| (1..100).contains(&arms.canary.weight))
    else {
        return at(Placing::InTurn);
    };
    match (marked(headers, mark), mark) {
        (Some(user), _) => at(Placing::At(arm(arms, user))),
        (None, RequestMark::Header(_)) => at(Placing::InTurn),
        (None, RequestMark::Cookie(name)) => {
            let Some(user) = fresh().map(|number| format!("{number:016x}")) else {
                return at(Placing::InTurn);
            };
            let cookie = format!("{name}={user}; Path=/; HttpOnly; SameSite=Lax");
            Whose {
                placing: Placing::At(arm(arms, &user)),
                cookie: HeaderValue::try_from(cookie).ok(),
            }
        }
    }
}

fn cohort(word: &str) -> Option<Cohort> {
    [Cohort::Internal, Cohort::Trusted]
        .into_iter()
        .find(|cohort| cohort.word() == word)
}

fn arm(arms: &Arms, user: &str) -> Arm {
    let release = arms.canary.release.as_deref().unwrap_or_default();
    let hash = Digest::of(format!("{release}\n{user}").as_bytes()).hex();
    let place = u64::from_str_radix(&hash[..12], 16).expect("a digest is written in hexadecimal") % 100;
    if place < u64::from(arms.canary.weight) {
        Arm::Canary
    } else {
        Arm::Stable
    }
}

/// What the mark says, where it says anything.
fn marked<'a>(headers: &'a HeaderMap, mark: &RequestMark) -> Option<&'a str> {
    let found = match mark {
        RequestMark::Header(name) => headers.get(name.as_str())?.to_str().ok()?.trim(),
        RequestMark::Cookie(name) => headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .find(|(found, _)| found.trim() == name.as_str())
            .map(|(_, value)| value.trim().trim_matches('"'))?,
    };
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::super::wire::CohortRule;
    use super::*;

    fn mark(text: &str) -> RequestMark {
        let (kind, name) = text.split_once(' ').unwrap();
        let name = name.parse().unwrap();
        if kind == "header" {
            RequestMark::Header(name)
        } else {
            RequestMark::Cookie(name)
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn arms(weight: u8) -> Arms {
        let mut arms = Arms::default();
        arms.canary.release = Some("new".into());
        arms.canary.weight = weight;
        arms
    }

    #[test_case("header x-cohort", &[("x-cohort", "internal")], Cohort::Internal, true; "internal people see it first")]
    #[test_case("header x-cohort", &[("x-cohort", "trusted")], Cohort::Internal, false; "trusted people wait for their turn")]
    #[test_case("header x-cohort", &[("x-cohort", "trusted")], Cohort::Trusted, true; "then it is theirs")]
    #[test_case("header x-cohort", &[("x-cohort", "internal")], Cohort::Trusted, true; "and still the internal people's")]
    #[test_case("header x-cohort", &[("x-cohort", "Internal")], Cohort::Trusted, false; "a word is taken as it is written")]
    #[test_case("header x-cohort", &[("x-cohort", "")], Cohort::Trusted, false; "no word is no cohort")]
    #[test_case("header x-cohort", &[], Cohort::Trusted, false; "nobody in particular is in none")]
    #[test_case("cookie cohort", &[("cookie", "a=1; cohort=internal; b=2")], Cohort::Internal, true; "a cookie among others")]
    #[test_case("cookie cohort", &[("cookie", "a=1"), ("cookie", "cohort=\"internal\"")], Cohort::Internal, true; "a quoted cookie in a header of its own")]
    #[test_case("cookie cohort", &[("cookie", "xcohort=internal; cohort")], Cohort::Internal, false; "another cookie's end is not its name")]
    fn a_cohort_gets_the_canary_whatever_its_weight(
        by: &str,
        with: &[(&'static str, &str)],
        upto: Cohort,
        is_in: bool,
    ) {
        let mut arms = arms(0);
        arms.cohort = Some(CohortRule { by: mark(by), upto });
        let placing = whose(&arms, &headers(with), || None).placing;
        let expected = if is_in {
            Placing::At(Arm::Canary)
        } else {
            Placing::InTurn
        };
        assert_eq!(placing, expected);
    }

    #[test]
    fn a_user_keeps_the_canary_while_its_weight_grows() {
        let mut at_canary_before = 0;
        let users: Vec<String> = (0..1_000).map(|user| format!("user-{user}")).collect();
        let mut is_at_canary = vec![false; users.len()];
        for weight in [1, 5, 25, 50, 99] {
            let mut arms = arms(weight);
            arms.sticky = Some(mark("header x-user"));
            for (user, was) in users.iter().zip(&mut is_at_canary) {
                let placing = whose(&arms, &headers(&[("x-user", user)]), || None).placing;
                let is = placing == Placing::At(Arm::Canary);
                assert!(is || !*was, "{user} lost the canary at {weight} %");
                *was = is;
            }
            let at_canary = is_at_canary.iter().filter(|is| **is).count();
            let expected = usize::from(weight) * 10;
            assert!(
                at_canary.abs_diff(expected) < 50,
                "{at_canary} of 1000 at {weight} %"
            );
            assert!(at_canary > at_canary_before);
            at_canary_before = at_canary;
        }
    }

    #[test]
    fn another_release_is_shown_to_other_users_first() {
        let first = |release: &str| -> Vec<u32> {
            let mut arms = arms(10);
            arms.canary.release = Some(release.into());
            (0..200)
                .filter(|user| arm(&arms, &user.to_string()) == Arm::Canary)
                .collect()
        };
        assert_ne!(first("1.1.0"), first("1.2.0"));
    }

    #[test]
    fn a_user_without_a_cookie_gets_one_that_keeps_him_where_he_is() {
        let mut arms = arms(50);
        arms.sticky = Some(mark("cookie user"));
        for number in 0..50 {
            let Whose { placing, cookie } = whose(&arms, &headers(&[]), || Some(number));
            let cookie = cookie.unwrap().to_str().unwrap().to_owned();
            assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
            let given = cookie.split(';').next().unwrap();
            let again = whose(&arms, &headers(&[("cookie", given)]), || None);
            assert_eq!(
                again,
                Whose {
                    placing,
                    cookie: None
                }
            );
        }
        arms.canary.weight = 100;
        assert_eq!(
            whose(&arms, &headers(&[]), || Some(1)).cookie,
            None,
            "nobody can lose his arm"
        );
    }

    #[test]
    fn without_the_header_requests_take_turns() {
        let mut arms = arms(50);
        arms.sticky = Some(mark("header x-user"));
        assert_eq!(whose(&arms, &headers(&[]), || Some(1)).placing, Placing::InTurn);
    }
}
