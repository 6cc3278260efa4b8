//! The folder of uploads: which there are, how large they are, and who has each.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use gateline_api::entry;
use gateline_model::{ActorId, Digest, Span};
use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

use super::UPLOAD_TAKE_OVER_SECS_MAX;
use crate::refused::Refused;

/// How long an upload that broke off is kept after its last byte: a job that failed is run again within the hour.
pub const UPLOAD_KEPT: Span = Span::from_secs(3_600);
/// Most uploads of one actor that are on their way or broke off.
pub const UPLOADS_PER_ACTOR_MAX: usize = 16;
/// Most bytes of them: four of the largest.
pub const UPLOAD_BYTES_PER_ACTOR_MAX: u64 = 1 << 30;
/// Most uploads of all actors.
pub const UPLOADS_MAX: usize = 256;
/// Most bytes of all of them.
pub const UPLOAD_BYTES_MAX: u64 = 4 << 30;

/// Characters of a digest in a file's name.
const NAME_CHARS: usize = 32;

/// What an upload is called: who, under which key, and which bytes. The name of its file says all that must be known of
/// it after a restart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    actor: String,
    key: String,
    request: String,
}

impl Name {
    pub(crate) fn new(actor: &ActorId, scope: &str, request: &Digest) -> Self {
        let part = |digest: Digest| digest.hex()[..NAME_CHARS].to_owned();
        Self {
            actor: part(Digest::of(actor.as_str().as_bytes())),
            key: part(Digest::of(scope.as_bytes())),
            request: part(*request),
        }
    }

    fn file(&self) -> String {
        format!("{}-{}-{}", self.actor, self.key, self.request)
    }

    fn of_file(name: &str) -> Option<Self> {
        let mut parts = name.split('-').map(str::to_owned);
        let (actor, key, request) = (parts.next()?, parts.next()?, parts.next()?);
        let legal = |part: &String| part.len() == NAME_CHARS && part.bytes().all(|b| b.is_ascii_hexdigit());
        (parts.next().is_none() && [&actor, &key, &request].into_iter().all(legal)).then_some(Self {
            actor,
            key,
            request,
        })
    }
}

/// All uploads of this server.
pub(crate) struct Uploads {
    dir: PathBuf,
    table: Mutex<BTreeMap<Name, Entry>>,
}

struct Entry {
    bytes: u64,
    touched: SystemTime,
    users: usize,
    /// Whoever has it, has this.
    turn: Arc<Turn<()>>,
    /// Tells whoever has it that another request waits for it.
    leave: Arc<Notify>,
}

impl Entry {
    fn new(bytes: u64, touched: SystemTime) -> Self {
        Self {
            bytes,
            touched,
            users: 0,
            turn: Arc::default(),
            leave: Arc::default(),
        }
    }

    fn is_over(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.touched).unwrap_or_default();
        self.users == 0 && age >= UPLOAD_KEPT.as_std()
    }
}

