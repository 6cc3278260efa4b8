//! What HAProxy shows: tables with a line of names, and maps. What is not of that form is nonsense and says so.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use gateline_model::PodCounts;

/// Why an answer makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: `{shown}`")]
pub(super) struct Nonsense {
    what: String,
    shown: String,
}

fn nonsense(what: impl Into<String>, shown: &str) -> Nonsense {
    Nonsense {
        what: what.into(),
        shown: shown.chars().take(120).collect(),
    }
}

/// One server slot of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) at: Option<SocketAddr>,
    pub(super) is: SlotIs,
}

/// What a slot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotIs {
    /// It takes requests.
    Ready,
    /// It finishes those that it has.
    Draining,
    /// Nobody is there.
    Empty,
}

/// Flags of the administrative state: taken out, and draining, each by whatever cause but the configuration file.
const OUT: u32 = 0x01 | 0x02 | 0x20 | 0x40;
const DRAIN: u32 = 0x08 | 0x10;

/// Reads `show servers state BACKEND`.
pub(super) fn slots(text: &str) -> Result<Vec<Slot>, Nonsense> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some("1") {
        return Err(nonsense(
            "it does not show its servers in the form that is known",
            text,
        ));
    }
    let head = lines.next().and_then(|line| line.strip_prefix("# "));
    let head: Vec<&str> = head.unwrap_or_default().split(' ').collect();
    let column = |name: &str| {
        let place = head.iter().position(|column| *column == name);
        place.ok_or_else(|| nonsense(format!("the column `{name}` is missing"), &head.join(" ")))
    };
    let (name, address, state, port) = (
        column("srv_name")?,
        column("srv_addr")?,
        column("srv_admin_state")?,
        column("srv_port")?,
    );
    let slot = |line: &str| {
        let bad = || nonsense("a server is shown that does not read", line);
        let fields: Vec<&str> = line.split(' ').collect();
        let field = |at: usize| fields.get(at).copied().ok_or_else(bad);
        let flags: u32 = field(state)?.parse().map_err(|_| bad())?;
        let port: u16 = field(port)?.parse().map_err(|_| bad())?;
        let at = field(address)?
            .parse::<IpAddr>()
            .ok()
            .map(|ip| SocketAddr::new(ip, port));
        let is = match flags {
            flags if flags & OUT != 0 => SlotIs::Empty,
            flags if flags & DRAIN != 0 => SlotIs::Draining,
            _ => SlotIs::Ready,
        };
        Ok(Slot {
            name: field(name)?.to_owned(),
            at,
            is,
        })
    };
    lines.map(slot).collect()
}

/// Reads `show map PATH`: keys and values.
pub(super) fn map(text: &str) -> Result<BTreeMap<String, String>, Nonsense> {
    if text.starts_with("Unknown map") {
        return Err(nonsense(
            "it has no such map; correct the target's `map` or the configuration",
            text,
        ));
    }
    let pair = |line: &str| {
        let mut words = line.split_whitespace();
        let (Some(place), Some(key), Some(value), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(nonsense("a line of the map does not read", line));
        };
        if !place.starts_with("0x") {
            return Err(nonsense("a line of the map does not read", line));
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    let mut map = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = pair(line)?;
        if map.insert(key, value).is_some() {
            let what = "a key stands twice in the map, and nobody can tell which of both counts; clear it with `clear map`";
            return Err(nonsense(what, line));
        }
    }
    Ok(map)
}

/// One row of `show stat`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Row {
    pub(super) counts: PodCounts,
    pub(super) in_flight: u64,
}

/// Reads `show stat`: rows by backend and server.
pub(super) fn stat(text: &str) -> Result<BTreeMap<(String, String), Row>, Nonsense> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let head = lines.next().and_then(|line| line.strip_prefix("# "));
    let head: Vec<&str> = head.unwrap_or_default().split(',').collect();
    let column = |name: &str| {
        let place = head.iter().position(|column| *column == name);
        place.ok_or_else(|| nonsense(format!("the statistic `{name}` is missing"), &head.join(",")))
    };
    let (backend, server) = (column("pxname")?, column("svname")?);
    let (now, all, bad) = (column("scur")?, column("stot")?, column("hrsp_5xx")?);
    let (connect, response) = (column("econ")?, column("eresp")?);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let wrong = || nonsense("a line of the statistics does not read", line);
        let text = |at: usize| fields.get(at).copied().ok_or_else(wrong);
        let number = |at: usize| match text(at)? {
            "" => Ok(0),
            number => number.parse::<u64>().map_err(|_| wrong()),
        };
        let requests = number(all)?;
        // What HAProxy answered itself for want of an answer counts at the backend, not at the server.
        let errors = match text(server)? {
            "BACKEND" | "FRONTEND" => number(bad)?,
            _ => number(bad)? + number(connect)? + number(response)?,
        };
        let counts = PodCounts {
            requests,
            errors: errors.min(requests),
            buckets: Vec::new(),
        };
        let in_flight = number(now)?;
        Ok((
            (text(backend)?.to_owned(), text(server)?.to_owned()),
            Row { counts, in_flight },
        ))
    };
    lines.map(row).collect()
}

