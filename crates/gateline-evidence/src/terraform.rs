//! Plans of Terraform and OpenTofu, as `terraform show -json PLAN` writes them: what would be made, changed and destroyed.
//!
//! Layout: developer.hashicorp.com/terraform/internals/json-format. Values of attributes, which may be secret, are never
//! kept. Knows no cloud: which resource matters is for a gate to say.

use gateline_model::{Facts, PLAN_CHANGES_MAX, PlanAction, PlanChange, PlanFacts};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::Value;

use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Complete, Warnings};
use crate::stream::{Few, Keyed, Objects, Words, each};
use crate::text;

/// Attributes kept of those that force one replacement.
const BECAUSE_MAX: usize = 10;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "terraform-plan",
    kind: "plan",
    title: "Plans of Terraform and OpenTofu, as `terraform show -json` writes them",
    knows: |head| {
        head.has_keys(&["format_version"])
            && (head.has_keys(&["planned_values"]) || head.has_keys(&["resource_changes"]))
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut plan = Plan::default();
    input.json(Objects(&mut plan))?;
    // Minor versions only add; a new major one may mean anything.
    let version = plan.version.as_deref().unwrap_or("none");
    if !version.starts_with("0.") && !version.starts_with("1.") {
        let version = text::one_line(version, 20);
        return Err(Fault::malformed(
            0,
            format!("its `format_version` is {version}; 0 and 1 are read"),
        ));
    }
    if let Some(unknown) = &plan.unknown {
        return Err(Fault::malformed(0, unknown.clone()));
    }
    Ok(plan.into_body())
}

#[derive(Default)]
struct Plan {
    version: Option<String>,
    facts: PlanFacts,
    /// It has one of the parts that only plans have.
    is_plan: bool,
    /// Entries of its list of changes, those too of what stays as it is.
    told: u64,
    /// Resources that it says will be there, and that were there.
    planned: u64,
    prior: u64,
    /// Changes that name no resource.
    nameless: u64,
    errored: Option<bool>,
    complete: Option<bool>,
    deferred: u64,
    forgotten: u64,
    unknown: Option<String>,
}

impl Keyed for Plan {
    const KEYS: &'static [&'static str] = &[
        "format_version",
        "terraform_version",
        "planned_values",
        "prior_state",
        "resource_changes",
        "resource_drift",
        "deferred_changes",
        "errored",
        "complete",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "format_version" => self.version = value.next_value()?,
            "terraform_version" => {
                let version: Option<String> = value.next_value()?;
                self.facts.tool = text::name(&format!("terraform {}", version.unwrap_or_default()));
            }
            "planned_values" => {
                value.next_value_seed(Objects(&mut Listed(&mut self.planned)))?;
                self.is_plan = true;
            }
            "prior_state" => drop(value.next_value_seed(Objects(&mut Listed(&mut self.prior)))?),
            "resource_changes" => {
                let told = value.next_value_seed(each(|one: ResourceChange| self.change(&one)))?;
                self.told = told.unwrap_or_default();
                self.is_plan = true;
            }
            "resource_drift" => {
                let drifted = &mut self.facts.drifted;
                let take = |one: ResourceChange| *drifted += u64::from(!one.is(&["no-op"]));
                value.next_value_seed(each(take))?;
            }
            "deferred_changes" => {
                self.deferred = value.next_value_seed(each(|_: IgnoredAny| ()))?.unwrap_or(0);
            }
            "errored" => self.errored = value.next_value()?,
            _ => self.complete = value.next_value()?,
        }
        Ok(())
    }
}

