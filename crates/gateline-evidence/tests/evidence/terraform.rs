//! Plans of Terraform and OpenTofu.

use gateline_evidence::{Format, Read};
use gateline_model::{Facts, PLAN_CHANGES_MAX, PlanAction, PlanFacts};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn plan_in(text: &str) -> PlanFacts {
    match read_as(Format::TerraformPlan, text) {
        Ok(Read {
            facts: Facts::Plan(facts),
            ..
        }) => facts,
        other => panic!("no plan: {other:?}"),
    }
}

fn plan(more: &str) -> String {
    format!(r#"{{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{{}}{more}}}"#)
}

fn changes(actions: &str) -> String {
    plan(&format!(
        r#","resource_changes":[{{"address":"a.b","type":"a","change":{{"actions":{actions}}}}}]"#
    ))
}

#[test_case(r#"["create"]"#, Some(PlanAction::Create); "create")]
#[test_case(r#"["update"]"#, Some(PlanAction::Update); "update")]
#[test_case(r#"["delete"]"#, Some(PlanAction::Delete); "delete")]
#[test_case(r#"["delete","create"]"#, Some(PlanAction::Replace); "replace")]
#[test_case(r#"["create","delete"]"#, Some(PlanAction::Replace); "replace, the new one first")]
#[test_case(r#"["no-op"]"#, None; "nothing")]
#[test_case(r#"["read"]"#, None; "a data source")]
#[test_case(r#"["forget"]"#, None; "leave the state")]
fn the_actions_are_read(actions: &str, action: Option<PlanAction>) {
    let facts = plan_in(&changes(actions));
    let kept = facts.changes.first().map(|change| change.action);
    assert_eq!((kept, facts.all_kept()), (action, true));
}

#[test]
fn what_forces_a_replacement_is_told_as_paths() {
    let change = r#"{"actions":["delete","create"],"replace_paths":[["disk",0,"size"],["name"]]}"#;
    let text = plan(&format!(
        r#","resource_changes":[{{"address":"a.b","type":"a","change":{change}}}]"#
    ));
    assert_eq!(plan_in(&text).changes[0].because, ["disk[0].size", "name"]);
}

#[test]
fn drift_is_counted_where_something_drifted() {
    let drift =
        |actions: &str| format!(r#"{{"address":"a.b","type":"a","change":{{"actions":[{actions}]}}}}"#);
    let text = plan(&format!(
        r#","resource_drift":[{},{}]"#,
        drift("\"update\""),
        drift("\"no-op\"")
    ));
    assert_eq!(plan_in(&text).drifted, 1);
}

#[test]
fn values_are_never_kept() {
    let change = r#"{"actions":["update"],"before":{"password":"hunter2"},"after":{"password":"hunter3"}}"#;
    let text = plan(&format!(
        r#","resource_changes":[{{"address":"a.b","type":"a","change":{change}}}]"#
    ));
    assert!(!format!("{:?}", read_as(Format::TerraformPlan, &text)).contains("hunter"));
}

#[test_case(r#","errored":true"#, "the plan ended with an error, and holds only what came before it"; "an error")]
#[test_case(r#","errored":false,"complete":false"#, "the plan is not complete: applying it leaves more to be planned"; "not complete")]
#[test_case(r#","deferred_changes":[{"reason":"instance_count_unknown"}]"#, "1 changes are deferred: nobody knows yet what they do"; "deferred changes")]
fn it_is_incomplete_with(more: &str, why: &str) {
    assert_eq!(reason(read_as(Format::TerraformPlan, &plan(more))), why);
}

#[test]
fn a_state_is_no_plan() {
    let state = r#"{"format_version":"1.0","terraform_version":"1.11.4","values":{}}"#;
    let why = reason(read_as(Format::TerraformPlan, state));
    assert!(why.starts_with("it is no plan but a state"), "{why}");
}

#[test]
fn what_is_not_known_is_not_passed_over() {
    let says = complaint(read_as(Format::TerraformPlan, &changes(r#"["explode"]"#)));
    assert!(
        says.ends_with("`a.b` has the actions `explode`, which are not known"),
        "{says}"
    );
    let says = complaint(read_as(
        Format::TerraformPlan,
        r#"{"format_version":"2.0","planned_values":{}}"#,
    ));
    assert!(
        says.ends_with("its `format_version` is 2.0; 0 and 1 are read"),
        "{says}"
    );
}

#[test]
fn changes_keep_to_their_limit_and_counts_do_not() {
    let one = r#"{"address":"a.b","type":"a","change":{"actions":["delete"]}}"#;
    let all = vec![one; PLAN_CHANGES_MAX + 1].join(",");
    let facts = plan_in(&plan(&format!(r#","resource_changes":[{all}]"#)));
    assert_eq!(
        (facts.delete, facts.changes.len()),
        (PLAN_CHANGES_MAX as u64 + 1, PLAN_CHANGES_MAX)
    );
}

const LISTED: &str = r#"{"root_module":{"resources":[{"address":"a.b","mode":"managed"}],"child_modules":[{"resources":[{"address":"m.c"}]}]}}"#;

#[test_case("", ""; "no list of changes")]
#[test_case("", r#","resource_changes":null"#; "null for a list")]
#[test_case("", r#","resource_changes":[]"#; "an empty list")]
#[test_case("{}", r#","resource_changes":[]"#; "an empty list of a plan that leaves nothing")]
fn resources_of_which_the_plan_says_nothing_are_not_unchanged(planned: &str, changes: &str) {
    let planned = if planned.is_empty() { LISTED } else { planned };
    let text = format!(
        r#"{{"format_version":"1.2","planned_values":{planned},"prior_state":{{"values":{LISTED}}}{changes}}}"#
    );
    assert_eq!(
        reason(read_as(Format::TerraformPlan, &text)),
        "the plan knows 2 resources and says of none what becomes of it (`resource_changes`)"
    );
}

#[test]
fn a_plan_that_only_reads_has_no_changes() {
    let text = r#"{"format_version":"1.2","planned_values":{"root_module":{}},"prior_state":{"values":{"root_module":{"resources":[{"mode":"data"}]}}}}"#;
    let why = reason(read_as(Format::TerraformPlan, text));
    assert!(why.starts_with("complete: "), "{why}");
}

#[test]
fn a_change_without_its_resource_is_no_change_of_nothing() {
    let text = plan(r#","resource_changes":[{"type":"a","change":{"actions":["no-op"]}}]"#);
    assert_eq!(
        reason(read_as(Format::TerraformPlan, &text)),
        "1 changes name no resource (`address`)"
    );
}
