//! Licences: each component of the release has a licence that is allowed.
//!
//! `licences: {allow: [MIT, Apache-2.0], deny: ["GPL-*"], except: [{component: readline, because: Not linked, only run.}]}`, from
//! CycloneDX and SPDX bills of materials. Licences are SPDX expressions: of `OR` one side must be allowed, of `AND` both, and an exception
//! (`WITH`) must be allowed by its whole name. `allow` and `deny` take SPDX names in which `*` stands for any text; without `allow`
//! all that is not denied is allowed. A component without a licence, or with a name that is no SPDX expression, is unknown.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{COMPONENTS_MAX, Component, Facts, Gate, LICENCES_MAX, SbomFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

use super::baseline::Baseline;
use super::pattern::Pattern;
use super::reported::Wanted;
use super::{GateKind, GateView, Place, Says, observes_nothing, reported, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "licences",
    summary: "Each component has a licence that is allowed (SPDX expressions in CycloneDX, SPDX).",
    place: Place::Entry,
    check: |params| {
        let licences = Licences::deserialize(params).map_err(|err| err.to_string())?;
        licences.check()
    },
    schema: schema_of::<Licences>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |licences: Licences| {
            let wanted = Wanted {
                kind: "sbom",
                format: None,
                name: licences.name.as_deref(),
                what: "bill of materials (SBOM)",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Sbom(facts) => licences.judge(facts, &Baseline::of(view, wanted)),
                other => reported::foreign(other),
            })
        })
    },
};

/// Deprecated names and Cargo's `/` are read; guesses at what a text may mean are not made.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: false,
};

/// What SPDX writes where nobody looked, or nobody gave a licence.
const NOT_KNOWN: [&str; 2] = ["NOASSERTION", "NONE"];

/// Parameters of the gate kind `licences`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Licences {
    /// Licences that are allowed, as in `MIT` or `GPL-2.0-only WITH Classpath-exception-2.0`; all that are not denied where it is not given.
    #[serde(default)]
    allow: Vec<Listed>,
    /// Licences that are not allowed, with any exception that `allow` does not name.
    #[serde(default)]
    deny: Vec<Listed>,
    /// What a component is whose licence is not known.
    #[serde(default)]
    unknown: Unknown,
    /// Components that are let in whatever their licence.
    #[serde(default)]
    except: Vec<Except>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// A name under `allow` or `deny`: a pattern, or one licence in the list's present form.
