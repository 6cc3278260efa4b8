//! A server that is told to stop, from within: what is given back when its time is over.

use std::path::Path;
use std::time::Duration;

use gateline_model::Scope;

use crate::support::App;

/// The process that a script wrote down, when it has.
async fn process(file: &Path) -> String {
    loop {
        match std::fs::read_to_string(file) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn runs(process: &str) -> bool {
    // One that nobody has waited for yet runs no more.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_over_in_time_is_ended_and_given_back_and_requests_are_still_answered() {
    let (app, admin, _, _) = App::start().await;
    let file = app.dir().join("process");
    let script = format!("echo $$ > {}; exec sleep 600", file.display());
    let pipeline = format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: payment-service, project: payments}}\n\
         spec:\n  artifacts: [{{name: service, kind: file}}]\n  stages:\n    - name: live\n      \
         target: {{command: {{apply: [/bin/sh, -c, {script:?}], observe: [/bin/false], timeout: 15m}}}}\n"
    );
    admin.apply(&pipeline).await.unwrap();
    admin.register("1.0.0").await.unwrap();
    let process = process(&file).await;
    assert!(runs(&process));

    app.hub.leave(Duration::ZERO).await;
    // The signal is sent by now; the kernel takes its moment.
    let ended = async {
        while runs(&process) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), ended).await;
    assert!(in_time.is_ok(), "what it ran is ended");
    let work = app.hub.read(|store| store.work()).await.unwrap();
    assert!(!work.is_empty(), "the step is still to be made true");
    let leased: Vec<_> = work.iter().filter(|row| row.leased_until.is_some()).collect();
    assert!(leased.is_empty(), "{leased:?}");
    assert!(app.hub.ready().unwrap_err().contains("is stopping"));
    app.actor("late", &[Scope::Read], &[], None).await;
}
