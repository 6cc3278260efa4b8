//! What a plan of infrastructure would do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, SHOWN_MAX, row};

/// Changes kept in [`PlanFacts::changes`]. What looks at single addresses cannot judge a plan of more.
pub const PLAN_CHANGES_MAX: usize = 5_000;

/// A plan, as `terraform show -json` writes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFacts {
    /// The tool and its version, as in `terraform 1.11.4`.
    pub tool: String,
    /// Resources that would be made.
    pub create: u64,
    /// Resources that would be changed in place.
    pub update: u64,
    /// Resources that would be destroyed and not made again.
    pub delete: u64,
    /// Resources that would be destroyed and made anew.
    pub replace: u64,
    /// Resources that stay as they are.
    pub unchanged: u64,
    /// Resources whose real state had drifted from the last one known.
    pub drifted: u64,
    /// Resources that would be made, changed, destroyed or replaced, in the order of the file; at most [`PLAN_CHANGES_MAX`].
    pub changes: Vec<PlanChange>,
}

/// One resource that would be touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanChange {
    /// Its address, as in `module.db.aws_db_instance.main`.
    pub address: String,
    /// Its type, as in `aws_db_instance`.
    pub of: String,
    /// What would be done.
    pub action: PlanAction,
    /// Attributes that force the replacement, as paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// What a plan would do to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Destroy it.
    Delete,
    /// Destroy it and make it anew.
    Replace,
}

impl PlanAction {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            PlanAction::Create => "create",
            PlanAction::Update => "update",
            PlanAction::Delete => "delete",
            PlanAction::Replace => "replace",
        }
    }
}

impl PlanFacts {
    /// Whether each resource that would be touched is also kept.
    pub fn all_kept(&self) -> bool {
        self.changes.len() as u64 == self.create + self.update + self.delete + self.replace
    }

    pub(super) fn says(&self) -> String {
        let PlanFacts {
            create,
            update,
            delete,
            replace,
            ..
        } = self;
        format!("{create} to create, {update} to update, {delete} to delete, {replace} to replace")
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![
            row("tool", &self.tool),
            row("create", self.create),
            row("update", self.update),
            row("delete", self.delete),
            row("replace", self.replace),
            row("unchanged", self.unchanged),
            row("drifted", self.drifted),
        ];
        rows.extend(
            self.changes
                .iter()
                .take(SHOWN_MAX)
                .map(|change| row(change.action.name(), &change.address)),
        );
        let more = self.changes.len().saturating_sub(SHOWN_MAX);
        rows.extend((more > 0).then(|| row("changes", format!("and {more} more"))));
        rows
    }
}
