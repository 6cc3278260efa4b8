//! Depends: other applications are live, verified and healthy at versions that match, and nobody downstream is broken.
//!
//! `depends: {on: [{pipeline: ledger, version: ">= 2.3, < 3"}], reverse: true}`. Of each other pipeline, the release that is live
//! in the stage of the same name, or the one given, is looked at; it is waited for until it is there, verified, healthy and of
//! such a version. A table (`compatible: [{this: "1.*", with: ">= 2.0"}]`) asks by this release's own version: the first row that
//! it fits decides, and none is no pass. With `reverse`, what is live of the project's other pipelines and depends on this one in
//! this stage must take this release too. A version without a sign is exactly that one; a range is of semantic versions; `*`
//! also fits any other text.

use gateline_model::{
    Gate, Health, PipelineName, PipelineRef, ProjectName, Risk, StageName, StageRef, Version,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::versions::{Fit, Versions};
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};

/// The kind's name, as gates of other pipelines are known by.
const NAME: &str = "depends";

pub(crate) const KIND: GateKind = GateKind {
    name: NAME,
    summary: "Other applications are live, verified and healthy at versions that match; nobody downstream is broken.",
    place: Place::Entry,
    check: |params| {
        let depends = Depends::deserialize(params).map_err(|err| err.to_string())?;
        match depends.on.is_empty() && !depends.reverse {
            true => Err("it asks for nothing: give `on` or `reverse`".to_owned()),
            false => Ok(()),
        }
    },
    schema: schema_of::<Depends>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| with_params(gate, |depends: Depends| depends.judge(view)),
};

/// Parameters of the gate kind `depends`; `on`, `reverse` or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Depends {
    /// What must be live.
    #[serde(default)]
    on: Vec<On>,
    /// Whether an application that is not there, or has nothing live, is passed over.
    #[serde(default)]
    unless_missing: bool,
    /// Whether what is live of the project's other pipelines, and depends on this one, must take this release.
    #[serde(default)]
    reverse: bool,
}

/// An application that must be live.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Dependency")]
struct On {
    /// Its pipeline.
    pipeline: PipelineName,
    /// The pipeline's project; this one's where it is not given.
    #[serde(default)]
    project: Option<ProjectName>,
    /// The stage in which it must be live; the one of the same name where it is not given.
    #[serde(default)]
    stage: Option<StageName>,
    /// The versions that will do; any where it is not given.
    #[serde(default)]
    version: Option<Versions>,
    /// Which of its versions go with which of this pipeline's; the first row that fits decides.
    #[serde(default)]
    compatible: Vec<Row>,
}

/// A row of a table of what goes together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CompatibleVersions")]
struct Row {
    /// Versions of this pipeline.
    this: Versions,
    /// The versions of the other pipeline that go with them.
    with: Versions,
}

/// What a gate of this kind asks about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum About {
    /// One other pipeline.
    Pipeline(PipelineRef),
    /// Every pipeline of the project: who depends on this one is not said here.
    Project(ProjectName),
}

/// What a gate asks about other pipelines. One of another kind, or that cannot be read, asks nothing.
pub(crate) fn asked_about(gate: &Gate, of: &StageRef) -> Vec<About> {
    if gate.kind != NAME {
        return Vec::new();
    }
    // The risk picks the parameters, and may change while it waits.
    let levels = std::iter::once(Risk::Low).chain(gate.at_risk.keys().copied());
    let asked = levels.filter_map(|risk| Depends::deserialize(gate.params_at(risk)).ok());
    let about = asked.flat_map(|Depends { on, reverse, .. }| {
        let pipelines = on
            .into_iter()
            .map(|on| About::Pipeline(on.stage_for(of).pipeline_ref()));
        let project = reverse.then(|| About::Project(of.project.clone()));
        pipelines.chain(project)
    });
    about.collect()
}

/// Why an application is not as it must be, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
    Unhealthy,
    NotVerified,
    Version,
    Missing,
    NotKnown,
}

impl On {
    /// Whether these two versions go together.
    fn fit(&self, this: &Version, other: &Version) -> Fit {
        if let Some(asked) = &self.version {
            match asked.fit(other) {
                Fit::Fits => {}
                unfit @ (Fit::Not(_) | Fit::NotKnown(_)) => return unfit,
            }
        }
        if self.compatible.is_empty() {
            return Fit::Fits;
        }
        for row in &self.compatible {
            match row.this.fit(this) {
                Fit::Fits => {
                    return match row.with.fit(other) {
                        Fit::Not(_) => Fit::Not(format!(
                            "{this} goes with `{}`, not with {other}",
                            row.with.text()
                        )),
                        fit @ (Fit::Fits | Fit::NotKnown(_)) => fit,
                    };
                }
                Fit::Not(_) => {}
                Fit::NotKnown(why) => return Fit::NotKnown(why),
            }
        }
        Fit::Not(format!(
            "the table has no row for {this}, so that {other} is not known to go with it"
        ))
    }

