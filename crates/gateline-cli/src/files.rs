//! Files of the person's own, read with a limit. A pipe is as good as a file, as `<(..)` of a shell makes one, and is waited
//! for within a limit too.

use std::fs::{File, OpenOptions};
use std::io::{Error, Read, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use gateline_model::Digest;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;

/// Largest artifact that is hashed, in bytes: disk images reach a tenth of it.
pub(crate) const ARTIFACT_BYTES_MAX: u64 = 1 << 40;

/// How long a pipe may stay silent before anything came through it: what fills one may take its time.
pub(crate) const PIPE_WAITS_MAX: Duration = Duration::from_secs(60);

/// Opens a file; of a pipe, when there is something to read.
fn open(path: &Path) -> std::io::Result<File> {
    open_within(path, PIPE_WAITS_MAX)
}

fn open_within(path: &Path, within: Duration) -> std::io::Result<File> {
    // Opening a pipe waits for who writes to it, unless it is said that nothing shall wait.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        let within = within.try_into().map_err(Error::other)?;
        if poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&within))? == 0 {
            return Err(Error::other("it is a pipe, and nobody writes to it"));
        }
    }
    rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// The bytes of a file, or of stdin where it is called `-`.
pub(crate) fn bytes(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One more than may be, so that too much is told apart from just enough. A device without end stops here too.
    let limit = bytes_max as u64 + 1;
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
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

/// Content that stays as it is while it is sent: it can be read again from any byte.
#[derive(Debug)]
pub(crate) struct Steady {
    /// Where it is.
    pub file: File,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
}

/// Opens a file to be sent. What can be read only once, stdin for one, is first copied into a file without a name.
pub(crate) fn steady(path: &Path, bytes_max: usize) -> Result<Steady, Failure> {
    let failed = |err| unreadable(path, err);
    let mut copy = None;
    let mut source: Box<dyn Read> = if path == Path::new("-") {
        copy = Some(tempfile::tempfile().map_err(failed)?);
        Box::new(std::io::stdin().lock())
    } else {
        let file = open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            copy = Some(tempfile::tempfile().map_err(failed)?);
        }
        Box::new(file)
    };
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = source.read(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        bytes += read;
        if bytes > bytes_max {
            return Err(unreadable(path, format!("it has more than {bytes_max} bytes")));
        }
        hash.update(&piece[..read]);
        if let Some(copy) = &mut copy {
            copy.write_all(&piece[..read]).map_err(failed)?;
        }
    }
    let file = match copy {
        Some(copy) => copy,
        None => open(path).map_err(failed)?,
    };
    Ok(Steady {
        file,
        bytes: bytes as u64,
        digest: Digest::from_bytes(hash.finalize().into()),
    })
}

/// The digest of a file, however large, read piece by piece.
pub(crate) fn digest(path: &Path) -> Result<Digest, Failure> {
    let kind = path.metadata().map_err(|err| unreadable(path, err))?;
    if !kind.is_file() {
        return Err(unreadable(path, "it is not a regular file"));
    }
    if kind.len() > ARTIFACT_BYTES_MAX {
        return Err(unreadable(
            path,
            format!("it has more than {ARTIFACT_BYTES_MAX} bytes"),
        ));
    }
    let mut file = open(path).map_err(|err| unreadable(path, err))?;
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

    fn pipe(dir: &Path) -> std::path::PathBuf {
        let pipe = dir.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        pipe
    }

    #[test]
    fn a_file_is_hashed_as_its_bytes_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("artifact");
        let content = vec![7; 200_000];
        std::fs::write(&path, &content).unwrap();
        assert_eq!(digest(&path).unwrap(), Digest::of(&content));
    }

    #[test]
    fn what_is_sent_is_hashed_and_can_be_read_again_from_any_byte() {
        use std::os::unix::fs::FileExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report");
        let content: Vec<u8> = (0..200_000_u32).map(|at| at as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let pipe = pipe(dir.path());
        let (to, bytes) = (pipe.clone(), content.clone());
        let writer = std::thread::spawn(move || std::fs::write(to, bytes));
        for path in [&path, &pipe] {
            let steady = steady(path, content.len()).unwrap();
            assert_eq!((steady.bytes, steady.digest), (200_000, Digest::of(&content)));
            let mut end = [0; 7];
            steady.file.read_exact_at(&mut end, 199_993).unwrap();
            assert_eq!(end, content[199_993..]);
        }
        writer.join().unwrap().unwrap();
        let failure = steady(&path, content.len() - 1).unwrap_err();
        assert!(failure.why.contains("more than 199999 bytes"), "{}", failure.why);
        assert!(steady(Path::new("/dev/zero"), 100).is_err());
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_not_waited_for_beyond_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = pipe(dir.path());
        let failed = open_within(&pipe, Duration::from_millis(20)).unwrap_err();
        assert_eq!(failed.to_string(), "it is a pipe, and nobody writes to it");
        assert!(digest(&pipe).unwrap_err().why.contains("regular file"));
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
