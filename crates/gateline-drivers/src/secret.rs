//! Secrets: read from where a reference points, at the moment of use; and hidden in what others say.
//!
//! No secret is kept in the log, logged or put into an error; errors name the reference only. But whoever is shown a secret can
//! say it again: in an error page, a redirect, what a program prints. So the process remembers what it has read, and
//! [`hide`] looks for it in every text that comes from outside. Knows no form of it but the plain one and base64.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use gateline_model::SecretRef;

use crate::{CheckError, named_file};

/// Longest secret, in bytes. Signed tokens of identity providers reach 10 KiB.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Shortest secret that is looked for in what others say: a shorter one would be found in ordinary words.
pub const HIDDEN_BYTES_MIN: usize = 8;
/// Most secrets that are looked for; the oldest is forgotten first. A server has some for each channel and source.
pub const HIDDEN_MAX: usize = 500;
/// What stands in the place of a secret.
pub const HIDDEN: &str = "[secret]";

/// What was read, the newest last.
static READ: RwLock<Vec<String>> = RwLock::new(Vec::new());

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
        SecretRef::File(path) => read_file(path.clone()).await.map_err(|err| {
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
    remember(text);
    Ok(text.to_owned())
}

/// Has a text hidden from now on wherever somebody says it again.
pub fn remember(secret: &str) {
    if secret.len() < HIDDEN_BYTES_MIN {
        return;
    }
    let is_known = |read: &[String]| read.iter().any(|one| one == secret);
    if is_known(&READ.read().unwrap_or_else(PoisonError::into_inner)) {
        return;
    }
    let mut read = READ.write().unwrap_or_else(PoisonError::into_inner);
    if !is_known(&read) {
        if read.len() >= HIDDEN_MAX {
            read.remove(0);
        }
        read.push(secret.to_owned());
    }
}

/// A text that came from outside, with [`HIDDEN`] for each secret of ours in it. To be called before it is cut: half a secret is
/// not found.
pub fn hide(text: &str) -> Cow<'_, str> {
    let read = READ.read().unwrap_or_else(PoisonError::into_inner);
    let mut hidden = Cow::Borrowed(text);
    for secret in read.iter() {
        if hidden.contains(secret.as_str()) {
            hidden = Cow::Owned(hidden.replace(secret.as_str(), HIDDEN));
        }
    }
    hidden
}

async fn read_file(path: String) -> std::io::Result<String> {
    let read = move || named_file::text(Path::new(&path), SECRET_BYTES_MAX);
    // It fails where the thread panics alone.
    tokio::task::spawn_blocking(read)
        .await
        .map_err(std::io::Error::other)?
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
    async fn a_secret_that_somebody_says_again_is_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "an-echoed-token\n").unwrap();
        assert_eq!(hide("Bearer an-echoed-token?"), "Bearer an-echoed-token?");
        read(&SecretRef::File(path.display().to_string())).await.unwrap();
        assert_eq!(
            hide("no Bearer an-echoed-token, an-echoed-token"),
            "no Bearer [secret], [secret]"
        );
        assert!(matches!(hide("nothing of ours"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_secret_of_one_word_of_seven_bytes_is_not_looked_for() {
        remember("release");
        assert_eq!(hide("the release is held"), "the release is held");
        remember("released");
        assert_eq!(hide("it was released"), "it was [secret]");
    }

    #[tokio::test]
    async fn an_endless_or_missing_secret_is_an_error() {
        let endless = read(&SecretRef::File("/dev/zero".into())).await.unwrap_err().why;
        assert!(endless.contains("leads into `/dev`"), "{endless}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        std::fs::write(&path, "x".repeat(70_000)).unwrap();
        let long = read(&SecretRef::File(path.display().to_string()))
            .await
            .unwrap_err()
            .why;
        assert!(long.contains("is longer than 65536 bytes"), "{long}");
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