impl Uploads {
    /// The uploads that a server before this one left in the folder, and those that will come.
    pub(crate) fn open(dir: PathBuf) -> Arc<Self> {
        let mut table = BTreeMap::new();
        for file in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let name = file.file_name().to_str().and_then(Name::of_file);
            let kept = file.metadata().ok().filter(|about| about.is_file());
            // Nothing else belongs here, and nothing else is ours to remove.
            if let (Some(name), Some(about)) = (name, kept) {
                let touched = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                table.insert(name, Entry::new(about.len(), touched));
            }
        }
        let uploads = Self {
            dir,
            table: Mutex::new(table),
        };
        uploads.forget_old(SystemTime::now());
        Arc::new(uploads)
    }

    /// How far an upload has come that was begun under this key, and until when it is kept.
    ///
    /// # Errors
    /// 422 when it was begun with other bytes than these.
    pub(crate) fn standing(
        &self,
        name: &Name,
        announced: bool,
    ) -> Result<Option<(u64, SystemTime)>, Refused> {
        self.forget_old(SystemTime::now());
        let table = self.table();
        let Some((found, entry)) = begun(&table, name) else {
            return Ok(None);
        };
        if announced && found.request != name.request {
            return Err(other_bytes());
        }
        Ok(Some((entry.bytes, entry.touched + UPLOAD_KEPT.as_std())))
    }

    /// Takes an upload, alone: whoever has it is told to leave.
    ///
    /// # Errors
    /// 422 when it was begun with other bytes, 429 when too many are begun, 503 when it is not let go.
    pub(crate) async fn take(self: &Arc<Self>, name: Name) -> Result<Seat, Refused> {
        self.forget_old(SystemTime::now());
        let turn = {
            let mut table = self.table();
            if begun(&table, &name).is_some_and(|(found, _)| found.request != name.request) {
                return Err(other_bytes());
            }
            if !table.contains_key(&name) {
                self.check_count(&mut table, &name)?;
            }
            let entry = table
                .entry(name.clone())
                .or_insert_with(|| Entry::new(0, SystemTime::now()));
            entry.users += 1;
            entry.leave.notify_waiters();
            entry.turn.clone()
        };
        // From here on the entry is let go, whatever happens.
        let mut seat = Seat {
            uploads: self.clone(),
            name,
            turn: None,
            after: After::Keep,
        };
        let wait = Duration::from_secs(UPLOAD_TAKE_OVER_SECS_MAX);
        match tokio::time::timeout(wait, turn.lock_owned()).await {
            Ok(turn) => seat.turn = Some(turn),
            Err(_) => {
                let detail = "another request with the same idempotency key is being worked on";
                return Err(Refused::busy(detail, 1));
            }
        }
        Ok(seat)
    }

    /// Room for one more: where the actor has no more, the one that broke off longest ago makes it.
    fn check_count(&self, table: &mut BTreeMap<Name, Entry>, name: &Name) -> Result<(), Refused> {
        let of_actor = table.keys().filter(|other| other.actor == name.actor).count();
        if of_actor >= UPLOADS_PER_ACTOR_MAX && !self.forget_oldest(table, name) {
            return Err(too_many(format!(
                "this actor has {UPLOADS_PER_ACTOR_MAX} uploads on their way (UPLOADS_PER_ACTOR_MAX)"
            )));
        }
        if table.len() >= UPLOADS_MAX && !self.forget_oldest(table, name) {
            return Err(too_many(format!(
                "there are {UPLOADS_MAX} uploads on their way (UPLOADS_MAX)"
            )));
        }
        Ok(())
    }

    /// Removes what the actor of this upload began longest ago and nobody is at; whether there was one besides this.
    fn forget_oldest(&self, table: &mut BTreeMap<Name, Entry>, name: &Name) -> bool {
        let idle = table
            .iter()
            .filter(|(other, entry)| other.actor == name.actor && *other != name && entry.users == 0);
        let oldest = idle.min_by_key(|(_, entry)| entry.touched);
        let Some(oldest) = oldest.map(|(oldest, _)| oldest.clone()) else {
            return false;
        };
        let _ = std::fs::remove_file(self.path(&oldest));
        table.remove(&oldest);
        true
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<Name, Entry>> {
        // Whole also after a panic: each change is one call.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.dir.join(name.file())
    }

    /// Removes what broke off too long ago.
    fn forget_old(&self, now: SystemTime) {
        self.table().retain(|name, entry| {
            let over = entry.is_over(now);
            if over {
                let _ = std::fs::remove_file(self.path(name));
            }
            !over
        });
    }
}

/// The upload of this actor and key, whatever its bytes.
fn begun<'t>(table: &'t BTreeMap<Name, Entry>, name: &Name) -> Option<(&'t Name, &'t Entry)> {
    let first = Name {
        request: String::new(),
        ..name.clone()
    };
    let mut from = table.range(first..);
    from.next()
        .filter(|(found, _)| found.actor == name.actor && found.key == name.key)
}

fn other_bytes() -> Refused {
    let detail = "an upload of other bytes, or for another purpose, was begun under this idempotency key and not finished";
    Refused::new(&entry::KEY_REUSED, detail)
}

