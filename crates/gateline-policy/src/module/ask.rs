//! Asking: every `deny`, `violation` and `warn` of a module about one input, at one time.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use gateline_model::{POLICY_MESSAGE_BYTES_MAX, POLICY_REASONS_MAX, PolicyReason};
use jiff::Timestamp;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use super::load::{Asked, Kind, Module};
use super::manifest::depth;
use super::{builtins, on_large_stack};

/// Longest time that all rules of a module together may take about one input.
pub const EVALUATION_TIME_MAX: Duration = Duration::from_secs(5);
/// Largest input, in bytes of JSON.
pub const INPUT_BYTES_MAX: usize = 8 << 20;
/// Deepest nesting of lists and objects in an input.
pub const INPUT_DEPTH_MAX: usize = 64;

/// How often the interpreter looks at the time, in its steps.
const STEPS_BETWEEN_LOOKS: NonZeroU32 = NonZeroU32::new(256).expect("it is not 0");

/// What a module says of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOutcome {
    /// Nothing is denied.
    Passed {
        /// How many rules were asked.
        rules: usize,
        /// What is warned of.
        warned: Reasons,
    },
    /// Something is denied.
    Failed {
        /// How many rules were asked.
        rules: usize,
        /// What is denied, and by which rules.
        denied: Reasons,
        /// What is warned of.
        warned: Reasons,
    },
    /// It could not be found out, and why. Never to be taken for a pass.
    Errored(String),
}

/// Reasons, the first hundred of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The first of them, sorted by package, rule and message.
    pub first: Vec<PolicyReason>,
    /// How many there are.
    pub all: u64,
}

impl Reasons {
    fn add(&mut self, reason: PolicyReason) {
        self.all += 1;
        if self.first.len() < POLICY_REASONS_MAX {
            self.first.push(reason);
        }
    }
}

impl Module {
    /// Asks every rule about `input`. A denial that is not yet effective at `now` is a warning.
    pub fn ask(&self, input: &serde_json::Value, now: Timestamp) -> PolicyOutcome {
        self.ask_in(None, input, now)
    }

    /// Asks the rules of one package, or of all.
    pub fn ask_in(&self, package: Option<&str>, input: &serde_json::Value, now: Timestamp) -> PolicyOutcome {
        let is_meant = |asked: &&Asked| package.is_none_or(|package| asked.package.join(".") == package);
        let asked: Vec<&Asked> = self.asked.iter().filter(is_meant).collect();
        if asked.is_empty() {
            let place = package.map_or("it".to_owned(), |package| format!("its package `{package}`"));
            return PolicyOutcome::Errored(format!(
                "the module looked at nothing: {place} has no rule `deny`, `violation`, `warn` or `risk_factor`"
            ));
        }
        if let Err(why) = check_input(input) {
            return PolicyOutcome::Errored(why);
        }
        on_large_stack(|| self.answer(&asked, input, now))
            .flatten()
            .unwrap_or_else(PolicyOutcome::Errored)
    }

    fn answer(
        &self,
        asked: &[&Asked],
        input: &serde_json::Value,
        now: Timestamp,
    ) -> Result<PolicyOutcome, String> {
        let mut run = RunOf::new(self, now);
        run.engine.set_input(Value::from(input.clone()));
        let (mut denied, mut warned) = (Reasons::default(), Reasons::default());
        for asked in asked {
            if asked.kind == Kind::Factor {
                continue;
            }
            let excused = self.excused(&mut run, asked)?;
            let value = run.value(&asked.package, &asked.rule)?;
            for reason in reasons(asked, &value)? {
                let is_effective = reason.effective_on.is_none_or(|from| from <= now);
                match (asked.kind, is_effective && !excused) {
                    (Kind::Deny, true) => denied.add(reason),
                    (Kind::Deny, false) | (Kind::Warn | Kind::Factor, _) => warned.add(reason),
                }
            }
        }
        let rules = asked.len();
        Ok(match denied.all {
            0 => PolicyOutcome::Passed { rules, warned },
            _ => PolicyOutcome::Failed {
                rules,
                denied,
                warned,
            },
        })
    }

    /// Whether an `exception` of the package names the rule, by what follows the first `_` of its name.
    fn excused(&self, run: &mut RunOf, asked: &Asked) -> Result<bool, String> {
        if asked.kind == Kind::Warn || !self.exceptions.contains(&asked.package) {
            return Ok(false);
        }
        let name = asked.rule.split_once('_').map_or("", |(_, name)| name);
        let lists = run.value(&asked.package, "exception")?;
        let lists: BTreeSet<Value> = match lists {
            Value::Undefined => BTreeSet::new(),
            Value::Set(lists) => lists.iter().cloned().collect(),
            Value::Array(lists) => lists.iter().cloned().collect(),
            _ => {
                return Err(format!(
                    "`exception` of package `{}` is no set",
                    asked.package.join(".")
                ));
            }
        };
        let names = |list: &Value| match list {
            Value::Array(names) => names.iter().any(|one| one == &Value::from(name)),
            Value::Set(names) => names.iter().any(|one| one == &Value::from(name)),
            _ => false,
        };
        Ok(lists.iter().any(names))
    }
}

