use std::path::Path;
use std::time::Duration;

use gateline_model::{Artifact, Cohort, Digest, Target};
use test_case::test_case;

use super::*;
use crate::StepErrorKind;

/// How long a test waits for a process to begin or to be gone before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn sh(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

fn target(apply: &str) -> CommandTarget {
    CommandTarget {
        apply: sh(apply),
        observe: None,
        revert: None,
        health: None,
        timeout: Span::from_secs(60),
        at_most_once: false,
        env: BTreeMap::from([
            ("COLOUR".into(), "blue".into()),
            ("GATELINE_KEY".into(), "forged".into()),
        ]),
    }
}

fn release(version: &str) -> ReleaseBrief {
    let at = format!("file:/srv/{version}@{}", Digest::of(version.as_bytes()));
    let artifacts = vec![Artifact {
        name: "program".parse().unwrap(),
        at: at.parse().unwrap(),
    }];
    ReleaseBrief {
        id: Digest::of(version.as_bytes()),
        version: version.parse().unwrap(),
        artifacts,
    }
}

fn order(target: &CommandTarget, action: StepAction, live: Option<&str>) -> StepOrder {
    StepOrder {
        key: "promotion-1/3/1".into(),
        stage: serde_json::from_value(
            serde_json::json!({"project": "payments", "pipeline": "payment-service", "stage": "production"}),
        )
        .unwrap(),
        target_name: "payments/production".parse().unwrap(),
        target: Target::Command(target.clone()),
        release: release("1.4.0"),
        live: live.map(release),
        action,
        degrade: None,
    }
}

async fn apply_step(
    target: &CommandTarget,
    action: StepAction,
    live: Option<&str>,
) -> Result<Applied, StepError> {
    apply(target, &order(target, action, live)).await
}

const EXPOSE: StepAction = StepAction::Expose {
    weight: Weight::ALL,
    cohort: None,
};

#[tokio::test]
async fn an_executable_gets_the_operation_and_nothing_else_of_our_environment() {
    let target = target("env | sort; cat");
    let weight = Weight::percent(25);
    let order = order(&target, StepAction::expose(weight), Some("1.3.0"));
    let note = apply(&target, &order).await.unwrap().says;
    for line in [
        "COLOUR=blue",
        "GATELINE_KEY=promotion-1/3/1",
        "GATELINE_STAGE=payments/payment-service/production",
        "GATELINE_TARGET=payments/production",
        "GATELINE_VERSION=1.4.0",
        "GATELINE_ACTION=expose",
        "GATELINE_WEIGHT=25",
        "GATELINE_LIVE_VERSION=1.3.0",
    ] {
        assert!(
            note.lines().any(|seen| seen == line),
            "{line} is missing in {note}"
        );
    }
    assert!(
        note.contains(&format!("GATELINE_LIVE_RELEASE={}", Digest::of(b"1.3.0"))),
        "{note}"
    );
    assert!(
        std::env::var_os("CARGO_PKG_NAME").is_some() && !note.contains("CARGO_"),
        "{note}"
    );
    let json = note.lines().last().unwrap();
    assert_eq!(serde_json::from_str::<StepOrder>(json).unwrap(), order);
}

const SAY: &str = "echo $GATELINE_ACTION $GATELINE_VERSION $GATELINE_WEIGHT {version} {artifact.program}";
const SAY_REVERT: &str = "echo revert $GATELINE_ACTION $GATELINE_VERSION $GATELINE_WEIGHT";

#[test_case(StepAction::Start, None, "start 1.4.0 0 1.4.0 /srv/1.4.0"; "a start names the new release")]
#[test_case(StepAction::Finish, None, "finish 1.4.0 100 1.4.0 /srv/1.4.0"; "a finish leaves all traffic at the new release")]
#[test_case(StepAction::Withdraw, None, "withdraw 1.3.0 100 1.3.0 /srv/1.3.0"; "without a revert the previous release is applied")]
#[test_case(StepAction::Discard, None, "discard 1.3.0 100 1.3.0 /srv/1.3.0"; "discarding leaves the previous release")]
#[test_case(StepAction::Withdraw, Some(SAY_REVERT), "revert withdraw 1.4.0 0"; "a revert names the release that is taken back")]
#[tokio::test]
async fn each_action_names_its_release(action: StepAction, revert: Option<&str>, says: &str) {
    let target = CommandTarget {
        revert: revert.map(sh),
        ..target(SAY)
    };
    assert_eq!(
        apply_step(&target, action, Some("1.3.0"))
            .await
            .unwrap()
            .says
            .trim(),
        says
    );
}

