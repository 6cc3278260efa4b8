//! The files of a module, laid out as for OPA, and their digest. Nothing is parsed here.

use std::collections::BTreeMap;

use gateline_model::Digest;
use serde::{Deserialize, Serialize};

use super::error::PolicyError;

/// Most files in one module.
pub const MODULE_FILES_MAX: usize = 200;
/// Most bytes in all files of a module together.
pub const MODULE_BYTES_MAX: usize = 512 << 10;
/// Most bytes in one file.
pub const FILE_BYTES_MAX: usize = 256 << 10;
/// Longest path of a file, in bytes.
pub const PATH_BYTES_MAX: usize = 200;

/// The files of a policy module: `*.rego`, `data.json` and `data.yaml` in any directory, and `.manifest` at the top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleFiles {
    files: BTreeMap<String, String>,
}

impl ModuleFiles {
    /// Whether a module reads a file of this path.
    pub fn reads(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        path == ".manifest"
            || name.ends_with(".rego")
            || matches!(name, "data.json" | "data.yaml" | "data.yml")
    }

    /// Takes files by path, relative to the module's directory, with `/` between names.
    ///
    /// # Errors
    /// [`PolicyError`] for a path or file that no module has, for what passes a limit, and where there is no Rego at all.
    pub fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, PolicyError> {
        let mut taken = BTreeMap::new();
        for (path, bytes) in files {
            let text = String::from_utf8(bytes).map_err(|_| PolicyError::file(&path, "it is not UTF-8"))?;
            if taken.insert(path.clone(), text).is_some() {
                return Err(PolicyError::file(&path, "it is given twice"));
            }
        }
        Self { files: taken }.within_limits()
    }

    /// Reads what [`ModuleFiles::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`PolicyError`] as for [`ModuleFiles::of`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PolicyError> {
        serde_json::from_slice::<Self>(bytes)
            .map_err(|err| PolicyError::whole(format!("it is not a stored policy module: {err}")))?
            .within_limits()
    }

    /// The canonical form, of which [`ModuleFiles::digest`] is the digest: JSON, sorted by path.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts serialise to JSON")
    }

    /// The version of the module.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Paths and texts, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    fn within_limits(self) -> Result<Self, PolicyError> {
        if self.files.len() > MODULE_FILES_MAX {
            return Err(PolicyError::whole(format!(
                "the module has {} files, and at most {MODULE_FILES_MAX} are read; split it",
                self.files.len()
            )));
        }
        for (path, text) in self.iter() {
            if path.len() > PATH_BYTES_MAX {
                let says = format!("its path has more than {PATH_BYTES_MAX} bytes");
                return Err(PolicyError::file(path, says));
            }
            let is_inside = path
                .split('/')
                .all(|name| !matches!(name, "" | "." | "..") && !name.contains(['\\', ':', '\n', '\0']));
            if !is_inside || !Self::reads(path) {
                return Err(PolicyError::file(
                    path,
                    "no module has such a file: `*.rego`, `data.json`, `data.yaml` and `.manifest` are read",
                ));
            }
            if text.len() > FILE_BYTES_MAX {
                let says = format!("it has more than {FILE_BYTES_MAX} bytes; split it");
                return Err(PolicyError::file(path, says));
            }
        }
        let bytes: usize = self.files.values().map(String::len).sum();
        if bytes > MODULE_BYTES_MAX {
            return Err(PolicyError::whole(format!(
                "the files of the module have {bytes} bytes together, and at most {MODULE_BYTES_MAX} are read; split it"
            )));
        }
        if !self.files.keys().any(|path| path.ends_with(".rego")) {
            return Err(PolicyError::whole(
                "the module has no `*.rego` file, so that it would look at nothing",
            ));
        }
        Ok(self)
    }
}
