//! The sentence of a ruling, and what would have changed it: the same words wherever a ruling is shown.

use gateline_model::RulingKind;

use gateline_model::ruling::{Because, Guard, MetricReading, Numbers, ODDS_MAX, Safe, minutes, odds, short};

/// What a sentence is made from.
pub(crate) struct Words<'a> {
    pub says: RulingKind,
    pub because: &'a Because,
    pub numbers: &'a Numbers,
    pub metrics: &'a [MetricReading],
    pub beta: f64,
    /// Minutes that the canary is cold.
    pub warm_up: f64,
}

impl Words<'_> {
    pub(crate) fn headline(&self) -> String {
        let why = self.why();
        let exposure = &self.numbers.exposure;
        match self.says {
            RulingKind::RollBack => {
                format!(
                    "ROLLED BACK after {} at {}%: {why}",
                    minutes(exposure.minutes),
                    short(exposure.weight)
                )
            }
            RulingKind::Advance => match self.because {
                Because::Safe(Safe::Proven) => format!("SAFE TO PROMOTE: {why}"),
                Because::Safe(Safe::Bounded) => format!("LITTLE TO LOSE: {why}"),
                _ => format!("ENOUGH FOR THE NEXT WEIGHT: {why}"),
            },
            RulingKind::Wait => format!("WAITING: {why}"),
            RulingKind::Inconclusive => format!("NOT ENOUGH TO TELL: {why}; a person decides"),
        }
    }

    fn why(&self) -> String {
        match self.because {
            Because::WarmUp => format!(
                "the canary is warming up, for its first {}",
                minutes(self.warm_up)
            ),
            Because::Collecting => self.collecting(),
            Because::Gate | Because::Safe(Safe::Proven) => self.at_most(),
            Because::Safe(Safe::Bounded) => {
                format!(
                    "not proven, but few extra bad requests are risked; {}",
                    self.at_most()
                )
            }
            Because::Evidence(index) => self.worse(*index),
            Because::Catastrophe => format!("errors are far beyond 10x stable ({})", self.errors()),
            Because::BadIntervals => {
                format!(
                    "tick after tick a fifth of the requests or more failed ({})",
                    self.errors()
                )
            }
            Because::Signal(signal) => signal.clone(),
            Because::Budget => {
                let bad = &self.numbers.bad_requests;
                format!(
                    "{:.0} more bad requests than expected, {} were allowed",
                    bad.excess,
                    number(bad.budget)
                )
            }
            Because::Guard(guard) => self.guard(*guard),
            Because::Gauge(name) => format!("{name} is higher than at stable"),
            Because::GaugeLimit(name) => format!("{name} is beyond its limit"),
            Because::NoData => "nothing is heard of the canary".to_owned(),
            Because::NoStable => "stable serves nothing that the canary could be compared with".to_owned(),
            Because::Uncalibrated(index) => format!(
                "{}, but nobody knows how noisy that is: a person must look",
                self.worse(*index)
            ),
        }
    }

    fn guard(&self, guard: Guard) -> String {
        let stable = self.metrics.first().map_or(0.0, |errors| errors.stable * 100.0);
        match guard {
            Guard::CanaryBreaks => {
                "the canary breaks the objective in three of five minutes and stable keeps it".to_owned()
            }
            Guard::BothBreak => format!("stable is failing too ({stable:.1}%)"),
            Guard::StableBreaks => format!("stable is failing ({stable:.1}%), not the canary"),
            Guard::BudgetBurns => "the service burns its error budget too fast for any rollout".to_owned(),
            Guard::ShareIsOff => "the canary's share of requests is not its weight".to_owned(),
        }
    }

    fn worse(&self, index: usize) -> String {
        let Some(metric) = self.metrics.get(index) else {
            return "it is worse than stable".to_owned();
        };
        let ratio = &metric.ratio;
        if let Some(late) = metric.of_late {
            return format!(
                "{} about {} stable since minute {}, {} over all of it, limit {}",
                metric.name,
                times(late.ratio),
                short((late.since / 60.0).floor()),
                times(ratio.interval.likely),
                times(ratio.limit)
            );
        }
        format!(
            "{} {} stable ({}-{}), limit {}",
            metric.name,
            times(ratio.interval.likely),
            short(ratio.interval.low),
            short(ratio.interval.high),
            times(ratio.limit)
        )
    }

    fn at_most(&self) -> String {
        let told = |metric: &MetricReading| {
            let ratio = &metric.ratio;
            if metric.canary == 0.0 && ratio.interval.high >= ratio.limit {
                return format!("{}: none", metric.name);
            }
            format!(
                "{} at most {} stable, limit {}",
                metric.name,
                times(ratio.interval.high),
                times(ratio.limit)
            )
        };
        let confidence = 100.0 * (1.0 - self.beta);
        let all: Vec<String> = self.metrics.iter().map(told).collect();
        format!("{} with {confidence:.0}% confidence", all.join(", "))
    }

    fn collecting(&self) -> String {
        let widest = |one: &&MetricReading| one.ratio.interval.high / one.ratio.limit;
        let Some(metric) = self
            .metrics
            .iter()
            .max_by(|one, other| widest(one).total_cmp(&widest(other)))
        else {
            return "too few requests to compare with".to_owned();
        };
        let so_far = format!(
            "{} could still be {} stable",
            metric.name,
            times(metric.ratio.interval.high)
        );
        let exposure = &self.numbers.exposure;
        match exposure.minutes_more {
            Some(more) if more >= 1.0 => format!(
                "{so_far}; a good release needs about {} more at {}%{}",
                minutes(more),
                short(exposure.weight),
                exposure
                    .too_few_minutes()
                    .filter(|left| *left > 0.0)
                    .map_or_else(String::new, |left| format!(", and {} are left", minutes(left)))
            ),
            Some(_) | None => so_far,
        }
    }

    fn errors(&self) -> String {
        let bad = &self.numbers.bad_requests;
        format!(
            "{} of {} requests failed, {:.0} expected",
            bad.canary, self.numbers.exposure.requests, bad.expected
        )
    }

    /// What would have changed the ruling.
    pub(crate) fn why_not(&self) -> Vec<String> {
        let against = self.numbers.evidence.against;
        let mut lines = Vec::new();
        match self.because {
            Because::Evidence(_) => lines.push(format!(
                "a bar of {} to 1 instead of {} to 1 would still wait",
                odds(next_bar(against.odds)),
                against.bar_says()
            )),
            Because::Collecting | Because::Gate => {
                if against.odds >= crate::recipe::QUIET_E {
                    lines.push(format!(
                        "odds of {} to 1 against it stand in the way: nothing advances above {} to 1",
                        odds(against.odds),
                        short(crate::recipe::QUIET_E)
                    ));
                }
                for metric in self
                    .metrics
                    .iter()
                    .filter(|metric| metric.ratio.interval.high >= metric.ratio.limit)
                {
                    let high = metric.ratio.interval.high;
                    lines.push(format!(
                        "a limit above {} for {} would be met now",
                        times(high),
                        metric.name
                    ));
                }
            }
            Because::Uncalibrated(_) => {
                lines.push(
                    "pods told apart, or more of stable's own traffic, would let the odds decide".to_owned(),
                );
            }
            Because::NoData => lines.push("one request that the canary serves would let it go on".to_owned()),
            Because::NoStable => {
                lines.push("one request that stable serves would let it go on".to_owned());
            }
            Because::Safe(_) => lines.push(format!(
                "odds of {} to 1 against it would have ended it, they stand at {} to 1",
                against.bar_says(),
                odds(against.odds)
            )),
            Because::WarmUp
            | Because::Catastrophe
            | Because::BadIntervals
            | Because::Signal(_)
            | Because::Budget
            | Because::Guard(_)
            | Because::Gauge(_)
            | Because::GaugeLimit(_) => {}
        }
        lines
    }
}

/// The next round odds above some.
fn next_bar(odds: f64) -> f64 {
    let mut bar = 10.0;
    while bar <= odds && bar < ODDS_MAX {
        bar *= 10.0;
    }
    bar
}

fn times(ratio: f64) -> String {
    format!("{}x", short(ratio))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_bar_is_a_round_one() {
        assert_eq!(next_bar(40.0), 100.0);
    }
}
