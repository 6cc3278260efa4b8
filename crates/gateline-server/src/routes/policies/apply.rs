//! `PUT /api/v1/policies`

use std::sync::Arc;

use gateline_api::{ApplyPolicy, PolicyReply, Problem, entry};
use gateline_core::Command;
use gateline_core::authority::Object;
use gateline_model::{Declared, Scope};
use gateline_policy::{Module, ModuleFiles, PolicyError};
use gateline_store::Blob;

use crate::authors;
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(mut call: Call<ApplyPolicy>) -> Result<PolicyReply, Refused> {
    call.expect_right(Scope::Apply, &Object::project(&call.body.project))?;
    let files = std::mem::take(&mut call.body.files);
    // Parsing is work, and not the runtime's.
    let loaded = tokio::task::spawn_blocking(move || {
        let files = ModuleFiles::of(files.into_iter().map(|(path, text)| (path, text.into_bytes())))?;
        Module::load(&files)?;
        Ok(files)
    });
    let files = match loaded.await {
        Ok(loaded) => loaded.map_err(invalid)?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let (project, name, module) = (call.body.project.clone(), call.body.name.clone(), files.digest());
    let command = Command::ApplyPolicy {
        project: project.clone(),
        name: name.clone(),
        module,
        written: authors::known(&call.app, call.body.written.clone()),
    };
    let kept = Blob::of(&files.to_bytes()).map_err(|err| Refused::new(&entry::BODY, err.to_string()))?;
    let receipt = call.submit_with(command, vec![Arc::new(kept)]).await?;
    let declared = Declared::Policy(name.clone());
    let proposed = views::proposed(&call.app.hub, &project, &declared, module).await?;
    Ok(PolicyReply {
        project,
        name,
        version: module,
        changed: !receipt.events.is_empty() && proposed.is_none(),
        proposed,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn invalid(err: PolicyError) -> Refused {
    Problem::new(&entry::POLICY_INVALID, err.to_string()).into()
}
