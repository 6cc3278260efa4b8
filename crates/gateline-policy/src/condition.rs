//! A condition and what it says of the facts.
//!
//! An expression that does not give `true` or `false` has no answer, and no answer never admits anything.
//! As CEL has it, `a || b` holds when one side holds even if the other cannot be judged; `a && b` likewise for false.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, ExecutionError, IdedExpr, Value};

use crate::facts;
use crate::meter::{CONDITION_COST_MAX, Meter};
use crate::read::{self, ConditionError};

/// Longest reason given, in characters: CEL prints whole values into its errors.
const REASON_CHARS_MAX: usize = 300;

static STANDARD: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A CEL expression over facts, known to be well formed, to read known facts only, and to be cheap to judge.
///
/// Two conditions are equal when their texts are.
#[derive(Clone)]
pub struct Condition {
    text: String,
    expression: Arc<IdedExpr>,
    reads: BTreeSet<String>,
}

/// What a condition says of the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The expression is true of the facts.
    Holds,
    /// The expression is false of the facts.
    DoesNotHold,
    /// We could not find out; the reason names the condition. Never to be taken for either answer.
    Errored(String),
}

impl Condition {
    /// Reads `text`, which may use the facts named in `known` and no others.
    ///
    /// # Errors
    /// [`ConditionError`] with the place and the fault if the text is malformed, passes a limit, or reads an unknown
    /// fact or function.
    pub fn parse(text: &str, known: &[&str]) -> Result<Condition, ConditionError> {
        let (expression, reads) = read::read(text, known)?;
        let expression = Arc::new(expression);
        Ok(Condition {
            text: text.to_owned(),
            expression,
            reads,
        })
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names of the facts that the condition reads, sorted.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().map(String::as_str)
    }

    /// Judges the condition against `facts`, a JSON object with one member per fact.
    ///
    /// Facts that the condition does not read are not looked at.
    pub fn judge(&self, facts: &serde_json::Value) -> Outcome {
        // The interpreter panics on expressions that it believes impossible; ours is then the error, not the crash.
        let judged = catch_unwind(AssertUnwindSafe(|| self.evaluate(facts))).unwrap_or_else(|_| {
            Err("the CEL interpreter failed; this is a bug, please report it".to_owned())
        });
        match judged {
            Ok(true) => Outcome::Holds,
            Ok(false) => Outcome::DoesNotHold,
            Err(reason) => {
                Outcome::Errored(format!("could not judge `{}`: {}", self.text, shortened(reason)))
            }
        }
    }

    fn evaluate(&self, facts: &serde_json::Value) -> Result<bool, String> {
        let meter = Meter::default();
        let mut context = Context::with_env(Arc::clone(&STANDARD));
        meter.install(&mut context);
        for (name, value) in facts::read(facts, &self.reads)? {
            context.add_variable_from_value(name, value);
        }
        let value = Value::resolve(&self.expression, &context);
        // Asked before the value: `||` may have swallowed the error of the side that was cut short.
        if meter.is_spent() {
            return Err(format!(
                "it costs more than {CONDITION_COST_MAX} units on these facts; make it read less"
            ));
        }
        match value.map_err(reason)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(format!("it gives {}, not true or false", other.type_of())),
        }
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn reason(error: ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("the facts have no `{name}`"),
        ExecutionError::UndeclaredReference(name) => format!("there is no fact `{name}`"),
        ExecutionError::NoSuchOverload(overload) => format!(
            "`{}` does not apply to ({})",
            overload.function().trim_matches(['_', '@']),
            overload.argument_types().join(", ")
        ),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!("cannot {operator} {} and {}", left.type_of(), right.type_of())
        }
        ExecutionError::UnexpectedType { got, want } => format!("{want} is asked for, found {got}"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        other => other.to_string(),
    }
}

fn shortened(reason: String) -> String {
    match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &reason[..end]),
        None => reason,
    }
}
