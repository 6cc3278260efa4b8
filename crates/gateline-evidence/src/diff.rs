//! Unified diffs, as `git diff` prints them: which lines a change adds, numbered as they are after it.
//!
//! Layout: git-diff(1), "GENERATING PATCH TEXT WITH -P", and the unified format of GNU diff. A hunk has as many lines as
//! its head says; one that has fewer is cut off. A file that is there twice is a series of patches, whose numbers do not
//! belong together: such a patch is incomplete. Knows no repository and opens no file.

mod path;

use std::collections::HashSet;

use gateline_model::{Facts, PATCH_FILES_MAX, PatchFacts, PatchFile};

use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::{Input, Line, Lines};
use crate::read::{Body, Complete, Warnings};
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "diff",
    kind: "patch",
    title: "Unified diffs, as `git diff` and `diff -u` write them",
    knows: |head| {
        let mut before = "";
        head.text.lines().any(|line| {
            let pair = before.starts_with("--- ") && line.starts_with("+++ ");
            before = line;
            pair || line.starts_with("diff --git ")
        })
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut diff = Diff::default();
    let mut lines = Lines::new(input)?;
    let mut bytes = 0;
    while let Some(line) = lines.next()? {
        diff.line(&line).map_err(|reason| match line.ended {
            true => Fault::malformed(line.byte, reason),
            false => Fault::truncated(line.byte, reason),
        })?;
        bytes = line.byte + line.bytes.len();
    }
    if let Some(hunk) = &diff.hunk {
        let reason = format!("{} lines of its last hunk are missing", hunk.old.max(hunk.new));
        return Err(Fault::truncated(bytes, reason));
    }
    Ok(diff.into_body())
}

#[derive(Default)]
struct Diff {
    facts: PatchFacts,
    /// The file that is open.
    file: Option<File>,
    hunk: Option<Hunk>,
    /// Whether base85 lines of a binary file go on.
    binary: bool,
    seen: HashSet<String>,
    files: u64,
    incomplete: Option<String>,
    warnings: Warnings,
}

/// The file that is open.
#[derive(Default)]
struct File {
    /// Paths before and after the change, as far as they are told; `None` for `/dev/null`.
    old: Option<String>,
    new: Option<String>,
    patch: PatchFile,
    /// The number after the change of the line behind its last hunk.
    next: u32,
    /// Whether git's own line told them: the `---` and `+++` lines say no more.
    by_git: bool,
    /// Whether its `---` line was seen: the next one is of another file.
    named: bool,
}

/// The hunk that is open: lines that it still has, before and after, and the number of the next one after the change.
struct Hunk {
    old: u32,
    new: u32,
    line: u32,
}

impl Diff {
    fn line(&mut self, line: &Line<'_>) -> Result<(), String> {
        if self.hunk.is_some() {
            return self.hunk_line(line.bytes);
        }
        if self.binary {
            self.binary = !line.bytes.is_empty();
            return Ok(());
        }
        let text = String::from_utf8_lossy(line.bytes);
        if let Some(rest) = text.strip_prefix("diff --git ") {
            self.end_file();
            let (old, new) = path::both(rest).unzip();
            self.file = Some(File {
                by_git: new.is_some(),
                old,
                new,
                ..File::default()
            });
        } else if text.starts_with("diff --cc ")
            || text.starts_with("diff --combined ")
            || text.starts_with("@@@")
        {
            return Err("a combined diff of a merge is not read; use `git diff BASE HEAD`".to_owned());
        } else if let Some(rest) = text.strip_prefix("--- ") {
            if self.file.as_ref().is_none_or(|file| file.named) {
                self.end_file();
                self.file = Some(File::default());
            }
            if let Some(file) = &mut self.file {
                file.named = true;
                if !file.by_git {
                    file.old = path::one(rest);
                }
            }
        } else if let (Some(rest), Some(file)) = (text.strip_prefix("+++ "), &mut self.file) {
            if !file.by_git {
                file.new = path::one(rest);
                if let (Some(old), Some(new)) = (&mut file.old, &mut file.new) {
                    path::without_prefixes(old, new);
                }
            }
        } else if let (Some(rest), Some(file)) = (text.strip_prefix("rename from "), &mut self.file) {
            file.old = Some(path::unquoted(rest));
        } else if let (Some(rest), Some(file)) = (text.strip_prefix("rename to "), &mut self.file) {
            file.new = Some(path::unquoted(rest));
            // What the lines with prefixes say is less.
            file.by_git = true;
        } else if let (Some(rest), Some(file)) = (text.strip_prefix("copy to "), &mut self.file) {
            file.new = Some(path::unquoted(rest));
        } else if text.starts_with("deleted file mode ") {
            if let Some(file) = &mut self.file {
                file.new = None;
            }
        } else if text == "GIT binary patch" {
            self.binary = true;
        } else if let Some(rest) = text.strip_prefix("literal ").or(text.strip_prefix("delta ")) {
            // The second half of a binary patch.
            self.binary = rest.bytes().all(|byte| byte.is_ascii_digit()) && self.file.is_some();
        } else if let Some(rest) = text.strip_prefix("@@ ") {
            self.hunk(rest)?;
        }
        Ok(())
    }