    /// The stage in which it must be live, for a stage that asks.
    fn stage_for(&self, asking: &StageRef) -> StageRef {
        StageRef {
            project: self.project.clone().unwrap_or_else(|| asking.project.clone()),
            pipeline: self.pipeline.clone(),
            stage: self.stage.clone().unwrap_or_else(|| asking.stage.clone()),
        }
    }

    /// What is live, as a line; or what it lacks.
    fn look(&self, view: &GateView<'_>) -> Result<String, (Lack, String)> {
        let at = self.stage_for(view.stage_ref);
        let lacks = |lack, says: String| Err((lack, format!("{at}: {says}")));
        let project = view.draft.project(&at.project);
        let pipeline = project
            .as_ref()
            .and_then(|project| project.pipeline(&at.pipeline));
        if pipeline.is_none_or(|pipeline| pipeline.stage(&at.stage).is_none()) {
            return lacks(Lack::Missing, "there is no such stage".to_owned());
        }
        let stage = view.draft.stage(&at);
        let Some(live) = &stage.live else {
            return lacks(Lack::Missing, "nothing is live there".to_owned());
        };
        let version = &live.version;
        match self.fit(&view.release.release.version, version) {
            Fit::Fits => {}
            Fit::Not(why) => return lacks(Lack::Version, why),
            Fit::NotKnown(why) => return lacks(Lack::NotKnown, why),
        }
        if !stage.verified.contains_key(&live.release) {
            return lacks(Lack::NotVerified, format!("{version} is live and not verified"));
        }
        match stage.health {
            Health::Healthy => Ok(format!("{at}: {version} is live, verified and healthy")),
            health @ (Health::Unhealthy | Health::Unknown) => lacks(
                Lack::Unhealthy,
                format!("{version} is live, its health is {health}"),
            ),
        }
    }
}

/// What is live downstream and depends on this pipeline in this stage.
#[derive(Debug, Default)]
struct Downstream {
    /// What takes the release, a line each.
    kept: Vec<String>,
    /// What would be broken.
    broken: Vec<String>,
    /// What nobody can tell.
    not_known: Vec<String>,
}

impl Downstream {
    fn of(view: &GateView<'_>) -> Self {
        let mut found = Downstream::default();
        let Some(project) = view.draft.project(&view.stage_ref.project) else {
            return found;
        };
        let others = project
            .in_force
            .keys()
            .filter(|name| **name != view.pipeline.name);
        for pipeline in others.filter_map(|name| project.pipeline(name)) {
            for stage in &pipeline.stages {
                let at = pipeline.stage_ref(&stage.name);
                for gate in stage.gates.iter().filter(|gate| gate.kind == NAME) {
                    match Depends::deserialize(&gate.params) {
                        Ok(depends) => depends.on.iter().for_each(|on| found.look(view, &at, on)),
                        Err(err) => found
                            .not_known
                            .push(format!("{at}: its gate cannot be read: {err}")),
                    }
                }
            }
        }
        found
    }

    fn look(&mut self, view: &GateView<'_>, at: &StageRef, on: &On) {
        if on.stage_for(at) != *view.stage_ref {
            return;
        }
        let stage = view.draft.stage(at);
        // What is not live is not broken: it asks for itself when it comes.
        let Some(live) = &stage.live else {
            return;
        };
        let version = &live.version;
        match on.fit(version, &view.release.release.version) {
            Fit::Fits => self
                .kept
                .push(format!("{at}: {version}, which is live, takes it")),
            Fit::Not(why) => self
                .broken
                .push(format!("{at}: {version}, which is live, would break: {why}")),
            Fit::NotKnown(why) => self.not_known.push(format!("{at}: {version} is live: {why}")),
        }
    }
}

impl Depends {
    fn judge(&self, view: &GateView<'_>) -> Says {
        let (mut met, mut lacking) = (Vec::new(), Vec::new());
        for on in &self.on {
            match on.look(view) {
                Ok(line) => met.push(line),
                Err((Lack::Missing, line)) if self.unless_missing => met.push(format!("{line}: passed over")),
                Err(lack) => lacking.push(lack),
            }
        }
        let downstream = match self.reverse {
            true => Downstream::of(view),
            false => Downstream::default(),
        };
        let Downstream {
            kept,
            broken,
            not_known,
        } = downstream;
        lacking.extend(not_known.into_iter().map(|line| (Lack::NotKnown, line)));
        // The gravest gives the reason.
        lacking.sort_by_key(|(lack, _)| std::cmp::Reverse(*lack));

        let (asked, met_count) = (self.on.len(), met.len());
        let mut parts = Vec::new();
        if asked > 0 {
            parts.push(format!("{met_count} of {asked} dependencies are as they must be"));
        }
        if self.reverse {
            let count = broken.len() + kept.len();
            parts.push(format!("{} of {count} downstream would break", broken.len()));
        }
        let first = broken.first().or(lacking.first().map(|(_, line)| line));
        parts.extend(first.cloned());
        let text = parts.join("; ");
        let says = match (broken.is_empty(), lacking.first()) {
            (false, _) => Says::refused("depends.breaks", text)
                .changed_by("a promotion of what is downstream, or its pipeline")
                .next("first promote a release of it that takes this one, or let this one take both"),
            (true, Some((lack, _))) => waiting(*lack, text),
            (true, None) => Says::satisfied("depends.met", text),
        };
        let says = match asked {
            0 => says,
            asked => says.number("dependencies", met_count as f64, "", Some(format!("== {asked}"))),
        };
        let says = match self.reverse {
            true => says.number(
                "broken downstream",
                broken.len() as f64,
                "",
                Some("== 0".to_owned()),
            ),
            false => says,
        };
        let lacking = lacking.into_iter().map(|(_, line)| line);
        says.details(broken.into_iter().chain(lacking).chain(met).chain(kept))
    }
}