impl Plan {
    fn change(&mut self, one: &ResourceChange) {
        self.nameless += u64::from(one.address.is_empty());
        let facts = &mut self.facts;
        let action = match one.actions().as_slice() {
            ["create"] => PlanAction::Create,
            ["update"] => PlanAction::Update,
            ["delete"] => PlanAction::Delete,
            ["delete", "create"] | ["create", "delete"] => PlanAction::Replace,
            ["no-op"] => {
                facts.unchanged += 1;
                return;
            }
            // A data source is read at apply; nothing is touched.
            ["read"] => return,
            // It leaves the state and stays in the world.
            ["forget"] => {
                self.forgotten += 1;
                return;
            }
            // The old one stays in the world, and another is made.
            ["create", "forget"] | ["forget", "create"] => {
                self.forgotten += 1;
                PlanAction::Create
            }
            actions => {
                let actions = text::one_line(&actions.join(", "), 60);
                let address = text::name(&one.address);
                let reason = format!("`{address}` has the actions `{actions}`, which are not known");
                self.unknown.get_or_insert(reason);
                return;
            }
        };
        *match action {
            PlanAction::Create => &mut facts.create,
            PlanAction::Update => &mut facts.update,
            PlanAction::Delete => &mut facts.delete,
            PlanAction::Replace => &mut facts.replace,
        } += 1;
        if facts.changes.len() < PLAN_CHANGES_MAX {
            facts.changes.push(PlanChange {
                address: text::name(&one.address),
                of: text::name(&one.of),
                action,
                because: one.because(),
            });
        }
    }

    fn into_body(self) -> Body {
        let mut warnings = Warnings::default();
        let forgotten = self.forgotten;
        if forgotten > 0 {
            warnings.add(|| format!("{forgotten} resources would leave the state and stay in the world"));
        }
        let deferred = self.deferred;
        let reason = match () {
            () if !self.is_plan => {
                Some("it is no plan but a state: show the plan file, as in `terraform show -json PLAN`")
            }
            () if self.errored == Some(true) => {
                Some("the plan ended with an error, and holds only what came before it")
            }
            () if self.complete == Some(false) => {
                Some("the plan is not complete: applying it leaves more to be planned")
            }
            () => None,
        };
        let deferred =
            (deferred > 0).then(|| format!("{deferred} changes are deferred: nobody knows yet what they do"));
        let (listed, nameless) = (self.planned.max(self.prior), self.nameless);
        // A plan says of each resource that it knows what becomes of it, be it nothing.
        let untold = (self.told == 0 && listed > 0).then(|| {
            format!(
                "the plan knows {listed} resources and says of none what becomes of it (`resource_changes`)"
            )
        });
        let nameless = (nameless > 0).then(|| format!("{nameless} changes name no resource (`address`)"));
        Body {
            facts: Facts::Plan(self.facts),
            complete: Complete::unless(reason.map(str::to_owned).or(deferred).or(untold).or(nameless)),
            warnings,
        }
    }
}

/// Counts the resources of a state, module by module. What is only read is none.
struct Listed<'c>(&'c mut u64);

impl Keyed for Listed<'_> {
    const KEYS: &'static [&'static str] = &["values", "root_module", "child_modules", "resources"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let count = &mut *self.0;
        match key {
            "resources" => value
                .next_value_seed(each(|one: Resource| {
                    *count += u64::from(one.mode.first() != Some("data"))
                }))
                .map(drop),
            _ => value.next_value_seed(Objects(&mut Listed(count))).map(drop),
        }
    }
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    mode: Words,
}

#[derive(Deserialize)]
struct ResourceChange {
    #[serde(default)]
    address: String,
    #[serde(default, rename = "type")]
    of: String,
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    actions: Few<String>,
    #[serde(default)]
    replace_paths: Few<Few<Value>>,
}

impl ResourceChange {
    fn actions(&self) -> Vec<&str> {
        self.change.actions.iter().map(String::as_str).collect()
    }

    fn is(&self, actions: &[&str]) -> bool {
        self.actions() == actions
    }

    fn because(&self) -> Vec<String> {
        let paths = self.change.replace_paths.iter().take(BECAUSE_MAX);
        paths.map(|steps| text::name(&path(steps))).collect()
    }
}

/// `["disk", 0, "size"]` as `disk[0].size`.
fn path(steps: &[Value]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Value::String(key) if path.is_empty() => path.push_str(key),
            Value::String(key) => path.push_str(&format!(".{key}")),
            index => path.push_str(&format!("[{index}]")),
        }
    }
    path
}