    /// `-OLD,COUNT +NEW,COUNT @@`
    fn hunk(&mut self, head: &str) -> Result<(), String> {
        let bad = || format!("`@@ {}` is no head of a hunk", text::one_line(head, 60));
        let file = self.file.as_mut().ok_or("a hunk stands before any file")?;
        let (ranges, _) = head.split_once(" @@").ok_or_else(bad)?;
        let (old, new) = ranges.split_once(' ').ok_or_else(bad)?;
        let (_, old) = range(old, '-').ok_or_else(bad)?;
        let (line, new) = range(new, '+').ok_or_else(bad)?;
        let end = line.checked_add(new).ok_or_else(bad)?;
        if line < file.next || (line == 0 && new > 0) {
            return Err(format!("`@@ {}` goes back in its file", text::one_line(head, 60)));
        }
        file.next = end;
        self.hunk = (old > 0 || new > 0).then_some(Hunk { old, new, line });
        Ok(())
    }

    fn hunk_line(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (Some(hunk), Some(file)) = (&mut self.hunk, &mut self.file) else {
            return Ok(());
        };
        let more = "a hunk has other lines than its head says";
        match bytes.first() {
            Some(b'+') => {
                hunk.new = hunk.new.checked_sub(1).ok_or(more)?;
                file.patch.added.push(hunk.line);
                hunk.line += 1;
                self.facts.added += 1;
            }
            Some(b'-') => {
                hunk.old = hunk.old.checked_sub(1).ok_or(more)?;
                self.facts.removed += 1;
            }
            // Mail programs take away the space of an empty line.
            Some(b' ') | None => {
                hunk.old = hunk.old.checked_sub(1).ok_or(more)?;
                hunk.new = hunk.new.checked_sub(1).ok_or(more)?;
                hunk.line += 1;
            }
            // `\ No newline at end of file`
            Some(b'\\') => {}
            Some(_) => return Err(more.to_owned()),
        }
        if hunk.old == 0 && hunk.new == 0 {
            self.hunk = None;
        }
        Ok(())
    }

    fn end_file(&mut self) {
        let Some(file) = self.file.take() else {
            return;
        };
        self.files += 1;
        let told = |path: String| text::path(path.strip_prefix("./").unwrap_or(&path));
        let (old, new) = (file.old.map(told), file.new.map(told));
        let path = new.clone().or(old.clone()).unwrap_or_default();
        let was = old.filter(|old| new.is_some() && *old != path);
        if self.facts.files.len() == PATCH_FILES_MAX {
            return;
        }
        if path.is_empty() {
            self.incomplete
                .get_or_insert_with(|| "a file of the patch has no name that can be read".to_owned());
        } else if !self.seen.insert(path.clone()) {
            let reason = format!("`{path}` is there twice: report one patch from base to head, not a series");
            self.incomplete.get_or_insert(reason);
        }
        self.facts.files.push(PatchFile {
            path,
            was,
            ..file.patch
        });
    }

    fn into_body(mut self) -> Body {
        self.end_file();
        let (files, kept) = (self.files, self.facts.files.len());
        let too_many = (files > kept as u64)
            .then(|| format!("the patch has {files} files, more than the {PATCH_FILES_MAX} that are read"));
        let nothing = (files == 0).then(|| "the patch has no file".to_owned());
        Body {
            facts: Facts::Patch(self.facts),
            complete: Complete::unless(nothing.or(too_many).or(self.incomplete)),
            warnings: self.warnings,
        }
    }
}

/// `-3,4` or `-3`, which is of one line.
fn range(text: &str, sign: char) -> Option<(u32, u32)> {
    let text = text.strip_prefix(sign)?;
    let (first, count) = text.split_once(',').unwrap_or((text, "1"));
    Some((first.parse().ok()?, count.parse().ok()?))
}
