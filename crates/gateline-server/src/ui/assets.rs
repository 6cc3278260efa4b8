//! Static files: our own style and script, in the binary, called by the digest of their content.

use std::sync::LazyLock;

use gateline_model::Digest;

/// One file.
pub(super) struct Asset {
    stem: &'static str,
    extension: &'static str,
    pub(super) media: &'static str,
    pub(super) content: &'static str,
    digest: LazyLock<String>,
}

pub(super) static STYLE: Asset = Asset {
    stem: "style",
    extension: "css",
    media: "text/css; charset=utf-8",
    content: include_str!("assets/style.css"),
    digest: LazyLock::new(|| short(include_str!("assets/style.css"))),
};
pub(super) static SCRIPT: Asset = Asset {
    stem: "gateline",
    extension: "js",
    media: "text/javascript; charset=utf-8",
    content: include_str!("assets/gateline.js"),
    digest: LazyLock::new(|| short(include_str!("assets/gateline.js"))),
};

pub(super) static PASSKEY: Asset = Asset {
    stem: "passkey",
    extension: "js",
    media: "text/javascript; charset=utf-8",
    content: include_str!("assets/passkey.js"),
    digest: LazyLock::new(|| short(include_str!("assets/passkey.js"))),
};

fn short(content: &str) -> String {
    Digest::of(content.as_bytes()).short()
}

impl Asset {
    /// Its address: another content has another one, so browsers may keep it for ever.
    pub(super) fn href(&self) -> String {
        format!("/static/{}", self.name())
    }

    fn name(&self) -> String {
        format!("{}.{}.{}", self.stem, *self.digest, self.extension)
    }
}

/// The file that a path names, if it is this build's.
pub(super) fn named(name: &str) -> Option<&'static Asset> {
    [&STYLE, &SCRIPT, &PASSKEY]
        .into_iter()
        .find(|asset| asset.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own script stays small enough to be read at one go.
    const SCRIPT_LINES_MAX: usize = 150;
    /// And what only some pages load is shorter still.
    const PASSKEY_LINES_MAX: usize = 75;

    #[test]
    fn a_file_is_found_by_its_address_and_by_no_other() {
        let name = STYLE.href().replace("/static/", "");
        assert!(named(&name).is_some_and(|asset| asset.content == STYLE.content));
        assert!(named("style.css").is_none());
        assert!(named("style.000000000000.css").is_none());
    }

    #[test]
    fn the_script_is_short_and_everything_comes_from_here() {
        assert!(SCRIPT.content.lines().count() <= SCRIPT_LINES_MAX);
        assert!(PASSKEY.content.lines().count() <= PASSKEY_LINES_MAX);
        for asset in [&STYLE, &SCRIPT, &PASSKEY] {
            assert!(
                !asset.content.contains("http:") && !asset.content.contains("https:"),
                "{}",
                asset.stem
            );
        }
    }
}
