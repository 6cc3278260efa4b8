//! Names: which release a request means.

use std::sync::Arc;

use gateline_api::{Named, ReleaseName, entry};
use gateline_core::{ReleaseState, Sight, World};
use gateline_model::{PipelineRef, ReleaseRef};

use crate::refused::Refused;
use crate::seen::not_there;

/// The release that a request names, among those that are seen.
///
/// # Errors
/// 404 if there is none, 422 if the name without its project means several.
pub(crate) fn release_named(
    world: &World,
    sight: &Sight,
    name: &ReleaseName,
) -> Result<Arc<ReleaseState>, Refused> {
    let unknown = || not_there(&Named::Release(name.clone()));
    let seen = |state: &&Arc<ReleaseState>| sight.sees_pipeline(&state.release.of);
    match name {
        ReleaseName::Id(id) => world.release(id).filter(seen).cloned().ok_or_else(unknown),
        ReleaseName::Label(ReleaseRef {
            project: Some(project),
            pipeline,
            version,
        }) => {
            let of = PipelineRef {
                project: project.clone(),
                pipeline: pipeline.clone(),
            };
            let found = world.labelled(&of, version).filter(seen);
            found.cloned().ok_or_else(unknown)
        }
        ReleaseName::Label(ReleaseRef {
            project: None,
            pipeline,
            version,
        }) => {
            let mut found: Vec<_> = world
                .projects()
                .filter_map(|(project, _)| {
                    let of = PipelineRef {
                        project: project.clone(),
                        pipeline: pipeline.clone(),
                    };
                    world.labelled(&of, version).filter(seen)
                })
                .collect();
            match found.as_mut_slice() {
                [] => Err(unknown()),
                [one] => Ok(one.clone()),
                several => {
                    several.sort_by(|one, other| one.release.of.cmp(&other.release.of));
                    let names: Vec<String> = several
                        .iter()
                        .map(|one| format!("`{}@{version}`", one.release.of))
                        .collect();
                    let detail = format!("`{name}` can mean {}", names.join(" or "));
                    Err(Refused::new(&entry::RELEASE_AMBIGUOUS, detail))
                }
            }
        }
    }
}
