//! Plan: a plan of infrastructure destroys and replaces no more than is allowed, and nothing that is protected.
//!
//! `plan: {delete: 0, replace: 0, update: "<= 10", protect: ["module.db.*", "aws_rds_*"], blast_radius: "<= 20"}`, from
//! `terraform show -json`. Patterns are held against addresses and types; `*` stands for any text. The blast radius is the sum
//! of what each change costs: by default 10 for what is destroyed, 8 for what is replaced, 1 for each other.

use gateline_model::{Facts, Gate, PLAN_CHANGES_MAX, PlanAction, PlanChange, PlanFacts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::limit::Limit;
use super::pattern::Pattern;
use super::reported::Wanted;
use super::{GateKind, GateView, Place, Says, observes_nothing, reported, schema_of, with_params};

pub(super) const KIND: GateKind = GateKind {
    name: "plan",
    summary: "A plan of infrastructure destroys no more than is allowed, and nothing that is protected.",
    place: Place::Entry,
    check: |params| {
        let plan = Plan::deserialize(params).map_err(|err| err.to_string())?;
        plan.check()
    },
    schema: schema_of::<Plan>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |plan: Plan| {
            let wanted = Wanted {
                kind: "plan",
                format: None,
                name: plan.name.as_deref(),
                what: "plan",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Plan(facts) => plan.judge(facts),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `plan`; at least one limit or pattern. A limit is the most that there may be, or a threshold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// Resources that are destroyed and not made again; any number where it is not given, as for the others.
    #[serde(default)]
    delete: Option<Limit>,
    /// Resources that are destroyed and made anew.
    #[serde(default)]
    replace: Option<Limit>,
    /// Resources that are changed in place.
    #[serde(default)]
    update: Option<Limit>,
    /// Resources that are made.
    #[serde(default)]
    create: Option<Limit>,
    /// Resources whose real state had drifted from the last one known.
    #[serde(default)]
    drifted: Option<Limit>,
    /// Addresses or types that are neither destroyed nor replaced.
    #[serde(default)]
    protect: Vec<Pattern>,
    /// Addresses or types that are not changed in any way.
    #[serde(default)]
    untouched: Vec<Pattern>,
    /// What all changes may cost together.
    #[serde(default)]
    blast_radius: Option<Limit>,
    /// What one change costs.
    #[serde(default)]
    costs: Costs,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// What one change costs, by what is done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Costs {
    /// Destroying.
    delete: u32,
    /// Destroying and making anew.
    replace: u32,
    /// Changing in place.
    update: u32,
    /// Making.
    create: u32,
}

impl Default for Costs {
    // A replaced resource is gone for a while, a destroyed one for good; either outweighs a handful of small changes.
    fn default() -> Self {
        Costs {
            delete: 10,
            replace: 8,
            update: 1,
            create: 1,
        }
    }
}

impl Costs {
    fn of(&self, facts: &PlanFacts) -> u64 {
        let each = [
            (self.delete, facts.delete),
            (self.replace, facts.replace),
            (self.update, facts.update),
            (self.create, facts.create),
        ];
        each.into_iter().fold(0, |sum: u64, (cost, count)| {
            sum.saturating_add(u64::from(cost).saturating_mul(count))
        })
    }
}

impl Plan {
    fn limits<'a>(&'a self, facts: &PlanFacts) -> [(&'static str, u64, Option<&'a Limit>); 6] {
        [
            ("delete", facts.delete, self.delete.as_ref()),
            ("replace", facts.replace, self.replace.as_ref()),
            ("update", facts.update, self.update.as_ref()),
            ("create", facts.create, self.create.as_ref()),
            ("drifted", facts.drifted, self.drifted.as_ref()),
            ("blast radius", self.costs.of(facts), self.blast_radius.as_ref()),
        ]
    }

    fn check(&self) -> Result<(), String> {
        let limited = self
            .limits(&PlanFacts::default())
            .iter()
            .any(|(.., limit)| limit.is_some());
        if !limited && self.protect.is_empty() && self.untouched.is_empty() {
            return Err("it asks for nothing: give a limit such as `delete: 0`, or `protect`".to_owned());
        }
        Ok(())
    }

    /// What forbids the change, if anything.
    fn forbids(&self, change: &PlanChange) -> Option<String> {
        let hit = |patterns: &[Pattern]| {
            let hit = patterns
                .iter()
                .find(|pattern| pattern.matches(&change.address) || pattern.matches(&change.of))?;
            Some(hit.text().to_owned())
        };
        let destroys = match change.action {
            PlanAction::Delete | PlanAction::Replace => true,
            PlanAction::Create | PlanAction::Update => false,
        };
        let protected = || {
            let pattern = hit(&self.protect).filter(|_| destroys)?;
            Some(format!("protected by `{pattern}`"))
        };
        let untouched = || Some(format!("not to be touched, by `{}`", hit(&self.untouched)?));
        protected().or_else(untouched)
    }

    fn judge(&self, facts: &PlanFacts) -> Says {
        let limits = self.limits(facts);
        let mut changes: Vec<(Option<String>, &PlanChange)> = facts
            .changes
            .iter()
            .map(|change| (self.forbids(change), change))
            .collect();
        changes.sort_by_key(|(forbidden, change)| (forbidden.is_none(), rank(change.action)));
        let forbidden = changes.iter().filter(|(why, _)| why.is_some()).count();

        let mut over: Vec<String> = Vec::new();
        if let Some((Some(why), first)) = changes.first() {
            let more = match forbidden {
                1 => String::new(),
                count => format!(", and {} more", count - 1),
            };
            over.push(format!(
                "{} of {}, {why}{more}",
                first.action.name(),
                first.address
            ));
        }
        over.extend(limits.iter().filter_map(|(name, count, limit)| {
            let limit = limit.filter(|limit| !limit.holds(*count))?;
            Some(format!("{name} {count}, limit {limit}"))
        }));
        let looks_at_each = !self.protect.is_empty() || !self.untouched.is_empty();
        let says = if !over.is_empty() {
            Says::refused("plan.over", over.join("; "))
                .changed_by("a new release with another plan")
                .next("change the code so that the plan destroys less, or override this gate for this one promotion")
        } else if looks_at_each && !facts.all_kept() {
            Says::waiting(
                "plan.too_long",
                format!("the plan has more than {PLAN_CHANGES_MAX} changes: not each address is known"),
            )
            .changed_by("a new release with a smaller plan")
            .next("split the plan")
        } else {
            Says::satisfied(
                "plan.within",
                format!(
                    "{} to destroy, {} to replace, {} to update, {} to create",
                    facts.delete, facts.replace, facts.update, facts.create
                ),
            )
        };
        let says = limits.iter().fold(says, |says, (name, count, limit)| {
            says.number(name, *count as f64, "", limit.map(Limit::to_string))
        });
        let says = match looks_at_each {
            true => says.number("forbidden", forbidden as f64, "", Some("== 0".to_owned())),
            false => says,
        };
        says.details(changes.iter().map(|(why, change)| line(change, why.as_deref())))
    }
}

/// The gravest first.
fn rank(action: PlanAction) -> u8 {
    match action {
        PlanAction::Delete => 0,
        PlanAction::Replace => 1,
        PlanAction::Update => 2,
        PlanAction::Create => 3,
    }
}

fn line(change: &PlanChange, why: Option<&str>) -> String {
    let forced = match change.because.as_slice() {
        [] => String::new(),
        paths => format!(", forced by {}", paths.join(", ")),
    };
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!("{} {}{forced}{why}", change.action.name(), change.address)
}

#[cfg(test)]
mod tests {
    use gateline_model::Verdict;
    use serde_json::{Value, json};

    use super::*;

    fn plan(params: Value) -> Plan {
        Plan::deserialize(params).expect("parameters")
    }

    fn change(address: &str, of: &str, action: PlanAction) -> PlanChange {
        PlanChange {
            address: address.to_owned(),
            of: of.to_owned(),
            action,
            because: Vec::new(),
        }
    }

    fn facts() -> PlanFacts {
        PlanFacts {
            update: 1,
            delete: 1,
            replace: 1,
            changes: vec![
                change("module.web.aws_instance.a", "aws_instance", PlanAction::Update),
                change(
                    "module.db.aws_rds_cluster.main",
                    "aws_rds_cluster",
                    PlanAction::Replace,
                ),
                change("aws_s3_bucket.old", "aws_s3_bucket", PlanAction::Delete),
            ],
            ..PlanFacts::default()
        }
    }

    #[test]
    fn an_address_and_a_type_are_protected_alike() {
        for pattern in ["module.db.*", "aws_rds_*"] {
            let says = plan(json!({"protect": [pattern]})).judge(&facts());
            assert_eq!((says.verdict, says.code), (Verdict::Refused, "plan.over"));
            assert_eq!(
                says.details[0],
                format!("replace module.db.aws_rds_cluster.main: protected by `{pattern}`")
            );
        }
        let says = plan(json!({"protect": ["module.web.*"]})).judge(&facts());
        assert_eq!(says.verdict, Verdict::Satisfied, "an update destroys nothing");
        let says = plan(json!({"untouched": ["module.web.*"]})).judge(&facts());
        assert_eq!(says.verdict, Verdict::Refused);
    }

    #[test]
    fn the_blast_radius_is_the_sum_of_the_costs() {
        assert_eq!(Costs::default().of(&facts()), 19);
        let says = plan(json!({"blast_radius": "< 19"})).judge(&facts());
        assert_eq!(says.says, "blast radius 19, limit < 19");
        let cheap = json!({"blast_radius": 4, "costs": {"delete": 1, "replace": 2}});
        assert_eq!(plan(cheap).judge(&facts()).verdict, Verdict::Satisfied);
    }

    #[test]
    fn a_plan_that_was_not_kept_whole_protects_nothing() {
        let cut = PlanFacts { update: 2, ..facts() };
        let says = plan(json!({"protect": ["nothing"]})).judge(&cut);
        assert_eq!((says.verdict, says.code), (Verdict::Waiting, "plan.too_long"));
        let says = plan(json!({"protect": ["module.db.*"]})).judge(&cut);
        assert_eq!(
            says.verdict,
            Verdict::Refused,
            "what was seen is enough to refuse"
        );
        let says = plan(json!({"update": 2})).judge(&cut);
        assert_eq!(says.verdict, Verdict::Satisfied, "counts are never cut");
    }

    #[test]
    fn a_gate_that_asks_for_nothing_is_refused() {
        assert!((KIND.check)(&json!({})).is_err());
        assert!((KIND.check)(&json!({"delete": "<= 1%"})).is_err());
        assert!((KIND.check)(&json!({"delete": 0})).is_ok());
    }
}
