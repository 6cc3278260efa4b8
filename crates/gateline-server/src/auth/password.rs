//! Passwords of local accounts: argon2id, with the same work whether there is an account or not.
//! Knows no account: hashes come in and go out as text.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Memory for one password, in KiB; with [`PASSES`] what OWASP asks for at least.
const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Passwords that are looked at at once: more would take memory and processors away from the rest.
const AT_ONCE_MAX: usize = 4;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// A hash that no password has: what is compared where there is no account.
static NOBODY: LazyLock<String> = LazyLock::new(|| hashed(b"", &[0; 16]).unwrap_or_default());

/// Why a password cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too short.
    #[error("the password has fewer than {PASSWORD_CHARS_MIN} characters")]
    Short,
    /// Too long.
    #[error("the password has more than {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// One character, over and over.
    #[error("the password is one character, repeated")]
    Plain,
    /// The machine could not do it.
    #[error("the password could not be hashed: {0}")]
    Machine(String),
}

fn argon() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hashed(password: &[u8], salt: &[u8]) -> Result<String, PasswordError> {
    argon()
        .hash_password_with_salt(password, salt)
        .map(|hash| hash.to_string())
        .map_err(|err| PasswordError::Machine(err.to_string()))
}

/// What is kept of a new password.
pub(crate) async fn hash(password: &str) -> Result<String, PasswordError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::Long);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::Short);
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|other| Some(other) == first) {
        return Err(PasswordError::Plain);
    }
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|err| PasswordError::Machine(err.to_string()))?;
    let password = password.to_owned();
    in_turn(move || hashed(password.as_bytes(), &salt)).await
}

/// Whether this is the password that a hash was made of. Without a hash the same work is done, and it never is.
pub(crate) async fn matches(password: &str, hash: Option<String>) -> bool {
    // Hashing what is too long would let a stranger choose how much work it is.
    let password = password
        .get(..PASSWORD_BYTES_MAX.min(password.len()))
        .unwrap_or_default()
        .to_owned();
    let known = hash.is_some();
    let hash = hash.unwrap_or_else(|| NOBODY.clone());
    let same = in_turn(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| argon().verify_password(password.as_bytes(), &hash).is_ok())
    });
    same.await && known
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _turn = TURNS.acquire().await.expect("the semaphore is never closed");
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let kept = hash("correct horse battery").await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(
            kept,
            hash("correct horse battery").await.unwrap(),
            "each has its own salt"
        );
        assert!(matches("correct horse battery", Some(kept.clone())).await);
        assert!(!matches("correct horse batterx", Some(kept.clone())).await);
        assert!(!matches("", Some(kept)).await);
        assert!(!matches("correct horse battery", Some("$argon2id$damaged".into())).await);
    }

    #[tokio::test]
    async fn nobody_gets_in_without_an_account_not_even_with_an_empty_password() {
        assert!(!matches("", None).await);
        assert!(!matches("correct horse battery", None).await);
        assert!(
            NOBODY.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "the same work"
        );
    }

    #[tokio::test]
    async fn a_password_is_neither_short_nor_endless_nor_one_character() {
        assert_eq!(hash("elevenchars").await, Err(PasswordError::Short));
        assert!(hash("           1").await.is_ok());
        assert_eq!(hash("ääääääääääää").await, Err(PasswordError::Plain));
        assert_eq!(hash(&"ab".repeat(513)).await, Err(PasswordError::Long));
        assert!(!matches(&"x".repeat(1 << 20), None).await);
    }
}
