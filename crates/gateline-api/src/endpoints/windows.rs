//! Timetables: when windows and freezes let releases into stages.

use gateline_model::{
    FreezeName, Opening, PipelineName, ProjectName, Scope, StageRef, Stretch, WindowName, Zone,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Empty;
use crate::endpoint::{endpoint, needs};

/// Most days of one timetable.
pub const TIMETABLE_DAYS_MAX: u32 = 92;
/// Days of a timetable where nobody asked for another number: four weeks.
pub const TIMETABLE_DAYS: u32 = 28;

endpoint! {
    /// Tells when windows and freezes let releases into each stage that has any.
    ListWindows: Get "/api/v1/windows", needs(Scope::Read),
    path Empty, query WindowQuery, body Empty, reply Vec<TimetableView>
}

/// Which stages, and for how long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WindowQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only this pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineName>,
    /// How many days from now, at most 92; 28 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// When a stage lets releases in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimetableView {
    /// The stage.
    pub of: StageRef,
    /// By whose clocks it is told.
    pub zone: Zone,
    /// Its windows, each with when it is open.
    pub windows: Vec<WindowView>,
    /// Whether windows and freezes let a release in now.
    pub open: bool,
    /// When they do next, where they do not now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
    /// Why that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// What holds when, from now on, without gaps.
    pub told: Vec<ToldView>,
    /// Holidays of its windows in this time.
    pub holidays: Vec<HolidayView>,
}

/// A window in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowView {
    /// Its name.
    pub name: WindowName,
    /// When it is open.
    pub says: String,
}

/// A time throughout which nothing changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldView {
    /// First moment.
    pub from: Timestamp,
    /// First moment after it.
    pub until: Timestamp,
    /// The window that is open, where the stage has any and one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowName>,
    /// Whether the windows let a release in.
    pub open: bool,
    /// The freezes that hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<FreezeName>,
}

impl ToldView {
    /// Whether a release is let in.
    pub fn admits(&self) -> bool {
        self.open && self.freezes.is_empty()
    }
}

/// A holiday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolidayView {
    /// What it is called.
    pub name: String,
    /// When it is, by the stage's clocks.
    pub at: Stretch,
}
