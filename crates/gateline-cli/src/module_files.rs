//! The files of a policy module, read from its directory with limits. Other files in it are passed over.

use std::path::Path;

use gateline_policy::{FILE_BYTES_MAX, MODULE_BYTES_MAX, MODULE_FILES_MAX, Module, ModuleFiles};

use crate::failure::Failure;
use crate::files;

/// Deepest nesting of directories in a module.
const DIRECTORIES_DEPTH_MAX: usize = 8;
/// Most entries of directories that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// The module in a directory, or in one source.
///
/// # Errors
/// [`Failure`] with the file and the line where a module cannot be run.
pub(crate) fn load(path: &Path) -> Result<(ModuleFiles, Module), Failure> {
    let unusable = |err: gateline_policy::PolicyError| {
        Failure::usage(
            format!("the policy module `{}` cannot be run", path.display()),
            err,
        )
    };
    let mut found = Found::default();
    if path.is_dir() {
        found.directory(path, "", 0)?;
    } else {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("policy.rego");
        found.file(path, name.to_owned())?;
    }
    let files = ModuleFiles::of(found.files).map_err(unusable)?;
    let module = Module::load(&files).map_err(unusable)?;
    Ok((files, module))
}

#[derive(Default)]
struct Found {
    files: Vec<(String, Vec<u8>)>,
    bytes: usize,
    entries: usize,
}

impl Found {
    fn directory(&mut self, path: &Path, inside: &str, depth: usize) -> Result<(), Failure> {
        let unread =
            |why: String| Failure::usage(format!("could not read the directory `{}`", path.display()), why);
        if depth > DIRECTORIES_DEPTH_MAX {
            return Err(unread(format!(
                "it is more than {DIRECTORIES_DEPTH_MAX} directories deep"
            )));
        }
        for entry in std::fs::read_dir(path).map_err(|err| unread(err.to_string()))? {
            let entry = entry.map_err(|err| unread(err.to_string()))?;
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(unread(format!("there are more than {ENTRIES_MAX} entries in it")));
            }
            let kind = entry.file_type().map_err(|err| unread(err.to_string()))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let name = format!("{inside}{name}");
            // What a link points to may be outside.
            if kind.is_dir() {
                self.directory(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() && ModuleFiles::reads(&name) {
                self.file(&entry.path(), name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), Failure> {
        let bytes = files::bytes(path, FILE_BYTES_MAX)?;
        self.bytes += bytes.len();
        self.files.push((name, bytes));
        if self.files.len() > MODULE_FILES_MAX || self.bytes > MODULE_BYTES_MAX {
            return Err(Failure::usage(
                format!("`{}` is too much for one policy module", path.display()),
                format!("at most {MODULE_FILES_MAX} files of {MODULE_BYTES_MAX} bytes together are read"),
            ));
        }
        Ok(())
    }
}
