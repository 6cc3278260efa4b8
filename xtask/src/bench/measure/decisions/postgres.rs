//! On PostgreSQL, as several servers share it: replicas of one process over one database, the clients spread over them.

use std::fs::File;
use std::path::Path;

use super::super::load::{self, reporters};
use super::super::place::{APART, Place, apply, runtime};
use super::super::postgres::{Server, hub, store};
use super::super::raw::Tables;
use super::super::raw::postgres::{Rows, committer, connect, rows};
use super::super::{Scale, children};
use super::{AIM_POSTGRES, AIM_REPLICAS, Limits, Seen, batches, during, head, reports, rounds};

/// More than are decided per second: no client may run out of releases.
const DECISIONS_PER_SEC_MAX: u64 = 20_000;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let server = Server::start()?;
    println!(
        "\n### PostgreSQL {}\n\n{}",
        server.version(),
        head("replicas | clients")
    );
    for replicas in scale.of(&[1, 3, 5][..], &[1, 3]) {
        for clients in scale.of(&[1, 8, 64, 512][..], &[8]) {
            if clients < replicas {
                continue;
            }
            let place = Place::new(&format!("decisions-{replicas}-{clients}"))?;
            // A process for each line: the replicas of the line before are gone.
            let names = ["ours", "same", "fewest"];
            let mut arguments = vec![place.word("own")];
            arguments.extend(names.map(|name| server.database(name)));
            arguments.extend([replicas.to_string(), clients.to_string(), scale.word()]);
            children::run("decisions-postgres", &arguments)?;
            names.iter().for_each(|name| server.drop_database(name));
        }
    }
    println!(
        "\nOf the same rows: one connection for each replica, all that wait in one transaction and one round trip, into the same \
         tables and indexes; the head's row is written last. The fewest rows are a body and its number in a table without an \
         index, and no head: those replicas commit side by side. `fdatasync` is in `{}`, where the database is.",
        Server::folder().display()
    );
    Ok(())
}

/// One line, in a process of its own.
pub(in super::super) fn part(arguments: &[String]) -> Result<(), String> {
    let [own, ours, same, fewest, replicas, clients, scale] = arguments else {
        return Err("a folder, three databases and three more were expected".to_owned());
    };
    let number = |text: &str| text.parse::<usize>().map_err(|err| err.to_string());
    let (replicas, clients) = (number(replicas)?, number(clients)?);
    let databases = [ours.as_str(), same, fewest];
    let line = line(Path::new(own), databases, (replicas, clients), Scale::read(scale));
    runtime()?.block_on(line)
}

async fn line(
    own: &Path,
    [ours, same, fewest]: [&str; 3],
    (replicas, clients): (usize, usize),
    scale: Scale,
) -> Result<(), String> {
    let hubs: Vec<_> = (0..replicas)
        .map(|replica| hub(ours, own, replica))
        .collect::<Result<_, _>>()?;
    let pipeline = apply(&hubs[0], APART).await?;
    let reports = reports(DECISIONS_PER_SEC_MAX, clients, scale);
    let mut sources = reporters(&hubs, &pipeline, "1", clients, reports).await?;
    // It makes the tables.
    drop(store(same)?);
    let (mut bare_same, mut bare_fewest) = (Vec::new(), Vec::new());
    for replica in 0..replicas {
        bare_same.push(committer(same, replica, Tables::Same).await?);
        bare_fewest.push(committer(fewest, replica, Tables::Fewest).await?);
    }
    let reader = connect(ours).await?;
    let path = Server::folder().join(format!("gateline-bench-{}.log", std::process::id()));
    let file = File::create(&path).map_err(|err| err.to_string())?;
    let _ = std::fs::remove_file(&path);
    let mut limits = Limits {
        same: bare_same,
        fewest: bare_fewest,
        file,
        bytes: Rows::bytes,
    };
    let mut seen = Seen::default();
    for _ in 0..rounds(scale) {
        let next = hubs.iter().map(|hub| hub.with_world(|world| world.next()));
        let from = next.max().unwrap_or(0);
        let batches_before = batches(&hubs);
        let asked = load::round(&mut sources, during(scale)).await?;
        let batches = batches(&hubs) - batches_before;
        let rows = rows(&reader, from).await?;
        seen.round((asked, batches), &rows, clients, &mut limits).await?;
    }
    let aim = (replicas == AIM_REPLICAS).then_some(AIM_POSTGRES);
    println!("{}", seen.line(&format!("{replicas} | {clients}"), aim));
    Ok(())
}