#[test_case(StepAction::Stop, "stop w=0 c= s= n= o="; "the old release is stopped")]
#[test_case(StepAction::Mirror { share: Weight::percent(10) }, "mirror w=0 c= s=10 n= o="; "a mirror has its share, and no weight")]
#[test_case(StepAction::Replace { new: 1, old: 2 }, "replace w=33 c= s= n=1 o=2"; "instances are counted")]
#[test_case(StepAction::Expose { weight: Weight::percent(5), cohort: Some(Cohort::Trusted) }, "expose w=5 c=trusted s= n= o="; "a cohort is named")]
#[test_case(StepAction::Degrade, "degrade w= c= s= n= o="; "degrading moves no traffic")]
#[tokio::test]
async fn each_action_says_what_it_asks_for(action: StepAction, says: &str) {
    let say = "echo $GATELINE_ACTION w=$GATELINE_WEIGHT c=$GATELINE_COHORT s=$GATELINE_SHARE n=$GATELINE_NEW o=$GATELINE_OLD";
    let told = apply_step(&target(say), action, Some("1.3.0")).await.unwrap();
    assert_eq!(told.says.trim(), says);
}

#[tokio::test]
async fn what_was_live_before_its_own_rollout_is_brought_back_and_not_taken_back() {
    let target = CommandTarget {
        revert: Some(sh("exit 1")),
        ..target("echo $GATELINE_VERSION $GATELINE_WEIGHT")
    };
    for action in [StepAction::Start, StepAction::Withdraw, StepAction::Discard] {
        let says = apply_step(&target, action, Some("1.4.0")).await.unwrap().says;
        assert_eq!(says, "1.4.0 100\n");
    }
}

#[tokio::test]
async fn a_first_release_cannot_be_taken_back_without_a_revert() {
    let err = apply_step(&target("true"), StepAction::Withdraw, None)
        .await
        .unwrap_err();
    assert_eq!(err.kind, StepErrorKind::Failed);
    assert!(
        err.why.contains("the target has no `revert`; give it one"),
        "{err}"
    );
    let with = CommandTarget {
        revert: Some(sh("true")),
        ..target("false")
    };
    assert!(apply_step(&with, StepAction::Withdraw, None).await.is_ok());
}

#[test_case("echo out; echo bad >&2; exit 3", StepErrorKind::Failed, "step `100%` of `payments/payment-service/production`: `/bin/sh` ended with exit code 3; its last output: out\nbad"; "an exit code is a no, told with the last output")]
#[test_case("exit 1", StepErrorKind::Failed, "exit code 1 and printed nothing"; "silence is told")]
#[test_case("echo half; kill -9 $$", StepErrorKind::Unknown, "was ended by signal 9; its last output: half" ; "a signal leaves it unknown")]
#[test_case("echo {artifact.other}", StepErrorKind::Failed, "`{artifact.other}`"; "an unknown placeholder runs nothing")]
#[tokio::test]
async fn what_went_wrong_is_told(script: &str, kind: StepErrorKind, why: &str) {
    let err = apply_step(&target(script), EXPOSE, None).await.unwrap_err();
    assert_eq!(err.kind, kind, "{err}");
    assert!(err.why.contains(why), "{err}");
}

#[tokio::test]
async fn a_program_that_cannot_start_failed_before_it_did_anything() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    for (program, why) in [
        (
            dir.path().join("missing").display().to_string(),
            "no such program",
        ),
        (plain.display().to_string(), "may not be executed; `chmod +x` it"),
        ("nul\0".to_owned(), "could not start"),
    ] {
        let target = CommandTarget {
            apply: vec![program],
            ..target("")
        };
        let err = apply_step(&target, EXPOSE, None).await.unwrap_err();
        assert_eq!(err.kind, StepErrorKind::Failed, "{err}");
        assert!(err.why.contains(why), "{err}");
    }
    let empty = CommandTarget {
        apply: vec![],
        ..target("")
    };
    assert!(
        apply_step(&empty, EXPOSE, None)
            .await
            .unwrap_err()
            .why
            .contains("the command is empty")
    );
}

