//! Any JSON, with a word for what it is: a fact of a kind that only its reporter and its gate know.
//!
//! Only the value at the path is kept; what stands beside it is passed over unread. Never known by its content.

use std::fmt;

use gateline_model::{CUSTOM_BYTES_MAX, CustomFacts, Facts};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Complete, Warnings};
use crate::text;

/// Keys that an error names when the wanted one is not there.
const NAMED_MAX: usize = 10;
/// Steps of one path.
pub const PATH_STEPS_MAX: usize = 100;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "json",
    kind: "custom",
    title: "Any JSON, with `--type` for what it is and `--path` for where in it",
    knows: |_| false,
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let of = text::name(input.ask().of.unwrap_or_default());
    if of.is_empty() {
        let reason = "`json` needs a word for what it is: name it with the type, as in `--type chaos`";
        return Err(Fault::Asked(reason.to_owned()));
    }
    let steps = steps(input.ask().path.unwrap_or(".")).map_err(Fault::Asked)?;
    let mut room = CUSTOM_BYTES_MAX;
    let seed = At {
        steps: &steps,
        walked: 0,
        room: &mut room,
    };
    let value = input.json(seed)?;
    let nothing = value.is_null().then(|| {
        let path = written(&steps);
        format!("the value at `{path}` is null: nothing was reported")
    });
    Ok(Body {
        facts: Facts::Custom(CustomFacts { of, value }),
        complete: Complete::unless(nothing),
        warnings: Warnings::default(),
    })
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Reads `.result.runs[0]["a key"]`. The first dot may be left out; `.` is all of it.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let wrong = |rest: &str| {
        let (path, rest) = (text::one_line(path, 100), text::one_line(rest, 40));
        format!("the path `{path}` cannot be read at `{rest}`: it is made of `.key`, `[0]` and `[\"a key\"]`")
    };
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('.').unwrap_or(path);
    while !rest.is_empty() {
        if steps.len() == PATH_STEPS_MAX {
            return Err(format!("the path has more than {PATH_STEPS_MAX} steps"));
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let step = match inside.starts_with('"') {
                true => {
                    let mut keys = serde_json::Deserializer::from_str(inside).into_iter::<String>();
                    let key = keys.next().and_then(Result::ok).ok_or_else(|| wrong(rest))?;
                    (Step::Key(key), &inside[keys.byte_offset()..])
                }
                false => {
                    let end = inside.find(']').ok_or_else(|| wrong(rest))?;
                    let index = inside[..end].parse().map_err(|_| wrong(rest))?;
                    (Step::Index(index), &inside[end..])
                }
            };
            rest = step.1.strip_prefix(']').ok_or_else(|| wrong(rest))?;
            steps.push(step.0);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return Err(wrong(rest));
            }
            steps.push(Step::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        if let Some(next) = rest.strip_prefix('.') {
            if next.is_empty() || next.starts_with('[') {
                return Err(wrong(rest));
            }
            rest = next;
        }
    }
    Ok(steps)
}

/// The steps as a path.
fn written(steps: &[Step]) -> String {
    let is_plain = |key: &str| !key.is_empty() && !key.contains(['.', '[', '"']);
    let step = |step: &Step| match step {
        Step::Key(key) if is_plain(key) => format!(".{key}"),
        Step::Key(key) => format!("[{key:?}]"),
        Step::Index(index) => format!("[{index}]"),
    };
    match steps {
        [] => ".".to_owned(),
        steps => text::one_line(&steps.iter().map(step).collect::<String>(), 100),
    }
}

/// Walks to the value at the steps, and keeps that one alone.
struct At<'s> {
    steps: &'s [Step],
    /// How many steps lie behind.
    walked: usize,
    room: &'s mut usize,
}

