//! Timetables: when windows and freezes let releases into a stage. One reading for the gates, for what a decision says of
//! the next opening, and for the calendar that people look at. Knows no clock: callers pass the moment.

use gateline_model::{
    Calendars, ChangeKind, Freeze, FreezeName, LOOK_AHEAD_DAYS, Opening, Pipeline, PromotionKind, Stage,
    StageRef, Stretch, Unknown, Window, WindowName, Zone,
};
use jiff::{Timestamp, ToSpan};

use crate::state::Project;
use crate::world::World;

/// Most turns between windows and freezes in the search for one moment at which all are open.
const TURNS_MAX: usize = 400;
/// Most stretches of one timetable.
const STRETCHES_MAX: usize = 2_000;

/// The windows and freezes of one stage, as they are for one kind of promotion.
pub struct Timetable<'a> {
    pipeline: &'a Pipeline,
    stage: &'a Stage,
    of: StageRef,
    project: Option<&'a Project>,
    promotion: PromotionKind,
    change: ChangeKind,
}

/// What the windows of a stage say at a moment.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowsNow {
    /// There is none that concerns the promotion.
    None,
    /// This one is open.
    Open {
        /// Which.
        name: WindowName,
        /// By whose clocks.
        zone: Zone,
        /// When it closes.
        until: Timestamp,
    },
    /// This one opens next.
    Closed {
        /// Which.
        name: WindowName,
        /// When.
        opening: Opening,
    },
    /// None opens within [`LOOK_AHEAD_DAYS`].
    Never,
    /// It cannot be told.
    Unknown(WindowUnknown),
}

/// Why it cannot be told when a window opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowUnknown {
    /// The pipeline does not declare it.
    #[error("the pipeline has no window `{0}`")]
    Window(WindowName),
    /// A calendar says nothing.
    #[error("when `{window}` opens next is not known: {why}")]
    Calendar {
        /// The window.
        window: WindowName,
        /// Why.
        why: Unknown,
    },
}

/// When something lets a release in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    /// Now.
    Now,
    /// At a moment to come.
    At(Opening),
    /// Not within the time of the look, or nobody knows.
    NotKnown,
}

/// What is asked when it opens: what an override names is not.
#[derive(Debug, Clone, Copy)]
pub struct AskedOf<'a> {
    /// The stage's windows.
    pub windows: bool,
    /// The freezes that hold it.
    pub freezes: bool,
    /// The window of an approval.
    pub scheduled: Option<&'a WindowName>,
}

/// A stretch of a timetable, throughout which nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Stretch,
    /// The window that is open; none where all are closed, or where the stage has none.
    pub window: Option<WindowName>,
    /// Whether windows let a release in.
    pub open: bool,
    /// The freezes that hold.
    pub freezes: Vec<FreezeName>,
}

impl Told {
    /// Whether a release is let in.
    pub fn admits(&self) -> bool {
        self.open && self.freezes.is_empty()
    }
}

impl<'a> Timetable<'a> {
    pub(crate) fn new(
        pipeline: &'a Pipeline,
        stage: &'a Stage,
        project: Option<&'a Project>,
        promotion: PromotionKind,
        change: ChangeKind,
    ) -> Self {
        Self {
            pipeline,
            stage,
            of: pipeline.stage_ref(&stage.name),
            project,
            promotion,
            change,
        }
    }

    /// The timetable of a stage in force, for an ordinary promotion. `None` where there is no such stage.
    pub fn of(world: &'a World, of: &StageRef) -> Option<Self> {
        let project = world.project(&of.project)?;
        let pipeline = project.pipeline(&of.pipeline)?;
        let stage = pipeline.stage(&of.stage)?;
        let (kind, change) = (PromotionKind::Forward, ChangeKind::default());
        Some(Self::new(pipeline, stage, Some(project), kind, change))
    }

    fn calendars(&self) -> &Calendars {
        static NONE: Calendars = Calendars::new();
        self.project.map_or(&NONE, |project| &project.calendars)
    }

