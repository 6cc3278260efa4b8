//! Rejections: why a command changes nothing. Each has a stable code, a sentence and a hint.

/// Why a command was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{says}")]
pub struct Rejection {
    /// What class of thing went wrong.
    pub kind: RejectionKind,
    /// Stable code, as in `release.unknown`.
    pub code: &'static str,
    /// One sentence: what and why.
    pub says: String,
    /// What to do; may be empty.
    pub hint: String,
}

/// The classes that transports tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// What was named does not exist.
    Unknown,
    /// The state does not allow it now.
    Conflict,
    /// This actor may not.
    Forbidden,
    /// The request itself is wrong.
    Invalid,
}

impl Rejection {
    /// What was named does not exist.
    pub(crate) fn unknown(code: &'static str, says: String, hint: &str) -> Self {
        Self {
            kind: RejectionKind::Unknown,
            code,
            says,
            hint: hint.to_owned(),
        }
    }

    /// The state does not allow it now.
    pub(crate) fn conflict(code: &'static str, says: String, hint: &str) -> Self {
        Self {
            kind: RejectionKind::Conflict,
            code,
            says,
            hint: hint.to_owned(),
        }
    }

    /// This actor may not.
    pub(crate) fn forbidden(code: &'static str, says: String, hint: &str) -> Self {
        Self {
            kind: RejectionKind::Forbidden,
            code,
            says,
            hint: hint.to_owned(),
        }
    }

    /// The request itself is wrong.
    pub(crate) fn invalid(code: &'static str, says: String, hint: &str) -> Self {
        Self {
            kind: RejectionKind::Invalid,
            code,
            says,
            hint: hint.to_owned(),
        }
    }
}
