//! SLSA provenance: who built an artifact, how, and from what.
//!
//! Layout: SLSA provenance v1, and v0.2, whose `invocation` stands for the external parameters and whose `materials` for the
//! resolved dependencies. Knows GitHub's, GitLab's and Google Cloud Build's ways to name the source; of others what the
//! dependencies tell.

use std::collections::BTreeMap;

use gateline_model::{Digest, PARAMETERS_BYTES_MAX, Provenance};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::text;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct V1 {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: String,
    external_parameters: Option<Map<String, Value>>,
    resolved_dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct RunDetails {
    builder: Builder,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Builder {
    id: String,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "invocationId", alias = "buildInvocationId")]
    invocation: Option<String>,
}

/// A thing with a digest that went into the build.
#[derive(Deserialize)]
struct Dependency {
    uri: Option<String>,
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct V0_2 {
    builder: Builder,
    build_type: String,
    invocation: Option<Invocation>,
    metadata: Option<Metadata>,
    materials: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    config_source: Option<Value>,
    parameters: Option<Value>,
}

/// Reads a provenance, and why it says too little if it does.
pub(super) fn v1(read: &V1) -> (Provenance, Option<String>) {
    let build = &read.build_definition;
    let parameters = build.external_parameters.clone().unwrap_or_default();
    let dependencies = build.resolved_dependencies.as_deref().unwrap_or_default();
    let run = &read.run_details;
    provenance(
        &run.builder,
        &build.build_type,
        parameters,
        dependencies,
        run.metadata.as_ref(),
    )
}

/// The same of the version before.
pub(super) fn v0_2(read: &V0_2) -> (Provenance, Option<String>) {
    let mut parameters = Map::new();
    if let Some(Invocation {
        config_source,
        parameters: given,
    }) = &read.invocation
    {
        let named = [("configSource", config_source), ("parameters", given)];
        for (name, value) in named {
            if let Some(value) = value {
                parameters.insert(name.to_owned(), value.clone());
            }
        }
    }
    let materials = read.materials.as_deref().unwrap_or_default();
    provenance(
        &read.builder,
        &read.build_type,
        parameters,
        materials,
        read.metadata.as_ref(),
    )
}

fn provenance(
    builder: &Builder,
    build_type: &str,
    parameters: Map<String, Value>,
    dependencies: &[Dependency],
    metadata: Option<&Metadata>,
) -> (Provenance, Option<String>) {
    let bytes = Value::Object(parameters.clone()).to_string().len();
    let incomplete = match () {
        () if builder.id.trim().is_empty() => Some("the provenance names no builder".to_owned()),
        () if build_type.trim().is_empty() => Some("the provenance names no build type".to_owned()),
        () if bytes > PARAMETERS_BYTES_MAX => Some(format!(
            "the external parameters have {bytes} bytes of JSON; {PARAMETERS_BYTES_MAX} are read"
        )),
        () => None,
    };
    let (source, source_ref) = source(&parameters, dependencies);
    let commit = commit(&parameters, dependencies, source.as_deref());
    let inputs = inputs(build_type, &parameters, dependencies);
    let parameters = match bytes > PARAMETERS_BYTES_MAX {
        true => BTreeMap::new(),
        false => parameters.into_iter().collect(),
    };
    let told = Provenance {
        builder: text::name(&builder.id),
        build_type: text::name(build_type),
        source: source.as_deref().map(text::name),
        source_ref: source_ref.as_deref().map(text::name),
        commit: commit.as_deref().map(text::name),
        parameters,
        inputs,
        invocation: metadata.and_then(|run| run.invocation.as_deref()).map(text::name),
    };
    (told, incomplete)
}

/// The repository and the ref in it.
fn source(parameters: &Map<String, Value>, dependencies: &[Dependency]) -> (Option<String>, Option<String>) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    // GitHub's workflow; Google Cloud Build's two.
    for name in ["workflow", "sourceToBuild", "buildConfigSource"] {
        if let Some(repository) = text(parameters.get(name).and_then(|of| of.get("repository"))) {
            let at = text(parameters.get(name).and_then(|of| of.get("ref")));
            return (Some(split(&repository).0), at);
        }
    }
    // GitLab's `source`, and what v0.2 calls the source of its configuration.
    for name in ["source", "configSource"] {
        let value = parameters.get(name);
        if let Some(uri) = text(value).or_else(|| text(value.and_then(|of| of.get("uri")))) {
            let (repository, at) = split(&uri);
            return (Some(repository), at.or_else(|| text(parameters.get("ref"))));
        }
    }
    let of_git = dependencies.iter().find(|one| one.is_git());
    match of_git.and_then(|one| one.uri.as_deref()).map(split) {
        Some((repository, at)) => (Some(repository), at),
        None => (None, None),
    }
}

/// `git+https://example.com/a@refs/heads/main` as the repository and the ref.
fn split(uri: &str) -> (String, Option<String>) {
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    match uri.split_once("@refs/") {
        Some((repository, at)) => (repository.to_owned(), Some(format!("refs/{at}"))),
        None => (uri.to_owned(), None),
    }
}

/// The commit of the source: what is pinned under its own address, and else nothing.
fn commit(
    parameters: &Map<String, Value>,
    dependencies: &[Dependency],
    source: Option<&str>,
) -> Option<String> {
    let source = source?;
    let of_source = |one: &&Dependency| one.uri.as_deref().is_some_and(|uri| split(uri).0 == source);
    let dependency = dependencies.iter().filter(of_source).find_map(Dependency::commit);
    dependency.or_else(|| {
        let digest = parameters.get("configSource")?.get("digest")?;
        digest.get("sha1").and_then(Value::as_str).map(str::to_owned)
    })
}

impl Dependency {
    fn is_git(&self) -> bool {
        let by_uri = self.uri.as_deref().is_some_and(|uri| uri.starts_with("git+"));
        by_uri || self.digest.contains_key("gitCommit")
    }

    fn commit(&self) -> Option<String> {
        ["gitCommit", "sha1", "sha256"]
            .iter()
            .find_map(|name| self.digest.get(*name).cloned())
    }
}

/// The digest over what went in: build type, parameters and the digests of the dependencies in any order. Not the builder, the
/// run or the time, so that two builds of the same share it. None where no dependency has a digest: parameters alone, as in
/// `refs/heads/main`, do not say what was built.
fn inputs(build_type: &str, parameters: &Map<String, Value>, dependencies: &[Dependency]) -> Option<Digest> {
    if dependencies.iter().all(|one| one.digest.is_empty()) {
        return None;
    }
    let name = |one: &Dependency| match one.digest.is_empty() {
        true => json!({ "uri": one.uri }).to_string(),
        false => json!(one.digest).to_string(),
    };
    let mut names: Vec<_> = dependencies.iter().map(name).collect();
    names.sort();
    names.dedup();
    let whole = json!({ "buildType": build_type, "externalParameters": parameters, "dependencies": names });
    Some(Digest::of_json(&whole))
}