    /// The windows that concern the promotion. A rollback waits only where every one says so.
    fn windows(&self) -> Vec<Result<(&'a WindowName, &'a Window), WindowUnknown>> {
        let named = self.stage.windows.iter();
        let windows = named.map(|name| {
            let window = self.pipeline.windows.get(name);
            window
                .map(|window| (name, window))
                .ok_or_else(|| WindowUnknown::Window(name.clone()))
        });
        let windows: Vec<_> = windows.collect();
        let all_apply = |windows: &[Result<(_, &Window), _>]| {
            let applies = |one: &Result<(_, &Window), _>| {
                one.as_ref().is_ok_and(|(_, window)| window.applies_to_rollback)
            };
            windows.iter().all(applies)
        };
        match self.promotion {
            PromotionKind::Rollback if !all_apply(&windows) => Vec::new(),
            PromotionKind::Forward | PromotionKind::Rollback => windows,
        }
    }

    /// The freezes that hold such a promotion here, at whatever time.
    pub fn freezes(&self) -> impl Iterator<Item = &'a Freeze> {
        let freezes = self
            .project
            .into_iter()
            .flat_map(|project| project.freezes.values());
        freezes.filter(|freeze| {
            freeze.concerns(&self.of, self.stage.production) && freeze.holds(self.promotion, self.change)
        })
    }

    /// The freezes that hold at a moment, each with the time that it holds.
    pub fn frozen(&self, at: Timestamp) -> Vec<(&'a Freeze, Stretch)> {
        let in_force = |freeze: &'a Freeze| Some((freeze, freeze.in_force(at, self.calendars())?));
        self.freezes().filter_map(in_force).collect()
    }

    /// When the next freeze begins, of those that do not hold yet.
    pub fn frozen_next(&self, at: Timestamp) -> Option<Timestamp> {
        let begins = |freeze: &Freeze| Some(freeze.next(at, self.calendars()).ok()??.from);
        self.freezes().filter_map(begins).filter(|from| at < *from).min()
    }

    /// What the stage's windows say at a moment.
    pub fn windows_at(&self, at: Timestamp) -> WindowsNow {
        self.of_windows(&self.windows(), at)
    }

    /// What one window of the pipeline says at a moment.
    pub fn window_at(&self, name: &'a WindowName, at: Timestamp) -> WindowsNow {
        let window = self.pipeline.windows.get(name);
        let window = window
            .map(|window| (name, window))
            .ok_or_else(|| WindowUnknown::Window(name.clone()));
        self.of_windows(&[window], at)
    }

    fn of_windows(
        &self,
        windows: &[Result<(&'a WindowName, &'a Window), WindowUnknown>],
        at: Timestamp,
    ) -> WindowsNow {
        if windows.is_empty() {
            return WindowsNow::None;
        }
        let mut found = WindowsNow::Never;
        for window in windows {
            let says = match window {
                Ok((name, window)) => self.one_window(name, window, at),
                Err(unknown) => WindowsNow::Unknown(unknown.clone()),
            };
            found = better(found, says);
        }
        found
    }

    fn one_window(&self, name: &WindowName, window: &Window, at: Timestamp) -> WindowsNow {
        match window.next(at, self.calendars()) {
            Ok(Some(open)) if open.contains(at) => WindowsNow::Open {
                name: name.clone(),
                zone: window.zone.clone(),
                until: open.until,
            },
            Ok(Some(open)) => WindowsNow::Closed {
                name: name.clone(),
                opening: Opening {
                    at: open.from,
                    zone: window.zone.clone(),
                },
            },
            Ok(None) => WindowsNow::Never,
            Err(why) => WindowsNow::Unknown(WindowUnknown::Calendar {
                window: name.clone(),
                why,
            }),
        }
    }

    /// The first moment at which everything that is asked lets a release in.
    pub fn opens(&self, now: Timestamp, asked: AskedOf<'a>) -> Opens {
        let end = now
            .checked_add((i64::from(LOOK_AHEAD_DAYS) * 24).hours())
            .unwrap_or(Timestamp::MAX);
        let (mut at, mut zone) = (now, self.zone());
        for _ in 0..TURNS_MAX {
            let before = at;
            let windows = asked.windows.then(|| self.windows_at(at));
            let scheduled = asked.scheduled.map(|name| self.window_at(name, at));
            for says in [windows, scheduled].into_iter().flatten() {
                match says {
                    WindowsNow::None | WindowsNow::Open { .. } => {}
                    WindowsNow::Closed { opening, .. } if opening.at > at => {
                        (at, zone) = (opening.at, opening.zone);
                    }
                    WindowsNow::Closed { .. } => {}
                    WindowsNow::Never | WindowsNow::Unknown(_) => return Opens::NotKnown,
                }
            }
            if asked.freezes {
                at = self
                    .frozen(at)
                    .iter()
                    .map(|(_, time)| time.until)
                    .fold(at, Timestamp::max);
            }
            match (at == before, at == now) {
                (true, true) => return Opens::Now,
                (true, false) => return Opens::At(Opening { at, zone }),
                (false, _) if at > end => return Opens::NotKnown,
                (false, _) => {}
            }
        }
        Opens::NotKnown
    }

    /// The zone that people here think in: that of the stage's first window.
    pub fn zone(&self) -> Zone {
        let windows = self.stage.windows.iter();
        let mut known = windows.filter_map(|name| self.pipeline.windows.get(name));
        known.next().map_or_else(Zone::utc, |window| window.zone.clone())
    }

    /// A moment, told by the clocks of people here.
    pub fn when(&self, at: Timestamp) -> String {
        Opening {
            at,
            zone: self.zone(),
        }
        .when()
    }

    /// The timetable from a moment until another, stretch by stretch, without gaps.
    pub fn told(&self, span: Stretch) -> Vec<Told> {
        let mut told: Vec<Told> = Vec::new();
        let mut at = span.from;
        while at < span.until && told.len() < STRETCHES_MAX {
            let frozen = self.frozen(at);
            let (window, open, changes) = match self.windows_at(at) {
                WindowsNow::None => (None, true, None),
                WindowsNow::Open { name, until, .. } => (Some(name), true, Some(until)),
                WindowsNow::Closed { opening, .. } => (None, false, Some(opening.at)),
                WindowsNow::Never | WindowsNow::Unknown(_) => (None, false, None),
            };
            let ends = frozen.iter().map(|(_, time)| time.until);
            let changes = changes.into_iter().chain(ends).chain(self.frozen_next(at));
            let until = changes
                .filter(|change| *change > at)
                .fold(span.until, Timestamp::min);
            let freezes: Vec<FreezeName> = frozen.iter().map(|(freeze, _)| freeze.name.clone()).collect();
            match told.last_mut() {
                Some(last) if (&last.window, last.open, &last.freezes) == (&window, open, &freezes) => {
                    last.at.until = until;
                }
                Some(_) | None => told.push(Told {
                    at: Stretch { from: at, until },
                    window,
                    open,
                    freezes,
                }),
            }
            at = until;
        }
        told
    }
}

/// Of two windows: an open one before one that opens, the later end or the sooner opening; then what is not known.
fn better(one: WindowsNow, other: WindowsNow) -> WindowsNow {
    let rank = |says: &WindowsNow| match says {
        WindowsNow::Open { .. } => 0,
        WindowsNow::Closed { .. } => 1,
        WindowsNow::Unknown(_) => 2,
        WindowsNow::Never | WindowsNow::None => 3,
    };
    let other_is_better = match (&one, &other) {
        (WindowsNow::Open { until: one, .. }, WindowsNow::Open { until: other, .. }) => other > one,
        (WindowsNow::Closed { opening: one, .. }, WindowsNow::Closed { opening: other, .. }) => {
            other.at < one.at
        }
        (one, other) => rank(other) < rank(one),
    };
    if other_is_better { other } else { one }
}

#[cfg(test)]
mod tests;
