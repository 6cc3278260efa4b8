//! Differences between pipelines, as a person reads them.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its file has failed")]

use std::path::Path;

use gateline_model::Pipeline;
use gateline_spec::{diff, read};

fn payment_service() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/payment-service/pipeline.yaml");
    std::fs::read_to_string(path).unwrap()
}

fn pipeline(text: &str) -> Pipeline {
    read("p.yaml", text)
        .unwrap_or_else(|found| panic!("{}", found.render(text, false)))
        .pipeline
}

/// What replacing `old` by `new` in the example's file changes.
fn change(old: &str, new: &str) -> String {
    let text = payment_service();
    assert!(text.contains(old), "{old}");
    let found = diff(&pipeline(&text), &pipeline(&text.replacen(old, new, 1)));
    found.iter().map(|difference| format!("{difference}\n")).collect()
}

#[test]
fn spelling_and_comments_are_no_difference() {
    assert_eq!(change("lane: supersede", "lane: \"supersede\" # newest wins"), "");
    assert_eq!(
        change("at_least: 10m", "at_least: 600s").lines().count(),
        1,
        "parameters of gates are kept as written"
    );
    assert_eq!(change("verify_within: 2m", "verify_within: 120s"), "");
}

#[test]
fn a_setting_of_a_gate_differs_by_its_path() {
    assert_eq!(
        change("at_least: 10m", "at_least: 2h"),
        "~ stages.production.gates.soak.at_least: 10m -> 2h\n"
    );
    assert_eq!(
        change("instances: 4", "instances: 6"),
        "~ stages.production.target.process.instances: 4 -> 6\n"
    );
}

#[test]
fn an_added_gate_is_shown_whole() {
    let old = "      risk:\n";
    let new = "        - http: {url: \"http://localhost/ready\"}\n          because: It must be ready.\n      risk:\n";
    assert_eq!(
        change(old, new),
        "+ stages.production.gates.http: {because: It must be ready., kind: http, url: http://localhost/ready}\n"
    );
}

#[test]
fn a_removed_field_goes_back_to_its_default() {
    assert_eq!(
        change("      lane: supersede\n", ""),
        "~ stages.dev.lane: supersede -> queue\n"
    );
}

#[test]
fn the_order_of_named_things_is_a_difference() {
    let text = payment_service();
    let old = pipeline(&text);
    let mut new = old.clone();
    new.stages[0].gates.swap(0, 1);
    let found = diff(&old, &new);
    assert_ne!(old.version(), new.version());
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "~ stages.dev.gates in order: [tests, coverage, sarif] -> [coverage, tests, sarif]"
    );
}

#[test]
fn the_json_form_says_how_it_differs() {
    let text = payment_service();
    let found = diff(
        &pipeline(&text),
        &pipeline(&text.replacen("at_least: 10m", "at_least: 2h", 1)),
    );
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        serde_json::json!([{
            "path": "stages.production.gates.soak.at_least",
            "changed": {"old": "10m", "new": "2h"},
        }])
    );
}

#[test]
fn a_changed_layer_differs_by_its_place_and_word() {
    let found = change("{from: tech-lead, sla: 2h}", "{from: tech-lead, sla: 3h}");
    assert!(found.ends_with(".layers.1.sla: 2h -> 3h\n"), "{found}");
}

#[test]
fn roles_differ_by_the_names_of_teams_and_roles() {
    let roles = |members: &str| {
        let text = format!(
            "apiVersion: gateline.dev/v1\nkind: Roles\nmetadata: {{project: shop}}\nspec:\n  teams:\n    - {{name: tech-lead, members: [{members}]}}\n"
        );
        gateline_spec::read_roles("r.yaml", &text).unwrap().roles
    };
    let found = gateline_spec::diff_roles(&roles("ana"), &roles("ana, bo"));
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["~ teams.tech-lead.members: [ana] -> [ana, bo]"]);
}
