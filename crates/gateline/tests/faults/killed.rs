//! Servers on one PostgreSQL database that are killed in turn, again and again, while people work with them.

use std::time::Duration;

use super::cluster::Database;
use super::place::Place;
use super::target::{People, Target, all_went_well};
use super::told::{Told, line};

/// How often a server is killed where nobody says otherwise.
const KILLS: u32 = 20;

/// So long that a kill meets every part of the work, at no fixed beat.
fn moment(round: u32) -> Duration {
    Duration::from_millis(u64::from(150 + round * 379 % 700))
}

#[test]
fn servers_that_share_a_database_and_are_killed_again_and_again_lose_nothing_and_do_nothing_twice() {
    let kills = std::env::var("GATELINE_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mut told = Told::of(
        "sigkill-postgresql",
        "Three servers on one PostgreSQL database, each with somebody who registers releases that roll out by themselves. One server after \
         another gets SIGKILL at uneven moments and is started again.",
        "What was acknowledged is there. No step is taken twice, for the target can be asked. Every promotion ends. The log hashes and folds.",
    );
    let database = Database::new();
    let mut place = Place::start(&[database.url(), database.url(), database.url()]);
    let target = Target::of(&place, place.replicas[0].port);
    let ports: Vec<u16> = place.replicas.iter().map(|replica| replica.port).collect();
    let people = People::from(1);
    let (mut replicas, place) = (std::mem::take(&mut place.replicas), place);
    std::thread::scope(|scope| {
        for port in &ports {
            scope.spawn(|| people.work(&place, *port));
        }
        for round in 0..kills {
            std::thread::sleep(moment(round));
            let next = round as usize % replicas.len();
            replicas[next].kill();
            replicas[next].start_again();
        }
        people.stop();
    });
    let steps = all_went_well(&place, ports[0], &target, &[&people]);
    let (acknowledged, refused) = people.counts();
    told.saw(format!(
        "{kills} kills. {acknowledged} releases were acknowledged and all are there; {refused} requests were refused or lost their answer."
    ));
    told.saw(steps);
    told.saw(format!(
        "`gateline doctor`: {}",
        line(&place.doctor(&database.url()), "events hash")
    ));
}
