//! The address of a database: `postgres://USER@HOST[:PORT][,HOST..]/DATABASE[?NAME=VALUE&..]`.
//!
//! Has no literal form for a password: it is named by reference, and read when a connection is made. So an address can be
//! shown anywhere.

use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::PostgresError;

/// How long one host may take to let us in.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay without an answer from the other machine before the connection is given up.
pub const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is silent before the other machine is asked whether it is still there.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
/// How long between two such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
/// How many of them stay without an answer before the connection is given up.
pub const KEEPALIVE_RETRIES: u32 = 3;

/// Largest file with a password, or with a line for each of many databases, in bytes.
pub const PASSWORD_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The parameters that an address may have.
const PARAMETERS: &str = "password=env:NAME or file:PATH, passfile=PATH, sslmode=disable or verify-full, sslrootcert=PATH, \
    sslcert=PATH, sslkey=PATH";

/// Where a database is and how to get in. Shown without any secret: it has none.
#[derive(Debug, Clone)]
pub struct PostgresAddress {
    text: String,
    /// All hosts together: what a file with passwords is searched for.
    config: Config,
    /// Each host by itself, in the order in which they are tried.
    hosts: Vec<Config>,
    password: Option<Password>,
    pub(super) tls: Option<Tls>,
}

/// Where the password is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Password {
    Env(String),
    File(PathBuf),
    Passfile(PathBuf),
}

/// Whom to trust, and as whom to come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tls {
    /// Authorities; those of the system where none is named.
    pub root: Option<PathBuf>,
    /// Our certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PostgresAddress {
    type Err = PostgresError;

    fn from_str(text: &str) -> Result<Self, PostgresError> {
        // Never with the text itself: what was typed may have a password in it.
        let wrong = |why: &str| PostgresError::Address(why.to_owned());
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or_else(|| wrong("it must begin with `postgres://`"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, _) = place
            .rsplit_once('@')
            .ok_or_else(|| wrong("it names no user; write `postgres://USER@HOST/DATABASE`"))?;
        if user.contains(':') {
            return Err(wrong(
                "a password may not stand in it; write `?password=env:NAME`, `?password=file:PATH` or `?passfile=PATH`",
            ));
        }
        let read = |place: &str| {
            Config::from_str(&format!("postgres://{place}"))
                .map_err(|_| wrong("it cannot be read; write `postgres://USER@HOST:PORT/DATABASE`"))
        };
        let config = read(place)?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong(
                "it names no database; write `postgres://USER@HOST/DATABASE`",
            ));
        }
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host; write `postgres://USER@HOST/DATABASE`"));
        }
        let parameters = Parameters::read(query)?;
        let near = config.get_hosts().iter().all(is_here);
        let tls = match parameters.sslmode {
            SslModeAsked::Disable => None,
            SslModeAsked::VerifyFull => Some(parameters.tls),
            SslModeAsked::Nothing if near && parameters.tls == Tls::default() => None,
            SslModeAsked::Nothing => Some(parameters.tls),
        };
        let (names, database) = place[user.len() + 1..].split_once('/').unwrap_or_default();
        let mut hosts = Vec::new();
        for name in names.split(',') {
            let mut host = read(&format!("{user}@{name}/{database}"))?;
            host.ssl_mode(if tls.is_some() {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .application_name("gateline")
            // Whoever stands in front of a standby and its primary: only the primary is of use.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES);
            hosts.push(host);
        }
        Ok(Self {
            text: text.to_owned(),
            config,
            hosts,
            password: parameters.password,
            tls,
        })
    }
}

/// Whether a host is this machine: then nobody listens in between.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    }
}

#[derive(Default)]
enum SslModeAsked {
    #[default]
    Nothing,
    Disable,
    VerifyFull,
}