#[derive(Debug, JsonSchema)]
#[serde(transparent)]
struct Listed(Pattern);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Pattern::deserialize(deserializer)?;
        if written.text().contains('*') {
            return Ok(Listed(written));
        }
        let name = single(written.text()).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{}` is no SPDX licence: write its short name, as in `Apache-2.0`, or a pattern, as in `GPL-*`",
                written.text()
            ))
        })?;
        Ok(Listed(Pattern::new(&name)))
    }
}

/// What a component is whose licence is not known.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unknown {
    /// It is not allowed.
    #[default]
    Refuse,
    /// It is.
    Allow,
}

/// A component that is let in whatever its licence.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Except {
    /// Its name or package URL, without its version; `*` stands for any text.
    component: Pattern,
    /// Why it may be.
    because: String,
}

/// What is thought of a licence; the best one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thought {
    Denied,
    Unknown,
    Allowed,
}

impl Licences {
    fn check(&self) -> Result<(), String> {
        if self.allow.is_empty() && self.deny.is_empty() {
            return Err("it asks for nothing: give `allow` or `deny`".to_owned());
        }
        match self.except.iter().find(|except| except.because.trim().is_empty()) {
            Some(except) => Err(format!("except: `{}` has no `because`", except.component.text())),
            None => Ok(()),
        }
    }

    /// What is thought of one licence of an expression.
    fn of_one(&self, licence: &LicenseReq) -> Thought {
        let bare = name_of(&licence.license);
        if NOT_KNOWN.contains(&bare.as_str()) {
            return Thought::Unknown;
        }
        let full = match &licence.addition {
            Some(addition) => format!("{bare} WITH {addition}"),
            None => bare.clone(),
        };
        // Who may take a later version may take this one: `Apache-2.0+` is allowed where `Apache-2.0` is.
        let this = full.replacen('+', "", 1);
        let lists = |list: &[Listed], name: &str| list.iter().any(|listed| listed.0.matches(name));
        let names = |list: &[Listed]| list.iter().any(|listed| listed.0.text() == full);
        let denied = [&full, &this, &bare]
            .into_iter()
            .any(|name| lists(&self.deny, name));
        let excepted = licence.addition.is_some() && names(&self.allow) && !names(&self.deny);
        if denied && !excepted {
            return Thought::Denied;
        }
        if lists(&self.allow, &full) || lists(&self.allow, &this) {
            return Thought::Allowed;
        }
        match &licence.license {
            LicenseItem::Other(_) => Thought::Unknown,
            LicenseItem::Spdx { .. } if self.allow.is_empty() => Thought::Allowed,
            LicenseItem::Spdx { .. } => Thought::Denied,
        }
    }

    fn of_text(&self, text: &str) -> Thought {
        let Ok(expression) = Expression::parse_mode(text, MODE) else {
            return Thought::Unknown;
        };
        // Allowed if enough sides are; unknown if enough would be were the unknown ones.
        if expression.evaluate(|licence| self.of_one(licence) == Thought::Allowed) {
            Thought::Allowed
        } else if expression.evaluate(|licence| self.of_one(licence) >= Thought::Unknown) {
            Thought::Unknown
        } else {
            Thought::Denied
        }
    }

    /// All licences of a component hold at once. Of as many as are kept there were perhaps more, and one that is denied.
    fn of_component<'c>(&self, component: &'c Component, known: &mut Known<'c>) -> Thought {
        let all = component
            .licences
            .iter()
            .map(|text| *known.entry(text).or_insert_with(|| self.of_text(text)));
        let worst = all.min().unwrap_or(Thought::Unknown);
        match component.licences.len() >= LICENCES_MAX {
            true => Thought::Denied,
            false => worst,
        }
    }

    fn lets_in(&self, thought: Thought) -> bool {
        match thought {
            Thought::Denied => false,
            Thought::Unknown => self.unknown == Unknown::Allow,
            Thought::Allowed => true,
        }
    }

    fn exception(&self, component: &Component) -> Option<&Except> {
        let name = component.name.as_str();
        let purl = component.purl.as_deref().map(super::sbom::package);
        self.except.iter().find(|except| {
            except.component.matches(name) || purl.is_some_and(|purl| except.component.matches(purl))
        })
    }

    fn judge(&self, facts: &SbomFacts, baseline: &Baseline) -> Says {
        let mut known = Known::new();
        let thoughts: Vec<(Thought, &Component)> = facts
            .components
            .iter()
            .map(|component| (self.of_component(component, &mut known), component))
            .collect();
        let unknown = thoughts
            .iter()
            .filter(|(thought, _)| *thought == Thought::Unknown)
            .count();
        let bad = thoughts
            .into_iter()
            .filter(|(thought, _)| !self.lets_in(*thought));
        let (excepted, mut refused): (Vec<_>, Vec<_>) =
            bad.partition(|(_, component)| self.exception(component).is_some());
        refused.sort_by_key(|(thought, _)| *thought);
        let before = live_components(baseline);
        let is_new = |component: &Component| {
            before
                .as_ref()
                .is_some_and(|before| !before.contains(&identity(component)))
        };
        let new = refused.iter().filter(|(_, component)| is_new(component)).count();

        let says = if let Some(first) = refused.first() {
            let more = match refused.len() {
                1 => String::new(),
                count => format!(", and {} more", count - 1),
            };
            Says::refused("licences.refused", format!("{}{more}", line(*first)))
                .changed_by("a new release, or a new version of the pipeline")
                .next("replace the component, or have its licence allowed, or excepted with a reason, in the pipeline")
        } else if facts.total == 0 {
            Says::waiting("licences.nothing", "the bill of materials has no components")
                .changed_by("a reporter (CI)")
                .next("let the tool look at the whole release and report again")
        } else if !facts.all_kept() {
            Says::waiting(
                "licences.too_long",
                format!("it has more than {COMPONENTS_MAX} components: not each licence is known"),
            )
            .changed_by("a reporter (CI)")
            .next("report one bill of materials for each artifact, under a name of its own")
        } else {
            let count = facts.total;
            let excepted = match excepted.len() {
                0 => String::new(),
                count => format!(", {count} by an exception"),
            };
            Says::satisfied(
                "licences.allowed",
                format!("{count} components may be used{excepted}"),
            )
        };
        let limit = (self.unknown == Unknown::Refuse).then(|| "== 0".to_owned());
        let says = says
            .number("components", facts.total as f64, "", None)
            .number("refused", refused.len() as f64, "", Some("== 0".to_owned()))
            .number("unknown", unknown as f64, "", limit)
            .number("excepted", excepted.len() as f64, "", None);
        let says = match &before {
            Some(_) => says.number("new", new as f64, "", None),
            None => says,
        };
        let since = |bad: &(Thought, &Component)| match is_new(bad.1) {
            true => format!("{}, not in the live release", line(*bad)),
            false => line(*bad),
        };
        let mut lines: Vec<String> = refused.iter().map(since).collect();
        lines.extend(excepted.iter().filter_map(|(_, component)| {
            let because = &self.exception(component)?.because;
            Some(format!("{component}: excepted: {because}"))
        }));
        lines.push(baseline.says());
        says.details(lines)
    }
}

/// What is thought of each text that was seen: thousands of components share a few licences.
type Known<'c> = BTreeMap<&'c str, Thought>;

fn line((thought, component): (Thought, &Component)) -> String {
    match thought {
        _ if component.licences.is_empty() => format!("{component}: no licence is known"),
        _ if component.licences.len() >= LICENCES_MAX => {
            format!("{component}: of {LICENCES_MAX} licences or more not each is known")
        }
        Thought::Unknown => format!("{component}: not known as an SPDX licence"),
        Thought::Denied | Thought::Allowed => format!("{component}: not allowed"),
    }
}

/// What the live release has; `None` where that is not known whole.
fn live_components(baseline: &Baseline) -> Option<BTreeSet<(&str, &[String])>> {
    match baseline {
        Baseline::Known(_, Facts::Sbom(live)) if live.all_kept() => {
            Some(live.components.iter().map(identity).collect())
        }
        Baseline::Known(..) | Baseline::Silent(_) | Baseline::None => None,
    }
}

/// The same component under the same licences, in whatever version.
fn identity(component: &Component) -> (&str, &[String]) {
    (&component.name, &component.licences)
}

/// The one licence of an expression, in the list's present name.
fn single(text: &str) -> Option<String> {
    let expression = Expression::parse_mode(text, MODE).ok()?;
    let mut all = expression.requirements();
    let (first, None) = (all.next()?, all.next()) else {
        return None;
    };
    let name = name_of(&first.req.license);
    Some(match &first.req.addition {
        Some(addition) => format!("{name} WITH {addition}"),
        None => name,
    })
}

/// The name of a licence in the list's present form: `GPL-2.0` became `GPL-2.0-only`.
fn name_of(licence: &LicenseItem) -> String {
    let now = match licence {
        LicenseItem::Spdx { id, or_later } if id.is_gnu() && id.is_deprecated() => {
            spdx::gnu_license_id(id.name, *or_later)
        }
        LicenseItem::Spdx { .. } | LicenseItem::Other(_) => None,
    };
    now.map_or_else(|| licence.to_string(), |id| id.name.to_owned())
}

#[cfg(test)]
mod tests {
    use gateline_model::Verdict;
    use serde_json::{Value, json};
    use test_case::test_case;

    use super::*;

    fn gate(params: Value) -> Licences {
        (KIND.check)(&params).expect("legal parameters");
        Licences::deserialize(params).expect("parameters")
    }

    fn component(name: &str, licences: &[&str]) -> Component {
        Component {
            name: name.to_owned(),
            licences: licences.iter().map(|text| (*text).to_owned()).collect(),
            ..Component::default()
        }
    }

    fn facts(components: Vec<Component>) -> SbomFacts {
        SbomFacts {
            total: components.len() as u64,
            components,
            ..SbomFacts::default()
        }
    }

    #[test_case("MIT", Thought::Allowed)]
    #[test_case("GPL-3.0-only", Thought::Denied)]
    #[test_case("GPL-3.0", Thought::Denied; "a deprecated name")]
    #[test_case("MIT OR GPL-3.0-only", Thought::Allowed; "one side is enough")]
    #[test_case("MIT/GPL-3.0-only", Thought::Allowed; "as Cargo once wrote it")]
    #[test_case("MIT AND GPL-3.0-only", Thought::Denied; "both must be")]
    #[test_case("MIT AND (Apache-2.0 OR GPL-3.0-only)", Thought::Allowed; "nested")]
    #[test_case("MIT OR Apache-2.0 AND GPL-3.0-only", Thought::Allowed; "AND binds tighter")]
    #[test_case("Apache-2.0+", Thought::Allowed; "or a later one")]
    #[test_case("BSD-3-Clause", Thought::Denied; "not listed")]
    #[test_case("Apache-2.0 WITH LLVM-exception", Thought::Denied; "an exception that is not listed")]
    #[test_case("GPL-2.0-only WITH Classpath-exception-2.0", Thought::Allowed; "an exception that is")]
    #[test_case("GPL-2.0 WITH Classpath-exception-2.0", Thought::Allowed; "an exception of a deprecated name")]
    #[test_case("LicenseRef-acme", Thought::Unknown; "a name of one's own")]
    #[test_case("MIT OR LicenseRef-acme", Thought::Allowed)]
    #[test_case("MIT AND LicenseRef-acme", Thought::Unknown)]
    #[test_case("GPL-3.0-only AND LicenseRef-acme", Thought::Denied)]
    #[test_case("The Apache License, Version 2.0", Thought::Unknown; "a name in words")]
    #[test_case("NOASSERTION", Thought::Unknown)]
    #[test_case("NONE", Thought::Unknown)]
    #[test_case("", Thought::Unknown; "nothing")]
    #[test_case("MIT OR", Thought::Unknown; "half an expression")]
    #[test_case("(((((", Thought::Unknown; "brackets")]
    fn an_expression_is_judged(text: &str, expected: Thought) {
        let gate = gate(json!({
            "allow": ["MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
            "deny": ["GPL-*"],
        }));
        assert_eq!(gate.of_text(text), expected);
    }

    #[test]
    fn what_is_denied_is_denied_with_any_exception() {
        let gate = gate(json!({"deny": ["GPL-2.0-only"]}));
        assert_eq!(
            gate.of_text("GPL-2.0-only WITH Classpath-exception-2.0"),
            Thought::Denied
        );
        assert_eq!(gate.of_text("GPL-2.0"), Thought::Denied);
        assert_eq!(gate.of_text("MIT"), Thought::Allowed, "all else is allowed");
        assert_eq!(
            gate.of_text("LicenseRef-acme"),
            Thought::Unknown,
            "nobody knows what it says"
        );
    }

    #[test]
    fn all_licences_of_a_component_hold_at_once() {
        let gate = gate(json!({"allow": ["MIT"]}));
        let of = |licences: &[&str]| gate.of_component(&component("a", licences), &mut Known::new());
        assert_eq!(of(&["MIT", "GPL-3.0-only"]), Thought::Denied);
        assert_eq!(of(&[]), Thought::Unknown);
        assert_eq!(
            of(&["MIT"; LICENCES_MAX]),
            Thought::Denied,
            "there were perhaps more"
        );
    }

    #[test]
    fn an_unknown_licence_is_refused_unless_the_gate_says_otherwise() {
        let facts = facts(vec![component("a", &["Freeware"])]);
        let refuses = gate(json!({"allow": ["MIT"]}));
        assert_eq!(refuses.judge(&facts, &Baseline::None).verdict, Verdict::Refused);
        let allows = gate(json!({"allow": ["MIT"], "unknown": "allow"}));
        assert_eq!(allows.judge(&facts, &Baseline::None).verdict, Verdict::Satisfied);
    }

    #[test]
    fn a_bill_that_is_empty_or_was_not_kept_whole_is_no_pass() {
        let gate = gate(json!({"allow": ["MIT"]}));
        assert_eq!(
            gate.judge(&facts(Vec::new()), &Baseline::None).verdict,
            Verdict::Waiting
        );
        let mut cut = facts(vec![component("a", &["MIT"])]);
        cut.total = 2;
        assert_eq!(gate.judge(&cut, &Baseline::None).code, "licences.too_long");
    }

    #[test]
    fn an_exception_is_shown_with_its_reason() {
        let params = json!({"allow": ["MIT"], "except": [{"component": "read*", "because": "Only run."}]});
        let says = gate(params).judge(
            &facts(vec![component("readline", &["GPL-3.0-only"])]),
            &Baseline::None,
        );
        assert_eq!(says.verdict, Verdict::Satisfied);
        assert_eq!(says.details[0], "readline (GPL-3.0-only): excepted: Only run.");
    }

    #[test_case(json!({}); "nothing")]
    #[test_case(json!({"allow": ["Apache 2.0"]}); "a name that is none")]
    #[test_case(json!({"allow": ["MIT OR ISC"]}); "two licences")]
    #[test_case(json!({"allow": ["MIT"], "except": [{"component": "a", "because": " "}]}); "no reason")]
    #[test_case(json!({"allow": ["MIT"], "except": [{"component": "a"}]}); "no reason at all")]
    fn wrong_parameters_are_refused(params: Value) {
        assert!((KIND.check)(&params).is_err());
    }
}
