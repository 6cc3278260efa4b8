use gateline_api::{Empty, GetPipeline, ListPipelines, PipelinePath, PipelineQuery, VersionQuery};
use gateline_model::Digest;

use crate::support::{App, PIPELINE};

fn path() -> PipelinePath {
    PipelinePath {
        project: "payments".parse().unwrap(),
        pipeline: "payment-service".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_file_comes_into_force_once_and_reads_back_as_it_was_written() {
    let (_app, admin, reader, _) = App::start().await;
    let first = admin.apply(PIPELINE).await.unwrap();
    assert!(first.changed);
    assert!(!admin.apply(PIPELINE).await.unwrap().changed);

    let view = reader
        .ask::<GetPipeline>(&path(), &VersionQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!((view.version, view.in_force), (first.version, true));
    assert_eq!(view.source.as_deref(), Some(PIPELINE));
    assert_eq!(view.pipeline.stages.len(), 2);
}

#[tokio::test]
async fn an_older_version_stays_readable() {
    let (_app, admin, reader, _) = App::start().await;
    let old = admin.apply(PIPELINE).await.unwrap().version;
    let new = admin
        .apply(&PIPELINE.replace("suite: unit", "suite: all"))
        .await
        .unwrap()
        .version;
    assert_ne!(old, new);
    let query = VersionQuery { version: Some(old) };
    let view = reader
        .ask::<GetPipeline>(&path(), &query, &Empty {})
        .await
        .unwrap();
    assert!(!view.in_force);
    assert_eq!(view.source.as_deref(), Some(PIPELINE));

    let never = VersionQuery {
        version: Some(Digest::of(b"never")),
    };
    let problem = reader
        .ask::<GetPipeline>(&path(), &never, &Empty {})
        .await
        .unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (404, "pipeline.unknown"));
}

#[tokio::test]
async fn a_file_with_faults_is_refused_with_every_finding_and_its_place() {
    let (_app, admin, _, _) = App::start().await;
    let text = PIPELINE
        .replace("after: [dev]", "after: [dve]")
        .replace("because:", "becuase:");
    let problem = admin.apply(&text).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (422, "pipeline.invalid"));
    assert!(problem.findings.len() >= 2, "{:?}", problem.findings);
    assert!(
        problem
            .findings
            .iter()
            .all(|finding| finding.file == "pipeline.yaml" && finding.line > 1)
    );
    assert!(
        problem
            .findings
            .iter()
            .any(|finding| finding.help.as_deref().unwrap_or_default().contains("dev"))
    );
}

#[tokio::test]
async fn pipelines_come_page_by_page() {
    let (_app, admin, reader, _) = App::start().await;
    for name in ["b-service", "a-service", "c-service"] {
        let text = PIPELINE
            .replace("payment-service", name)
            .replace("payments", name);
        admin.apply(&text).await.unwrap();
    }
    let mut query = PipelineQuery {
        limit: Some(2),
        ..PipelineQuery::default()
    };
    let first = reader
        .ask::<ListPipelines>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    query.after = first.next.clone();
    let second = reader
        .ask::<ListPipelines>(&Empty {}, &query, &Empty {})
        .await
        .unwrap();
    let names: Vec<String> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|brief| brief.of.pipeline.to_string())
        .collect();
    assert_eq!(names, ["a-service", "b-service", "c-service"]);
    assert_eq!(second.next, None);
}
