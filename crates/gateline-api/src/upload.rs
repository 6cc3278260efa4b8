//! Uploads: the headers with which a body that broke off is gone on with. After the IETF's resumable uploads (draft-ietf-
//! httpbis-resumable-upload) and RFC 9530; the idempotency key stands in for the upload's own address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateline_model::Digest;

/// The header that says at which byte of the whole a body begins.
pub const UPLOAD_OFFSET_HEADER: &str = "upload-offset";
/// The header that says whether all of it has arrived.
pub const UPLOAD_COMPLETE_HEADER: &str = "upload-complete";
/// The header with the digest of the whole: `sha-256=:BASE64:`. What may be gone on with names it.
pub const REPR_DIGEST_HEADER: &str = "repr-digest";

/// A digest as the header has it.
pub fn repr_digest(digest: &Digest) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest.as_bytes()))
}

/// The SHA-256 in the header, which may name other digests besides.
pub fn read_repr_digest(header: &str) -> Option<Digest> {
    let value = header
        .split(',')
        .find_map(|one| one.trim().strip_prefix("sha-256="))?;
    let text = value.strip_prefix(':')?.strip_suffix(':')?;
    let bytes = STANDARD.decode(text).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_beside_others() {
        let digest = Digest::of(b"report");
        let header = repr_digest(&digest);
        assert_eq!(read_repr_digest(&header), Some(digest));
        assert_eq!(read_repr_digest(&format!("md5=:AAAA:, {header} ")), Some(digest));
    }

    #[test]
    fn what_is_no_sha_256_is_none() {
        for header in [
            "",
            "sha-256",
            "sha-256=::",
            "sha-256=:AAAA:",
            "sha-256=AAAA",
            "sha-512=:AAAA:",
        ] {
            assert_eq!(read_repr_digest(header), None, "{header}");
        }
    }
}
