//! Named limits that several crates share. A limit of one crate lives in that crate.

use crate::Span;

/// Longest name of a project, pipeline, stage, gate or target, in bytes: it fits a DNS label.
pub const NAME_BYTES_MAX: usize = 63;
/// Longest version label of a release, in bytes.
pub const VERSION_BYTES_MAX: usize = 128;
/// Longest reason or note that a person may write, in bytes.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// Longest reason that a look at the health gives, in bytes; what is longer is cut.
pub const HEALTH_WHY_BYTES_MAX: usize = 500;
/// Most stages in one pipeline. Ten times the largest seen in the field.
pub const STAGES_MAX: usize = 100;
/// Most gates on one stage.
pub const GATES_MAX: usize = 50;
/// Most steps in one rollout, counting the ones that start and finish it.
pub const STEPS_MAX: usize = 50;
/// Most instances of one release on one target. A target with more of them names fewer, larger batches of its own.
pub const INSTANCES_MAX: u32 = 10_000;
/// The shortest time between two looks of a judge: each asks its source, and is kept.
pub const JUDGE_EVERY_MIN: Span = Span::from_millis(200);
/// Most artifacts in one release.
pub const ARTIFACTS_MAX: usize = 100;
/// Most labels on one release.
pub const LABELS_MAX: usize = 64;
/// Most evidence records kept on one release; a 1,001st is refused with this name.
pub const EVIDENCE_PER_RELEASE_MAX: usize = 1_000;
/// Most promotions open at once before one stage; the next request is refused until one ends.
pub const OPEN_PROMOTIONS_PER_STAGE_MAX: usize = 100;
/// Most bytes of one report: of one that is read offline, of one that is submitted, and of any content that is kept by
/// digest. All three are streams; the limit bounds time and disk.
pub const EVIDENCE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most paths that one change may name; who touches more names folders.
pub const PATHS_MAX: usize = 5_000;
/// Most actors that one change may name as its writers.
pub const WRITERS_MAX: usize = 500;
/// Most teams, roles, owners or machines in one document of roles, and most members of one team.
pub const ROLES_MAX: usize = 1_000;
/// Most layers of one approval rule.
pub const LAYERS_MAX: usize = 10;
/// Most rules of notifications in one project.
pub const TELL_RULES_MAX: usize = 100;
/// Most letters that go from one project to one channel within an hour where nothing else is declared. What is more
/// waits and goes out together: a channel that is always full is read by nobody.
pub const LETTERS_PER_HOUR: u32 = 30;
/// Most notices in one letter; what is more is counted.
pub const NOTICES_PER_LETTER_MAX: usize = 25;
/// Most gates in one notice: they fit one screen.
pub const NOTICE_GATES_MAX: usize = 8;
/// Longest sentence in a notice, in bytes; what is longer is cut.
pub const NOTICE_TEXT_BYTES_MAX: usize = 600;
/// Most people whom a source may name as on call at once; an answer with more is not believed.
pub const ON_CALL_NAMES_MAX: usize = 50;
/// How often a source of who is on call is asked where nothing else is declared.
pub const ON_CALL_EVERY: Span = Span::from_secs(300);
/// The shortest time between two questions to a source, and for one answer.
pub const ON_CALL_EVERY_MIN: Span = Span::from_secs(1);
/// How old what a source said may be where nothing else is declared.
pub const ON_CALL_AGE: Span = Span::from_secs(1_800);
/// How old what a source said may be at most.
pub const ON_CALL_AGE_MAX: Span = Span::from_secs(86_400);
/// How long an answer of a source may take where nothing else is declared.
pub const ON_CALL_TIMEOUT: Span = Span::from_secs(10);
/// How long an answer of a source may take at most.
pub const ON_CALL_TIMEOUT_MAX: Span = Span::from_secs(60);
/// Longest reason why a source could not be read, in bytes; what is longer is cut.
pub const ON_CALL_WHY_BYTES_MAX: usize = 500;
