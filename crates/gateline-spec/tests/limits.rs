//! Files that are meant to hurt: every limit holds at its number, and nothing makes the reader panic.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its file has failed")]

use gateline_model::limits::{ARTIFACTS_MAX, GATES_MAX, INSTANCES_MAX, STAGES_MAX, STEPS_MAX};
use gateline_spec::{DIAGNOSTICS_MAX, PIPELINE_BYTES_MAX, YAML_DEPTH_MAX, YAML_VALUES_MAX, read};
use proptest::prelude::*;

const HEAD: &str =
    "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {name: shop, project: store}\nspec:\n";
const DEV: &str = "  stages:\n  - name: dev\n    target: {command: {apply: [./apply]}}\n";

/// A file with so many of something.
type FileOf = fn(usize) -> String;

/// The codes of what is found; none for a file that can be used.
fn codes(text: &str) -> Vec<&'static str> {
    match read("f.yaml", text) {
        Ok(_) => Vec::new(),
        Err(found) => found.0.into_iter().map(|diagnostic| diagnostic.code).collect(),
    }
}

fn stages(count: usize) -> String {
    let stages =
        (0..count).map(|n| format!("  - {{name: s{n}, target: {{command: {{apply: [./apply]}}}}}}\n"));
    format!("{HEAD}  stages:\n{}", stages.collect::<String>())
}

fn gates(count: usize) -> String {
    let gates = (0..count).map(|n| format!("    - {{tests: {{}}, name: g{n}, because: Tests.}}\n"));
    format!("{HEAD}{DEV}    gates:\n{}", gates.collect::<String>())
}

fn canary(count: usize) -> String {
    let mut steps: Vec<String> = (1..count).map(|n| format!("{n}%")).collect();
    steps.push("100%".to_owned());
    format!(
        "{HEAD}{DEV}    rollout: {{canary: {{steps: [{}], pause: 1m}}}}\n",
        steps.join(", ")
    )
}

fn artifacts(count: usize) -> String {
    let artifacts = (0..count).map(|n| format!("  - {{name: a{n}, kind: file}}\n"));
    format!("{HEAD}  artifacts:\n{}{DEV}", artifacts.collect::<String>())
}

#[test]
fn counts_are_limited_at_their_number() {
    let limits: [(&str, FileOf, usize); 4] = [
        ("stages.limit", stages, STAGES_MAX),
        ("gates.limit", gates, GATES_MAX),
        ("rollout.limit", canary, STEPS_MAX - 2),
        ("artifacts.limit", artifacts, ARTIFACTS_MAX),
    ];
    for (code, file, most) in limits {
        assert_eq!(codes(&file(most)), [""; 0], "{code} at its number");
        assert_eq!(codes(&file(most + 1)), [code]);
    }
}

#[test]
fn instances_are_counted_before_their_batches_are() {
    let rolling = |instances: u32, surge: u32| {
        let rolling = format!("{{instances: {instances}, max_surge: {surge}, max_unavailable: 0}}");
        codes(&format!("{HEAD}{DEV}    rollout: {{rolling: {rolling}}}\n"))
    };
    assert_eq!(rolling(INSTANCES_MAX, INSTANCES_MAX), [""; 0]);
    assert_eq!(rolling(INSTANCES_MAX, 1), ["rollout.limit"]);
    assert_eq!(rolling(INSTANCES_MAX + 1, INSTANCES_MAX), ["rollout.instances"]);
    // It once took all memory of the server that was asked to keep it.
    assert_eq!(rolling(1_000_000_000, 1), ["rollout.limit", "rollout.instances"]);
    let process = |instances: u32| {
        let settings =
            format!("command: [./shop], listen: \"127.0.0.1:8080\", proxy: /run/p, instances: {instances}");
        codes(&format!(
            "{HEAD}  stages:\n  - name: dev\n    target: {{process: {{{settings}}}}}\n"
        ))
    };
    assert_eq!(process(INSTANCES_MAX), [""; 0]);
    assert_eq!(process(INSTANCES_MAX + 1), ["target.instances"]);
}

#[test]
fn a_file_over_the_size_is_not_parsed() {
    let comment = |bytes: usize| format!("{HEAD}{DEV}# {}", "x".repeat(bytes - HEAD.len() - DEV.len() - 2));
    assert_eq!(codes(&comment(PIPELINE_BYTES_MAX)), [""; 0]);
    assert_eq!(codes(&comment(PIPELINE_BYTES_MAX + 1)), ["yaml.size"]);
    assert_eq!(codes(&"[".repeat(10 * 1024 * 1024)), ["yaml.size"]);
}

