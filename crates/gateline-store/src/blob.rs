//! Content that is kept by digest: compressed in pieces, so that neither keeping it nor reading it back holds all of it.
//!
//! A [`Blob`] is made off the thread that commits. Knows no table: a store keeps the pieces where it likes.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use gateline_model::Digest;
use gateline_model::limits::EVIDENCE_BYTES_MAX;
use sha2::{Digest as _, Sha256};

use crate::{Read, StoreError};

/// Bytes of one piece before it is compressed; the last piece may have fewer. Thirty times the window that the
/// compressor looks back into, so that cutting costs nothing.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// Compressed bytes that one blob holds in memory until it is stored. More lie in a file.
pub const BLOB_MEMORY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// zlib's third level, of which reports keep a twelfth at 300 MB/s. The first is twice as fast and keeps an eighth, the
/// sixth takes three times as long for a few bytes in a hundred.
const LEVEL: u32 = 3;

/// Content that is ready to be kept: its digest, and its bytes in compressed pieces.
pub struct Blob {
    digest: Digest,
    bytes: u64,
    pieces: Vec<Packed>,
    kept: Kept,
}

/// Where the pieces of a blob are until it is stored.
enum Kept {
    Memory(Vec<u8>),
    File(File),
}

/// One piece, and where it lies.
struct Packed {
    form: Form,
    at: u64,
    length: usize,
}

/// How a piece is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is: it did not become smaller.
    Plain = 0,
    /// With zlib (RFC 1950).
    Zlib = 1,
}

/// Why content was not made ready to be kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It has more than [`EVIDENCE_BYTES_MAX`].
    #[error("the content has more than {EVIDENCE_BYTES_MAX} bytes, the limit (EVIDENCE_BYTES_MAX)")]
    TooLarge,
    /// It could not be read.
    #[error("could not read the content: {0}")]
    Read(io::Error),
    /// The file for its pieces could not be made or written.
    #[error("could not write the compressed content to a file: {0}; see that the disk is not full")]
    Spool(io::Error),
}

impl Blob {
    /// Makes short content ready, in memory.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`].
    pub fn of(bytes: &[u8]) -> Result<Self, BlobError> {
        Packer::new(usize::MAX).pack(&mut { bytes }, &|| Err(io::ErrorKind::Unsupported.into()))
    }

    /// Makes content ready as it is read. `spool` makes the file for pieces that would take too much memory; it should
    /// have no name, so that it goes with its last user.
    ///
    /// # Errors
    /// [`BlobError`]
    pub fn read(source: &mut dyn io::Read, spool: &dyn Fn() -> io::Result<File>) -> Result<Self, BlobError> {
        Packer::new(BLOB_MEMORY_BYTES_MAX).pack(source, spool)
    }

    /// The digest of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many pieces it has.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// One piece as it is to be kept.
    pub(crate) fn piece(&self, number: usize) -> io::Result<(Form, Vec<u8>)> {
        let Packed { form, at, length } = self.pieces[number];
        let mut bytes = vec![0; length];
        match &self.kept {
            Kept::Memory(all) => bytes.copy_from_slice(&all[at as usize..at as usize + length]),
            Kept::File(file) => file.read_exact_at(&mut bytes, at)?,
        }
        Ok((form, bytes))
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({}, {} bytes)", self.digest, self.bytes)
    }
}

/// Reads, hashes and compresses.
struct Packer {
    zlib: Compress,
    memory_max: usize,
    pieces: Vec<Packed>,
    kept: Kept,
    at: u64,
}

impl Packer {
    fn new(memory_max: usize) -> Self {
        Self {
            zlib: Compress::new(Compression::new(LEVEL), true),
            memory_max,
            pieces: Vec::new(),
            kept: Kept::Memory(Vec::new()),
            at: 0,
        }
    }

    fn pack(
        mut self,
        source: &mut dyn io::Read,
        spool: &dyn Fn() -> io::Result<File>,
    ) -> Result<Blob, BlobError> {
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut packed = Vec::with_capacity(PIECE_BYTES);
        loop {
            piece.clear();
            let read = (&mut *source).take(PIECE_BYTES as u64).read_to_end(&mut piece);
            if read.map_err(BlobError::Read)? == 0 {
                break;
            }
            bytes += piece.len() as u64;
            if bytes > EVIDENCE_BYTES_MAX as u64 {
                return Err(BlobError::TooLarge);
            }
            hash.update(&piece);
            match self.compress(&piece, &mut packed) {
                Form::Zlib => self.keep(Form::Zlib, &packed, spool),
                Form::Plain => self.keep(Form::Plain, &piece, spool),
            }
            .map_err(BlobError::Spool)?;
        }
        Ok(Blob {
            digest: Digest::from_bytes(hash.finalize().into()),
            bytes,
            pieces: self.pieces,
            kept: self.kept,
        })
    }

