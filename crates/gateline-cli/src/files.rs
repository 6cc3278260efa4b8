//! Files of the person's own, read with a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gateline_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// Largest artifact that is hashed, in bytes: disk images reach a tenth of it.
pub(crate) const ARTIFACT_BYTES_MAX: u64 = 1 << 40;

/// The bytes of a file, or of stdin where it is called `-`.
pub(crate) fn bytes(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One more than may be, so that too much is told apart from just enough. A device without end stops here too.
    let limit = bytes_max as u64 + 1;
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|err| unreadable(path, err))?;
    if bytes.len() > bytes_max {
        return Err(unreadable(path, format!("it has more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// The text of a file, or of stdin where it is called `-`.
pub(crate) fn text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    String::from_utf8(bytes(path, bytes_max)?)
        .map_err(|err| unreadable(path, format!("it is not UTF-8: {}", err.utf8_error())))
}

/// The digest of a file, however large, read piece by piece.
pub(crate) fn digest(path: &Path) -> Result<Digest, Failure> {
    let mut file = File::open(path).map_err(|err| unreadable(path, err))?;
    let kind = file.metadata().map_err(|err| unreadable(path, err))?;
    if !kind.is_file() {
        return Err(unreadable(path, "it is not a regular file"));
    }
    if kind.len() > ARTIFACT_BYTES_MAX {
        return Err(unreadable(
            path,
            format!("it has more than {ARTIFACT_BYTES_MAX} bytes"),
        ));
    }
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece).map_err(|err| unreadable(path, err))? {
            0 => return Ok(Digest::from_bytes(hash.finalize().into())),
            read => hash.update(&piece[..read]),
        }
    }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("could not read `{}`", path.display()), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_as_its_bytes_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("artifact");
        let content = vec![7; 200_000];
        std::fs::write(&path, &content).unwrap();
        assert_eq!(digest(&path).unwrap(), Digest::of(&content));
    }

    #[test]
    fn a_device_is_neither_hashed_nor_read_without_end() {
        assert!(
            digest(Path::new("/dev/zero"))
                .unwrap_err()
                .why
                .contains("regular file")
        );
        assert!(
            bytes(Path::new("/dev/zero"), 100)
                .unwrap_err()
                .why
                .contains("more than 100 bytes")
        );
    }

    #[test]
    fn a_file_of_just_the_limit_is_read_and_other_encodings_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        std::fs::write(&path, [0xff; 100]).unwrap();
        assert_eq!(bytes(&path, 100).unwrap().len(), 100);
        assert!(text(&path, 100).unwrap_err().why.contains("UTF-8"));
    }
}
