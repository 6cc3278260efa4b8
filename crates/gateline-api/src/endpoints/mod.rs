//! The endpoints: one file per noun, one line each in the table below.

mod accounts;
mod board;
mod calendars;
mod evidence;
mod freezes;
mod incidents;
mod keys;
mod log;
mod notifications;
mod overrides;
mod people;
mod pipelines;
mod policies;
mod promotion_view;
mod promotions;
mod proposals;
mod releases;
mod server;
mod stages;
mod steering;
mod tokens;
mod waivers;
mod windows;

pub use accounts::*;
pub use board::*;
pub use calendars::*;
pub use evidence::*;
pub use freezes::*;
pub use incidents::*;
pub use keys::*;
pub use log::*;
pub use notifications::*;
pub use overrides::*;
pub use people::*;
pub use pipelines::*;
pub use policies::*;
pub use promotion_view::*;
pub use promotions::*;
pub use proposals::*;
pub use releases::*;
pub use server::*;
pub use stages::*;
pub use steering::*;
pub use tokens::*;
pub use waivers::*;
pub use windows::*;

use crate::EndpointInfo;

macro_rules! endpoints {
    ($($name:ident)*) => {
        /// Every endpoint, in the order of the reference.
        pub const ENDPOINTS: &[EndpointInfo] = &[$(EndpointInfo::of::<$name>()),*];
    };
}

endpoints! {
    GetBoard
    ListPipelines
    ApplyPipeline
    GetPipeline
    ListPolicies
    ApplyPolicy
    GetPolicy
    ListProposals
    GetProposal
    PreviewProposal
    ApproveProposal
    RejectProposal
    WithdrawProposal
    ListReleases
    RegisterRelease
    GetRelease
    GetRisk
    SubmitEvidence
    FetchEvidence
    GetUpload
    GetRawEvidence
    ListPromotions
    Promote
    GetPromotion
    GetSummary
    GetTicks
    ReplayRollout
    GetStatement
    GetProposalStatement
    ListProposalSignatures
    ListSignatures
    Approve
    Refuse
    Withdraw
    AskPerson
    OverrideGate
    ConfirmOverride
    WithdrawOverride
    WriteReview
    ListOverrides
    Abort
    Pause
    Resume
    Advance
    GetStage
    RollBack
    Unbar
    ListWindows
    ListCalendars
    ApplyCalendar
    GetCalendar
    ListFreezes
    DeclareFreeze
    LiftFreeze
    ListIncidents
    GetIncident
    OpenIncident
    LiftSuspect
    CloseIncident
    HearAlerts
    ListWaivers
    GrantWaiver
    LiftWaiver
    GetRoles
    ApplyRoles
    ListDelegations
    Delegate
    EndDelegation
    WhoAmI
    Can
    GetInbox
    GetInboxRollouts
    GetNotifications
    ApplyNotifications
    ListLetters
    ResendLetter
    ListKeys
    GetKeyStatement
    EnrolKey
    RevokeKey
    ListTokens
    IssueToken
    RevokeToken
    ListAccounts
    MakeAccount
    SetPassword
    DisableAccount
    ListSessions
    EndSessions
    SearchLog
    EraseText
    GetCheckpoint
    WatchEvents
    GetOpenapi
    GetMetrics
    GetLiveness
    GetReadiness
    HearSlack
    HearGithub
    LogIn
    BeginSignIn
    EndSignIn
    LogOut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Method, Rule};

    #[test]
    fn no_endpoint_stands_twice() {
        for (index, one) in ENDPOINTS.iter().enumerate() {
            for other in &ENDPOINTS[index + 1..] {
                assert!(one.name != other.name, "{}", one.name);
                assert!(
                    (one.method, one.path) != (other.method, other.path),
                    "{}",
                    one.path
                );
            }
        }
    }

    #[test]
    fn every_write_of_an_actor_takes_an_idempotency_key() {
        for one in ENDPOINTS {
            let write = one.method != Method::Get && one.rule != Rule::Open;
            assert_eq!(one.takes_key, write, "{}", one.name);
        }
    }

    #[test]
    fn only_what_must_work_without_a_token_is_open() {
        let open: Vec<&str> = ENDPOINTS
            .iter()
            .filter(|one| one.rule == Rule::Open)
            .map(|one| one.path)
            .collect();
        assert_eq!(
            open,
            [
                "/api/openapi.json",
                "/healthz",
                "/readyz",
                "/hooks/slack",
                "/hooks/github",
                "/login",
                "/login/{provider}",
                "/login/{provider}/callback",
                "/logout"
            ]
        );
    }
}