fn too_many(detail: String) -> Refused {
    Refused::new(&entry::UPLOADS_MANY, detail)
}

/// What becomes of an upload's file when nobody has it any more.
enum After {
    Keep,
    Remove,
}

/// An upload that one request has.
pub(crate) struct Seat {
    uploads: Arc<Uploads>,
    name: Name,
    turn: Option<OwnedMutexGuard<()>>,
    after: After,
}

impl Seat {
    /// Its file, to be written from a byte on; made where there is none.
    pub(super) fn file(&self) -> io::Result<File> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.uploads.dir)?;
        let mut open = File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        open.read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.uploads.path(&self.name))
    }

    /// Its file, to be read by itself.
    pub(super) fn again(&self) -> io::Result<File> {
        File::open(self.uploads.path(&self.name))
    }

    /// A file without a name in the same folder.
    pub(super) fn spool(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.uploads.dir)
    }

    /// How much of it there is.
    pub(super) fn bytes(&self) -> u64 {
        self.uploads
            .path(&self.name)
            .metadata()
            .map_or(0, |about| about.len())
    }

    /// Notes that it has so many bytes now.
    ///
    /// # Errors
    /// 429 when that is more than there may be, and nothing of the actor broke off that could make room.
    pub(super) fn grow(&self, bytes: u64) -> Result<(), Refused> {
        let mut table = self.uploads.table();
        let own = table.get(&self.name).map_or(0, |entry| entry.bytes);
        if bytes > own {
            self.make_room(&mut table, bytes - own)?;
        }
        if let Some(entry) = table.get_mut(&self.name) {
            entry.bytes = bytes;
            entry.touched = SystemTime::now();
        }
        Ok(())
    }

    /// Room for so many more bytes: what the actor broke off longest ago makes it, one after another.
    fn make_room(&self, table: &mut BTreeMap<Name, Entry>, more: u64) -> Result<(), Refused> {
        loop {
            let sum = |of: &dyn Fn(&Name) -> bool| {
                let counted = table.iter().filter(|(name, _)| of(name));
                counted.map(|(_, entry)| entry.bytes).sum::<u64>() + more
            };
            let detail = if sum(&|name| name.actor == self.name.actor) > UPLOAD_BYTES_PER_ACTOR_MAX {
                format!(
                    "this actor's unfinished uploads would have more than {UPLOAD_BYTES_PER_ACTOR_MAX} bytes \
                     (UPLOAD_BYTES_PER_ACTOR_MAX)"
                )
            } else if sum(&|_| true) > UPLOAD_BYTES_MAX {
                format!(
                    "all unfinished uploads would have more than {UPLOAD_BYTES_MAX} bytes (UPLOAD_BYTES_MAX)"
                )
            } else {
                return Ok(());
            };
            if !self.uploads.forget_oldest(table, &self.name) {
                return Err(too_many(detail));
            }
        }
    }

    /// Returns when another request waits for it.
    pub(super) async fn wanted(&self) {
        let Some(leave) = self.look(|entry| entry.leave.clone()) else {
            return;
        };
        // Listened for first: whoever comes between the two is heard.
        let told = leave.notified();
        if self.look(|entry| entry.users) == Some(1) {
            told.await;
        }
    }

    fn look<T>(&self, look: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.uploads.table().get(&self.name).map(look)
    }

    /// Lets nothing of it stay.
    pub(crate) fn forget(&mut self) {
        self.after = After::Remove;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.uploads.table();
        let Some(entry) = table.get_mut(&self.name) else {
            return;
        };
        entry.users -= 1;
        if self.turn.is_some() {
            match self.after {
                After::Keep => entry.bytes = self.bytes(),
                After::Remove => {
                    let _ = std::fs::remove_file(self.uploads.path(&self.name));
                    entry.bytes = 0;
                }
            }
        }
        // One of which nothing is kept is as if it had never been.
        if entry.users == 0 && entry.bytes == 0 {
            table.remove(&self.name);
        }
    }
}