#[test]
fn a_few_lines_do_not_become_a_billion_values() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, earlier) in ('b'..='i').zip('a'..) {
        let many = vec![format!("*{earlier}"); 9].join(", ");
        text.push_str(&format!("{name}: &{name} [{many}]\n"));
    }
    assert_eq!(codes(&text), ["yaml.values"]);
}

#[test]
fn values_are_counted() {
    let list = |values: usize| format!("[{}]", vec!["1"; values].join(","));
    assert_eq!(codes(&list(YAML_VALUES_MAX - 1)), ["value.type"]);
    assert_eq!(codes(&list(YAML_VALUES_MAX)), ["yaml.values"]);
}

#[test]
fn nesting_is_limited_however_it_is_written() {
    let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(codes(&lists(YAML_DEPTH_MAX)), ["value.type"]);
    let blocks = |depth: usize| {
        (0..depth)
            .map(|n| format!("{}a:\n", " ".repeat(n)))
            .collect::<String>()
    };
    let aliases = "a: &a0 x\n".to_owned()
        + &(1..YAML_DEPTH_MAX + 2)
            .map(|n| format!("b{n}: &a{n} [*a{}]\n", n - 1))
            .collect::<String>();
    for text in [
        lists(YAML_DEPTH_MAX + 1),
        "[".repeat(200_000),
        "{a: ".repeat(50_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        blocks(YAML_DEPTH_MAX + 1),
        aliases,
    ] {
        let found = codes(&text);
        assert!(
            found == ["yaml.depth"] || found == ["yaml.syntax"],
            "{found:?} for {}",
            &text[..40]
        );
    }
}

#[test]
fn nobody_is_told_more_than_a_person_reads() {
    let unknown: String = (0..5_000).map(|n| format!("unknown{n}: 1\n")).collect();
    assert_eq!(codes(&unknown).len(), DIAGNOSTICS_MAX);
    let many = (0..5_000)
        .map(|n| format!("  - {{name: Not A Name {n}}}\n"))
        .collect::<String>();
    let text = format!(
        "{HEAD}  artifacts:\n{}{DEV}",
        many.chars().take(150_000).collect::<String>()
    );
    assert!(!codes(&text).is_empty());
}

#[test]
fn what_is_no_text_is_no_yaml() {
    let bytes: Vec<u8> = (0..4_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(codes(&text), ["yaml.syntax"]);
    assert_eq!(codes("\0\0\0\0"), ["yaml.syntax"]);
    assert_eq!(codes("\u{feff}"), ["file.empty"]);
}

/// Texts that YAML gives a meaning to, thrown into good files.
const SPLINTERS: [&str; 24] = [
    "[", "]", "{", "}", ": ", "- ", "\n", "  ", "\t", "&a ", "*a", "!!str ", "|\n", ">-\n", "'", "\"", "#",
    "? ", "%", "---\n", "\u{feff}", "ü", "\\", "0",
];

fn examples() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    [
        "payment-service/pipeline.yaml",
        "database-migration.yaml",
        "feature-flag.yaml",
    ]
    .map(|name| std::fs::read_to_string(folder.join(name)).unwrap())
    .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_mutation_of_an_example_makes_the_reader_panic(
        which in 0_usize..3,
        cuts in prop::collection::vec((0.0..1.0_f64, 0_usize..30, 0_usize..SPLINTERS.len()), 1..6),
        end in 0.3..1.4_f64,
    ) {
        let mut text = examples()[which].clone();
        for (place, length, splinter) in cuts {
            let from = text.floor_char_boundary((text.len() as f64 * place) as usize);
            let to = text.floor_char_boundary((from + length).min(text.len())).max(from);
            text.replace_range(from..to, SPLINTERS[splinter]);
        }
        text.truncate(text.floor_char_boundary((text.len() as f64 * end.min(1.0)) as usize));
        match read("f.yaml", &text) {
            Ok(read) => prop_assert!(!read.pipeline.stages.is_empty()),
            Err(found) => {
                prop_assert!(!found.0.is_empty());
                for diagnostic in &found.0 {
                    prop_assert!(text.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
                }
                let _ = found.render(&text, true);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        if let Err(found) = read("f.yaml", &text) {
            let _ = found.render(&text, false);
        }
    }
}