#[tokio::test]
async fn huge_output_is_kept_at_both_ends() {
    let note = apply_step(
        &target("echo first; head -c 5000000 /dev/zero; echo last"),
        EXPOSE,
        None,
    )
    .await
    .unwrap()
    .says;
    assert!(note.starts_with("first\n") && note.ends_with("last\n") && note.contains("bytes left out"));
    assert!(note.len() < OUTPUT_BYTES_MAX + 100, "{}", note.len());
}

#[tokio::test]
async fn an_executable_that_ignores_its_input_still_succeeds() {
    // More than a pipe holds.
    let input = vec![b'x'; 1_000_000];
    let call = Call {
        command: sh("exec <&-; exit 0"),
        env: BTreeMap::new(),
        input,
        timeout: Span::from_secs(60),
    };
    assert_eq!(run(call).await.unwrap().ended, Ended::Exit(0));
}

/// A script that ignores SIGTERM, as does its child; both write their process ids.
fn stubborn(dir: &Path) -> String {
    format!(
        "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo $! > {0}/child.new; mv {0}/child.new {0}/child; echo $$ > {0}/self; echo begun; while :; do sleep 0.1; done",
        dir.display()
    )
}

async fn gone(pid_file: &Path) {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    // A zombie is gone too: it waits for the container's init only.
    let gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    tokio::time::timeout(PATIENCE, async {
        while !gone() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{} still runs", pid.trim()));
}

#[tokio::test]
async fn a_hanging_executable_is_killed_with_all_that_it_started_and_leaves_it_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let target = CommandTarget {
        timeout: Span::from_secs(3),
        ..target(&stubborn(dir.path()))
    };
    let err = apply_step(&target, EXPOSE, None).await.unwrap_err();
    assert_eq!(err.kind, StepErrorKind::Unknown);
    assert!(
        err.why
            .contains("did not end within 3s and was killed; its last output: begun"),
        "{err}"
    );
    gone(&dir.path().join("self")).await;
    gone(&dir.path().join("child")).await;
}

#[tokio::test]
async fn an_executable_that_ends_when_asked_may_clean_up() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "trap 'echo cleaned; exit 0' TERM; echo $$ > {}/self; while :; do sleep 0.1; done",
        dir.path().display()
    );
    let target = CommandTarget {
        timeout: Span::from_secs(3),
        ..target(&script)
    };
    let err = apply_step(&target, EXPOSE, None).await.unwrap_err();
    // It may have done its work before: exit code 0 after our SIGTERM proves nothing.
    assert_eq!(err.kind, StepErrorKind::Unknown);
    assert!(
        err.why.contains("its last output: ") && err.why.contains("cleaned"),
        "{err}"
    );
}

#[tokio::test]
async fn nothing_goes_on_when_nobody_waits_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(&stubborn(dir.path()));
    let order = order(&target, EXPOSE, None);
    let begun = async {
        while !dir.path().join("self").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = apply(&target, &order) => panic!("{ended:?}"),
        () = begun => {}
        () = tokio::time::sleep(PATIENCE) => panic!("it never began"),
    }
    // It may have been dropped between the two lines of the script that write the file.
    gone(&dir.path().join("child")).await;
}

#[tokio::test]
async fn a_service_that_an_executable_starts_is_left_alone_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let script = format!("sleep 600 & echo $! > {}; echo started", child.display());
    let applied = tokio::time::timeout(PATIENCE, apply_step(&target(&script), EXPOSE, None)).await;
    assert_eq!(
        applied.expect("it waits for the service").unwrap().says,
        "started\n"
    );
    let pid: i32 = std::fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("the service runs");
}

#[test_case("exit 0", "applied"; "exit code 0 is applied")]
#[test_case("exit 1", "not applied"; "exit code 1 is not applied")]
#[test_case("echo no login; exit 2", "unknown: `/bin/sh` ended with exit code 2; its last output: no login"; "another exit code is unknown")]
#[test_case("kill -15 $$", "unknown: `/bin/sh` was ended by signal 15 and printed nothing"; "a signal is unknown")]
#[test_case("sleep 600", "unknown: `/bin/sh` did not end within 300ms and was killed and printed nothing"; "a timeout is unknown")]
#[test_case("{oops}", "unknown: `{oops}`"; "an unknown placeholder is unknown")]
#[tokio::test]
async fn observing_never_guesses(script: &str, seen: &str) {
    let mut target = CommandTarget {
        observe: Some(sh(script)),
        ..target("false")
    };
    if script.starts_with("sleep") {
        target.timeout = Span::from_millis(300);
    }
    let said = match observe(&target, &order(&target, EXPOSE, None)).await {
        Observed::Applied => "applied".to_owned(),
        Observed::NotApplied(why) => format!("not applied: {why}"),
        Observed::Unknown(why) => format!("unknown: {why}"),
    };
    assert!(said.starts_with(seen), "{said}");
}

