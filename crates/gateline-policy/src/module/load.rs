//! Loading: files become a module that can be asked, or are refused with the place and the reason.

use std::collections::BTreeSet;
use std::fmt;

use gateline_model::Digest;
use regorus::Engine;

use super::declared::{self, Source};
use super::error::PolicyError;
use super::files::ModuleFiles;
use super::manifest::{Manifest, outside};
use super::scan::Scan;
use super::{builtins, on_large_stack};

/// Most rules that a module declares.
pub const RULES_MAX: usize = 1_000;

/// What Conftest's rules are called, alone or in front of `_`.
const DENY: [&str; 2] = ["deny", "violation"];
const WARN: &str = "warn";
const FACTOR: &str = "risk_factor";
const FACTOR_PREFIX: &str = "risk_factor_";

/// A policy module that was read in full: it can be asked about inputs, and its tests can be run.
#[derive(Clone)]
pub struct Module {
    pub(super) engine: Engine,
    pub(super) asked: Vec<Asked>,
    pub(super) tests: Vec<Test>,
    pub(super) exceptions: BTreeSet<Vec<String>>,
    version: Digest,
    revision: Option<String>,
}

/// A rule that is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    pub package: Vec<String>,
    pub rule: String,
    pub kind: Kind,
}

/// What a rule's messages mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Deny,
    Warn,
    /// Factors of risk, which deny nothing.
    Factor,
}

/// A rule that tests others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub file: String,
    pub line: u32,
    pub package: Vec<String>,
    pub rule: String,
}

impl Module {
    /// Reads all files of a module.
    ///
    /// # Errors
    /// [`PolicyError`] with file and line where that is known: a limit, the syntax, an unknown function, a path outside
    /// the roots, or no rule that anything could be asked of.
    pub fn load(files: &ModuleFiles) -> Result<Self, PolicyError> {
        let mut scan = Scan::default();
        for (file, text) in sources(files) {
            scan.source(file, text)?;
        }
        on_large_stack(|| Self::parse(files))
            .map_err(PolicyError::whole)
            .flatten()
    }

    /// The digest of its files.
    pub fn version(&self) -> Digest {
        self.version
    }

    /// What its author calls this version, in `.manifest`.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The packages with rules that are asked, sorted.
    pub fn packages(&self) -> BTreeSet<String> {
        self.asked.iter().map(|asked| asked.package.join(".")).collect()
    }

    fn parse(files: &ModuleFiles) -> Result<Self, PolicyError> {
        let manifest = Manifest::of(files)?;
        let data = manifest.data(files)?;
        let mut engine = Engine::new();
        engine.set_gather_prints(true);
        let data = regorus::Value::from(data);
        engine
            .add_data(data)
            .map_err(|err| PolicyError::whole(format!("its data cannot be read: {err}")))?;
        for (file, text) in sources(files) {
            add(&mut engine, manifest.rego_version, file, text)?;
        }
        builtins::install(&mut engine);
        let trees = engine
            .get_ast_as_json()
            .map_err(|err| PolicyError::interpreter(&err.to_string()))?;
        let sources = declared::read(&trees)?;
        if let Some(source) = sources.iter().find(|source| !manifest.owns(&source.package)) {
            let says = outside(&source.package.join("/"));
            return Err(PolicyError::file(&source.file, format!("package {says}")));
        }
        let rules: usize = sources.iter().map(|source| source.rules.len()).sum();
        if rules > RULES_MAX {
            let says =
                format!("the module declares {rules} rules, and at most {RULES_MAX} are read; split it");
            return Err(PolicyError::whole(says));
        }
        declared::refuse_unknown_calls(&sources, builtins::is_run)?;
        let module = Self {
            asked: asked(&sources),
            tests: tests(&sources),
            exceptions: exceptions(&sources),
            version: files.digest(),
            revision: manifest.revision,
            engine,
        };
        module.prepared()
    }

    /// Lets the interpreter analyse the sources once, which finds what parsing does not: recursion, unsafe variables.
    fn prepared(mut self) -> Result<Self, PolicyError> {
        self.engine
            .eval_query("true".to_owned(), false)
            .map_err(|err| PolicyError::interpreter(&err.to_string()))?;
        Ok(self)
    }
}

// The interpreter's own would print every source and its tree.
impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Module").field(&self.version).finish()
    }
}

fn sources(files: &ModuleFiles) -> impl Iterator<Item = (&str, &str)> {
    files.iter().filter(|(path, _)| path.ends_with(".rego"))
}

/// Parses a source in the version that is named, or in the newer one if it can be read so, and else in the older.
fn add(engine: &mut Engine, version: Option<u8>, file: &str, text: &str) -> Result<(), PolicyError> {
    let versions: &[u8] = match version {
        Some(0) => &[0],
        Some(_) => &[1],
        None => &[1, 0],
    };
    let mut first = None;
    for version in versions {
        engine.set_rego_v0(*version == 0);
        match engine.add_policy(file.to_owned(), text.to_owned()) {
            Ok(_) => return Ok(()),
            Err(err) => first = first.or(Some(PolicyError::interpreter(&err.to_string()))),
        }
    }
    Err(first.expect("a source that is read in no version has an error"))
}

fn asked(sources: &[Source]) -> Vec<Asked> {
    let mut asked = BTreeSet::new();
    for source in sources {
        for rule in source.rules.iter().filter(|rule| !rule.is_function) {
            let [name] = rule.path.as_slice() else { continue };
            let stem = name.split('_').next().unwrap_or(name);
            let kind = match stem {
                stem if DENY.contains(&stem) => Kind::Deny,
                WARN => Kind::Warn,
                _ if name == FACTOR || name.starts_with(FACTOR_PREFIX) => Kind::Factor,
                _ => continue,
            };
            asked.insert(Asked {
                package: source.package.clone(),
                rule: name.clone(),
                kind,
            });
        }
    }
    asked.into_iter().collect()
}

fn tests(sources: &[Source]) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for source in sources {
        for rule in source.rules.iter().filter(|rule| !rule.is_function) {
            let [name] = rule.path.as_slice() else { continue };
            let is_test = name.starts_with("test_") || name.starts_with("todo_test_");
            let is_known = |test: &Test| test.package == source.package && test.rule == *name;
            if is_test && !tests.iter().any(is_known) {
                tests.push(Test {
                    file: source.file.clone(),
                    line: rule.line,
                    package: source.package.clone(),
                    rule: name.clone(),
                });
            }
        }
    }
    tests
}

/// Packages with a rule `exception`.
fn exceptions(sources: &[Source]) -> BTreeSet<Vec<String>> {
    let has_one = |source: &&Source| {
        source
            .rules
            .iter()
            .any(|rule| !rule.is_function && rule.path == ["exception"])
    };
    sources
        .iter()
        .filter(has_one)
        .map(|source| source.package.clone())
        .collect()
}
