//! Signed notes, checkpoints and offline proofs: against texts that other implementations made, and against damage.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateline_log::{
    Checkpoint, CheckpointError, HashError, KeyError, KeyName, MAX_NOTE, MAX_TLOG_PROOF, Note, NoteError,
    Signer, TlogProof, TlogProofError, Tree, TreeHead, Verifier, leaf_hash,
};

/// The example of Go's golang.org/x/mod/sumdb/note: its published key and its text.
const GO_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_SIGNATURE: &str =
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";

/// A log entry whose proof npm's `@sigstore/verify` 4.1.3 and the crate `sigstore-verify` 0.15.1 accept.
const ENTRY: &[u8] = include_bytes!("vectors/hashedrekord.json");
const PROOF: &str = include_str!("vectors/hashedrekord.tlog-proof");
const LOG_VKEY: &str = "gateline.example/log+23da9dd1+AaF/HtmIgzC3R5xyWu/RXSR/WPIZ9kjXJqrgzZjIJp5G";

fn name(text: &str) -> KeyName {
    text.parse().expect("the test's names are legal")
}

fn signer() -> &'static Signer {
    static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new(name("gateline.example/log"), &[7; 32]));
    &SIGNER
}

fn trusted() -> &'static [Verifier] {
    std::slice::from_ref(signer().verifier())
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The proof of entry 3 in a log of 11.
fn proof() -> TlogProof {
    let tree: Tree = (0..11).map(|index| leaf_hash(&entry(index))).collect();
    let checkpoint = Checkpoint::sign(&tree.head(), signer());
    TlogProof {
        extra: Vec::new(),
        inclusion: tree.inclusion(3, 11).expect("3 is below 11"),
        checkpoint,
    }
}

fn verify_note(note: &str) -> Result<&str, NoteError> {
    Note::parse(note)?.verify(trusted())
}

fn verify_checkpoint(text: &str) -> Result<Checkpoint, CheckpointError> {
    let note = signer().sign(text).expect("the test's texts can be signed");
    Checkpoint::verify(&note, signer().verifier().name(), trusted())
}

fn verify_proof(text: &str) -> Result<Checkpoint, TlogProofError> {
    text.parse::<TlogProof>()?
        .verify(&entry(3), signer().verifier().name(), trusted())
}

/// Every text that differs from `text` in one bit of one byte (which bit changes from byte to byte) and is still text.
fn flipped(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).filter_map(|at| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 7);
        String::from_utf8(bytes).ok()
    })
}

/// Every beginning of `text` that is not all of it.
fn truncated(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, _)| &text[..at])
}

#[test]
fn the_note_of_the_go_implementation_is_made_and_verified() {
    let secret: [u8; 33] = STANDARD.decode(GO_SECRET).unwrap().try_into().unwrap();
    let signer = Signer::new(name("PeterNeumann"), secret[1..].try_into().unwrap());
    assert_eq!(signer.verifier().to_string(), GO_VKEY);
    let note = format!("{GO_TEXT}\n\u{2014} PeterNeumann {GO_SIGNATURE}\n");
    assert_eq!(signer.sign(GO_TEXT), Ok(note.clone()));
    assert_eq!(
        Note::parse(&note).unwrap().verify(&[GO_VKEY.parse().unwrap()]),
        Ok(GO_TEXT)
    );
}

#[test]
fn a_proof_that_sigstore_clients_accept_is_accepted() {
    let log: Verifier = LOG_VKEY.parse().unwrap();
    assert_eq!(log.to_string(), LOG_VKEY);
    let proof: TlogProof = PROOF.parse().unwrap();
    assert_eq!(proof.to_string(), PROOF);
    let checkpoint = proof
        .verify(ENTRY, log.name(), std::slice::from_ref(&log))
        .unwrap();
    assert_eq!(checkpoint.head.size, 11);
    let refused = proof.verify(&ENTRY[1..], log.name(), std::slice::from_ref(&log));
    assert!(matches!(refused, Err(TlogProofError::Inclusion(_))));
}

#[test]
fn a_signer_never_prints_its_secret() {
    assert_eq!(
        format!("{:?}", signer()),
        format!("Signer({})", signer().verifier())
    );
}

