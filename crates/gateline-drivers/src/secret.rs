//! Secrets: read from where a reference points, at the moment of use.
//!
//! A secret is never kept, logged or put into an error; errors name the reference only.

use std::path::Path;

use gateline_model::SecretRef;
use tokio::io::AsyncReadExt;

use crate::CheckError;

/// Longest secret, in bytes. Signed tokens of identity providers reach 10 KiB.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The secret behind a reference, without white space around it.
///
/// # Errors
/// Where it is not, cannot be read, is empty or too long; the secret itself is in no error.
pub async fn read(reference: &SecretRef) -> Result<String, CheckError> {
    let text = match reference {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| {
            CheckError::new(format!(
                "the secret `{reference}` is not there: set the environment variable `{name}` of the server"
            ))
        })?,
        SecretRef::File(path) => read_file(Path::new(path)).await.map_err(|err| {
            CheckError::new(format!(
                "could not read the secret `{reference}`: {err}; make the file readable for the server"
            ))
        })?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(CheckError::new(format!(
            "the secret `{reference}` is empty: put the token there"
        )));
    }
    Ok(text.to_owned())
}

async fn read_file(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let file = tokio::fs::File::open(path).await?;
    // A file that grows, or a device, ends here too.
    let read = file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text).await?;
    if read as u64 > SECRET_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "it is longer than {SECRET_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_read_late_and_without_its_line_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let reference = SecretRef::File(path.display().to_string());
        assert!(
            read(&reference)
                .await
                .unwrap_err()
                .why
                .contains("could not read the secret `file:")
        );
        std::fs::write(&path, "hunter2\n").unwrap();
        assert_eq!(read(&reference).await.unwrap(), "hunter2");
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&reference).await.unwrap_err().why.contains("is empty"));
    }

    #[tokio::test]
    async fn an_endless_or_missing_secret_is_an_error() {
        let endless = read(&SecretRef::File("/dev/zero".into())).await.unwrap_err().why;
        assert!(endless.contains("is longer than 65536 bytes"), "{endless}");
        let missing = read(&SecretRef::Env("GATELINE_NO_SUCH_SECRET".into()))
            .await
            .unwrap_err()
            .why;
        assert!(
            missing.contains("set the environment variable `GATELINE_NO_SUCH_SECRET`"),
            "{missing}"
        );
    }
}
