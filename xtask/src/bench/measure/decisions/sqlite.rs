//! On SQLite, as one server is used.

use std::fs::File;

use super::super::Scale;
use super::super::load::{self, reporters};
use super::super::place::{APART, Place, apply, runtime};
use super::super::raw::Tables;
use super::super::raw::sqlite::{Rows, committer, rows};
use super::{AIM_SQLITE, Limits, Seen, batches, during, head, reports, rounds};

/// More than are decided per second: no client may run out of releases.
const DECISIONS_PER_SEC_MAX: u64 = 60_000;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    println!("### SQLite\n\n{}", head("clients"));
    for clients in scale.of(&[1, 8, 64, 512][..], &[1, 8]) {
        runtime()?.block_on(line(*clients, scale))?;
    }
    println!(
        "\nMedians of {} rounds; a share is of the same round. The limits write what was just decided, from as many clients \
         through one thread: the same rows in the same tables and indexes; the fewest rows are a body and its number; \
         `fdatasync` is of the same bytes, as many to a batch as we committed.",
        rounds(scale)
    );
    Ok(())
}

async fn line(clients: usize, scale: Scale) -> Result<(), String> {
    let place = Place::new(&format!("decisions-{clients}"))?;
    let hubs = [place.hub()?];
    let pipeline = apply(&hubs[0], APART).await?;
    let reports = reports(DECISIONS_PER_SEC_MAX, clients, scale);
    let mut sources = reporters(&hubs, &pipeline, "1", clients, reports).await?;
    let mut limits = Limits {
        same: vec![committer(&place.path("same.db"), Tables::Same)?],
        fewest: vec![committer(&place.path("fewest.db"), Tables::Fewest)?],
        file: File::create(place.path("bare.log")).map_err(|err| err.to_string())?,
        bytes: Rows::bytes,
    };
    let mut seen = Seen::default();
    for _ in 0..rounds(scale) {
        let from = hubs[0].with_world(|world| world.next());
        let batches_before = batches(&hubs);
        let asked = load::round(&mut sources, during(scale)).await?;
        let batches = batches(&hubs) - batches_before;
        let rows = rows(&place.path("gateline.db"), from)?;
        seen.round((asked, batches), &rows, clients, &mut limits).await?;
    }
    println!("{}", seen.line(&clients.to_string(), Some(AIM_SQLITE)));
    Ok(())
}
