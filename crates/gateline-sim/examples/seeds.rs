//! `cargo run -p gateline-sim --example seeds -- 0 200`, or one seed with its transcript: `-- 7`.
fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    match numbers[..] {
        [seed] => {
            let run = gateline_sim::run_seed(seed, true);
            run.transcript.iter().for_each(|line| println!("{line}"));
            run.violations.iter().for_each(|line| println!("violated {line}"));
        }
        [from, to] => {
            let report = gateline_sim::simulate(from..to);
            println!(
                "{report} ({} events, {} admitted)",
                report.events, report.admitted
            );
        }
        _ => println!("give one seed, or the first and the one after the last"),
    }
}
