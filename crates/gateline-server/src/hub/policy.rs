//! Policy modules: run on what the core hands out. The files come from the store, by the digest that is in force.
//!
//! A module that was loaded is kept for a while: parsing it takes a hundred times as long as running it. Knows no criteria.

use std::sync::{Arc, Mutex};

use gateline_model::{CheckOrder, Digest, PolicyCheck, PolicyOrder, PolicyReading, Reading};
use gateline_policy::{Module, ModuleFiles, PolicyOutcome, Reasons};
use gateline_store::Read;
use jiff::Timestamp;

use super::{Hub, lock};

/// Most loaded modules that are kept.
const LOADED_MAX: usize = 32;

/// A module and the files that it was loaded from.
pub(crate) struct Loaded {
    pub(crate) files: ModuleFiles,
    pub(crate) module: Module,
}

/// The modules that were run last, the latest at the end.
#[derive(Default)]
pub(super) struct Modules(Mutex<Vec<(Digest, Arc<Loaded>)>>);

impl Modules {
    fn get(&self, version: &Digest) -> Option<Arc<Loaded>> {
        let mut kept = lock(&self.0);
        let at = kept.iter().position(|(kept, _)| kept == version)?;
        let found = kept.remove(at);
        kept.push(found);
        kept.last().map(|(_, loaded)| loaded.clone())
    }

    fn keep(&self, version: Digest, loaded: &Arc<Loaded>) {
        let mut kept = lock(&self.0);
        if kept.len() == LOADED_MAX {
            kept.remove(0);
        }
        kept.push((version, loaded.clone()));
    }
}

impl Hub {
    /// A policy module by version, loaded.
    pub(crate) async fn policy(&self, version: Digest) -> Result<Arc<Loaded>, String> {
        if let Some(loaded) = self.shared.modules.get(&version) {
            return Ok(loaded);
        }
        let loaded = self
            .read(move |store| {
                let bytes = store
                    .blob(&version)
                    .map_err(|err| format!("the policy module {version} could not be read: {err}"))?;
                load(version, bytes.as_deref())
            })
            .await?;
        let loaded = Arc::new(loaded);
        self.shared.modules.keep(version, &loaded);
        Ok(loaded)
    }
}

fn load(version: Digest, bytes: Option<&[u8]>) -> Result<Loaded, String> {
    let Some(bytes) = bytes else {
        return Err(format!(
            "the policy module {version} is not in the store; run `gateline doctor`"
        ));
    };
    if Digest::of(bytes) != version {
        return Err(format!(
            "what is stored as the policy module {version} was changed; run `gateline doctor`"
        ));
    }
    let refused = |err| format!("the policy module {version} cannot be run: {err}");
    let files = ModuleFiles::from_bytes(bytes).map_err(refused)?;
    let module = Module::load(&files).map_err(refused)?;
    Ok(Loaded { files, module })
}

/// Runs a module on the input of an order.
pub(super) async fn check(hub: &Hub, check: &PolicyCheck, order: &CheckOrder) -> Result<Reading, String> {
    let Some(policy) = order.policy.clone() else {
        return Err(format!(
            "nothing is known that `{}` could be run on",
            check.module
        ));
    };
    let loaded = hub.policy(policy.module).await?;
    let now = Timestamp::now();
    let run = tokio::task::spawn_blocking(move || run(&loaded, &policy, now).map(Reading::Policy));
    match run.await {
        Ok(read) => read,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Modules run at once, for whoever reads the store anyway. Each is loaded once.
pub(crate) struct SyncModules<'s> {
    store: &'s dyn Read,
    loaded: Vec<(Digest, Result<Loaded, String>)>,
}

impl<'s> SyncModules<'s> {
    pub(crate) fn new(store: &'s dyn Read) -> Self {
        Self {
            store,
            loaded: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self, order: &PolicyOrder, now: Timestamp) -> Result<PolicyReading, String> {
        let version = order.module;
        if !self.loaded.iter().any(|(known, _)| *known == version) {
            let bytes = self.store.blob(&version).map_err(|err| err.to_string());
            let loaded = bytes.and_then(|bytes| load(version, bytes.as_deref()));
            self.loaded.push((version, loaded));
        }
        let mut known = self.loaded.iter();
        match known.find(|(known, _)| *known == version) {
            Some((_, Ok(loaded))) => run(loaded, order, now),
            Some((_, Err(why))) => Err(why.clone()),
            None => Err(format!("the policy module {version} was not loaded")),
        }
    }
}

/// Asks the rules of a module, as of a moment.
fn run(loaded: &Loaded, policy: &PolicyOrder, now: Timestamp) -> Result<PolicyReading, String> {
    let input = Digest::of_json(&policy.input);
    let outcome = loaded
        .module
        .ask_in(policy.package.as_deref(), &policy.input, now);
    let factors = loaded
        .module
        .risk_factors(policy.package.as_deref(), &policy.input, now)?;
    let (rules, denied, warned) = match outcome {
        PolicyOutcome::Passed { rules, warned } => (rules, Reasons::default(), warned),
        PolicyOutcome::Failed {
            rules,
            denied,
            warned,
        } => (rules, denied, warned),
        PolicyOutcome::Errored(why) => return Err(why),
    };
    let later = warned.first.iter().filter_map(|reason| reason.effective_on);
    Ok(PolicyReading {
        module: policy.module,
        basis: policy.basis,
        input,
        factors,
        rules: rules.try_into().unwrap_or(u32::MAX),
        until: later.filter(|from| *from > now).min(),
        denials: denied.all,
        denied: denied.first,
        warnings: warned.all,
        warned: warned.first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> ModuleFiles {
        let text = b"package a\ndeny contains \"x\" if input.x".to_vec();
        ModuleFiles::of([("a.rego".to_owned(), text)]).expect("the files of a module")
    }

    #[test]
    fn what_was_lost_or_changed_in_the_store_is_errored() {
        let (files, version) = (files(), files().digest());
        assert!(load(version, Some(&files.to_bytes())).is_ok());
        let gone = load(version, None).err().expect("it is gone");
        assert!(gone.contains("not in the store"), "{gone}");
        let changed = load(version, Some(b"{\"files\":{}}"))
            .err()
            .expect("it was changed");
        assert!(changed.contains("was changed"), "{changed}");
    }

    #[test]
    fn the_module_that_was_run_longest_ago_is_dropped() {
        let modules = Modules::default();
        let loaded = Arc::new(load(files().digest(), Some(&files().to_bytes())).expect("it loads"));
        let version = |at: usize| Digest::of(&at.to_be_bytes());
        for at in 0..LOADED_MAX {
            modules.keep(version(at), &loaded);
        }
        assert!(modules.get(&version(0)).is_some());
        modules.keep(version(LOADED_MAX), &loaded);
        assert!(modules.get(&version(0)).is_some() && modules.get(&version(1)).is_none());
    }
}
