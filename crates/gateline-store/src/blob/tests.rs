//! What goes in comes back, in no more memory than it may take.

use super::*;

fn no_file() -> io::Result<File> {
    panic!("it fits into memory")
}

/// Bytes that no compressor makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    (0..length).map(step).collect()
}

fn back(blob: &Blob) -> Vec<u8> {
    let piece = |number: usize| {
        let (form, packed) = blob.piece(number).unwrap();
        unpack(form as i64, &packed, piece_length(blob.bytes(), number as u64)).unwrap()
    };
    (0..blob.pieces()).flat_map(piece).collect()
}

#[test]
fn content_of_every_length_comes_back_and_has_its_digest() {
    for length in [
        0,
        1,
        PIECE_BYTES - 1,
        PIECE_BYTES,
        PIECE_BYTES + 1,
        3 * PIECE_BYTES,
    ] {
        for bytes in [vec![b'a'; length], noise(length)] {
            let blob = Blob::read(&mut bytes.as_slice(), &no_file).unwrap();
            assert_eq!((blob.digest(), blob.bytes()), (Digest::of(&bytes), length as u64));
            assert_eq!(blob.pieces(), length.div_ceil(PIECE_BYTES));
            assert!(back(&blob) == bytes, "{length}");
            assert_eq!(Blob::of(&bytes).unwrap(), blob);
        }
    }
}

#[test]
fn text_becomes_smaller_and_noise_not_larger() {
    let kept = |bytes: &[u8]| {
        let blob = Blob::of(bytes).unwrap();
        (0..blob.pieces())
            .map(|number| blob.piece(number).unwrap().1.len())
            .sum::<usize>()
    };
    let text = "<testcase name=\"a\"/>\n".repeat(100_000);
    assert!(kept(text.as_bytes()) < text.len() / 10);
    let noise = noise(PIECE_BYTES + 7);
    assert_eq!(kept(&noise), noise.len());
}

#[test]
fn what_takes_too_much_memory_goes_into_a_file() {
    let dir = crate::contract::Dir::new();
    let spool = || {
        let path = dir.path("spool");
        let mut open = File::options();
        open.read(true).write(true).create_new(true).open(path)
    };
    let bytes = noise(BLOB_MEMORY_BYTES_MAX + 3);
    let blob = Blob::read(&mut bytes.as_slice(), &spool).unwrap();
    assert_eq!(
        std::fs::metadata(dir.path("spool")).unwrap().len(),
        bytes.len() as u64
    );
    assert!(back(&blob) == bytes);
    let full = || File::options().write(true).open("/dev/full");
    let err = Blob::read(&mut bytes.as_slice(), &full).unwrap_err();
    assert!(
        matches!(err, BlobError::Spool(_)) && err.to_string().contains("disk"),
        "{err}"
    );
}

#[test]
fn content_of_just_the_limit_is_taken_and_one_byte_more_is_not() {
    let read = |bytes: usize| Blob::read(&mut io::repeat(b' ').take(bytes as u64), &no_file);
    assert_eq!(
        read(EVIDENCE_BYTES_MAX).unwrap().bytes(),
        EVIDENCE_BYTES_MAX as u64
    );
    assert!(matches!(read(EVIDENCE_BYTES_MAX + 1), Err(BlobError::TooLarge)));
}

#[test]
fn a_piece_that_would_become_larger_than_it_must_be_is_damage() {
    let blob = Blob::of(&[0; PIECE_BYTES]).unwrap();
    let (form, bomb) = blob.piece(0).unwrap();
    assert!(bomb.len() < PIECE_BYTES / 50);
    for length in [0, 1, 100, PIECE_BYTES - 1, PIECE_BYTES + 1] {
        assert!(unpack(form as i64, &bomb, length).is_err(), "{length}");
    }
    assert!(unpack(form as i64, &bomb[..bomb.len() - 1], PIECE_BYTES).is_err());
    assert!(unpack(form as i64, &[], 1).is_err());
    assert!(unpack(7, &bomb, PIECE_BYTES).unwrap_err().contains("form is 7"));
}
