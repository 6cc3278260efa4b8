//! Provenance: each artifact was built by a builder that is trusted, from the source and with the parameters that are allowed.
//!
//! `provenance: {keys: [..], builder: ["https://github.com/actions/*"], source: "https://git.example/payments",
//! ref: ["refs/heads/main"], parameters: {job: {path: ".github/workflows/release.yml"}}}`, from SLSA provenance v1.
//! A parameter that is not named is refused: whoever could set it could change what was built.

use std::collections::BTreeMap;

use gateline_model::{Artifact, AttestationCheck, Keyless, Provenance as Built, Span, Statement, TrustedKey};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::attested::{self, Judged, Look, OnStatements, broken, called, provenances};
use super::live::{every_default, max_age_default};
use super::pattern::Pattern;
use super::{GateKind, Place, schema_of};

/// Characters of a parameter's value that a verdict shows.
const VALUE_CHARS_MAX: usize = 80;

pub(super) const KIND: GateKind = GateKind {
    name: "provenance",
    summary: "Each artifact was built by a trusted builder, from the source and with the parameters that are allowed (SLSA).",
    place: Place::Entry,
    check: attested::check::<Provenance>,
    schema: schema_of::<Provenance>,
    observes: attested::observes::<Provenance>,
    judge: attested::judge::<Provenance>,
};

/// Parameters of the gate kind `provenance`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Provenance {
    /// The keys that are trusted, each with a `file` on the server or a `pem`.
    #[serde(default)]
    keys: Vec<TrustedKey>,
    /// The identities that are trusted, whose certificates lead to a trusted root.
    #[serde(default)]
    keyless: Option<Keyless>,
    /// Builders that are trusted, by their ids; `*` stands for any text, here and below.
    builder: Vec<Pattern>,
    /// Build types; any where none is given.
    #[serde(default)]
    build_type: Vec<Pattern>,
    /// The source repository; any where it is not given.
    #[serde(default)]
    source: Option<Pattern>,
    /// Refs in it, as in `refs/tags/*`; any where none is given.
    #[serde(default, rename = "ref")]
    refs: Vec<Pattern>,
    /// External parameters that may be there, with the values that they may have: a text in which `*` stands for any text (and alone
    /// for any value), an object of these, or a list of alternatives. Where any is allowed, a provenance that names none at all
    /// does not say what the build was given.
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    /// Names of the artifacts that are asked for; all where none is given.
    #[serde(default)]
    artifacts: Vec<String>,
    /// Time between two looks while it is not satisfied.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a look may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}

impl OnStatements for Provenance {
    fn look(&self) -> Look<'_> {
        Look {
            trust: AttestationCheck {
                keys: self.keys.clone(),
                keyless: self.keyless.clone(),
            },
            artifacts: &self.artifacts,
            every: self.every,
            max_age: self.max_age,
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.builder.is_empty() {
            return Err("builder: name one: a provenance by anybody says nothing".to_owned());
        }
        Ok(())
    }

    fn judge(&self, statements: &[Statement], artifacts: &[&Artifact]) -> Judged {
        let mut wrong = Vec::new();
        let mut fitting = Vec::new();
        for artifact in artifacts {
            let built = provenances(statements, artifact);
            if let Some(one) = built.iter().find(|one| self.against(one).is_empty()) {
                fitting.push((*artifact, *one));
            } else if built.is_empty() {
                wrong.push(format!("{} has no signed provenance", called(artifact)));
            } else {
                let against = built.iter().flat_map(|one| self.against(one));
                wrong.extend(against.map(|why| format!("{}: {why}", called(artifact))));
            }
        }
        let says = match (wrong.first(), fitting.first()) {
            (Some(first), _) => first.clone(),
            (None, Some((artifact, built))) => {
                let from = built
                    .source
                    .iter()
                    .map(|source| format!(" from {source}"))
                    .collect::<String>();
                let at = built
                    .source_ref
                    .iter()
                    .map(|at| format!(" at {at}"))
                    .collect::<String>();
                let more = match fitting.len() - 1 {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                format!(
                    "{} was built by {}{from}{at}{more}",
                    called(artifact),
                    built.builder
                )
            }
            (None, None) => "no artifact was asked for".to_owned(),
        };
        Judged {
            failed: (!wrong.is_empty()).then_some("check.provenance"),
            says,
            count: ("artifacts", fitting.len(), artifacts.len() as u32),
            details: wrong.into_iter().skip(1).chain(broken(statements)).collect(),
            next: "build it as the pipeline asks, or allow what is meant".to_owned(),
        }
    }
}

impl Provenance {
    /// What speaks against a provenance.
    fn against(&self, built: &Built) -> Vec<String> {
        let one_of = |patterns: &[Pattern], text: &str| patterns.iter().any(|one| one.matches(text));
        let mut against = Vec::new();
        if !one_of(&self.builder, &built.builder) {
            against.push(format!("the builder `{}` is not trusted", built.builder));
        }
        if !self.build_type.is_empty() && !one_of(&self.build_type, &built.build_type) {
            against.push(format!(
                "the build type is `{}`, which is not allowed",
                built.build_type
            ));
        }
        match (&self.source, &built.source) {
            (Some(asked), Some(source)) if !asked.matches(source) => {
                against.push(format!("the source is `{source}`, not `{}`", asked.text()));
            }
            (Some(asked), None) => {
                against.push(format!("it does not say that the source is `{}`", asked.text()))
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
        match &built.source_ref {
            _ if self.refs.is_empty() => {}
            Some(at) if one_of(&self.refs, at) => {}
            Some(at) => against.push(format!("the ref is `{at}`, which is not allowed")),
            None => against.push("it does not say from which ref".to_owned()),
        }
        if !self.parameters.is_empty() && built.parameters.is_empty() {
            against.push("it names no external parameters".to_owned());
        }
        for (name, value) in &built.parameters {
            match self.parameters.get(name) {
                None => against.push(format!(
                    "the parameter `{name}` is not expected: {}",
                    short(value)
                )),
                Some(allowed) => unexpected(allowed, value, name, &mut against),
            }
        }
        against
    }
}

/// Notes each value that is not allowed, by its path. JSON is no deeper here than its reader lets it be.
fn unexpected(allowed: &Value, value: &Value, path: &str, against: &mut Vec<String>) {
    match (allowed, value) {
        (Value::String(any), _) if any == "*" => {}
        (Value::String(pattern), Value::String(text)) if Pattern::new(pattern).matches(text) => {}
        (Value::Object(allowed), Value::Object(fields)) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match allowed.get(name) {
                    Some(allowed) => unexpected(allowed, value, &path, against),
                    None => against.push(format!(
                        "the parameter `{path}` is not expected: {}",
                        short(value)
                    )),
                }
            }
        }
        (_, Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                unexpected(allowed, item, &format!("{path}[{at}]"), against);
            }
        }
        (Value::Array(alternatives), _) if alternatives.iter().any(|one| fits(one, value)) => {}
        (allowed, value) if allowed == value => {}
        (_, value) => against.push(format!("the parameter `{path}` may not be {}", short(value))),
    }
}

