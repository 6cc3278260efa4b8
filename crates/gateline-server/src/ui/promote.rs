//! Asking for a promotion: first what would change, then the button.

use gateline_api::{Problem, ReleaseView};
use gateline_model::{StageName, StageRef};
use maud::{Markup, html};

use super::link;
use super::promotion::difference;
use super::shell::{Fresh, Page, Tab, Visitor, alert};

pub(super) fn page(
    visitor: &Visitor,
    release: &ReleaseView,
    live: Option<&ReleaseView>,
    stage: &StageName,
    problem: Option<&Problem>,
) -> Markup {
    let ReleaseView {
        of, version, life, ..
    } = release;
    let here = StageRef {
        project: of.project.clone(),
        pipeline: of.pipeline.clone(),
        stage: stage.clone(),
    };
    let barred = life
        .iter()
        .find(|one| one.stage == *stage)
        .and_then(|one| one.barred_by.as_ref());
    Page {
        tab: Tab::Releases,
        title: format!("Promote {} {version} into {stage}", of.pipeline),
        fresh: Fresh::Kept,
        watch: Vec::new(),
        visitor,
        body: html! {
            h1 { "Promote " a href=(link::release(of, version)) { (of.pipeline) " " (version) } " into " a href=(link::stage(&here)) { (stage) } }
            p.sub { "This asks; the stage's gates decide, and the rollout begins when all of them are satisfied." }
            @if let Some(problem) = problem { (alert(problem)) }
            @if let Some(by) = barred {
                div.banner.bad-edge { p { b { "The release is barred here" } " since " a href=(link::promotion(by)) { (by) } ". Lift the bar on " a href=(link::stage(&here)) { "the stage's page" } " first." } }
            }
            h2 { "What would change in " (stage) }
            (difference(release, live))
            form.stack method="post" action=(link::promote_act(of, version, stage)) {
                (visitor.hidden())
                button.primary type="submit" { "Promote " (version) " into " (stage) }
            }
        },
    }
    .render()
}