    /// Compresses into no more room than the piece itself takes.
    fn compress(&mut self, piece: &[u8], packed: &mut Vec<u8>) -> Form {
        packed.clear();
        packed.reserve_exact(piece.len().saturating_sub(packed.capacity()));
        self.zlib.reset();
        let room = packed.capacity().min(PIECE_BYTES);
        match self.zlib.compress_vec(piece, packed, FlushCompress::Finish) {
            Ok(Status::StreamEnd) if packed.len() < piece.len() && packed.len() <= room => Form::Zlib,
            Ok(Status::StreamEnd | Status::Ok | Status::BufError) | Err(_) => Form::Plain,
        }
    }

    fn keep(&mut self, form: Form, packed: &[u8], spool: &dyn Fn() -> io::Result<File>) -> io::Result<()> {
        if let Kept::Memory(all) = &mut self.kept {
            if all.len() + packed.len() <= self.memory_max {
                all.extend_from_slice(packed);
            } else {
                let mut file = spool()?;
                file.write_all(all)?;
                self.kept = Kept::File(file);
            }
        }
        if let Kept::File(file) = &mut self.kept {
            file.write_all(packed)?;
        }
        self.pieces.push(Packed {
            form,
            at: self.at,
            length: packed.len(),
        });
        self.at += packed.len() as u64;
        Ok(())
    }
}

/// How many bytes a piece of content of this length has.
pub(crate) fn piece_length(bytes: u64, number: u64) -> usize {
    let before = number.saturating_mul(PIECE_BYTES as u64);
    bytes.saturating_sub(before).min(PIECE_BYTES as u64) as usize
}

/// The bytes of a piece. Never makes more of them than there must be, whatever it is given.
pub(crate) fn unpack(form: i64, packed: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let bytes = match form {
        0 => packed.to_vec(),
        1 => {
            // One more than there must be, so that too much is told apart from just enough.
            let mut bytes = Vec::with_capacity(length + 1);
            let ended = Decompress::new(true).decompress_vec(packed, &mut bytes, FlushDecompress::Finish);
            match ended {
                Ok(Status::StreamEnd) => bytes,
                Ok(Status::Ok | Status::BufError) => return Err("it does not end where it must".to_owned()),
                Err(err) => return Err(format!("it cannot be decompressed: {err}")),
            }
        }
        other => return Err(format!("its form is {other}, which is not known")),
    };
    if bytes.len() != length {
        return Err(format!("it has {} bytes instead of {length}", bytes.len()));
    }
    Ok(bytes)
}

/// Content that is read back piece by piece, each into memory alone. The last piece is given only when all of them have
/// the digest, so that whoever has all has the right ones.
#[derive(Debug)]
pub struct BlobReading {
    digest: Digest,
    bytes: u64,
    next: u64,
    hash: Sha256,
}

impl BlobReading {
    /// Begins to read; none where there is no such content.
    ///
    /// # Errors
    /// [`StoreError`], also where it is damaged.
    pub fn begin(store: &(impl Read + ?Sized), digest: &Digest) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = store.blob_bytes(digest)? else {
            return Ok(None);
        };
        let reading = Self {
            digest: *digest,
            bytes,
            next: 0,
            hash: Sha256::new(),
        };
        if bytes > EVIDENCE_BYTES_MAX as u64 {
            return Err(reading.damaged(format!("it is said to have {bytes} bytes, more than may be kept")));
        }
        if bytes == 0 {
            reading.ended()?;
        }
        Ok(Some(reading))
    }

    /// How many bytes there are in all.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// [`StoreError`], also where it is damaged.
    pub fn next(&mut self, store: &(impl Read + ?Sized)) -> Result<Option<Vec<u8>>, StoreError> {
        let length = piece_length(self.bytes, self.next);
        if length == 0 {
            return Ok(None);
        }
        let number = self.next;
        let piece = store.blob_piece(&self.digest, number)?;
        let piece = piece.ok_or_else(|| self.damaged(format!("its piece {number} is missing")))?;
        self.hash.update(&piece);
        self.next += 1;
        if piece_length(self.bytes, self.next) == 0 {
            self.ended()?;
        }
        Ok(Some(piece))
    }

    fn ended(&self) -> Result<(), StoreError> {
        match Digest::from_bytes(self.hash.clone().finalize().into()) == self.digest {
            true => Ok(()),
            false => Err(self.damaged("the bytes have another digest".to_owned())),
        }
    }

    fn damaged(&self, why: String) -> StoreError {
        damaged(&self.digest, why)
    }
}

/// Content that is not what was kept.
pub(crate) fn damaged(digest: &Digest, why: String) -> StoreError {
    StoreError::Damaged {
        what: format!("content `{digest}`"),
        why,
    }
}
