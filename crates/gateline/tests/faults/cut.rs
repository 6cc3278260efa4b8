//! The line between a server and its database: silent, and cut again and again.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use super::cluster::Database;
use super::place::{Place, eventually};
use super::target::{People, Target, all_went_well, detail};
use super::told::{Told, line};

/// How often the line is cut.
const CUTS: u32 = 15;
/// How long a line waits for bytes before it looks whether it is still whole.
const LOOK: Duration = Duration::from_millis(20);

const WHOLE: u8 = 0;
/// Nothing passes, and nobody is told.
const SILENT: u8 = 1;

/// A line to a database.
struct Line {
    port: u16,
    state: Arc<AtomicU8>,
    /// Raised by each cut: connections of an earlier count end.
    cuts: Arc<AtomicU32>,
}

impl Line {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
            cuts: Arc::default(),
        };
        let (state, cuts) = (line.state.clone(), line.cuts.clone());
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let born = cuts.load(Ordering::SeqCst);
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (state, cuts) = (state.clone(), cuts.clone());
                    std::thread::spawn(move || {
                        carry(from, to, &state, || cuts.load(Ordering::SeqCst) != born)
                    });
                }
            }
        });
        line
    }

    fn url(&self, database: &Database) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.port, database.name)
    }

    fn becomes(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }

    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, state: &AtomicU8, is_cut: impl Fn() -> bool) {
    from.set_read_timeout(Some(LOOK)).unwrap();
    let mut bytes = [0; 65_536];
    loop {
        let read = from.read(&mut bytes);
        while state.load(Ordering::SeqCst) == SILENT && !is_cut() {
            std::thread::sleep(LOOK);
        }
        let carried = match read {
            // What was on its way is lost.
            _ if is_cut() => break,
            Ok(0) => break,
            Ok(count) => to.write_all(&bytes[..count]),
            Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
            Err(_) => break,
        };
        if carried.is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn a_server_whose_line_to_the_database_is_silent_says_so_and_the_other_one_goes_on() {
    let mut told = Told::of(
        "network-silent",
        "Two servers on one PostgreSQL database, each with somebody who registers releases that roll out by themselves. The line of one of \
         them stands still: connections stay open and nothing passes, in either direction. Later everything that was on its way arrives.",
        "The server that is cut off answers 503 within 10 s and decides nothing; the other one goes on and finishes what it had. When the \
         line is whole again the server goes on by itself. What was acknowledged is there, and no step is taken twice.",
    );
    let database = Database::new();
    let line_of = Line::to(database.port);
    let place = Place::start(&[line_of.url(&database), database.url()]);
    let (cut_off, other) = (&place.replicas[0], &place.replicas[1]);
    let target = Target::of(&place, other.port);
    let (here, there) = (People::from(1), People::from(10_000));
    std::thread::scope(|scope| {
        scope.spawn(|| here.work(&place, cut_off.port));
        scope.spawn(|| there.work(&place, other.port));
        eventually("both have something to lose", || {
            (here.counts().0 >= 3 && there.counts().0 >= 3).then_some(())
        });
        line_of.becomes(SILENT);
        let began = std::time::Instant::now();
        let answer = eventually("it is not ready", || {
            let answer = cut_off.get("/readyz");
            answer.starts_with("HTTP/1.1 503").then_some(answer)
        });
        told.saw(format!(
            "After {} s `/readyz` answered 503: {}",
            began.elapsed().as_secs(),
            detail(&answer)
        ));
        let (before, stood) = (there.counts().0, here.counts().0);
        eventually("the other one goes on", || {
            (there.counts().0 > before + 5).then_some(())
        });
        assert_eq!(
            here.counts().0,
            stood,
            "nothing is acknowledged where nothing can be kept"
        );
        line_of.becomes(WHOLE);
        eventually("it is ready again", || {
            cut_off.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
        });
        eventually("it takes requests again", || {
            (here.counts().0 > stood).then_some(())
        });
        here.stop();
        there.stop();
    });
    let steps = all_went_well(&place, other.port, &target, &[&here, &there]);
    told.saw(format!(
        "{} releases were acknowledged by the server that was cut off and {} by the other one; all are there. {} requests were refused.",
        here.counts().0,
        there.counts().0,
        here.counts().1 + there.counts().1
    ));
    told.saw(steps);
    told.saw(format!(
        "`gateline doctor`: {}",
        line(&place.doctor(&database.url()), "events hash")
    ));
}

#[test]
fn a_line_that_breaks_again_and_again_loses_nothing_that_was_acknowledged() {
    let mut told = Told::of(
        "network-cut",
        "One server on PostgreSQL, and two people who register releases that roll out by themselves. All connections between the server and \
         its database break at once, again and again, at uneven moments; what was on its way is lost.",
        "A commit whose answer is lost is looked up before anything is said of it. What was acknowledged is there, and no step is taken \
         twice. The server goes on by itself.",
    );
    let database = Database::new();
    let line_of = Line::to(database.port);
    let place = Place::start(&[line_of.url(&database)]);
    let server = &place.replicas[0];
    let target = Target::of(&place, server.port);
    let people = People::from(1);
    std::thread::scope(|scope| {
        scope.spawn(|| people.work(&place, server.port));
        scope.spawn(|| people.work(&place, server.port));
        for round in 0..CUTS {
            std::thread::sleep(Duration::from_millis(u64::from(30 + round * 67 % 250)));
            line_of.cut();
        }
        let before = people.counts().0;
        eventually("it goes on", || (people.counts().0 > before).then_some(()));
        people.stop();
    });
    let steps = all_went_well(&place, server.port, &target, &[&people]);
    let (acknowledged, refused) = people.counts();
    told.saw(format!(
        "{CUTS} cuts. {acknowledged} releases were acknowledged and all are there; {refused} requests were refused with the reason."
    ));
    told.saw(steps);
    told.saw(format!(
        "`gateline doctor`: {}",
        line(&place.doctor(&database.url()), "events hash")
    ));
}
