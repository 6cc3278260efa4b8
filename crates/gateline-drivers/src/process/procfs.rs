//! What the kernel says of a process. A pid alone names nothing: it is given to another process when its own is gone.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The variable that carries an instance's nonce into its process.
pub const NONCE_VARIABLE: &str = "GATELINE_NONCE";
/// How often an empty environment is read again: between `execve` and its end, a process has none.
const EMPTY_READS_MAX: u32 = 50;

/// One process, for ever: no two processes of one boot have both the same pid and the same start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessId {
    /// The pid.
    pub pid: i32,
    /// Clock ticks since boot when it was started: field 22 of `/proc/PID/stat`.
    pub start_time: u64,
}

/// Whether a process is the one that is meant, and lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    /// It is gone, or only its exit code is left, or its pid belongs to another process now.
    Gone,
}

/// Fields of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    group: i32,
    start_time: u64,
}

/// Looks whether this very process, with this nonce in its environment, is alive.
///
/// A process that overwrites its own environment is taken for another one: it is never signalled.
pub(super) async fn look(id: ProcessId, nonce: &str) -> io::Result<Life> {
    for _ in 0..EMPTY_READS_MAX {
        match read_stat(id.pid)? {
            Some(Stat {
                state,
                start_time,
                group: _,
            }) if start_time == id.start_time && !"ZX".contains(state) => {}
            Some(_) | None => return Ok(Life::Gone),
        }
        match absent(std::fs::read(format!("/proc/{}/environ", id.pid)))? {
            None => return Ok(Life::Gone),
            Some(environ) if environ.is_empty() => tokio::time::sleep(Duration::from_millis(2)).await,
            Some(environ) if has_nonce(&environ, nonce) => return Ok(Life::Alive),
            Some(_) => return Ok(Life::Gone),
        }
    }
    Err(io::Error::other(format!(
        "process {} shows no environment",
        id.pid
    )))
}

/// The process that was just started, which nobody has waited for yet.
pub(super) fn identify(pid: i32) -> io::Result<ProcessId> {
    let stat = read_stat(pid)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(ProcessId {
        pid,
        start_time: stat.start_time,
    })
}

/// The leader of a process group that carries this nonce, if there is one.
pub(super) fn find(nonce: &str) -> io::Result<Option<ProcessId>> {
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        // Processes of others cannot be read, and are not ours.
        let Ok(environ) = std::fs::read(format!("/proc/{pid}/environ")) else {
            continue;
        };
        if !has_nonce(&environ, nonce) {
            continue;
        }
        if let Some(Stat {
            state: _,
            group,
            start_time,
        }) = read_stat(pid)?
            && group == pid
        {
            return Ok(Some(ProcessId { pid, start_time }));
        }
    }
    Ok(None)
}

fn has_nonce(environ: &[u8], nonce: &str) -> bool {
    let variable = format!("{NONCE_VARIABLE}={nonce}");
    environ
        .split(|byte| *byte == 0)
        .any(|pair| pair == variable.as_bytes())
}

fn read_stat(pid: i32) -> io::Result<Option<Stat>> {
    let Some(bytes) = absent(std::fs::read(format!("/proc/{pid}/stat")))? else {
        return Ok(None);
    };
    match parse_stat(&String::from_utf8_lossy(&bytes)) {
        Some(stat) => Ok(Some(stat)),
        None => Err(io::Error::other(format!(
            "`/proc/{pid}/stat` cannot be understood"
        ))),
    }
}

/// The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// None where the process is gone.
fn absent<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    /// "No such process": what a read says whose process went between open and read.
    const ESRCH: i32 = 3;
    match read {
        Ok(value) => Ok(Some(value)),
        Err(err) if err.kind() == io::ErrorKind::NotFound || err.raw_os_error() == Some(ESRCH) => Ok(None),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "42 (a) b (c) S 1 40 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20";
        assert_eq!(
            parse_stat(stat),
            Some(Stat {
                state: 'S',
                group: 40,
                start_time: 777
            })
        );
        assert_eq!(parse_stat("42 (a) S 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[tokio::test]
    async fn a_process_is_known_by_pid_start_time_and_nonce_together() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .env(NONCE_VARIABLE, "n1")
            .spawn()
            .unwrap();
        let id = identify(child.id() as i32).unwrap();
        let lives = [
            look(id, "n1").await.unwrap(),
            look(id, "n2").await.unwrap(),
            look(
                ProcessId {
                    start_time: id.start_time + 1,
                    ..id
                },
                "n1",
            )
            .await
            .unwrap(),
        ];
        child.kill().unwrap();
        // Killed, but not waited for: its exit code is not a life.
        while read_stat(id.pid).unwrap().is_some_and(|stat| stat.state != 'Z') {
            std::thread::yield_now();
        }
        let killed = look(id, "n1").await.unwrap();
        child.wait().unwrap();
        assert_eq!(lives, [Life::Alive, Life::Gone, Life::Gone]);
        assert_eq!([killed, look(id, "n1").await.unwrap()], [Life::Gone, Life::Gone]);
    }
}
