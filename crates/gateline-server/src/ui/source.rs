//! Links into source: a file and a line as the host of the repository shows them, at the very commit that was built.
//!
//! Only for hosts whose addresses are known: a link that leads nowhere is worse than none.

use gateline_api::{ReleaseView, encode};
use gateline_model::ArtifactAt;
use maud::{Markup, html};

/// A place in a file, linked where the release knows its source.
pub(super) fn place(release: Option<&ReleaseView>, file: Option<&str>, line: Option<u64>) -> Markup {
    let Some(file) = file else {
        return html! {};
    };
    let text = html! { code.break { (file) @if let Some(line) = line { ":" (line) } } };
    match release.and_then(|release| address(release, file, line)) {
        Some(address) => html! { a href=(address) rel="noreferrer" { (text) } },
        None => text,
    }
}

fn address(release: &ReleaseView, file: &str, line: Option<u64>) -> Option<String> {
    let change = release.change.source.as_ref();
    let of_change = change.map(|source| (source.repository.as_str(), source.commit.as_str()));
    let of_artifact = || {
        release.artifacts.iter().find_map(|artifact| match &artifact.at {
            ArtifactAt::Git { url, commit } => Some((url.as_str(), commit.as_str())),
            ArtifactAt::Oci { .. } | ArtifactAt::File { .. } => None,
        })
    };
    let (repository, commit) = of_change.or_else(of_artifact)?;
    file_at(repository, commit, file, line)
}

/// The address of a file's line at a commit.
fn file_at(repository: &str, commit: &str, file: &str, line: Option<u64>) -> Option<String> {
    let (host, path) = host_and_path(repository)?;
    let file = inside(file)?;
    let is = |word: &str| host.split('.').any(|part| part == word);
    let (before, anchor) = if is("github") {
        ("blob", "L")
    } else if is("gitlab") {
        ("-/blob", "L")
    } else if is("gitea") || is("forgejo") || host == "codeberg.org" {
        ("src/commit", "L")
    } else if host == "bitbucket.org" {
        ("src", "lines-")
    } else {
        return None;
    };
    let at = line.map(|line| format!("#{anchor}{line}")).unwrap_or_default();
    Some(format!(
        "https://{host}/{path}/{before}/{}/{file}{at}",
        encode(commit)
    ))
}

/// Host and path of a repository's URL, be it written for HTTPS or SSH.
fn host_and_path(repository: &str) -> Option<(String, String)> {
    let rest = ["https://", "http://", "ssh://", "git+https://"]
        .iter()
        .find_map(|scheme| repository.strip_prefix(scheme));
    let (host, path) = match rest {
        Some(rest) => rest.split_once('/')?,
        // As `git@host:group/name`, or without any scheme.
        None => repository
            .split_once(':')
            .or_else(|| repository.split_once('/'))?,
    };
    let host = host.rsplit('@').next().unwrap_or(host);
    let path = path.trim_matches('/').trim_end_matches(".git");
    let legal = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    (legal(host, ".-:") && host.contains('.') && legal(path, "._-/~+") && !path.contains(".."))
        .then(|| (host.to_ascii_lowercase(), path.to_owned()))
}

/// A path inside the repository, as an address has it. Tools that write whole paths or URIs say nothing of the repository.
fn inside(file: &str) -> Option<String> {
    let file = file.strip_prefix("./").unwrap_or(file);
    let odd = |part: &str| part.is_empty() || part == "." || part == "..";
    if file.contains([':', '\\']) || file.split('/').any(odd) {
        return None;
    }
    Some(file.split('/').map(encode).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_where_its_host_shows_it() {
        for (repository, address) in [
            (
                "https://github.com/shop/pay",
                "https://github.com/shop/pay/blob/9c1e/src/a%20b.rs#L7",
            ),
            (
                "git@github.com:shop/pay.git",
                "https://github.com/shop/pay/blob/9c1e/src/a%20b.rs#L7",
            ),
            (
                "ssh://git@gitlab.example.com/a/b/pay.git",
                "https://gitlab.example.com/a/b/pay/-/blob/9c1e/src/a%20b.rs#L7",
            ),
            (
                "https://codeberg.org/shop/pay/",
                "https://codeberg.org/shop/pay/src/commit/9c1e/src/a%20b.rs#L7",
            ),
            (
                "https://bitbucket.org/shop/pay",
                "https://bitbucket.org/shop/pay/src/9c1e/src/a%20b.rs#lines-7",
            ),
        ] {
            let found = file_at(repository, "9c1e", "./src/a b.rs", Some(7));
            assert_eq!(found.as_deref(), Some(address), "{repository}");
        }
    }

    #[test]
    fn what_is_no_file_of_a_known_host_has_no_link() {
        for repository in [
            "https://git.example/pay",
            "javascript:alert(1)",
            "https://github.com/../x",
            "github.com",
            "",
        ] {
            assert_eq!(file_at(repository, "9c1e", "a.rs", None), None, "{repository}");
        }
        for file in [
            "/etc/passwd",
            "../a.rs",
            "src//a.rs",
            "file:///a.rs",
            "C:\\a.rs",
            "",
        ] {
            assert_eq!(
                file_at("https://github.com/shop/pay", "9c1e", file, None),
                None,
                "{file}"
            );
        }
    }
}
