//! What a request names by its path: that is answered only for those who may read it, and otherwise as if it were not there.

use gateline_model::{Declared, Digest, ProjectName, PromotionId, ProposalId, StageRef};

use crate::ReleaseName;

/// One thing of a project that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A project.
    Project(ProjectName),
    /// A version of what a project declares: a pipeline, a policy module, a calendar, its roles.
    Declared(ProjectName, Declared),
    /// A stage.
    Stage(StageRef),
    /// A promotion.
    Promotion(PromotionId),
    /// A release.
    Release(ReleaseName),
    /// A proposal.
    Proposal(ProposalId),
    /// Content that is kept by its digest.
    Content(Digest),
}

/// A path's parameters, with what they name. What names nothing of a project belongs to the server, or to whoever asks.
pub trait Names {
    /// Whether something of a project is named.
    const OF_A_PROJECT: bool;

    /// What is named, the widest first.
    fn named(&self) -> Vec<Named>;
}

/// What names nothing of a project.
macro_rules! of_the_server {
    ($($path:ident)*) => {
        $(impl $crate::Names for $crate::$path {
            const OF_A_PROJECT: bool = false;

            fn named(&self) -> Vec<$crate::Named> {
                Vec::new()
            }
        })*
    };
}

pub(crate) use of_the_server;

/// What names one thing of a project.
macro_rules! of_a_project {
    ($($path:ident($self:ident) names $named:expr;)*) => {
        $(impl Names for crate::$path {
            const OF_A_PROJECT: bool = true;

            fn named(&self) -> Vec<Named> {
                let $self = self;
                vec![$named]
            }
        })*
    };
}

of_the_server! { AccountPath Empty TokenPath }

of_a_project! {
    CalendarPath(of) names Named::Declared(of.project.clone(), Declared::Calendar(of.calendar.clone()));
    FreezePath(of) names Named::Project(of.project.clone());
    LetterPath(of) names Named::Project(of.project.clone());
    IncidentPath(of) names Named::Project(of.project.clone());
    OverridePath(of) names Named::Promotion(of.id());
    PipelinePath(of) names Named::Declared(of.project.clone(), Declared::Pipeline(of.pipeline.clone()));
    PolicyPath(of) names Named::Declared(of.project.clone(), Declared::Policy(of.policy.clone()));
    ProjectPath(of) names Named::Project(of.project.clone());
    PromotionPath(of) names Named::Promotion(of.id());
    ProposalPath(of) names Named::Proposal(of.id());
    RawPath(of) names Named::Content(of.digest);
    ReleasePath(of) names Named::Release(of.release.clone());
    StagePath(of) names Named::Stage(of.reference());
    UploadPath(of) names Named::Release(of.release.clone());
    WaiverPath(of) names Named::Project(of.project.clone());
}