#[test]
fn damaged_public_keys_are_refused_with_the_reason() {
    let refused = |vkey: &str| vkey.parse::<Verifier>().unwrap_err();
    assert_eq!(refused(""), KeyError::Form);
    assert_eq!(refused("name+00000000"), KeyError::Form);
    assert_eq!(refused("name+00000000+"), KeyError::Form);
    assert_eq!(refused("name+00000000+!"), KeyError::Form);
    assert_eq!(refused("name+00000000+AQ=="), KeyError::Point);
    assert_eq!(
        refused(&format!("name+00000000+{}", STANDARD.encode([4; 33]))),
        KeyError::Algorithm { algorithm: 4 }
    );
    let weak = [&[1_u8, 1][..], &[0; 31]].concat();
    assert_eq!(
        refused(&format!("name+00000000+{}", STANDARD.encode(weak))),
        KeyError::Point
    );
    let expected = "23da9dd1".to_owned();
    assert_eq!(
        refused(&LOG_VKEY.replace("23da9dd1", "23DA9DD1")),
        KeyError::Id { expected }
    );
    assert!(matches!(
        refused(&LOG_VKEY.replace("example", "exampla")),
        KeyError::Id { .. }
    ));
    assert_eq!(
        refused(&LOG_VKEY.replace("gateline.", "gate line.")),
        KeyError::Name
    );
    for text in flipped(LOG_VKEY) {
        refused(&text);
    }
    for name in ["", "a b", "a\u{a0}b", "a+b", "a\nb", "a\tb"] {
        assert_eq!(name.parse::<KeyName>(), Err(KeyError::Name), "{name:?}");
    }
}

#[test]
fn text_that_cannot_be_a_note_is_not_signed() {
    assert_eq!(signer().sign(""), Err(NoteError::TextEnd));
    assert_eq!(signer().sign("text"), Err(NoteError::TextEnd));
    assert_eq!(signer().sign("one\r\ntwo\n"), Err(NoteError::Control { line: 1 }));
    assert!(matches!(
        signer().sign(&"x\n".repeat(MAX_NOTE / 2)),
        Err(NoteError::TooLong { .. })
    ));
    for text in ["\n", "one\n", "one\n\ntwo\n", "one\n\n\n", "\u{2014} one two\n"] {
        let note = signer().sign(text).unwrap();
        assert_eq!(verify_note(&note), Ok(text));
    }
}

#[test]
fn every_truncated_or_flipped_note_is_refused() {
    let note = signer().sign("one\n\ntwo\n").unwrap();
    for text in truncated(&note) {
        assert!(verify_note(text).is_err(), "{text:?}");
    }
    for text in flipped(&note) {
        assert!(verify_note(&text).is_err(), "{text:?}");
    }
}

#[test]
fn garbled_notes_say_what_is_wrong_and_where() {
    let note = signer().sign("one\n\ntwo\n").unwrap();
    let line = note.lines().last().unwrap();
    let rows = [
        (String::new(), NoteError::Unsigned),
        ("one\n".into(), NoteError::Unsigned),
        ("one\n\n".into(), NoteError::Unsigned),
        (note.trim_end().into(), NoteError::Truncated),
        (note.replace('\n', "\r\n"), NoteError::Control { line: 1 }),
        (note.replace("two", "t\0o"), NoteError::Control { line: 3 }),
        (format!("{note}more\n"), NoteError::Line { line: 6 }),
        (note.replace('\u{2014}', "-"), NoteError::Line { line: 5 }),
        (
            format!("{note}\u{2014} name AAAAAA==\n"),
            NoteError::Line { line: 6 },
        ),
        (
            format!("{note}\u{2014} na+me AAAAAAAA\n"),
            NoteError::Line { line: 6 },
        ),
        (
            note.replace("two", "six"),
            NoteError::BadSignature {
                name: "gateline.example/log".into(),
            },
        ),
        (note.replace("/log ", "/other "), NoteError::Untrusted),
        (
            format!("one\n\n{}\n", line.repeat(4000)),
            NoteError::TooLong {
                len: 4000 * line.len() + 6,
            },
        ),
    ];
    for (text, error) in rows {
        assert_eq!(
            verify_note(&text),
            Err(error),
            "{:?}",
            &text[..text.len().min(200)]
        );
    }
}

#[test]
fn signatures_of_other_keys_neither_help_nor_harm() {
    let other = Signer::new(name("witness.example"), &[8; 32]);
    let same_name = Signer::new(name("gateline.example/log"), &[8; 32]);
    let note = signer().sign("one\n").unwrap();
    let foreign = other.sign("one\n").unwrap();
    let both = format!("{note}{}", &foreign[5..]);
    assert_eq!(verify_note(&both), Ok("one\n"));
    assert_eq!(verify_note(&foreign), Err(NoteError::Untrusted));
    assert_eq!(
        verify_note(&same_name.sign("one\n").unwrap()),
        Err(NoteError::Untrusted)
    );
    assert_eq!(Note::parse(&both).unwrap().verify(&[]), Err(NoteError::Untrusted));
    // A wrong signature of a trusted key is refused even beside a right one.
    let two = [signer().verifier().clone(), other.verifier().clone()];
    let wrong = format!("{note}{}", &other.sign("two\n").unwrap()[5..]);
    let refused = NoteError::BadSignature {
        name: "witness.example".into(),
    };
    assert_eq!(Note::parse(&wrong).unwrap().verify(&two), Err(refused));
    assert_eq!(verify_note(&wrong), Ok("one\n"));
    assert_eq!(Note::parse(&both).unwrap().verify(&two), Ok("one\n"));
}

