//! What is fed: each format of evidence, the telling of formats, the verifying of signatures, what passkeys say, the reader of
//! pipelines.

use std::path::{Path, PathBuf};

use gateline_evidence::{
    Ask, Format, Read, ReadError, Site, Trust, enrol_passkey, read, verify, verify_detached, verify_statement,
};
use gateline_model::{ANSWER_PURPOSE, AnswerStatement, Digest, Facts, Proof, SignedStatement, Tier};

use super::mutate;
use super::passkeys::{ANSWER_STATEMENT, PASSKEY_MADE, PASSKEY_SIGNED};

/// Real output of real tools, as the tests of the readers have it.
const SAMPLES: &str = "crates/gateline-evidence/tests/samples";
/// Pipeline files, whole ones and such with one mistake.
const PIPELINES: &[&str] = &["examples", "crates/gateline-spec/tests/bad", "scenarios"];
/// Keys that the signatures among the samples hold against.
const KEYS: &[&str] = &[
    "cosign.pub",
    "ed25519.pub",
    "p256.pub",
    "vsa.pub",
    "minisign.pub",
    "ssh-ed.pub",
    "ssh-ec.pub",
];

/// Reads an input; the error says what does not hold of it.
pub type Reader = Box<dyn Fn(&[u8]) -> Result<(), String>>;

/// One thing that reads what strangers wrote.
pub struct Target {
    pub name: String,
    pub samples: Vec<Vec<u8>>,
    /// Words that mean something to it.
    pub tokens: Vec<String>,
    /// Reads an input; the error is a promise that was broken, and not that the input is wrong.
    pub read: Reader,
}

impl Target {
    pub(super) fn new(
        name: impl Into<String>,
        samples: Vec<Vec<u8>>,
        read: impl Fn(&[u8]) -> Result<(), String> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            tokens: mutate::tokens(&samples),
            samples,
            read: Box::new(read),
        }
    }
}

/// All of them.
///
/// # Errors
/// When a sample cannot be read, or a format has none.
pub fn all() -> Result<Vec<Target>, String> {
    let samples = files(&crate::root().join(SAMPLES))?;
    let contents = |has: &dyn Fn(&Path) -> bool| -> Vec<Vec<u8>> {
        let fitting = samples.iter().filter(|(path, _)| has(path));
        fitting.map(|(_, bytes)| bytes.clone()).collect()
    };
    let mut targets = vec![Target::new("any", contents(&|_| true), |bytes| {
        agrees(read(bytes, None))
    })];
    for format in Format::ALL.iter().copied() {
        let of_format = samples
            .iter()
            .filter(|(_, bytes)| read(bytes, None).is_ok_and(|read| read.format == format));
        let mut own: Vec<Vec<u8>> = of_format.map(|(_, bytes)| bytes.clone()).collect();
        if format == Format::Json {
            // Any JSON is read as such where its reporter says what it is.
            own = contents(&|path| path.extension().is_some_and(|ending| ending == "json"));
        }
        if own.is_empty() && format.kind() == "attestation" {
            // Signatures that stand beside what they sign are told by the file that they are about, not by themselves.
            own = contents(&|path| path.components().any(|part| part.as_os_str() == "signed"));
        }
        if own.is_empty() {
            return Err(format!("`{SAMPLES}` has no sample of `{format}`"));
        }
        targets.push(Target::new(format.name(), own, move |bytes| {
            let asked = match format {
                Format::Json => read(bytes, json_ask(bytes)),
                other => read(bytes, Some(other)),
            };
            agrees(asked)
        }));
    }
    let message = Digest::of(b"message");
    let of_statements = contents(&|path| {
        path.to_string_lossy().contains("sigstore") || path.to_string_lossy().contains("dsse")
    });
    let (trusted, artifacts) = (trust()?, vec![message]);
    targets.push(Target::new("verify", of_statements, move |bytes| {
        agrees(verify(bytes, &trusted, &artifacts))
    }));
    let signed = crate::root().join(SAMPLES).join("signed");
    let text = std::fs::read(signed.join("message.txt"))
        .map_err(|err| format!("could not read the message: {err}"))?;
    let (trusted, artifacts) = (trust()?, vec![Digest::of(&text)]);
    let signatures = contents(&|path| path.extension().is_some_and(|ending| ending == "sig"));
    targets.push(Target::new("verify-detached", signatures, move |bytes| {
        drop(verify_detached(bytes, &text, &trusted, &artifacts));
        Ok(())
    }));
    let keys = contents(&|path| path.extension().is_some_and(|ending| ending == "pub"));
    targets.push(Target::new("key", keys, |bytes| {
        drop(Trust::new().key("key", &String::from_utf8_lossy(bytes)));
        Ok(())
    }));
    targets.extend(passkeys());
    targets.push(pipelines()?);
    targets.extend(super::written::all()?);
    Ok(targets)
}

