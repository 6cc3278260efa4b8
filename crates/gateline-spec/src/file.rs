//! The file as a whole: its header, and everything that its parts say of each other.

mod source;

use gateline_model::limits::STAGES_MAX;
use gateline_model::{Pipeline, PipelineName, ProjectName, Stage};

use crate::diagnostic::{Diagnostic, Diagnostics, Sink};
use crate::fields::Fields;
use crate::node::{Kind, Node};
use crate::notifications::{NOTIFICATIONS_KIND, ReadNotifications, read_notifications};
use crate::roles::{ROLES_KIND, ReadRoles, read_roles};
use crate::server_file::{SERVER_KIND, ServerFile, read_server};
use crate::{artifact, graph, placeholder, protection, secret, stage, target, window, yaml};

/// The only `apiVersion` of pipeline files.
pub const API_VERSION: &str = "gateline.dev/v1";
/// The `kind` of a pipeline file.
pub const KIND: &str = "Pipeline";

/// Every `kind` of file.
const KINDS: [&str; 4] = [KIND, ROLES_KIND, NOTIFICATIONS_KIND, SERVER_KIND];

/// A pipeline file that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What it says, with every default filled in.
    pub pipeline: Pipeline,
    /// What hardly anybody means.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a pipeline file. `source_name` is how diagnostics call it.
///
/// # Errors
/// [`Diagnostics`] with everything that is wrong with it, warnings included.
pub fn read(source_name: &str, text: &str) -> Result<Read, Diagnostics> {
    let sink = Sink::new(source_name, text);
    let pipeline = root(&sink, KIND).and_then(|root| pipeline(&root, &sink));
    match (pipeline, sink.finish()) {
        (Some(pipeline), (warnings, false)) => Ok(Read { pipeline, warnings }),
        (_, (found, _)) => Err(Diagnostics(found)),
    }
}

/// A file that can be used, whatever it describes.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// A pipeline.
    Pipeline(Box<Read>),
    /// Roles.
    Roles(Box<ReadRoles>),
    /// Rules of notifications.
    Notifications(ReadNotifications),
    /// A server's settings.
    Server(Box<ServerFile>),
}

impl Document {
    /// What hardly anybody means.
    pub fn warnings(&self) -> &[Diagnostic] {
        match self {
            Document::Pipeline(read) => &read.warnings,
            Document::Roles(read) => &read.warnings,
            Document::Notifications(read) => &read.warnings,
            Document::Server(_) => &[],
        }
    }
}

/// Reads a file of any `kind`: a pipeline where it does not say.
///
/// # Errors
/// [`Diagnostics`] with everything that is wrong with it, warnings included.
pub fn read_document(source_name: &str, text: &str) -> Result<Document, Diagnostics> {
    match kind_of(text).as_deref() {
        Some(ROLES_KIND) => read_roles(source_name, text).map(|read| Document::Roles(Box::new(read))),
        Some(NOTIFICATIONS_KIND) => read_notifications(source_name, text).map(Document::Notifications),
        Some(SERVER_KIND) => read_server(source_name, text).map(|server| Document::Server(Box::new(server))),
        Some(_) | None => read(source_name, text).map(|read| Document::Pipeline(Box::new(read))),
    }
}

fn kind_of(text: &str) -> Option<String> {
    let sink = Sink::new("", text);
    let root = yaml::read(&sink).ok()??;
    root.get("kind")?.value.text().map(str::to_owned)
}

/// The whole of a file that describes a `kind`.
pub(crate) fn root(sink: &Sink<'_>, kind: &str) -> Option<Node> {
    match yaml::read(sink) {
        Ok(Some(root)) => Some(root),
        Ok(None) => {
            let help = format!("begin with `apiVersion: {API_VERSION}` and `kind: {kind}`");
            sink.error_with("file.empty", &(0..0), "file is empty", Some(help));
            None
        }
        Err(yaml::Unreadable) => None,
    }
}

fn pipeline(root: &Node, sink: &Sink<'_>) -> Option<Pipeline> {
    // First, so that no other finding can repeat a secret.
    secret::refuse(root, sink);
    let file = Fields::of(
        "a pipeline file",
        root,
        &root.span,
        &["apiVersion", "kind", "metadata", "spec"],
        sink,
    )?;
    header(&file, "apiVersion", API_VERSION);
    header(&file, "kind", KIND);

    let metadata = file.required("metadata");
    let metadata = metadata
        .and_then(|entry| Fields::of("`metadata`", &entry.value, entry.at(), &["name", "project"], sink));
    let name = metadata
        .as_ref()
        .and_then(|metadata| metadata.value::<PipelineName>("name"));
    let project = metadata
        .as_ref()
        .and_then(|metadata| metadata.value::<ProjectName>("project"));

    let entry = file.required("spec")?;
    let spec = Fields::of(
        "`spec`",
        &entry.value,
        entry.at(),
        &["tier", "protected", "artifacts", "windows", "stages"],
        sink,
    )?;
    let tier = spec.value_or("tier", || None::<String>);
    let protected = protection::of_pipeline(&spec);
    let artifacts = artifact::read(&spec);
    let windows = window::read(&spec);
    let stages = stages(&spec, name.as_ref(), project.as_ref());
    Some(Pipeline {
        project: project?,
        name: name?,
        tier: tier?,
        protected: protected?,
        artifacts: artifacts?,
        windows: windows?,
        stages: stages?,
    })
}

pub(crate) fn header(file: &Fields<'_, '_, '_>, name: &str, expected: &str) {
    if let Some(entry) = file.required(name)
        && entry.value.text() != Some(expected)
    {
        let others = match name {
            "kind" => format!("; the kinds are {}", KINDS.join(", ")),
            _ => String::new(),
        };
        file.sink.error_with(
            "file.header",
            entry.at(),
            format!("`{name}` is not known"),
            Some(format!("write `{name}: {expected}`{others}")),
        );
    }
}

fn stages(
    spec: &Fields<'_, '_, '_>,
    pipeline: Option<&PipelineName>,
    project: Option<&ProjectName>,
) -> Option<Vec<Stage>> {
    let entry = spec.required("stages")?;
    let nodes = spec.items("stages");
    if nodes.is_empty() && matches!(entry.value.kind, Kind::List(_)) {
        spec.sink
            .error("stages.entry", entry.at(), "a pipeline needs at least one stage");
    }
    if nodes.len() > STAGES_MAX {
        let message = format!("pipeline has {} stages; it may have {STAGES_MAX}", nodes.len());
        spec.sink.error("stages.limit", &entry.key_span, message);
        return None;
    }
    graph::check(nodes, &entry.key_span, spec.sink);
    target::refuse_shared(nodes, spec.sink);
    placeholder::check(nodes, spec);
    source::check(nodes, spec.sink);
    let context = stage::Context {
        pipeline,
        project,
        windows: window::names(spec),
        tier: spec.get("tier").is_some(),
    };
    let stages: Vec<Option<Stage>> = nodes
        .iter()
        .map(|node| stage::read(node, &context, spec.sink))
        .collect();
    stages.into_iter().collect()
}
