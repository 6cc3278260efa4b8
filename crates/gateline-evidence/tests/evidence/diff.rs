//! Unified diffs.

use gateline_evidence::{Format, Read, ReadError};
use gateline_model::{Facts, PATCH_FILES_MAX, PatchFacts};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn patch_in(text: &str) -> PatchFacts {
    match read_as(Format::Diff, text) {
        Ok(Read {
            facts: Facts::Patch(facts),
            ..
        }) => facts,
        other => panic!("no patch: {other:?}"),
    }
}

/// Each file as `path +lines`.
fn files(text: &str) -> Vec<String> {
    let patch = patch_in(text);
    let file = |file: &gateline_model::PatchFile| format!("{} +{}", file.path, file.added);
    patch.files.iter().map(file).collect()
}

#[test_case("diff --git a/src/customers/a.py b/src/other/a.py\nsimilarity index 90%\nrename from src/customers/a.py\nrename to src/other/a.py\n--- a/src/customers/a.py\n+++ b/src/other/a.py\n@@ -1 +1 @@\n-a\n+b\n", &["src/customers/a.py", "src/other/a.py"]; "a renamed file")]
#[test_case("--- ./src/a.py\n+++ ./src/a.py\n@@ -1 +1 @@\n-a\n+b\n", &["src/a.py"]; "from the folder that one stands in")]
#[test_case("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", &["x"]; "a file that stays where it is")]
fn a_file_is_touched_where_it_was_and_where_it_is(text: &str, paths: &[&str]) {
    let patch = patch_in(text);
    assert_eq!(patch.files[0].paths().collect::<Vec<_>>(), paths);
}

#[test]
fn added_lines_are_numbered_as_they_are_after_the_change() {
    let text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@ fn f\n a\n-b\n+c\n+d\n e\n@@ -10 +12,2 @@\n f\n+g\n";
    assert_eq!(files(text), ["x +2-3,13"]);
    assert_eq!((patch_in(text).added, patch_in(text).removed), (3, 1));
}

#[test_case("diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n", "x +1-2"; "a new file")]
#[test_case("diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "x +"; "a deleted file")]
#[test_case("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", "y +"; "a file that is only renamed")]
#[test_case("diff --git a/old b/new name\nrename from old\nrename to new name\n--- a/old\n+++ b/new name\t\n@@ -1 +1 @@\n-a\n+b\n", "new name +1"; "a file that is renamed and changed")]
#[test_case("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", "x +"; "a changed mode")]
#[test_case("diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n", "x +"; "a binary file")]
#[test_case("diff --git a/x b/x\nGIT binary patch\nliteral 3\nKcmZQz\n\nliteral 3\n+++ b/no\n\n", "x +"; "a binary file with its bytes")]
#[test_case("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n", "x +1"; "no newline at the end")]
#[test_case("--- x.c\t2026-11-21 10:00:00\n+++ x.c\t2026-11-21 10:00:01\n@@ -1 +1 @@\n-a\n+b\n", "x.c +1"; "of diff -u")]
#[test_case("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n--- b\n+++ c\n", "x +3"; "lines that look like a head")]
fn one_file_is_told(text: &str, file: &str) {
    assert_eq!(files(text), [file]);
}

#[test_case("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n"; "in a hunk")]
#[test_case("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@"; "before the lines of a hunk")]
#[test_case("--- a/x\n+++ b/x\n@@ -1,2"; "in the head of a hunk")]
fn a_cut_is_told_apart_from_a_mistake(text: &str) {
    let error = read_as(Format::Diff, text).expect_err("cut off");
    assert!(matches!(error, ReadError::Truncated { .. }), "{error}");
}

#[test_case("@@ -1 +1 @@\n", "a hunk stands before any file"; "no file")]
#[test_case("--- a/x\n+++ b/x\n@@ -1 @@\n", "`@@ -1 @@` is no head of a hunk"; "half a head")]
#[test_case("--- a/x\n+++ b/x\n@@ -1 +1 @@\nhello\n", "a hunk has other lines than its head says"; "chatter in a hunk")]
#[test_case("--- a/x\n+++ b/x\n@@ -1 +1 @@\n+a\n+b\n", "a hunk has other lines than its head says"; "more lines than its head says")]
#[test_case("--- a/x\n+++ b/x\n@@ -9 +9 @@\n a\n@@ -1 +1 @@\n a\n", "`@@ -1 +1 @@` goes back in its file"; "hunks in another order")]
#[test_case("diff --cc x\n", "a combined diff of a merge is not read; use `git diff BASE HEAD`"; "a merge")]
fn it_is_malformed_with(text: &str, why: &str) {
    let says = complaint(read_as(Format::Diff, text));
    assert!(says.ends_with(why), "{says}");
}

#[test]
fn a_series_of_patches_is_incomplete() {
    let one = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    let why = "`x` is there twice: report one patch from base to head, not a series";
    assert_eq!(reason(read_as(Format::Diff, &one.repeat(2))), why);
}

#[test]
fn files_of_a_patch_are_limited() {
    let patch = |files: usize| -> String {
        (0..files)
            .map(|n| format!("diff --git a/{n} b/{n}\nnew mode 100755\n"))
            .collect()
    };
    assert_eq!(patch_in(&patch(PATCH_FILES_MAX)).files.len(), PATCH_FILES_MAX);
    let why = "the patch has 5001 files, more than the 5000 that are read";
    assert_eq!(reason(read_as(Format::Diff, &patch(PATCH_FILES_MAX + 1))), why);
}