/// The number of a line of `show info`.
pub(super) fn info(text: &str, name: &str) -> Result<i64, Nonsense> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let number = value.and_then(|value| value.trim().parse().ok());
    number.ok_or_else(|| nonsense(format!("it does not tell its `{name}`"), text))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    const SERVERS: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port\n\
        4 shop_canary 1 a 127.0.0.1 2 4 19202\n4 shop_canary 2 b 127.0.0.1 2 12 19203\n4 shop_canary 3 c - 0 5 1\n\n";

    #[test]
    fn slots_are_ready_draining_or_empty() {
        let slots = slots(SERVERS).unwrap();
        assert_eq!(
            slots.iter().map(|slot| slot.is).collect::<Vec<_>>(),
            [SlotIs::Ready, SlotIs::Draining, SlotIs::Empty]
        );
        assert_eq!(slots[0].at, Some("127.0.0.1:19202".parse().unwrap()));
        assert_eq!(slots[2].at, None);
    }

    #[test_case("Can't find backend.\n\n"; "a backend that there is not")]
    #[test_case("2\n# srv_name\n"; "another form")]
    #[test_case("1\n# be_id srv_name srv_addr srv_port\n1 a 127.0.0.1 1\n"; "no state")]
    #[test_case("1\n# srv_name srv_addr srv_admin_state srv_port\na 127.0.0.1 many 1\n"; "a word for a number")]
    #[test_case("1\n# srv_name srv_addr srv_admin_state srv_port\na 127.0.0.1\n"; "a line that was cut off")]
    #[test_case(""; "nothing")]
    fn what_shows_no_servers_is_nonsense(text: &str) {
        slots(text).unwrap_err();
    }

    #[test]
    fn a_map_is_read_and_one_that_is_not_there_is_told() {
        let text = "0x55 share 30\n0x56 stable sha256:a\n\n";
        assert_eq!(map(text).unwrap()["share"], "30");
        assert!(map("\n").unwrap().is_empty());
        for bad in [
            "Unknown map identifier. Please use #<id> or <file>.\n\n",
            "0x55 share\n",
            "55 share 30\n",
            "share 30 50 60\n",
            "0x55 share 30\n0x56 share 50\n",
        ] {
            map(bad).unwrap_err();
        }
    }

    #[test]
    fn statistics_are_read_by_name() {
        let text = "# pxname,svname,scur,stot,econ,eresp,hrsp_5xx,\nshop_canary,a,2,10,1,0,3,\nshop_canary,BACKEND,2,10,1,0,4,\nfe,FRONTEND,0,20,,,4,\n\n";
        let rows = stat(text).unwrap();
        let row = |name: &str| rows[&("shop_canary".to_owned(), name.to_owned())].clone();
        assert_eq!(
            (
                row("a").counts.requests,
                row("a").counts.errors,
                row("a").in_flight
            ),
            (10, 4, 2)
        );
        assert_eq!(row("BACKEND").counts.errors, 4);
        for bad in [
            "",
            "# pxname,svname,scur\n",
            "# pxname,svname,scur,stot,econ,eresp,hrsp_5xx\na,b,x,1,1,1,1\n",
            "# pxname,svname,scur,stot,econ,eresp,hrsp_5xx\na,b\n",
        ] {
            stat(bad).unwrap_err();
        }
    }

    #[test]
    fn a_spoilt_answer_of_haproxy_harms_nobody() {
        let stat =
            b"# pxname,svname,qcur,scur,stot,hrsp_5xx,\nshop,FRONTEND,,1,20,3,\nshop_canary,a,0,0,7,1,\n\n";
        let samples = [
            SERVERS.as_bytes(),
            stat,
            b"0x1 canary 25\n0x2 stable 75\n",
            b"Name: HAProxy\nUptime_sec: 17\n",
        ];
        crate::spoilt::spoilt(&samples, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            drop((
                slots(&text),
                map(&text),
                super::stat(&text),
                info(&text, "Uptime_sec"),
            ));
        });
    }
}
