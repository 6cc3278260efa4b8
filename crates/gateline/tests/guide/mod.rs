//! The guide to a first pipeline, done as it is written: its files, its commands, its release, until production has it.

use std::os::unix::fs::PermissionsExt as _;

use super::Place;

const GUIDE: &str = include_str!("../../../../docs/guides/first-pipeline.md");

/// The texts between fences of this language, in order.
fn fenced(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    let texts = GUIDE.split(begin.as_str()).skip(1);
    texts.filter_map(|text| text.split("```").next()).collect()
}

/// Runs the guide's line that begins so, in its folder.
fn follow(place: &Place, begins: &str) {
    let line = fenced("text")
        .into_iter()
        .flat_map(str::lines)
        .find(|line| line.starts_with(begins));
    let line = line.unwrap_or_else(|| panic!("the guide has no line that begins with `{begins}`"));
    match line.strip_prefix("gateline ") {
        None => {
            let done = std::process::Command::new("sh")
                .args(["-c", line])
                .current_dir(place.dir.path())
                .status();
            assert!(done.unwrap().success(), "{line}");
        }
        Some(arguments) => {
            place.ok(&arguments.split(' ').collect::<Vec<_>>());
        }
    }
}

#[test]
fn who_follows_the_first_guide_has_a_release_in_production() {
    let mut place = Place::bare();
    let [pipeline] = fenced("yaml")[..] else {
        panic!("the guide has one pipeline")
    };
    // What every test here calls its project, and so long as a test waits.
    let changed = pipeline
        .replace("project: web", "project: shop")
        .replace("at_least: 10m", "at_least: 1s");
    place.write("pipeline.yaml", &changed);
    for script in fenced("sh") {
        let name = script
            .lines()
            .find_map(|line| line.strip_prefix("# ")?.split(' ').next());
        let file = place.write(name.unwrap(), script);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    place.start();
    for begins in [
        "gateline lint",
        "gateline apply",
        "echo '<h1>",
        "tar -cf",
        "gateline release create",
        "echo '<testsuite",
        "gateline evidence",
    ] {
        follow(&place, begins);
    }
    super::eventually("the release is live in production", || {
        place.read("sites/production/live/VERSION") == "1.0.0\n"
    });
    assert_eq!(place.read("sites/staging/live/index.html"), "<h1>Shop</h1>\n");
}
