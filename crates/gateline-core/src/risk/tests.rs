use gateline_model::{AssessedBy, FactorPart, Levels, Risk, Side};

use super::by_points;

/// Numbers that look random and are the same each time.
struct Rng(u64);

impl Rng {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn parts(rng: &mut Rng) -> Vec<FactorPart> {
    let many = rng.below(8);
    (0..many)
        .map(|index| {
            let at_most = rng.below(60) as u32;
            let known = rng.below(4) > 0;
            FactorPart {
                factor: format!("factor{index}"),
                of: if rng.below(2) == 0 {
                    Side::Impact
                } else {
                    Side::Uncertainty
                },
                value: known.then(|| "value".to_owned()),
                points: if known {
                    rng.below(u64::from(at_most) + 1) as u32
                } else {
                    at_most
                },
                at_most,
                why: String::new(),
            }
        })
        .collect()
}

fn level(parts: &[FactorPart]) -> (Risk, u32) {
    let assessment = by_points(AssessedBy::Table, parts.to_vec(), &Levels::default());
    (assessment.level, assessment.score)
}

#[test]
fn more_points_of_any_factor_never_lower_the_level() {
    let mut rng = Rng(7);
    for _ in 0..2_000 {
        let parts = parts(&mut rng);
        let before = level(&parts);
        for index in 0..parts.len() {
            let mut more = parts.clone();
            let part = &mut more[index];
            part.points = (part.points + 1 + rng.below(20) as u32).min(100);
            part.at_most = part.at_most.max(part.points);
            let after = level(&more);
            assert!(after >= before, "{before:?} became {after:?}: {parts:?}");
        }
    }
}

#[test]
fn less_that_is_known_never_lowers_the_level_and_is_never_low() {
    let mut rng = Rng(11);
    for _ in 0..2_000 {
        let parts = parts(&mut rng);
        let before = level(&parts);
        for index in 0..parts.len() {
            let mut unknown = parts.clone();
            let part = &mut unknown[index];
            (part.value, part.points) = (None, part.at_most);
            let after = level(&unknown);
            assert!(after >= before, "{before:?} became {after:?}: {parts:?}");
            assert!(after.0 > Risk::Low, "{unknown:?}");
        }
    }
}

#[test]
fn a_score_is_never_more_than_a_hundred_and_says_what_it_is_made_of() {
    let part = |of, points| FactorPart {
        factor: "factor".to_owned(),
        of,
        value: Some("value".to_owned()),
        points,
        at_most: 100,
        why: String::new(),
    };
    let all = vec![
        part(Side::Impact, 100),
        part(Side::Impact, 100),
        part(Side::Uncertainty, 45),
    ];
    let assessment = by_points(AssessedBy::Table, all, &Levels::default());
    assert_eq!(assessment.why, "45 of 100 (impact 100 x uncertainty 45)");
    assert_eq!(assessment.level, Risk::High);
    let little = by_points(
        AssessedBy::Table,
        vec![part(Side::Impact, 1), part(Side::Uncertainty, 1)],
        &Levels::default(),
    );
    assert_eq!(little.score, 1, "a risk that there is does not round to none");
    let none = by_points(AssessedBy::Table, Vec::new(), &Levels::default());
    assert_eq!((none.level, none.score), (Risk::Low, 0));
}
