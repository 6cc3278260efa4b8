//! The token: found by reference, at the moment of use. No error repeats it.

use std::path::Path;

use gateline_model::SecretRef;
use reqwest::header::HeaderValue;

use crate::failure::Failure;
use crate::files;
use crate::session::Surroundings;

/// Longest token, in bytes. Signed tokens of identity providers reach 10 KiB.
pub(crate) const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Where a person keeps the token, below the directory of settings.
const TOKEN_FILE: &str = "gateline/token";

/// The header with the token; none where there is no token anywhere.
pub(super) fn find(
    reference: Option<&str>,
    surroundings: &Surroundings,
) -> Result<Option<HeaderValue>, Failure> {
    let token = match reference {
        Some(text) => {
            // The text may be the secret itself: it is not repeated.
            let reference: SecretRef = text.parse().map_err(|err| {
                Failure::usage("`--token` does not take the token itself", err)
                    .hint("others can read command lines; use `--token env:NAME`, `--token file:PATH` or `GATELINE_TOKEN`")
            })?;
            Some((read(&reference)?, reference.to_string()))
        }
        None => match (&surroundings.token, &surroundings.config) {
            (Some(token), _) if !token.trim().is_empty() => {
                Some((token.clone(), "GATELINE_TOKEN".to_owned()))
            }
            (_, Some(config)) => {
                let path = config.join(TOKEN_FILE);
                if path.exists() {
                    Some((files::text(&path, TOKEN_BYTES_MAX)?, path.display().to_string()))
                } else {
                    None
                }
            }
            (_, None) => None,
        },
    };
    token.map(|(token, from)| header(token.trim(), &from)).transpose()
}

fn read(reference: &SecretRef) -> Result<String, Failure> {
    match reference {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| {
            let why = format!("the environment variable `{name}` is not set");
            Failure::usage("there is no token", why)
        }),
        SecretRef::File(path) => files::text(Path::new(path), TOKEN_BYTES_MAX),
    }
}

fn header(token: &str, from: &str) -> Result<HeaderValue, Failure> {
    if token.is_empty() {
        return Err(Failure::usage("there is no token", format!("`{from}` is empty")));
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        Failure::usage(
            "the token cannot be sent",
            format!("`{from}` has more than one line of text"),
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_clear_is_refused_and_not_repeated() {
        let failure = find(Some("glt_hunter2"), &Surroundings::default()).unwrap_err();
        assert_eq!(failure.exit.code(), 2);
        assert!(!format!("{failure:?}").contains("hunter2"));
    }

    #[test]
    fn the_variable_comes_before_the_file_and_without_both_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut surroundings = Surroundings {
            config: Some(dir.path().to_owned()),
            ..Surroundings::default()
        };
        assert_eq!(find(None, &surroundings).unwrap(), None);
        std::fs::create_dir(dir.path().join("gateline")).unwrap();
        std::fs::write(dir.path().join(TOKEN_FILE), "of-file\n").unwrap();
        assert_eq!(find(None, &surroundings).unwrap().unwrap(), "Bearer of-file");
        surroundings.token = Some("of-env".to_owned());
        assert_eq!(find(None, &surroundings).unwrap().unwrap(), "Bearer of-env");
    }

    #[test]
    fn an_empty_long_or_missing_token_says_where_it_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let reference = format!("file:{}", path.display());
        let why = |_: ()| find(Some(&reference), &Surroundings::default()).unwrap_err();
        assert!(why(()).what.contains("token"), "{:?}", why(()));
        std::fs::write(&path, " \n").unwrap();
        assert!(why(()).why.contains("is empty"));
        std::fs::write(&path, "two\nlines").unwrap();
        assert!(why(()).why.contains("more than one line"));
        std::fs::write(&path, vec![b'x'; TOKEN_BYTES_MAX + 1]).unwrap();
        assert!(why(()).why.contains("more than 65536 bytes"));
        let unset = find(Some("env:GATELINE_NO_SUCH_TOKEN"), &Surroundings::default()).unwrap_err();
        assert!(unset.why.contains("GATELINE_NO_SUCH_TOKEN"));
    }
}