/// Where in the JSON the value is sought: its first bytes are also a path, so that paths are spoilt too.
fn json_ask(bytes: &[u8]) -> Ask<'_> {
    let start = bytes.get(..bytes.len().min(12)).unwrap_or_default();
    Ask {
        format: Some(Format::Json),
        of: Some("fuzz"),
        path: std::str::from_utf8(start)
            .ok()
            .filter(|path| path.starts_with('.')),
    }
}

/// What was read is stored and read back as it was.
fn agrees(read: Result<Read, ReadError>) -> Result<(), String> {
    let Ok(read) = read else {
        return Ok(());
    };
    let stored = serde_json::to_string(&read.facts)
        .map_err(|err| format!("made facts that cannot be stored: {err}"))?;
    let back: Facts =
        serde_json::from_str(&stored).map_err(|err| format!("made facts that are not read back: {err}"))?;
    match back.kind() == read.facts.kind() {
        true => Ok(()),
        false => Err(format!(
            "made `{}` that is read back as `{}`",
            read.facts.kind(),
            back.kind()
        )),
    }
}

fn trust() -> Result<Trust, String> {
    let folder = crate::root().join(SAMPLES).join("signed");
    KEYS.iter().try_fold(Trust::new(), |trust, name| {
        let text = std::fs::read_to_string(folder.join(name))
            .map_err(|err| format!("could not read `{name}`: {err}"))?;
        trust.key(name, &text).map_err(|err| err.to_string())
    })
}

/// What a browser sends of a passkey, in the words of the wire: when one is made, when one signs, and the statement.
fn passkeys() -> [Target; 3] {
    let site = Site::of("https://gateline.example").expect("passkeys work there");
    let statement = Digest::of(b"statement");
    let made = PASSKEY_MADE.map(|(client_data, data)| format!("{client_data}\n{data}").into_bytes());
    let signed = PASSKEY_SIGNED.map(|parts| parts.join("\n").into_bytes());
    let here = site.clone();
    let create = move |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let (client_data, data) = text.split_once('\n').unwrap_or((&text, ""));
        if let Ok(passkey) = enrol_passkey(&here, &statement, client_data, data)
            && passkey.public.is_empty()
        {
            return Err("made a passkey without a key".to_owned());
        }
        Ok(())
    };
    let get = move |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split('\n').map(str::to_owned);
        let [public, client_data, authenticator_data, signature] =
            [(); 4].map(|()| parts.next().unwrap_or_default());
        let signed = SignedStatement {
            statement: "statement".to_owned(),
            key: String::new(),
            proof: Proof::Passkey {
                client_data,
                authenticator_data,
                signature,
            },
        };
        drop(verify_statement(
            &signed,
            Tier::Passkey,
            &public,
            Some(&site),
            ANSWER_PURPOSE,
        ));
        Ok(())
    };
    let read = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        match AnswerStatement::read(&text) {
            Ok(read) if read.text() != text => Err("read a statement of two forms".to_owned()),
            Ok(_) | Err(_) => Ok(()),
        }
    };
    [
        Target::new("passkey-made", made.to_vec(), create),
        Target::new("passkey-signed", signed.to_vec(), get),
        Target::new("statement", vec![ANSWER_STATEMENT.as_bytes().to_vec()], read),
    ]
}

fn pipelines() -> Result<Target, String> {
    let mut samples = Vec::new();
    for folder in PIPELINES {
        let found = files(&crate::root().join(folder))?.into_iter();
        let pipelines = found.filter(|(path, _)| path.extension().is_some_and(|ending| ending == "yaml"));
        samples.extend(pipelines.map(|(_, bytes)| bytes));
    }
    Ok(Target::new("pipeline", samples, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(diagnostics) = gateline_spec::read("fuzz.yaml", &text) {
            drop(diagnostics.render(&text, false));
        }
        Ok(())
    }))
}

/// Every file below a folder, by path.
pub(super) fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    let unread = |err: std::io::Error| format!("could not read `{}`: {err}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            let bytes = std::fs::read(&path).map_err(unread)?;
            found.push((path, bytes));
        }
    }
    found.sort();
    Ok(found)
}
