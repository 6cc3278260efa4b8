//! The version in a package URL, held against the one beside it.
//!
//! Layout: the package-url specification, `pkg:type/namespace/name@version?qualifiers#subpath`. Knows no versions of any
//! kind of package: which of two is later is not asked here.

use percent_encoding::percent_decode_str;

/// The version of a package URL, where it is another one than is told beside it. An epoch (`1:`), a leading `v`, the case of
/// letters, and a build or platform behind a hyphen or plus that only one of them has make no other version.
pub(super) fn other_version(purl: &str, version: &str) -> Option<String> {
    let other = version_of(purl)?;
    let (one, two) = (plain(version), plain(&other));
    let is_of = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+']))
    };
    (!version.trim().is_empty() && !is_of(&one, &two) && !is_of(&two, &one)).then_some(other)
}

/// What stands behind the last `@`, decoded; a scope written `@scope/name` is no version.
fn version_of(purl: &str) -> Option<String> {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    let (_, version) = purl[..end].rsplit_once('@')?;
    let is_version = !version.is_empty() && !version.contains('/');
    is_version.then(|| percent_decode_str(version).decode_utf8_lossy().into_owned())
}

/// A version without an epoch and a leading `v`, in small letters.
fn plain(version: &str) -> String {
    let version = version.trim().to_ascii_lowercase();
    let version = match version.split_once(':') {
        Some((epoch, rest)) if epoch.chars().all(|c| c.is_ascii_digit()) => rest,
        Some(_) | None => version.as_str(),
    };
    match version.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
        Some(_) | None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("pkg:maven/org.apache/log4j-core@2.14.0", "2.20.0", Some("2.14.0"); "another one")]
    #[test_case("pkg:npm/a@1.2.30", "1.2.3", Some("1.2.30"); "one that only begins alike")]
    #[test_case("pkg:npm/a@1.2.3", "1.2.3", None; "the same")]
    #[test_case("pkg:npm/a", "1.2.3", None; "none")]
    #[test_case("pkg:npm/a@1.2.3", "", None; "none beside it")]
    #[test_case("pkg:npm/@angular/core", "17", None; "a scope that is not encoded")]
    #[test_case("pkg:deb/debian/x@1%3A2.3%2Bb1-4?arch=amd64", "1:2.3+b1-4", None; "an encoded one")]
    #[test_case("pkg:rpm/redhat/openssl@1.1.1k-4.el8?epoch=1", "1:1.1.1k-4.el8", None; "an epoch among the qualifiers")]
    #[test_case("pkg:golang/stdlib@v1.22.1", "1.22.1", None; "a leading v")]
    #[test_case("pkg:gem/nokogiri@1.16.0?platform=x86_64-linux", "1.16.0-x86_64-linux", None; "a platform")]
    #[test_case("pkg:oci/x@sha256%3Aab?tag=1", "sha256:ab", None; "a digest")]
    #[test_case("pkg:npm/a@1%zz", "1%zz", None; "what is no code")]
    fn the_version_of_a_package_url_is_another(purl: &str, version: &str, other: Option<&str>) {
        assert_eq!(other_version(purl, version).as_deref(), other);
    }
}
