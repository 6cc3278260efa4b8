//! Calendars: holidays and other days that windows and freezes name, read from a file when it is applied.

use gateline_model::{Calendar, CalendarName, Digest, ProjectName, Scope, Written};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProposalView;
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists the calendars and the version of each that is in force.
    ListCalendars: Get "/api/v1/calendars", needs(Scope::Read),
    path Empty, query CalendarQuery, body Empty, reply Vec<CalendarBrief>
}
endpoint! {
    /// Brings an iCalendar file into force as a calendar. The same file again changes nothing until the next year.
    ApplyCalendar: Put "/api/v1/calendars", needs(Scope::Apply),
    path Empty, query Empty, body CalendarRequest, reply CalendarReply
}
endpoint! {
    /// Shows the days of a calendar, as they are in force.
    GetCalendar: Get "/api/v1/calendars/{project}/{calendar}", needs(Scope::Read),
    path CalendarPath, query Empty, body Empty, reply CalendarView
}

/// A calendar in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarPath {
    /// The project.
    pub project: ProjectName,
    /// The calendar.
    pub calendar: CalendarName,
}

/// Which calendars to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A calendar at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarBrief {
    /// The project that owns it.
    pub project: ProjectName,
    /// What windows and freezes call it.
    pub name: CalendarName,
    /// The version in force.
    pub version: Digest,
    /// How many entries it has.
    pub entries: u64,
    /// The first day of which it says nothing, where what recurs was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<jiff::civil::Date>,
}

/// A calendar to apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarRequest {
    /// The project that owns it.
    pub project: ProjectName,
    /// What windows and freezes call it.
    pub name: CalendarName,
    /// The iCalendar file (RFC 5545).
    pub text: String,
    /// The commit that it was taken from, and who wrote that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// What applying a calendar came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarReply {
    /// The project.
    pub project: ProjectName,
    /// The calendar.
    pub name: CalendarName,
    /// The version: in force now, unless it is proposed.
    pub version: Digest,
    /// How many entries it has.
    pub entries: u64,
    /// Whether it came into force now.
    pub changed: bool,
    /// The proposal, where it is protected and waits for its owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposalView>,
}

/// A calendar as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarView {
    /// The project.
    pub project: ProjectName,
    /// The calendar.
    pub name: CalendarName,
    /// The version.
    pub version: Digest,
    /// Its days and times, and the digest of the file that it was read from.
    pub calendar: Calendar,
}