#[test]
fn a_checkpoint_reads_back_and_is_of_its_log_only() {
    for size in [0, 1, 11, gateline_log::MAX_SIZE] {
        let head = TreeHead {
            size,
            root: leaf_hash(b""),
        };
        let note = Checkpoint::sign(&head, signer());
        let origin = name("gateline.example/log");
        let read = Checkpoint::verify(&note, &origin, trusted()).unwrap();
        assert_eq!(read, Checkpoint { origin, head });
        let refused = Checkpoint::verify(&note, &name("other.example/log"), trusted());
        assert!(matches!(refused, Err(CheckpointError::Origin { .. })));
    }
}

#[test]
fn signed_texts_that_are_no_checkpoints_are_refused() {
    let root = leaf_hash(b"").to_base64();
    let origin = "gateline.example/log";
    assert!(verify_checkpoint(&format!("{origin}\n5\n{root}\nextension line\n")).is_ok());
    let rows = [
        ("\n".to_owned(), CheckpointError::OriginForm),
        (
            format!("go.sum database tree\n5\n{root}\n"),
            CheckpointError::OriginForm,
        ),
        (format!("{origin}\n"), CheckpointError::Missing { what: "size" }),
        (
            format!("{origin}\n5\n"),
            CheckpointError::Missing { what: "root hash" },
        ),
        (
            format!("{origin}\n5\nAAAA\n"),
            CheckpointError::Root(HashError::Length { found: 3 }),
        ),
        (
            format!("{origin}\n5\n{root}=\n"),
            CheckpointError::Root(HashError::Base64),
        ),
        (
            format!("{origin}\n5\n{root}\n\nextension line\n"),
            CheckpointError::EmptyLine,
        ),
    ];
    for (text, error) in rows {
        assert_eq!(verify_checkpoint(&text), Err(error), "{text:?}");
    }
    for size in [
        "",
        "05",
        "+5",
        "-5",
        " 5",
        "5 ",
        "0x5",
        "5.0",
        "9223372036854775808",
        "99999999999999999999",
    ] {
        let text = format!("{origin}\n{size}\n{root}\n");
        assert_eq!(verify_checkpoint(&text), Err(CheckpointError::Size), "{size:?}");
    }
}

#[test]
fn an_offline_proof_reads_back_and_proves_its_entry_only() {
    let with_extra = TlogProof {
        extra: b"\x00salt".to_vec(),
        ..proof()
    };
    for proof in [proof(), with_extra] {
        let text = proof.to_string();
        assert_eq!(text.parse(), Ok(proof.clone()));
        assert_eq!(verify_proof(&text).unwrap().head.size, 11);
        let refused = proof.verify(&entry(4), signer().verifier().name(), trusted());
        assert!(matches!(refused, Err(TlogProofError::Inclusion(_))));
    }
    let tree: Tree = [leaf_hash(&entry(3))].into_iter().collect();
    let checkpoint = Checkpoint::sign(&tree.head(), signer());
    let alone = TlogProof {
        extra: Vec::new(),
        inclusion: tree.inclusion(0, 1).unwrap(),
        checkpoint,
    };
    assert_eq!(verify_proof(&alone.to_string()).unwrap().head.size, 1);
}

#[test]
fn every_truncated_or_flipped_offline_proof_is_refused() {
    let text = proof().to_string();
    for text in truncated(&text) {
        assert!(verify_proof(text).is_err(), "{text:?}");
    }
    for text in flipped(&text) {
        assert!(verify_proof(&text).is_err(), "{text:?}");
    }
}

#[test]
fn garbled_offline_proofs_say_what_is_wrong_and_where() {
    let text = proof().to_string();
    let hash = proof().inclusion.path[0].to_base64();
    let rows = [
        (String::new(), TlogProofError::NoCheckpoint),
        (text.replace("\n\n", "\n"), TlogProofError::NoCheckpoint),
        (text.replace("@v1", "@v2"), TlogProofError::Header),
        (text.replace("index 3", "index 03"), TlogProofError::Index),
        (text.replace("index 3\n", ""), TlogProofError::Index),
        (
            text.replace("index 3", "index 9223372036854775808"),
            TlogProofError::Index,
        ),
        (text.replace("index 3", "extra \nindex 3"), TlogProofError::Extra),
        (text.replace("index 3", "extra !\nindex 3"), TlogProofError::Extra),
        (text.replace(&hash, "AAAA"), TlogProofError::Hash { line: 3 }),
        (
            text.replace(&hash, &[hash.as_str(); 62].join("\n")),
            TlogProofError::PathLength { len: 65 },
        ),
        (
            "x".repeat(MAX_TLOG_PROOF + 1),
            TlogProofError::TooLong {
                len: MAX_TLOG_PROOF + 1,
            },
        ),
    ];
    for (text, error) in rows {
        assert_eq!(
            text.parse::<TlogProof>(),
            Err(error),
            "{:?}",
            &text[..text.len().min(200)]
        );
    }
}