fn waiting(lack: Lack, text: String) -> Says {
    match lack {
        Lack::Missing => Says::waiting("depends.missing", text)
            .changed_by("a promotion of the other application")
            .next("bring a release of it live there; this one goes on by itself"),
        Lack::Version => Says::waiting("depends.version", text)
            .changed_by("a promotion of the other application, or the pipeline's own versions")
            .next("promote a release of it that matches; this one goes on by itself"),
        Lack::NotVerified => Says::waiting("depends.not_verified", text)
            .changed_by("a promotion of the other application")
            .next("let a release of it be verified there; this one goes on by itself"),
        Lack::Unhealthy => Says::waiting("depends.unhealthy", text)
            .changed_by("the health of the other application")
            .next("see why it is not healthy; this one goes on by itself"),
        Lack::NotKnown => Says::waiting("depends.unknown", text)
            .changed_by("a new version of the pipeline")
            .next("ask for versions that can be compared: one, or a pattern with `*`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    #[test_case("1.4.0", "2.5.0", Some(true))]
    #[test_case("1.4.0", "3.0.0", Some(false); "the row of 1 decides")]
    #[test_case("2.0.0", "3.0.0", Some(true))]
    #[test_case("2.0.0", "2.5.0", Some(false))]
    #[test_case("3.0.0", "3.0.0", Some(false); "a version without a row is no pass")]
    #[test_case("1.4.0", "nightly", None; "what cannot be compared is not known")]
    fn the_table_says_what_goes_together(this: &str, other: &str, expected: Option<bool>) {
        let on: On = serde_json::from_value(json!({
            "pipeline": "ledger",
            "compatible": [{"this": "1.*", "with": ">= 2.3, < 3"}, {"this": "2.*", "with": ">= 3"}],
        }))
        .expect("legal parameters");
        let version = |text: &str| text.parse::<Version>().expect("a version");
        let fits = match on.fit(&version(this), &version(other)) {
            Fit::Fits => Some(true),
            Fit::Not(_) => Some(false),
            Fit::NotKnown(_) => None,
        };
        assert_eq!(fits, expected);
    }

    #[test]
    fn the_stage_of_the_same_name_is_meant() {
        let asking: StageRef = "shop/checkout/live".parse().expect("a stage");
        let on: On = serde_json::from_value(json!({"pipeline": "ledger"})).expect("legal parameters");
        assert_eq!(on.stage_for(&asking).to_string(), "shop/ledger/live");
        let on: On = serde_json::from_value(json!({"pipeline": "ledger", "project": "bank", "stage": "eu"}))
            .expect("legal parameters");
        assert_eq!(on.stage_for(&asking).to_string(), "bank/ledger/eu");
    }
    #[test]
    fn a_gate_asks_about_what_it_names_at_any_level_of_risk_and_in_reverse_about_the_project() {
        let of: StageRef = "shop/checkout/live".parse().expect("a stage");
        let mut gate = Gate::new(
            "together".parse().expect("a name"),
            NAME,
            json!({"on": [{"pipeline": "ledger"}]}),
            "why",
        );
        let about = |stage: &str| {
            let stage: StageRef = stage.parse().expect("a stage");
            About::Pipeline(stage.pipeline_ref())
        };
        let project = About::Project(of.project.clone());
        assert_eq!(asked_about(&gate, &of), [about("shop/ledger/live")]);
        let at_risk = json!({"on": [{"pipeline": "fraud", "project": "bank"}], "reverse": true});
        gate.at_risk.insert(Risk::High, at_risk);
        let asked = asked_about(&gate, &of);
        for one in [about("shop/ledger/live"), about("bank/fraud/live"), project] {
            assert!(asked.contains(&one), "{one:?} is not in {asked:?}");
        }
        gate.kind = "soak".to_owned();
        assert_eq!(asked_about(&gate, &of), []);
    }
}