#[tokio::test]
async fn without_observe_it_is_unknown() {
    let target = CommandTarget {
        at_most_once: true,
        ..target("true")
    };
    let Observed::Unknown(why) = observe(&target, &order(&target, EXPOSE, None)).await else {
        panic!()
    };
    assert!(
        why.contains("no `observe` command") && why.contains("promotion-1/3/1"),
        "{why}"
    );
}

#[test_case(Some("test $GATELINE_VERSION = 1.4.0"), Health::Healthy, None; "exit code 0 is healthy")]
#[test_case(Some("exit 1"), Health::Unhealthy, Some("exit code 1"); "exit code 1 is unhealthy")]
#[test_case(Some("exit 7"), Health::Unknown, Some("7"); "another exit code is unknown")]
#[test_case(Some("kill -9 $$"), Health::Unknown, Some("signal"); "a signal is unknown")]
#[test_case(None, Health::Unknown, Some("no `health` command"); "without a health command it is unknown")]
#[tokio::test]
async fn health_never_guesses_and_says_why(script: Option<&str>, wanted: Health, says: Option<&str>) {
    let target = CommandTarget {
        health: script.map(sh),
        ..target("false")
    };
    let StepOrder {
        target_name, release, ..
    } = order(&target, EXPOSE, None);
    let view = TargetView {
        target_name,
        target: Target::Command(target.clone()),
        release,
    };
    let HealthSeen { health, why } = health(&target, &view).await;
    assert_eq!((health, why.is_some()), (wanted, says.is_some()));
    assert!(
        why.as_deref()
            .unwrap_or_default()
            .contains(says.unwrap_or_default()),
        "{why:?}"
    );
}

fn check_order(run: Vec<String>, timeout: Span) -> (CommandCheck, CheckOrder) {
    let check = CommandCheck {
        run,
        timeout,
        env: BTreeMap::from([("COLOUR".into(), "red".into())]),
    };
    let StepOrder { stage, release, .. } = order(&target(""), EXPOSE, None);
    let ReleaseBrief {
        id,
        version,
        artifacts,
    } = release;
    let order = CheckOrder {
        check: gateline_model::Check::Command(check.clone()),
        release: id,
        stage,
        version: version.to_string(),
        artifacts,
        reports: Vec::new(),
        registries: BTreeMap::new(),
        policy: None,
    };
    (check, order)
}

#[tokio::test]
async fn a_check_is_a_reading_whatever_its_exit_code() {
    let script = "echo $COLOUR $GATELINE_STAGE $GATELINE_VERSION {artifact.program}; exit 4";
    let (run, order) = check_order(sh(script), Span::from_secs(60));
    let (reading, output) = check(&run, &order).await.unwrap();
    let Reading::Command {
        exit_code,
        seconds,
        output_tail,
        output_digest,
    } = reading
    else {
        panic!("{reading:?}")
    };
    assert_eq!(exit_code, 4);
    assert!(seconds.is_finite());
    assert_eq!(
        output_tail,
        "red payments/payment-service/production 1.4.0 /srv/1.4.0"
    );
    assert_eq!(output.text(), format!("{output_tail}\n"));
    assert_eq!(output_digest, None);
}

#[test_case(sh("kill -9 $$"), "was ended by signal 9"; "a check that was killed found nothing out")]
#[test_case(sh("sleep 600"), "did not end within 300ms"; "a check that hangs found nothing out")]
#[test_case(vec!["/no/such".into()], "no such program"; "a check that cannot start found nothing out")]
#[test_case(sh("{oops}"), "`{oops}`"; "a check with an unknown placeholder is not run")]
#[tokio::test]
async fn a_check_that_did_not_end_by_itself_is_an_error(run: Vec<String>, why: &str) {
    let timeout = if run.last().is_some_and(|last| last == "sleep 600") {
        Span::from_millis(300)
    } else {
        Span::from_secs(60)
    };
    let (run, order) = check_order(run, timeout);
    let err = check(&run, &order).await.unwrap_err();
    assert!(err.why.contains(why), "{err}");
}
