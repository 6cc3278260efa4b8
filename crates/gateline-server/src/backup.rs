//! Backups: a store told into one compressed file, and a new store filled from it. The same file fits any store.
//!
//! One line of JSON an entry, within gzip. Log numbers, bodies and hashes are checked when it is read, not trusted.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use gateline_drivers::named_file;
use gateline_log::Hash;
use gateline_store::{
    CopyError, Entry, Filled, Head, PostgresError, PostgresReader, PostgresStore, SqliteError, SqliteReader,
    SqliteStore, StoreError, Tell, Told,
};
use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::serve::{Existing, private};

/// The form of backups that this build writes and reads.
const FORM: u32 = 1;
/// Longest line that is read, in bytes: 500 events of 512 KiB.
pub const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// What every file of gzip begins with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// zlib's own choice between speed and size.
const LEVEL: u32 = 6;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Title {
    gateline_backup: u32,
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no database in the folder.
    #[error("there is no database at `{}`", .0.display())]
    Missing(PathBuf),
    /// The file of a store cannot be opened.
    #[error(transparent)]
    File(#[from] SqliteError),
    /// The database of a store cannot be opened.
    #[error(transparent)]
    Database(#[from] PostgresError),
    /// The file of a backup is there.
    #[error("`{}` is there already: name another file, or take that one away first", .0.display())]
    There(PathBuf),
    /// A file cannot be read or written.
    #[error("could not use `{}`: {err}", path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// Why.
        err: std::io::Error,
    },
    /// What is told cannot be kept.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A backup cannot be kept.
    #[error("could not restore `{}`: {err}", path.display())]
    Restore {
        /// The backup.
        path: PathBuf,
        /// Why.
        err: CopyError,
    },
    /// The store that was told cannot be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// A store was to be copied into itself.
    #[error("both are the same store; name an empty one to copy into")]
    Same,
    /// Somebody wrote to the store in the moment in which the copy was kept.
    #[error(
        "a server wrote {0} more events while the copy was kept, which it lacks: do not start a server on it; take it away, stop \
         all servers of the old store, and copy that again into an empty one"
    )]
    Moved(u64),
}

impl BackupError {
    /// Whether what was typed, or a file that it names, is wrong.
    pub fn is_of_what_was_typed(&self) -> bool {
        match self {
            Self::Missing(_) | Self::There(_) | Self::Backup { .. } | Self::Same => true,
            Self::Copy(err) | Self::Restore { err, .. } => match err {
                CopyError::NotEmpty | CopyError::Damaged { .. } | CopyError::Unreadable(_) => true,
                CopyError::Moved(_) | CopyError::Store(_) => false,
            },
            Self::Database(err) => matches!(err, PostgresError::Address(_)),
            Self::File(_) | Self::Read(_) | Self::Moved(_) => false,
        }
    }
}

/// Writes a backup; servers may be using the store.
///
/// # Errors
/// [`BackupError`]; then there is no file.
pub fn back_up(place: &Place, to: &Path) -> Result<(u64, Hash), BackupError> {
    match place {
        Place::File(path) => write(&SqliteReader::open(found(path)?)?, to),
        Place::Database(address) => write(&PostgresReader::open(address)?, to),
    }
}

/// Fills an empty store from a backup.
///
/// # Errors
/// [`BackupError`]; then nothing is kept.
pub fn restore(from: &Path, place: &Place) -> Result<Head, BackupError> {
    // Before anything is made that would be left behind.
    begins(from)?;
    let mut read = |hear: &mut gateline_store::Hear<'_>| read(from, hear);
    fill(place, &mut read).map_err(|err| match err {
        BackupError::Copy(err) => BackupError::Restore {
            path: from.to_owned(),
            err,
        },
        err => err,
    })
}

