//! Views: the fold, the read models and the log, as the API and the pages show them. No route builds one itself.
//!
//! Nothing is judged here: sentences and decisions are those that were recorded.

mod accounts;
mod board;
mod calendars;
mod declared;
mod evidence;
mod freezes;
mod incidents;
mod keys;
mod log;
mod names;
mod notifications;
mod overrides;
mod pause;
mod people;
mod pipelines;
mod policies;
mod preview;
mod promotion;
mod promotions;
mod proposals;
mod release;
mod replay;
mod risk;
mod roles;
mod rollout;
mod rules;
mod stage;
mod standing;
mod summary;
mod tokens;
mod trends;
mod waivers;

pub(crate) use accounts::{accounts, has_accounts, own_account, sessions};
pub(crate) use board::board;
pub(crate) use calendars::{calendar, calendars, timetables};
pub(crate) use evidence::evidence;
pub(crate) use freezes::freezes;
pub(crate) use incidents::{incident, incidents};
pub(crate) use keys::{key, keys, keys_in_force, signatures};
pub(crate) use log::{checkpoint, log, with_text};
pub(crate) use names::release_named;
pub(crate) use notifications::{all_letters, letters, notifications};
pub(crate) use overrides::overrides;
pub(crate) use pause::inbox_rollouts;
pub(crate) use people::{
    Answered, MayAnswer, answered, delegations, delegations_of, has_answered, inbox, may_answer,
};
pub(crate) use pipelines::{findings, pipeline, pipelines, refused_file};
pub(crate) use policies::{policies, policy};
pub(crate) use preview::preview;
pub(crate) use promotion::{opened, promotion};
pub(crate) use promotions::promotions;
pub(crate) use proposals::{
    may_answer_proposal, proposal, proposal_detail, proposals, proposals_waiting_on, proposed,
};
pub(crate) use release::{TextDigest, erasable, release, releases, text_digest};
pub(crate) use replay::replay;
pub(crate) use risk::risk;
pub(crate) use roles::{
    MayView, OnCallNow, PeopleView, TeamNow, may_of, people_of, project_names, roles_in_force, teams_of,
};
pub(crate) use rules::{
    DIFF_LINES_MAX, FileDifference, Line, VERSIONS_MAX, VersionView, difference, versions,
};
pub(crate) use stage::stage;
pub(crate) use summary::summary;
pub(crate) use tokens::tokens;
pub(crate) use trends::{Reported, trends};
pub(crate) use waivers::{waivers, waivers_of};
