//! SBOM: the release says what it is made of, completely, and nothing forbidden is in it.
//!
//! `sbom: {at_least: 1, complete: {versions: true, purls: true}, forbid: ["pkg:npm/event-stream", "log4j-core@<2.17.1"]}`, from
//! CycloneDX and SPDX. A forbidden component is a name or package URL in which `*` stands for any text, and perhaps `@` with a
//! version (`@3.3.6`, `@1.*`) or a comparison (`@<2.17.1`, `@>=2.0,<2.17.1`). Versions are compared number by number;
//! what stands behind a `-` comes before the version without it, and a version that cannot be compared counts as forbidden.
//! Names are compared without regard to case, with `_` as `-` and percent codes as what they mean.

mod delta;
mod forbidden;

use gateline_model::{COMPONENTS_MAX, Component, Facts, Gate, SbomFacts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::baseline::Baseline;
use super::pattern::Pattern;
use super::reported::Wanted;
use super::{GateKind, GateView, Place, Says, observes_nothing, reported, schema_of, with_params};
use delta::Delta;
pub(crate) use delta::components_added;
use forbidden::Forbidden;
pub(super) use forbidden::{bare, package};

pub(super) const KIND: GateKind = GateKind {
    name: "sbom",
    summary: "The release says completely what it is made of, and nothing forbidden is in it (CycloneDX, SPDX).",
    place: Place::Entry,
    check: |params| {
        let sbom = Sbom::deserialize(params).map_err(|err| err.to_string())?;
        sbom.forbidden().map(drop)
    },
    schema: schema_of::<Sbom>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |sbom: Sbom| {
            let wanted = Wanted {
                kind: "sbom",
                format: None,
                name: sbom.name.as_deref(),
                what: "bill of materials (SBOM)",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Sbom(facts) => sbom.judge(facts, &Baseline::of(view, wanted)),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `sbom`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sbom {
    /// Fewest components.
    #[serde(default = "one")]
    at_least: u64,
    /// What each component must have.
    #[serde(default)]
    complete: Complete,
    /// Components that must not be in it.
    #[serde(default)]
    forbid: Vec<String>,
    /// Formats that it may be in, as in `CycloneDX 1.*`; any where none is given.
    #[serde(default)]
    spec: Vec<Pattern>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

fn one() -> u64 {
    1
}

/// What each component must have.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Complete {
    /// A version.
    versions: bool,
    /// A licence.
    licences: bool,
    /// A package URL.
    purls: bool,
    /// Whether the document must say which component depends on which.
    relations: bool,
}

/// Whether a component lacks something.
type Lacks = fn(&Component) -> bool;

impl Sbom {
    fn forbidden(&self) -> Result<Vec<Forbidden>, String> {
        let read = |text: &String| Forbidden::read(text).map_err(|err| format!("forbid: {err}"));
        self.forbid.iter().map(read).collect()
    }

    /// What is not complete, each with an example.
    fn incomplete(&self, facts: &SbomFacts) -> Vec<String> {
        let asked: [(bool, u64, &str, Lacks); 3] = [
            (
                self.complete.versions,
                facts.without_version,
                "a version",
                |component| component.version.is_empty(),
            ),
            (
                self.complete.licences,
                facts.without_licence,
                "a licence",
                |component| component.licences.is_empty(),
            ),
            (
                self.complete.purls,
                facts.without_purl,
                "a package URL",
                |component| component.purl.is_none(),
            ),
        ];
        let asked = asked
            .into_iter()
            .filter(|(asked, count, ..)| *asked && *count > 0);
        let mut wrong: Vec<String> = asked
            .map(|(_, count, what, lacks)| {
                let example = facts.components.iter().find(|component| lacks(component));
                let example = example.map(|component| format!(", as {}", component.name));
                format!("{count} components without {what}{}", example.unwrap_or_default())
            })
            .collect();
        if self.complete.relations && !facts.relations {
            wrong.push("it does not say which component depends on which".to_owned());
        }
        wrong
    }

    fn judge(&self, facts: &SbomFacts, baseline: &Baseline) -> Says {
        let forbidden = match self.forbidden() {
            Ok(forbidden) => forbidden,
            Err(err) => return Says::waiting("gate.params", err).next("apply a corrected pipeline"),
        };
        let found: Vec<String> = facts
            .components
            .iter()
            .filter_map(|component| {
                let hit = forbidden.iter().find(|one| one.hits(component))?;
                Some(format!("{component}, forbidden by `{}`", hit.text))
            })
            .collect();
        let mut wrong: Vec<String> = Vec::new();
        if let Some(first) = found.first() {
            let more = match found.len() {
                1 => String::new(),
                count => format!(", and {} more", count - 1),
            };
            wrong.push(format!("{first}{more}"));
        }
        if facts.total < self.at_least {
            wrong.push(format!("{} components, at least {}", facts.total, self.at_least));
        }
        if !self.spec.is_empty() && !self.spec.iter().any(|spec| spec.matches(&facts.spec)) {
            let known: Vec<&str> = self.spec.iter().map(Pattern::text).collect();
            wrong.push(format!("it is {}, not {}", facts.spec, known.join(" or ")));
        }
        let incomplete = self.incomplete(facts);
        wrong.extend(incomplete.iter().cloned());

        let says = if !found.is_empty() {
            Says::refused("sbom.forbidden", wrong.join("; "))
                .changed_by("a new release")
                .next("take the component out, or bring it to another version, and register a new release")
        } else if !wrong.is_empty() {
            Says::refused("sbom.incomplete", wrong.join("; "))
                .changed_by("a new bill of materials")
                .next("let the tool write a whole one and report it")
        } else if !forbidden.is_empty() && !facts.all_kept() {
            Says::waiting(
                "sbom.too_long",
                format!("it has more than {COMPONENTS_MAX} components: not each is known"),
            )
            .changed_by("a reporter (CI)")
            .next("report one bill of materials for each artifact, under a name of its own")
        } else {
            Says::satisfied(
                "sbom.complete",
                format!("{} components ({}), nothing forbidden", facts.total, facts.spec),
            )
        };
        let says = says.number(
            "components",
            facts.total as f64,
            "",
            Some(format!(">= {}", self.at_least)),
        );
        let says = match forbidden.is_empty() {
            true => says,
            false => says.number("forbidden", found.len() as f64, "", Some("== 0".to_owned())),
        };
        let mut lines = found;
        lines.extend(incomplete);
        compare(says, lines, facts, baseline)
    }
}

/// Adds what differs from the live release, behind the other lines.
fn compare(says: Says, mut lines: Vec<String>, facts: &SbomFacts, baseline: &Baseline) -> Says {
    let says = match baseline {
        Baseline::Known(_, Facts::Sbom(live)) if facts.all_kept() && live.all_kept() => {
            let Delta {
                added,
                removed,
                moved,
            } = Delta::of(live, facts);
            let says = [
                ("added", added.len()),
                ("removed", removed.len()),
                ("moved", moved.len()),
            ]
            .into_iter()
            .fold(says, |says, (name, count)| {
                says.number(name, count as f64, "", None)
            });
            lines.push(format!(
                "{}: {} components added, {} removed, {} in another version",
                baseline.says(),
                added.len(),
                removed.len(),
                moved.len()
            ));
            lines.extend(added.into_iter().chain(moved).chain(removed));
            says
        }
        Baseline::Known(_, Facts::Sbom(_)) => {
            lines.push(format!(
                "one has more than {COMPONENTS_MAX} components: they are not compared"
            ));
            says
        }
        Baseline::Known(..) | Baseline::Silent(_) | Baseline::None => {
            lines.push(baseline.says());
            says
        }
    };
    says.details(lines)
}

#[cfg(test)]
mod tests {
    use gateline_model::Verdict;
    use serde_json::{Value, json};
    use test_case::test_case;

    use super::*;

    fn gate(params: Value) -> Sbom {
        (KIND.check)(&params).expect("legal parameters");
        Sbom::deserialize(params).expect("parameters")
    }

    fn component(name: &str, version: &str, purl: Option<&str>) -> Component {
        Component {
            name: name.to_owned(),
            version: version.to_owned(),
            purl: purl.map(str::to_owned),
            licences: Vec::new(),
        }
    }

    fn facts(components: Vec<Component>) -> SbomFacts {
        SbomFacts {
            spec: "CycloneDX 1.6".to_owned(),
            total: components.len() as u64,
            components,
            ..SbomFacts::default()
        }
    }

    #[test_case("")]
    #[test_case("x@")]
    #[test_case("x@<")]
    #[test_case("x@<two")]
    #[test_case("x@<1,2")]
    fn nonsense_is_refused(forbid: &str) {
        assert!((KIND.check)(&json!({"forbid": [forbid]})).is_err());
    }

    #[test]
    fn a_bill_that_was_not_kept_whole_is_not_searched() {
        let mut facts = facts(vec![component("a", "1", None)]);
        facts.total = 2;
        let says = gate(json!({"forbid": ["b"]})).judge(&facts, &Baseline::None);
        assert_eq!((says.verdict, says.code), (Verdict::Waiting, "sbom.too_long"));
        let says = gate(json!({"forbid": ["a"]})).judge(&facts, &Baseline::None);
        assert_eq!(
            says.verdict,
            Verdict::Refused,
            "what was seen is enough to refuse"
        );
        let says = gate(json!({})).judge(&facts, &Baseline::None);
        assert_eq!(says.verdict, Verdict::Satisfied, "counts are never cut");
    }

    #[test]
    fn what_differs_from_the_live_release_is_told() {
        let live = facts(vec![component("a", "1", None), component("b", "1", None)]);
        let now = facts(vec![component("b", "2", None), component("c", "1", None)]);
        let baseline = Baseline::Known("1.0.0".parse().expect("a version"), Facts::Sbom(live));
        let says = gate(json!({})).judge(&now, &baseline);
        assert_eq!(
            says.details[1..],
            ["added c 1", "moved b 2, was 1", "removed a 1"]
        );
    }
}
