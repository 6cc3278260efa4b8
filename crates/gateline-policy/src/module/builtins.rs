//! Builtins that are not regorus' own: the time is given, and what could make values without end is bounded.
//! Network, randomness and the process are not there at all, so that the same input always gives the same answer.

use jiff::Timestamp;
use regorus::{Engine, Value};

/// Most numbers that `numbers.range` makes.
pub const RANGE_ITEMS_MAX: usize = 100_000;
/// Most bytes of text that one call of `concat`, `replace` or `strings.replace_n` makes.
pub const TEXT_MADE_BYTES_MAX: usize = 1 << 20;

/// Names that regorus has, and that are not run: they make values without end, or ask the process.
const NOT_RUN: &[&str] = &[
    "graph.reachable_paths",
    "net.cidr_expand",
    "opa.runtime",
    "rand.intn",
    "trace",
];

/// Why a builtin gave no value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

type Run = fn(&[Value]) -> Result<Value, Refused>;

/// Puts our builtins in front of those of the same name.
pub(super) fn install(engine: &mut Engine) {
    let own: [(&str, u8, Run); 6] = [
        ("bits.lsh", 2, shift),
        ("concat", 2, concat),
        ("numbers.range", 2, range),
        ("numbers.range_step", 3, range),
        ("replace", 3, replace),
        ("strings.replace_n", 2, replace_n),
    ];
    for (name, arguments, run) in own {
        let run = move |values: Vec<Value>| run(&values).map_err(Into::into);
        engine
            .add_extension(name.to_owned(), arguments, Box::new(run))
            .expect("each is added once");
    }
}

/// Tells the module what time it is.
pub(super) fn set_now(engine: &mut Engine, now: Timestamp) {
    let now = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
    engine
        .add_extension(
            "time.now_ns".to_owned(),
            0,
            Box::new(move |_: Vec<Value>| Ok(Value::from(now))),
        )
        .expect("it is added once");
}

/// Whether a function of this name is run. Asked of the interpreter itself, whose list is not to be had.
pub(super) fn is_run(name: &str) -> bool {
    let is_name = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.'));
    if !is_name || NOT_RUN.contains(&name) {
        return false;
    }
    match Engine::new().eval_query(format!("{name}()"), false) {
        Ok(_) => true,
        Err(err) => {
            let said = err.to_string();
            !said.contains("could not find function") && !said.contains("not a valid")
        }
    }
}

fn text(value: &Value) -> Result<&str, Refused> {
    value
        .as_string()
        .map(|text| &**text)
        .map_err(|_| Refused(format!("a string is asked for, found {}", kind(value))))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "nothing",
    }
}

fn integer(value: &Value) -> Result<i64, Refused> {
    value
        .as_i64()
        .map_err(|_| Refused(format!("an integer is asked for, found {}", kind(value))))
}

fn made(bytes: usize) -> Result<(), Refused> {
    match bytes {
        0..=TEXT_MADE_BYTES_MAX => Ok(()),
        _ => Err(Refused(format!(
            "it would make a text of more than {TEXT_MADE_BYTES_MAX} bytes"
        ))),
    }
}

fn shift(values: &[Value]) -> Result<Value, Refused> {
    let (number, by) = (integer(&values[0])?, integer(&values[1])?);
    u32::try_from(by)
        .ok()
        .and_then(|by| 2_i64.checked_pow(by))
        .and_then(|factor| number.checked_mul(factor))
        .map(Value::from)
        .ok_or_else(|| Refused(format!("{number} cannot be shifted by {by} bits within 64")))
}

fn concat(values: &[Value]) -> Result<Value, Refused> {
    let between = text(&values[0])?;
    let parts: Vec<&str> = match &values[1] {
        Value::Array(items) => items.iter().map(text).collect::<Result<_, _>>()?,
        Value::Set(items) => items.iter().map(text).collect::<Result<_, _>>()?,
        other => {
            return Err(Refused(format!(
                "`concat` joins an array or a set, found {}",
                kind(other)
            )));
        }
    };
    made(parts.iter().map(|part| part.len() + between.len()).sum())?;
    Ok(Value::from(parts.join(between)))
}

fn replaced(whole: &str, old: &str, new: &str) -> Result<String, Refused> {
    let times = match old {
        "" => whole.chars().count() + 1,
        old => whole.matches(old).count(),
    };
    made(whole.len() + times.saturating_mul(new.len()))?;
    Ok(whole.replace(old, new))
}

fn replace(values: &[Value]) -> Result<Value, Refused> {
    replaced(text(&values[0])?, text(&values[1])?, text(&values[2])?).map(Value::from)
}

fn replace_n(values: &[Value]) -> Result<Value, Refused> {
    let Value::Object(patterns) = &values[0] else {
        return Err(Refused(format!(
            "`strings.replace_n` takes an object, found {}",
            kind(&values[0])
        )));
    };
    let mut whole = text(&values[1])?.to_owned();
    for (old, new) in patterns.iter_sorted() {
        whole = replaced(&whole, text(old)?, text(new)?)?;
    }
    Ok(Value::from(whole))
}

fn range(values: &[Value]) -> Result<Value, Refused> {
    let (from, to) = (integer(&values[0])?, integer(&values[1])?);
    let step = values.get(2).map_or(Ok(1), integer)?;
    let items = match usize::try_from(step) {
        Ok(step @ 1..) => from.abs_diff(to) / step as u64 + 1,
        Ok(0) | Err(_) => return Err(Refused("a step is a positive integer".to_owned())),
    };
    if items > RANGE_ITEMS_MAX as u64 {
        return Err(Refused(format!(
            "the range has {items} numbers, and at most {RANGE_ITEMS_MAX} are made"
        )));
    }
    let step = if from <= to { step } else { -step };
    let numbers = (0..items as i64).map(|at| Value::from(from + at * step));
    Ok(Value::from(numbers.collect::<Vec<_>>()))
}