impl At<'_> {
    fn missing<E: Error>(&self, what: &str) -> E {
        let wanted = written(&self.steps[self.walked..=self.walked]);
        let ends = written(&self.steps[..self.walked]);
        E::custom(format!(
            "the path ends at `{ends}`: there is {what}, and no `{wanted}`"
        ))
    }

    fn next(&mut self) -> At<'_> {
        At {
            steps: self.steps,
            walked: self.walked + 1,
            room: self.room,
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        match self.walked == self.steps.len() {
            true => Bounded(self.room).deserialize(parser),
            false => parser.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let Step::Key(wanted) = &self.steps[self.walked] else {
            return Err(self.missing("an object"));
        };
        let (mut found, mut others, mut more) = (None, Vec::new(), 0_u64);
        while let Some(key) = map.next_key::<String>()? {
            if key == *wanted {
                if found.is_some() {
                    let wanted = text::name(wanted);
                    return Err(A::Error::custom(format!("the key `{wanted}` is there twice")));
                }
                found = Some(map.next_value_seed(self.next())?);
                continue;
            }
            map.next_value::<IgnoredAny>()?;
            match others.len() < NAMED_MAX {
                true => others.push(format!("`{}`", text::one_line(&key, 40))),
                false => more += 1,
            }
        }
        found.ok_or_else(|| {
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            match others.as_slice() {
                [] => self.missing("an object without keys"),
                others => self.missing(&format!("an object with {}{more}", others.join(", "))),
            }
        })
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut list: S) -> Result<Value, S::Error> {
        let wanted = match self.steps[self.walked] {
            Step::Index(wanted) => wanted,
            Step::Key(_) => return Err(self.missing("a list")),
        };
        let mut items = 0;
        while items < wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Err(self.missing(&format!("a list of {items}")));
            }
            items += 1;
        }
        let Some(found) = list.next_element_seed(self.next())? else {
            return Err(self.missing(&format!("a list of {items}")));
        };
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Err(self.missing("null"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Err(self.missing("a truth value"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Value, E> {
        Err(self.missing("a number"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value, E> {
        Err(self.missing("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Err(self.missing("a number"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Value, E> {
        Err(self.missing("a text"))
    }
}

/// Keeps a value of at most so many bytes of JSON, counted as they come: a larger one is never held.
struct Bounded<'r>(&'r mut usize);

impl Bounded<'_> {
    fn take<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        match self.0.checked_sub(bytes) {
            Some(room) => *self.0 = room,
            None => {
                return Err(E::custom(format!(
                    "the value has more than {CUSTOM_BYTES_MAX} bytes of JSON; name a smaller part with the path"
                )));
            }
        }
        Ok(())
    }

    /// Counts the text of a value that is small by nature, and of one whose length is known before it is copied.
    fn scalar<E: Error>(mut self, value: Value) -> Result<Value, E> {
        self.take(value.to_string().len())?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        self.take(2)?;
        while let Some(key) = map.next_key::<String>()? {
            let comma = usize::from(!object.is_empty());
            self.take(comma + 1 + Value::from(key.as_str()).to_string().len())?;
            let value = map.next_value_seed(Bounded(&mut *self.0))?;
            if object.contains_key(&key) {
                let key = text::name(&key);
                return Err(A::Error::custom(format!("the key `{key}` is there twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut list: S) -> Result<Value, S::Error> {
        let mut items = Vec::new();
        self.take(2)?;
        while let Some(item) = list.next_element_seed(Bounded(&mut *self.0))? {
            if !items.is_empty() {
                self.take(1)?;
            }
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.scalar(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        self.scalar(Value::Bool(truth))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.scalar(Value::from(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.scalar(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("a number that is not finite"))?;
        self.scalar(Value::Number(number))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Value, E> {
        self.take(text.len())?;
        *self.0 += text.len();
        self.scalar(Value::from(text))
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(".", "."; "all of it")]
    #[test_case("", "."; "nothing is all of it")]
    #[test_case("a.b[2].c", ".a.b[2].c"; "without the first dot")]
    #[test_case("[0][1]", "[0][1]"; "indices only")]
    #[test_case(r#".a["b.c"].d"#, r#".a["b.c"].d"#; "a quoted key")]
    #[test_case(r#"["\"]"]"#, r#"["\"]"]"#; "a quoted quote and bracket")]
    fn a_path_is_read(path: &str, expected: &str) {
        assert_eq!(written(&steps(path).expect("reads")), expected);
    }

    #[test_case("a..b")]
    #[test_case("a.")]
    #[test_case("a[")]
    #[test_case("a[x]")]
    #[test_case("a[-1]")]
    #[test_case(r#"["a"#)]
    #[test_case("a.[0]")]
    fn a_path_is_refused(path: &str) {
        assert!(steps(path).is_err_and(|why| why.starts_with("the path `")));
    }

    #[test]
    fn the_steps_are_limited() {
        assert!(steps(&"[0]".repeat(PATH_STEPS_MAX)).is_ok());
        assert!(steps(&"[0]".repeat(PATH_STEPS_MAX + 1)).is_err());
    }
}