/// Copies a store into an empty one. No server may use the first.
///
/// # Errors
/// [`BackupError`]; then nothing is kept, but where the first one moved on in the last moment.
pub fn copy(from: &Place, to: &Place) -> Result<Head, BackupError> {
    if let (Place::File(from), Place::File(to)) = (from, to)
        && from
            .canonicalize()
            .is_ok_and(|from| to.canonicalize().is_ok_and(|to| from == to))
    {
        return Err(BackupError::Same);
    }
    match from {
        Place::File(path) => {
            // Its lock: no server uses it.
            let store = SqliteStore::open(found(path)?)?;
            copied(&store.reader()?, to)
        }
        Place::Database(address) => copied(&PostgresReader::open(address)?, to),
    }
}

fn copied(from: &(impl Told + gateline_store::Read), to: &Place) -> Result<Head, BackupError> {
    let mut told = 0;
    let moved = |told: u64| -> Result<u64, StoreError> { Ok(from.head()?.size.saturating_sub(told)) };
    let head = fill(to, &mut |hear| {
        from.tell(&mut |entry| {
            if let Entry::Head { size, .. } = &entry {
                told = *size;
            }
            hear(entry)
        })?;
        // Nothing is kept yet.
        match moved(told)? {
            0 => Ok(()),
            more => Err(CopyError::Moved(more)),
        }
    })?;
    match moved(told)? {
        0 => Ok(head),
        more => Err(BackupError::Moved(more)),
    }
}

fn fill(place: &Place, tell: &mut Tell<'_>) -> Result<Head, BackupError> {
    Ok(match place {
        Place::File(path) => {
            let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            let made = made.and_then(|()| private(path, Existing::Keep));
            made.map_err(|err| BackupError::Backup {
                path: path.clone(),
                err,
            })?;
            SqliteStore::open(path)?.fill(tell)?
        }
        Place::Database(address) => PostgresStore::open(address)?.fill(tell)?,
    })
}

fn found(path: &Path) -> Result<&Path, BackupError> {
    if path.exists() {
        Ok(path)
    } else {
        Err(BackupError::Missing(path.to_owned()))
    }
}

fn write(store: &impl Told, to: &Path) -> Result<(u64, Hash), BackupError> {
    let cannot = |path: &Path, err| BackupError::Backup {
        path: path.to_owned(),
        err,
    };
    // A file that is there under its name is whole, whenever the machine stops. What is not whole yet is ours alone.
    let mut part = to.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    if to.exists() {
        return Err(BackupError::There(to.to_owned()));
    }
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part);
    let file = file.map_err(|err| match err.kind() {
        // What is not there is its folder.
        std::io::ErrorKind::NotFound => cannot(
            to,
            std::io::Error::other("there is no such folder; make it first"),
        ),
        _ => cannot(&part, err),
    })?;
    let written = told(store, &file).and_then(|head| {
        let kept = file.sync_all().and_then(|()| std::fs::rename(&part, to));
        kept.map_err(|err| cannot(to, err)).map(|()| head)
    });
    if written.is_err() {
        // What is left of it is of no use.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Gives the size and the root of what was told.
fn told(store: &impl Told, file: &File) -> Result<(u64, Hash), BackupError> {
    let failed =
        |err: std::io::Error| CopyError::Unreadable(format!("the backup could not be written: {err}"));
    let mut zip = GzEncoder::new(BufWriter::new(file), Compression::new(LEVEL));
    line(
        &mut zip,
        &Title {
            gateline_backup: FORM,
        },
    )
    .map_err(failed)?;
    let mut head = (0, Hash::ZERO);
    store.tell(&mut |entry| {
        if let Entry::Head { size, root, .. } = &entry {
            head = (*size, Hash::try_from(root.as_slice()).unwrap_or(Hash::ZERO));
        }
        line(&mut zip, &entry).map_err(failed)
    })?;
    zip.finish().and_then(|mut file| file.flush()).map_err(failed)?;
    Ok(head)
}

fn line(to: &mut impl std::io::Write, what: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, what)?;
    to.write_all(b"\n")
}

