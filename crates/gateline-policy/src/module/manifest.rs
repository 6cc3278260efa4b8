//! The manifest of a module and its data, as OPA reads them: `roots` own what lies under them, and `data` files lie at the path
//! of their directory.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::PolicyError;
use super::files::ModuleFiles;

/// Deepest nesting of lists and objects in a data file.
const DATA_DEPTH_MAX: usize = 32;

/// What `.manifest` says. OPA's other fields are about things that a module has no use of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Manifest {
    /// What the author calls this version.
    #[serde(default)]
    pub revision: Option<String>,
    /// The paths that the module owns.
    #[serde(default = "everything")]
    pub roots: Vec<String>,
    /// The version of Rego that its sources are written in; found out where it is not given.
    #[serde(default)]
    pub rego_version: Option<u8>,
    /// Compiled modules, which are not run.
    #[serde(default)]
    wasm: Vec<Value>,
}

fn everything() -> Vec<String> {
    vec![String::new()]
}

impl Manifest {
    pub(super) fn of(files: &ModuleFiles) -> Result<Self, PolicyError> {
        let refused = |says: String| PolicyError::file(".manifest", says);
        let text = files
            .iter()
            .find(|(path, _)| *path == ".manifest")
            .map_or("{}", |(_, text)| text);
        let mut manifest: Self =
            serde_json::from_str(text).map_err(|err| refused(format!("it cannot be read: {err}")))?;
        if !manifest.wasm.is_empty() {
            return Err(refused(
                "modules in WebAssembly are not run; give the Rego source".to_owned(),
            ));
        }
        if let Some(version) = manifest.rego_version.filter(|version| *version > 1) {
            return Err(refused(format!(
                "rego_version: {version} is not known, only 0 and 1 are"
            )));
        }
        for root in &mut manifest.roots {
            *root = root.trim_matches('/').to_owned();
        }
        let overlap = manifest.roots.iter().enumerate().find_map(|(at, root)| {
            let others = manifest.roots.iter().enumerate();
            let other = others
                .filter(|(other, _)| *other != at)
                .find(|(_, other)| is_under(other, root));
            other.map(|(_, other)| (root, other))
        });
        match overlap {
            Some((root, other)) => Err(refused(format!("roots: `{root}` and `{other}` overlap"))),
            None => Ok(manifest),
        }
    }

    /// Whether the module owns this path of names.
    pub(super) fn owns(&self, path: &[String]) -> bool {
        let path = path.join("/");
        self.roots.iter().any(|root| is_under(&path, root))
    }

    /// All data files as one document.
    pub(super) fn data(&self, files: &ModuleFiles) -> Result<Value, PolicyError> {
        let mut all = Value::Object(Map::new());
        for (file, text) in files.iter() {
            let mut path: Vec<String> = file.split('/').map(str::to_owned).collect();
            let name = path.pop().unwrap_or_default();
            let mut value: Value = match name.as_str() {
                "data.json" => serde_json::from_str(text).map_err(|err| err.to_string()),
                "data.yaml" | "data.yml" => serde_saphyr::from_str(text).map_err(|err| err.to_string()),
                _ => continue,
            }
            .map_err(|err| PolicyError::file(file, format!("it cannot be read: {err}")))?;
            if depth(&value) > DATA_DEPTH_MAX {
                let says = format!("it nests more than {DATA_DEPTH_MAX} deep");
                return Err(PolicyError::file(file, says));
            }
            if !value.is_object() {
                return Err(PolicyError::file(file, "it is not an object"));
            }
            self.is_inside(&mut path.clone(), &value)
                .map_err(|says| PolicyError::file(file, says))?;
            for name in path.into_iter().rev() {
                value = Value::Object(Map::from_iter([(name, value)]));
            }
            merge(&mut all, value, &mut Vec::new()).map_err(|says| PolicyError::file(file, says))?;
        }
        Ok(all)
    }

    fn is_inside(&self, path: &mut Vec<String>, value: &Value) -> Result<(), String> {
        if self.owns(path) {
            return Ok(());
        }
        let Value::Object(members) = value else {
            return Err(outside(&path.join("/")));
        };
        for (name, member) in members {
            path.push(name.clone());
            self.is_inside(path, member)?;
            path.pop();
        }
        Ok(())
    }
}

/// What is said of a path that the manifest does not name.
pub(super) fn outside(path: &str) -> String {
    format!("`{path}` is outside the roots that `.manifest` names")
}

fn is_under(path: &str, root: &str) -> bool {
    root.is_empty() || path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// Levels of lists and objects.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn merge(all: &mut Value, more: Value, path: &mut Vec<String>) -> Result<(), String> {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            for (name, value) in more {
                path.push(name.clone());
                match all.get_mut(&name) {
                    Some(there) => merge(there, value, path)?,
                    None => drop(all.insert(name, value)),
                }
                path.pop();
            }
            Ok(())
        }
        _ => Err(format!("`{}` is given by another data file too", path.join("/"))),
    }
}
