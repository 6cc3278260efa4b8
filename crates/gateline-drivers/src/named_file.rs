//! Files that somebody else names: a pipeline its secrets and keys, a request its artifacts. Each is a regular file of the disk,
//! once links are followed, and is read to a limit.
//!
//! A device would never end, a pipe would hold a thread for ever, and the files of `/proc` tell of this process itself. Knows
//! nothing of what is in a file. Blocks: async callers go through a thread of their own.

use std::fs::{File, OpenOptions};
use std::io::{Error, Read as _, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use gateline_model::Digest;
use rustix::fs::OFlags;

/// Folders whose files are the kernel's: they tell of processes, their environments and their memory.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Why a pipe, a folder or a device is not taken.
const NO_FILE: &str = "it is no regular file";

/// Opens a file that somebody else named.
///
/// # Errors
/// Where it is not there, may not be read, is no regular file, or is one of the kernel's.
pub fn open(path: &Path) -> Result<File> {
    // Where links lead is looked at before and after: one that changes in between is found by the file's kind at least.
    let real = path.canonicalize().map_err(|err| match path.exists() {
        // What a link of the kernel leads to has no name of its own: a pipe of a shell's `<(..)`, a socket.
        true => Error::other(NO_FILE),
        false => err,
    })?;
    if let Some(folder) = KERNEL.iter().find(|folder| real.starts_with(folder)) {
        return Err(Error::other(format!(
            "it leads into `{folder}`, whose files are not taken"
        )));
    }
    // Opening a pipe waits for who writes to it, unless it is said that nothing shall wait.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(real)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(Error::other(NO_FILE)),
    }
}

/// All of its bytes.
///
/// # Errors
/// Those of [`open`], and where it has more bytes than that.
pub fn bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A file that grows ends here too.
    open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= bytes_max {
        true => Ok(bytes),
        false => Err(too_long(bytes_max)),
    }
}

/// Its text.
///
/// # Errors
/// Those of [`bytes`], and where it is no UTF-8.
pub fn text(path: &Path, bytes_max: u64) -> Result<String> {
    // The error of the library would repeat the bytes.
    String::from_utf8(bytes(path, bytes_max)?).map_err(|_| Error::other("it is not UTF-8"))
}

/// The digest of its bytes, which are not kept.
///
/// # Errors
/// Those of [`bytes`].
pub fn digest(path: &Path, bytes_max: u64) -> Result<Digest> {
    let mut file = open(path)?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let (mut piece, mut read) = (vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            more => {
                read += more as u64;
                if read > bytes_max {
                    return Err(too_long(bytes_max));
                }
                context.update(&piece[..more]);
            }
        }
    }
    let digest = context.finish();
    let bytes = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
    Ok(Digest::from_bytes(bytes))
}

fn too_long(bytes_max: u64) -> Error {
    Error::other(format!("it is longer than {bytes_max} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        text(path, 1_000).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_to_its_limit_also_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("key"), dir.path().join("link"));
        std::fs::write(&path, "x".repeat(1_000)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(text(&link, 1_000).unwrap().len(), 1_000);
        assert_eq!(
            digest(&link, 1_000).unwrap(),
            Digest::of("x".repeat(1_000).as_bytes())
        );
        for too_long in [text(&link, 999).map(drop), digest(&link, 999).map(drop)] {
            assert_eq!(too_long.unwrap_err().to_string(), "it is longer than 999 bytes");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused_and_nobody_waits_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(refused(&pipe), "it is no regular file");
        assert_eq!(refused(dir.path()), "it is no regular file");
        let socket = dir.path().join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        refused(&socket);
        assert!(refused(&dir.path().join("none")).contains("No such file"));
    }

    #[test]
    fn what_the_kernel_tells_of_this_process_is_refused_also_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("innocent");
        std::os::unix::fs::symlink("/proc/self/environ", &link).unwrap();
        let roundabout = dir.path().join("../../../../../../proc/self/environ");
        for path in ["/proc/self/environ", "/dev/zero", "/sys/kernel/notes"] {
            let said = refused(Path::new(path));
            assert!(
                said.contains("whose files are not taken") || said.contains("No such file"),
                "{said}"
            );
        }
        for path in [link, roundabout] {
            assert!(
                refused(&path).contains("leads into `/proc`"),
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, b"hunter2\xff").unwrap();
        assert_eq!(refused(&path), "it is not UTF-8");
    }
}
