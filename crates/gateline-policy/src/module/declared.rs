//! What sources declare and call, read from the parser's own tree: rules by package, and calls with their lines.
//! The tree comes as JSON, because regorus keeps its types to itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::error::PolicyError;

/// One parsed source.
pub(super) struct Source {
    pub file: String,
    /// The names of its package.
    pub package: Vec<String>,
    pub rules: Vec<Rule>,
    calls: Vec<Call>,
    /// Short names of imports, with the path that they stand for.
    imports: BTreeMap<String, Vec<String>>,
}

/// One definition of a rule.
pub(super) struct Rule {
    /// The names of its head: one, or several for `a.b := ..`.
    pub path: Vec<String>,
    pub is_function: bool,
    pub line: u32,
}

struct Call {
    path: Vec<String>,
    line: u32,
}

/// Reads the trees of all sources.
pub(super) fn read(trees: &str) -> Result<Vec<Source>, PolicyError> {
    let trees: Vec<Value> = serde_json::from_str(trees).map_err(|err| {
        PolicyError::whole(format!("its sources nest too deep to be looked through: {err}"))
    })?;
    Ok(trees.iter().map(Source::of).collect())
}

impl Source {
    fn of(tree: &Value) -> Self {
        let ast = &tree["ast"];
        let items = |name: &str| ast[name].as_array().into_iter().flatten();
        let mut source = Self {
            file: tree["source"]["file"].as_str().unwrap_or_default().to_owned(),
            package: path(&ast["package"]["refr"]).unwrap_or_default(),
            rules: items("rules").filter_map(rule).collect(),
            calls: Vec::new(),
            imports: BTreeMap::new(),
        };
        for import in items("imports") {
            let full = path(&import["refr"]).unwrap_or_default();
            // Where it is renamed, `as` is the span of the new name, which a token of the text has.
            let text = tree["source"]["contents"].as_str().unwrap_or_default();
            let renamed = import["as"]["start"].as_u64().zip(import["as"]["end"].as_u64());
            let renamed = renamed.and_then(|(start, end)| text.get(start as usize..end as usize));
            if let Some(name) = renamed.map(str::to_owned).or_else(|| full.last().cloned()) {
                source.imports.insert(name, full);
            }
        }
        items("rules").for_each(|rule| calls(rule, &mut source.calls));
        source
    }
}

fn rule(rule: &Value) -> Option<Rule> {
    let spec = &rule["Spec"];
    let head = spec["head"].as_object()?;
    let (kind, head) = head.iter().next()?;
    // A head may end in a variable, as in `a[x] := ..`: what is in front of it is the rule.
    let path = path(&head["refr"]).or_else(|| path(&head["refr"]["RefBrack"]["refr"]))?;
    Some(Rule {
        path,
        is_function: kind == "Func",
        line: line(spec),
    })
}

/// The names of a reference that is made of names and strings only.
fn path(refr: &Value) -> Option<Vec<String>> {
    let (kind, inner) = refr.as_object()?.iter().next()?;
    match kind.as_str() {
        "Var" => Some(vec![inner["value"].as_str()?.to_owned()]),
        "RefDot" => {
            let mut path = path(&inner["refr"])?;
            path.push(inner["field"][1].as_str()?.to_owned());
            Some(path)
        }
        "RefBrack" => {
            let mut path = path(&inner["refr"])?;
            path.push(inner["index"]["String"]["value"].as_str()?.to_owned());
            Some(path)
        }
        _ => None,
    }
}

fn line(of: &Value) -> u32 {
    of["span"]["line"]
        .as_u64()
        .and_then(|line| line.try_into().ok())
        .unwrap_or(1)
}

fn calls(tree: &Value, found: &mut Vec<Call>) {
    match tree {
        Value::Object(members) => {
            if let Some(call) = members.get("Call") {
                // A function is called by a name that is written out.
                let path = path(&call["fcn"]).unwrap_or_default();
                found.push(Call {
                    path,
                    line: line(call),
                });
            }
            members.values().for_each(|member| calls(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| calls(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Refuses the first call of a function that is neither declared nor one of the language's. `is_builtin` knows those.
pub(super) fn refuse_unknown_calls(
    sources: &[Source],
    mut is_builtin: impl FnMut(&str) -> bool,
) -> Result<(), PolicyError> {
    let rules = || {
        sources
            .iter()
            .flat_map(|source| source.rules.iter().map(move |rule| (source, rule)))
    };
    let functions: BTreeSet<Vec<&str>> = rules()
        .filter(|(_, rule)| rule.is_function)
        .map(|(source, rule)| {
            source
                .package
                .iter()
                .chain(&rule.path)
                .map(String::as_str)
                .collect()
        })
        .collect();
    let mut known = BTreeMap::new();
    for source in sources {
        for Call { path, line } in &source.calls {
            let name = path.join(".");
            let Some(first) = path.first() else {
                let says = "a function is called whose name is not written out";
                return Err(PolicyError::line(&source.file, *line, says));
            };
            let here = source
                .package
                .iter()
                .chain(path)
                .map(String::as_str)
                .collect::<Vec<_>>();
            let declared = match source.imports.get(first) {
                Some(import) => import.iter().chain(&path[1..]).map(String::as_str).collect(),
                None => path.iter().map(String::as_str).collect::<Vec<_>>(),
            };
            let is_declared = match declared.as_slice() {
                ["data", function @ ..] => functions.contains(function),
                _ => functions.contains(&here),
            };
            if is_declared || *known.entry(name.clone()).or_insert_with(|| is_builtin(&name)) {
                continue;
            }
            let says = match declared.first() {
                Some(&"data") => format!("no file of the module declares the function `{name}`"),
                _ => format!(
                    "there is no function `{name}`: neither does the module declare it, nor is it among the builtins that \
                     are run here"
                ),
            };
            return Err(PolicyError::line(&source.file, *line, says));
        }
    }
    Ok(())
}
