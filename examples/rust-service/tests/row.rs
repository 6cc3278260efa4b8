//! What a row promises.

use seats::{NoSeats, Row};

#[test]
fn a_party_sits_together() {
    assert_eq!(Row::new(10).take(3), Ok(0..3));
}

#[test]
fn the_next_party_sits_beside_it() {
    let mut row = Row::new(10);
    row.take(3).unwrap();
    assert_eq!(row.take(2), Ok(3..5));
}

#[test]
fn a_full_row_takes_nobody() {
    let mut row = Row::new(2);
    row.take(2).unwrap();
    assert_eq!(row.take(1), Err(NoSeats::TooMany { widest: 0 }));
}

#[test]
fn a_party_that_is_too_large_is_told_how_many_can_sit_together() {
    let mut row = Row::new(5);
    row.take(1).unwrap();
    let why = row.take(5).unwrap_err();
    assert_eq!(why.to_string(), "at most 4 can sit together");
}

#[test]
fn the_narrowest_gap_is_taken() {
    let mut row = Row::new(10);
    row.take(6).unwrap();
    row.give_back(1..3);
    assert_eq!(row.take(2), Ok(1..3));
}

#[test]
fn seats_that_were_given_back_are_taken_again() {
    let mut row = Row::new(4);
    let seats = row.take(4).unwrap();
    row.give_back(seats);
    assert_eq!(row.take(4), Ok(0..4));
}

#[test]
fn a_party_of_none_is_refused() {
    assert_eq!(Row::new(4).take(0), Err(NoSeats::Nobody));
}

#[test]
fn seats_that_the_row_does_not_have_are_passed_over() {
    let mut row = Row::new(2);
    row.give_back(1..9);
    assert_eq!(row.take(2), Ok(0..2));
}