/// Looks whether it is a backup at all.
fn begins(path: &Path) -> Result<(), BackupError> {
    let unfit = |why: &str| BackupError::Backup {
        path: path.to_owned(),
        err: std::io::Error::other(format!(
            "{why}; nothing was kept; give a file that `gateline backup` wrote"
        )),
    };
    let mut magic = [0; 2];
    match named_file::open(path).and_then(|mut file| file.read_exact(&mut magic)) {
        Ok(()) if magic == GZIP => Ok(()),
        Err(err) if err.kind() != std::io::ErrorKind::UnexpectedEof => Err(unfit(&err.to_string())),
        Ok(()) | Err(_) => Err(unfit("it is no backup")),
    }
}

fn read(path: &Path, hear: &mut gateline_store::Hear<'_>) -> Result<(), CopyError> {
    let unreadable = |why: String| CopyError::Unreadable(format!("{why}; nothing was kept"));
    let file = File::open(path).map_err(|err| unreadable(err.to_string()))?;
    unpack(BufReader::new(file), &unreadable, hear)
}

fn unpack(
    packed: impl std::io::BufRead,
    unreadable: &dyn Fn(String) -> CopyError,
    hear: &mut gateline_store::Hear<'_>,
) -> Result<(), CopyError> {
    let mut lines = BufReader::new(GzDecoder::new(packed));
    for number in 1_u64.. {
        let mut text = Vec::new();
        let taken = (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut text);
        taken.map_err(|err| unreadable(format!("it is cut off or damaged at line {number} ({err})")))?;
        if text.is_empty() {
            break;
        }
        if text.last() != Some(&b'\n') {
            return Err(unreadable(format!(
                "line {number} is cut off, or longer than any that is written"
            )));
        }
        if number == 1 {
            match serde_json::from_slice::<Title>(&text) {
                Ok(title) if title.gateline_backup == FORM => continue,
                Ok(title) => {
                    let why = format!(
                        "it has form {}, this Gateline reads form {FORM}",
                        title.gateline_backup
                    );
                    return Err(unreadable(why));
                }
                Err(_) => return Err(unreadable("it is no backup of Gateline".to_owned())),
            }
        }
        let entry: Entry = serde_json::from_slice(&text)
            .map_err(|err| unreadable(format!("line {number} says nothing: {err}")))?;
        hear(entry)?;
    }
    let mut packed = lines.into_inner().into_inner();
    let rest = packed.fill_buf().map_err(|err| unreadable(err.to_string()))?;
    match rest.is_empty() {
        true => Ok(()),
        false => Err(unreadable(
            "something follows its end, as where two files were written into one".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::Read as _;

    use gateline_model::{Arm, Digest, Event, Private, StepAction, StreamId, Tick, Work, WorkKind};
    use gateline_store::{Append, Blob, IdempotencyKey, NewEvent, PasswordChange, Read as _, Store as _};
    use jiff::Timestamp;

    use super::*;

    /// A store with something of most kinds, told into a backup; without its compression.
    fn sample(dir: &Path) -> Vec<u8> {
        let mut store = SqliteStore::open(dir.join("told.db")).unwrap();
        let promotion: gateline_model::PromotionId = "payments/payment-service/production/1".parse().unwrap();
        let stream = StreamId::Promotion(promotion.clone());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let event = |step| NewEvent {
            stream: stream.clone(),
            event: Event::StepIntended {
                step,
                attempt: 1,
                action: StepAction::Start,
            },
            private: Some(([7; 16], Private::default())),
        };
        let append = Append {
            key: Some(IdempotencyKey {
                scope: "ana promote 1".into(),
                request: Digest::of(b"body"),
            }),
            expects: vec![(stream.clone(), 0)],
            by: None,
            fence: None,
            actor: "ana".parse().unwrap(),
            events: vec![event(1), event(2)],
            work_add: vec![Work {
                stream: stream.clone(),
                kind: WorkKind::Judge,
                due: now,
            }],
            work_remove: vec![],
            rows: vec![],
            blobs: vec![std::sync::Arc::new(Blob::of(&b"some content"[..]).unwrap())],
            passwords: vec![PasswordChange {
                account: "ana".parse().unwrap(),
                hash: Some("$hash".into()),
            }],
        };
        let answers = store.append(now, &[append]).unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        store
            .put_ticks(&promotion, &[Tick::none(now, Arm::Canary)])
            .unwrap();
        let backup = dir.join("told.backup");
        write(&store.reader().unwrap(), &backup).unwrap();
        let mut text = Vec::new();
        GzDecoder::new(&std::fs::read(&backup).unwrap()[..])
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(text).unwrap();
        zip.finish().unwrap()
    }

    #[test]
    fn a_spoilt_backup_harms_nobody_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let text = sample(dir.path());
        let fresh = |number| SqliteStore::open(dir.path().join(format!("{number}.db"))).unwrap();
        let store = RefCell::new((fresh(0), 0));
        let restore = |packed: &[u8]| {
            let (store, filled) = &mut *store.borrow_mut();
            let restored = store.fill(&mut |hear| unpack(packed, &CopyError::Unreadable, hear));
            let Ok(head) = restored else {
                assert_eq!(store.head().unwrap().size, 0);
                return;
            };
            // What it says is what was recorded, or the root would be another.
            assert_eq!((head.size, store.head().unwrap()), (2, head));
            *filled += 1;
            *store = fresh(*filled);
        };
        crate::spoilt::spoilt(&[&text], |text| restore(&packed(text)));
        crate::spoilt::spoilt(&[&packed(&text)], restore);
        assert!(store.borrow().1 >= 2, "what is whole is restored");
    }

    #[test]
    fn what_follows_the_end_of_a_backup_is_refused_and_a_line_that_says_nothing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let text = sample(dir.path());
        let whole = packed(&text);
        let says = |packed: &[u8]| {
            let mut store = SqliteStore::open(dir.path().join("new.db")).unwrap();
            let filled = store.fill(&mut |hear| unpack(packed, &CopyError::Unreadable, hear));
            filled.unwrap_err().to_string()
        };
        for more in [&whole[..], b"more"] {
            assert!(says(&[&whole[..], more].concat()).starts_with("something follows its end"));
        }
        let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        lines[2] = b"{}\n";
        let found = says(&packed(&lines.concat()));
        assert!(found.starts_with("line 3 says nothing: "), "{found}");
    }

    #[test]
    fn a_backup_is_written_into_a_file_of_its_own_and_over_nothing() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        let (to, precious) = (dir.path().join("told.backup"), dir.path().join("precious"));
        let store = SqliteReader::open(dir.path().join("told.db")).unwrap();
        let told = |to: &Path| write(&store, to).unwrap_err().to_string();
        assert!(told(&to).contains("is there already"), "{}", told(&to));
        assert!(told(&dir.path().join("none/b")).contains("no such folder"));
        // What a name leads to that is not ours is not written to.
        std::fs::write(&precious, "precious").unwrap();
        let next = dir.path().join("next");
        let part = format!("next.{}.part", std::process::id());
        std::os::unix::fs::symlink(&precious, dir.path().join(part)).unwrap();
        told(&next);
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
        assert!(!next.exists());
    }

    #[test]
    fn what_is_no_backup_makes_no_store_and_a_store_is_not_copied_into_itself() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        std::fs::write(&text, "apiVersion: v1").unwrap();
        let place = Place::File(dir.path().join("new/gateline.db"));
        for from in [
            &text,
            dir.path(),
            Path::new("/dev/zero"),
            &dir.path().join("none"),
        ] {
            let says = restore(from, &place).unwrap_err().to_string();
            assert!(says.contains("that `gateline backup` wrote"), "{says}");
        }
        assert!(!dir.path().join("new").exists());
        let store = dir.path().join("gateline.db");
        drop(SqliteStore::open(&store).unwrap());
        let same = copy(&Place::File(store.clone()), &Place::File(store)).unwrap_err();
        assert!(matches!(same, BackupError::Same), "{same}");
    }
}