#[derive(Default)]
struct Parameters {
    password: Option<Password>,
    sslmode: SslModeAsked,
    tls: Tls,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, PostgresError> {
        let wrong = |why: String| PostgresError::Address(why);
        let mut read = Self::default();
        let (mut cert, mut key) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "password" => read.password = Some(Password::named(value)?),
                "passfile" if !value.is_empty() => read.password = Some(Password::Passfile(value.into())),
                "sslrootcert" if !value.is_empty() => read.tls.root = Some(value.into()),
                "sslcert" if !value.is_empty() => cert = Some(value.into()),
                "sslkey" if !value.is_empty() => key = Some(value.into()),
                "sslmode" => {
                    read.sslmode = match value {
                        "disable" => SslModeAsked::Disable,
                        "verify-full" => SslModeAsked::VerifyFull,
                        _ => {
                            return Err(wrong(
                                "`sslmode` is `disable` or `verify-full`: anything between lets somebody else answer; name \
                                 the authority with `sslrootcert=PATH`"
                                    .to_owned(),
                            ));
                        }
                    };
                }
                _ => {
                    return Err(wrong(format!(
                        "it has a parameter that is not known; known are {PARAMETERS}"
                    )));
                }
            }
        }
        read.tls.own = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(wrong("`sslcert` and `sslkey` go together".to_owned()));
            }
        };
        Ok(read)
    }
}

impl Password {
    fn named(reference: &str) -> Result<Self, PostgresError> {
        match reference.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(_) | None => Err(PostgresError::Address(
                "`password` is a reference; write `password=env:NAME` or `password=file:PATH`".to_owned(),
            )),
        }
    }

    fn read(&self, config: &Config) -> Result<String, PostgresError> {
        let missing = |what: String| PostgresError::Address(format!("the password is not there: {what}"));
        let text = |path: &PathBuf| {
            password_file(path).map_err(|err| missing(format!("could not read `{}`: {err}", path.display())))
        };
        match self {
            Self::Env(name) => {
                std::env::var(name).map_err(|_| missing(format!("the variable `{name}` is not set")))
            }
            Self::File(path) => Ok(text(path)?.trim_end_matches(['\r', '\n']).to_owned()),
            Self::Passfile(path) => of_passfile(&text(path)?, config).ok_or_else(|| {
                missing(format!(
                    "no line of `{}` fits host, port, database and user",
                    path.display()
                ))
            }),
        }
    }
}

/// The text of a regular file, to a limit: a device would never end, and a pipe waits for who writes to it.
fn password_file(path: &Path) -> std::io::Result<String> {
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(PASSWORD_FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    match text.len() as u64 <= PASSWORD_FILE_BYTES_MAX {
        true => Ok(text),
        false => Err(std::io::Error::other(format!(
            "it is longer than {PASSWORD_FILE_BYTES_MAX} bytes"
        ))),
    }
}

/// The password of the first line `host:port:database:user:password` that fits, as libpq reads it.
fn of_passfile(text: &str, config: &Config) -> Option<String> {
    let ports = config.get_ports();
    let hosts: Vec<(String, String)> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let name = match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            };
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            (name, port.to_string())
        })
        .collect();
    let (dbname, user) = (config.get_dbname()?, config.get_user()?);
    let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let [host, port, database, of, password] = fields.as_slice() else {
                return None;
            };
            let place = hosts
                .iter()
                .any(|(name, number)| fits(host, name) && fits(port, number));
            (place && fits(database, dbname) && fits(of, user)).then(|| password.clone())
        })
}

/// The fields between colons; a backslash takes a colon or a backslash as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ':' if fields.len() < 5 => fields.push(String::new()),
            letter => {
                let letter = if letter == '\\' {
                    letters.next()
                } else {
                    Some(letter)
                };
                if let Some(field) = fields.last_mut() {
                    field.extend(letter);
                }
            }
        }
    }
    fields
}

impl PostgresAddress {
    /// The same to read from: the one host that is named may be a standby. Of several, only the primary has all.
    pub(super) fn to_read(&self) -> Self {
        let mut address = self.clone();
        if let [host] = &mut address.hosts[..] {
            host.target_session_attrs(TargetSessionAttrs::Any);
        }
        address
    }