/// Refuses an input that is too much for a run.
pub(super) fn check_input(input: &serde_json::Value) -> Result<(), String> {
    if depth(input) > INPUT_DEPTH_MAX {
        return Err(format!("the input nests more than {INPUT_DEPTH_MAX} deep"));
    }
    let bytes = input.to_string().len();
    if bytes > INPUT_BYTES_MAX {
        return Err(format!(
            "the input has {bytes} bytes, and at most {INPUT_BYTES_MAX} are read"
        ));
    }
    Ok(())
}

/// One run of the interpreter, with what is left of its time.
pub(super) struct RunOf {
    pub engine: Engine,
    until: Instant,
}

impl RunOf {
    pub(super) fn new(module: &Module, now: Timestamp) -> Self {
        let mut engine = module.engine.clone();
        builtins::set_now(&mut engine, now);
        Self {
            engine,
            until: Instant::now() + EVALUATION_TIME_MAX,
        }
    }

    /// What a rule comes to; undefined where none of its bodies holds.
    pub(super) fn value(&mut self, package: &[String], rule: &str) -> Result<Value, String> {
        let path = path(package, rule);
        self.engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: self.until.saturating_duration_since(Instant::now()),
            check_interval: STEPS_BETWEEN_LOOKS,
        });
        self.engine.eval_rule(path.clone()).map_err(|err| {
            let said = format!("{err:#}");
            if self.until <= Instant::now() {
                let limit = EVALUATION_TIME_MAX.as_secs();
                return format!(
                    "`{path}` was stopped: the module took longer than {limit} s about the input"
                );
            }
            format!(
                "`{path}` has no answer: {}",
                super::PolicyError::interpreter(&said)
            )
        })
    }
}

/// The path of a rule, in brackets where a name is no word.
fn path(package: &[String], rule: &str) -> String {
    let mut path = "data".to_owned();
    for name in package.iter().map(String::as_str).chain([rule]) {
        let is_word = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !name.starts_with(|letter: char| letter.is_ascii_digit());
        match is_word {
            true => path.push_str(&format!(".{name}")),
            false => path.push_str(&format!("[{}]", serde_json::Value::from(name))),
        }
    }
    path
}

fn reasons(asked: &Asked, value: &Value) -> Result<Vec<PolicyReason>, String> {
    let (package, rule) = (asked.package.join("."), asked.rule.as_str());
    let refused = |what: String| Err(format!("`{package}.{rule}` gives {what}"));
    let items: Vec<&Value> = match value {
        Value::Undefined => Vec::new(),
        Value::Set(items) => items.iter().collect(),
        Value::Array(items) => items.iter().collect(),
        other => {
            let shown = shortened(&other.to_string());
            return refused(format!("{shown}, and not a set of messages"));
        }
    };
    let mut reasons = Vec::with_capacity(items.len());
    for item in items {
        let (message, effective_on) = match item {
            Value::String(message) => (&**message, None),
            Value::Object(_) => {
                let Ok(message) = item["msg"].as_string() else {
                    return refused(format!(
                        "an object without a text `msg`: {}",
                        shortened(&item.to_string())
                    ));
                };
                let from = match &item["effective_on"] {
                    Value::Undefined => None,
                    Value::String(from) => match from.parse::<Timestamp>() {
                        Ok(from) => Some(from),
                        Err(_) => {
                            return refused(format!("`effective_on: {from}`, which is no time of RFC 3339"));
                        }
                    },
                    other => return refused(format!("`effective_on: {other}`, which is no text")),
                };
                (&**message, from)
            }
            other => return refused(format!("{}, which is no message", shortened(&other.to_string()))),
        };
        reasons.push(PolicyReason {
            package: package.clone(),
            rule: rule.to_owned(),
            message: shortened(message),
            effective_on,
        });
    }
    reasons.sort();
    Ok(reasons)
}

pub(super) fn shortened(text: &str) -> String {
    match text.len() {
        0..=POLICY_MESSAGE_BYTES_MAX => text.to_owned(),
        _ => format!(
            "{}..",
            &text[..text.floor_char_boundary(POLICY_MESSAGE_BYTES_MAX - 2)]
        ),
    }
}
