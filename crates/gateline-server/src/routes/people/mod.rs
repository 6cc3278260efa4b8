//! People: roles, delegations, who may what, and what waits on whom.

pub(super) mod apply_roles;
pub(super) mod can;
pub(super) mod delegate;
pub(super) mod delegations;
pub(super) mod end_delegation;
pub(super) mod inbox;
pub(super) mod inbox_rollouts;
pub(super) mod roles;
pub(super) mod whoami;
