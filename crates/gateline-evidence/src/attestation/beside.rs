//! Signatures that stand beside the file that they sign, and such files: artifacts, reports, or lists of checksums.
//!
//! A list of checksums, as `sha256sum` writes it, signs for all that it lists. Any other file is known by being called one
//! (`--as signed-file`), for it can be anything.

use std::str::FromStr as _;

use gateline_model::{AttestationFacts, Digest, Facts};

use super::statement::Told;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::{Input, WHOLE_BYTES_MAX};
use crate::read::{Body, Complete, Warnings};
use crate::verify::{self, SIGNATURE_BYTES_MAX};

/// One format each, for the table.
pub(crate) mod ssh {
    pub(crate) use super::FORMAT_SSH as FORMAT;
}
pub(crate) mod minisign {
    pub(crate) use super::FORMAT_MINISIGN as FORMAT;
}
pub(crate) mod file {
    pub(crate) use super::FORMAT_FILE as FORMAT;
}

pub(crate) const FORMAT_SSH: FormatRow = FormatRow {
    name: "ssh-signature",
    kind: "attestation",
    title: "Signatures of SSH keys over a file, as `ssh-keygen -Y sign` makes them",
    knows: |head| head.text.starts_with(verify::SSH_BEGIN),
    read: |input| signature(input, verify::is_ssh_signature),
};

pub(crate) const FORMAT_MINISIGN: FormatRow = FormatRow {
    name: "minisign",
    kind: "attestation",
    title: "Signatures of minisign over a file",
    knows: |head| head.text.starts_with(verify::MINISIGN_BEGIN),
    read: |input| signature(input, verify::is_minisign_signature),
};

pub(crate) const FORMAT_FILE: FormatRow = FormatRow {
    name: "signed-file",
    kind: "attestation",
    title: "Lists of checksums (`sha256sum`), and with `--as` any file, beside which a signature stands",
    knows: |head| {
        head.text
            .lines()
            .next()
            .is_some_and(|line| checksum(line).is_some())
    },
    read: of_file,
};

/// A signature alone, of which nobody knows the file yet.
fn signature(input: &mut Input<'_>, is_whole: fn(&str) -> Result<(), String>) -> Result<Body, Fault> {
    if input.bytes() > SIGNATURE_BYTES_MAX {
        let reason = format!("a signature has at most {SIGNATURE_BYTES_MAX} bytes");
        return Err(Fault::malformed(0, reason));
    }
    let text = input.whole()?;
    is_whole(&text).map_err(|reason| Fault::malformed(0, reason))?;
    Ok(unchecked(Vec::new(), None))
}

/// What a file is, and what it lists.
fn of_file(input: &mut Input<'_>) -> Result<Body, Fault> {
    let digest = input.digest()?;
    let listed = match input.bytes() {
        0..=WHOLE_BYTES_MAX => input.whole().map(|text| checksums(text.as_bytes())),
        _ => Ok(Vec::new()),
    };
    // A file that is no text lists nothing.
    let listed = listed.unwrap_or_default();
    let subjects = [vec![digest], listed].concat();
    Ok(unchecked(subjects, Some("signed file")))
}

fn unchecked(subjects: Vec<Digest>, of: Option<&str>) -> Body {
    let mut statement = Told::bare(subjects).statement;
    statement.predicate_type = of.map(str::to_owned);
    Body {
        facts: Facts::Attestation(AttestationFacts {
            statements: vec![statement],
        }),
        complete: Complete::Yes,
        warnings: Warnings::default(),
    }
}

/// The digests in a list of checksums; none if any line is something else.
pub(crate) fn checksums(file: &[u8]) -> Vec<Digest> {
    let text = std::str::from_utf8(file).unwrap_or_default();
    text.lines()
        .map(checksum)
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default()
}

/// `<64 hex digits>  name`
fn checksum(line: &str) -> Option<Digest> {
    let (hex, name) = line.split_once(' ')?;
    let named = name.strip_prefix([' ', '*']).is_some_and(|name| !name.is_empty());
    let is_hex = hex.len() == 64;
    (named && is_hex)
        .then(|| Digest::from_str(&format!("sha256:{hex}")).ok())
        .flatten()
}