fn fits(allowed: &Value, value: &Value) -> bool {
    let mut against = Vec::new();
    unexpected(allowed, value, "", &mut against);
    against.is_empty()
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}..", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gate(params: Value) -> Provenance {
        let mut all =
            json!({"keys": [{"name": "ci", "file": "ci.pub"}], "builder": ["https://ci.example/*"]});
        all.as_object_mut()
            .expect("an object")
            .extend(params.as_object().expect("an object").clone());
        serde_json::from_value(all).expect("parameters")
    }

    fn built() -> Built {
        Built {
            builder: "https://ci.example/runner".to_owned(),
            build_type: "https://ci.example/build/v1".to_owned(),
            source: Some("https://git.example/payments".to_owned()),
            source_ref: Some("refs/heads/main".to_owned()),
            ..Built::default()
        }
    }

    #[test]
    fn what_was_not_asked_for_speaks_against_it() {
        for (params, against) in [
            (json!({}), None),
            (
                json!({"builder": ["https://other.example/*"]}),
                Some("the builder"),
            ),
            (
                json!({"build_type": ["https://ci.example/build/v2"]}),
                Some("the build type"),
            ),
            (json!({"source": "https://git.example/*"}), None),
            (
                json!({"source": "https://git.example/checkout"}),
                Some("the source is"),
            ),
            (json!({"ref": ["refs/tags/*", "refs/heads/main"]}), None),
            (json!({"ref": ["refs/tags/*"]}), Some("the ref is")),
        ] {
            let found = gate(params.clone()).against(&built());
            match against {
                None => assert_eq!(found, Vec::<String>::new(), "{params}"),
                Some(says) => assert!(
                    found.len() == 1 && found[0].starts_with(says),
                    "{params}: {found:?}"
                ),
            }
        }
        let silent = Built {
            source: None,
            source_ref: None,
            ..built()
        };
        let asks = gate(json!({"source": "*", "ref": ["*"]}));
        assert_eq!(asks.against(&silent).len(), 2);
    }

    #[test]
    fn a_parameter_that_nobody_allowed_speaks_against_it() {
        let parameters = json!({"job": {"ref": "refs/heads/main", "path": ".github/workflows/release.yml"}, "debug": false});
        let built = Built {
            parameters: serde_json::from_value(parameters).expect("an object"),
            ..built()
        };
        for (allowed, against) in [
            (json!({}), 2),
            (json!({"job": "*"}), 1),
            (json!({"job": "*", "debug": [false, null]}), 0),
            (json!({"job": "*", "debug": true}), 1),
            (
                json!({"job": {"ref": "refs/heads/*", "path": [".github/workflows/*"]}, "debug": false}),
                0,
            ),
            (json!({"job": {"ref": "refs/tags/*"}, "debug": false}), 2),
            (json!({"job": "refs/*", "debug": "*"}), 1),
        ] {
            let found = gate(json!({ "parameters": allowed })).against(&built);
            assert_eq!(found.len(), against, "{allowed}: {found:?}");
        }
    }

    #[test]
    fn a_provenance_without_any_parameter_does_not_say_what_the_build_was_given() {
        let silent = Built {
            parameters: BTreeMap::new(),
            ..built()
        };
        assert_eq!(
            gate(json!({"parameters": {"job": "*"}})).against(&silent).len(),
            1
        );
        assert!(gate(json!({})).against(&silent).is_empty());
    }

    #[test]
    fn each_item_of_a_list_must_be_allowed() {
        let allowed = json!(["a", "b*"]);
        assert!(fits(&allowed, &json!(["a", "bc", "a"])));
        assert!(!fits(&allowed, &json!(["a", "c"])));
    }
}