    /// What to connect with, a host after the other, the password in it. Never shown.
    pub(super) fn hosts(&self) -> Result<Vec<Config>, PostgresError> {
        let mut hosts = self.hosts.clone();
        if let Some(password) = &self.password {
            let password = password.read(&self.config)?;
            hosts.iter_mut().for_each(|host| {
                host.password(&password);
            });
        }
        Ok(hosts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<PostgresAddress, PostgresError> {
        text.parse()
    }

    #[test]
    fn a_password_has_no_literal_form_and_is_not_told_again() {
        for text in [
            "postgres://ana:hunter2@db.example/gateline",
            "postgres://ana@db.example/gateline?password=hunter2",
            "postgres://ana@db.example/gateline?passwd=hunter2",
            "ana:hunter2@db.example/gateline",
            "postgres://ana:hunter2@db.example:port/gateline",
            "postgres://ana@db.example/gateline?password=env:",
        ] {
            let err = address(text).unwrap_err().to_string();
            assert!(!err.contains("hunter2"), "{err}");
            assert!(err.starts_with("could not use the address"), "{err}");
        }
    }

    #[test]
    fn a_file_with_a_password_is_regular_and_short_and_nobody_waits_for_another() {
        let dir = crate::contract::Dir::new();
        let (pipe, long, folder) = (dir.path("pipe"), dir.path("long"), dir.path(""));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        std::fs::write(&long, vec![b'x'; PASSWORD_FILE_BYTES_MAX as usize + 1]).unwrap();
        for (path, why) in [
            (Path::new("/dev/zero"), "no regular file"),
            (&pipe, "no regular file"),
            (&folder, "no regular file"),
            (&long, "longer than 65536 bytes"),
        ] {
            let err = password_file(path).unwrap_err().to_string();
            assert!(err.contains(why), "{}: {err}", path.display());
        }
    }

    #[test]
    fn an_address_without_user_host_or_database_is_refused_with_the_form() {
        for text in [
            "mysql://ana@db/gateline",
            "postgres://db.example/gateline",
            "postgres://ana@db.example",
            "postgres://ana@db.example/",
            "postgres://ana@/gateline",
            "postgres://ana@db.example/gateline?sslmode=prefer",
            "postgres://ana@db.example/gateline?sslcert=/a",
            "",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn beyond_this_machine_the_server_must_prove_who_it_is() {
        let tls = |text: &str| address(text).unwrap().tls;
        assert_eq!(tls("postgres://ana@db.example/gateline"), Some(Tls::default()));
        assert_eq!(
            tls("postgres://ana@localhost,db.example/gateline"),
            Some(Tls::default())
        );
        assert_eq!(tls("postgres://ana@127.0.0.1:5433/gateline"), None);
        assert_eq!(tls("postgres://ana@%2Frun%2Fpostgresql/gateline"), None);
        assert_eq!(tls("postgres://ana@db.example/gateline?sslmode=disable"), None);
        let root = tls("postgres://ana@localhost/gateline?sslrootcert=/ca.pem")
            .unwrap()
            .root;
        assert_eq!(root, Some("/ca.pem".into()));
    }

    #[test]
    fn a_passfile_is_read_as_libpq_reads_it() {
        let config = |text: &str| address(text).unwrap().config;
        let file = "# comment\nother:*:*:*:no\ndb.example:5433:gateline:ana:a\\:b\\\\c:d\n*:*:*:ana:any\n";
        let found = |text: &str| of_passfile(file, &config(text));
        assert_eq!(
            found("postgres://ana@db.example:5433/gateline"),
            Some("a:b\\c:d".into())
        );
        assert_eq!(found("postgres://ana@db.example/gateline"), Some("any".into()));
        assert_eq!(found("postgres://bo@db.example/gateline"), None);
        assert_eq!(
            of_passfile("a:b:c\n\n:::::\n", &config("postgres://ana@db.example/gateline")),
            None
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_and_what_is_read_is_not() {
        let err = |text: &str| address(text).unwrap().hosts().unwrap_err().to_string();
        assert!(
            err("postgres://a@db/g?password=env:GATELINE_NO_SUCH").contains("`GATELINE_NO_SUCH` is not set")
        );
        assert!(err("postgres://a@db/g?password=file:/no/such").contains("`/no/such`"));
        assert!(err("postgres://a@db/g?passfile=/no/such").contains("`/no/such`"));
    }
}
