//! Texts and facts that are made to exhaust the reader: each is refused or judged, and the process lives on.
//! Every one is tried on one MiB of stack: a service's thread has two, and has spent some of it.

use gateline_policy::{
    COMPREHENSION_DEPTH_MAX, CONDITION_BYTES_MAX, CONDITION_DEPTH_MAX, Condition, ConditionFault,
    FACTS_BYTES_MAX, FACTS_DEPTH_MAX, FACTS_ITEMS_MAX, Outcome,
};
use serde_json::{Value, json};
use test_case::test_case;

const STACK_BYTES: usize = 1 << 20;

/// The fault of `text`, or what it says of `facts`, found on a small stack.
fn tried(text: String, facts: Value) -> Result<Outcome, ConditionFault> {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let condition = Condition::parse(&text, &["a", "b"]).map_err(|error| error.fault)?;
            Ok(condition.judge(&facts))
        })
        .expect("a thread can be made")
        .join()
        .expect("neither reading nor judging panics")
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}true{}", open.repeat(depth), close.repeat(depth))
}

/// `all` within `all`, `depth` times, over the list `a`.
fn loops(depth: usize) -> String {
    (0..depth).fold("true".to_owned(), |body, level| {
        format!("a.all(v{level}, {body})")
    })
}

#[test_case("(", ")"; "brackets")]
#[test_case("[", "]"; "lists")]
#[test_case("{1:", "}"; "objects")]
#[test_case("size(", ")"; "calls")]
#[test_case("b[", "]"; "places")]
#[test_case("!(a || ", ")"; "negations")]
#[test_case("(a ? b : 1 + 2 * -", ")"; "choices and sums")]
#[test_case("/* ( */ (", ")"; "brackets that look like comments")]
#[test_case("'\\'(' in [", "]"; "texts that look like brackets")]
fn nesting_is_safe_up_to_the_limit_and_refused_above(open: &str, close: &str) {
    for depth in 1..=CONDITION_DEPTH_MAX {
        // Whether read, refused or errored: the process is still here.
        let _ = tried(nested(open, close, depth), json!({"a": true, "b": {"true": 1}}));
    }
    let fault = tried(nested(open, close, CONDITION_DEPTH_MAX + 1), json!({})).expect_err("it is refused");
    assert!(
        matches!(fault, ConditionFault::TooDeep | ConditionFault::Malformed(_)),
        "{fault}"
    );
}

#[test_case("(", ")", 1; "brackets")]
#[test_case("!(true && ", ")", 2; "negations")]
#[test_case("(true ? ", " : false)", 1; "choices")]
#[test_case("{1: ", "}[1]", 2; "objects")]
#[test_case("[1].all(x, ", ")", 8; "loops")]
fn nesting_at_the_limit_is_judged(open: &str, close: &str, levels: usize) {
    let depth = (CONDITION_DEPTH_MAX - 1) / levels;
    assert!(matches!(
        tried(nested(open, close, depth), json!({})),
        Ok(Outcome::Holds | Outcome::DoesNotHold)
    ));
}

#[test]
fn brackets_in_texts_and_comments_do_not_nest() {
    let brackets = "(".repeat(CONDITION_DEPTH_MAX + 1);
    for text in [
        format!("a == '{brackets}'"),
        format!("a == r\"\"\"{brackets}\\\"\"\""),
        format!("a != 1 // {brackets}\n"),
    ] {
        assert!(tried(text.clone(), json!({"a": brackets})).is_ok(), "{text}");
    }
    let closed_first = format!("a == '\\'' || {}true", "(".repeat(CONDITION_DEPTH_MAX + 1));
    assert_eq!(tried(closed_first, json!({})), Err(ConditionFault::TooDeep));
}

#[test_case("1", "+1", " > 0"; "sums")]
#[test_case("1", "*1", " > 0"; "products")]
#[test_case("true", "==true", ""; "comparisons")]
#[test_case("a", ".a", ""; "members")]
#[test_case("a", "[0]", ""; "places")]
#[test_case("a", ".size()", ""; "calls")]
#[test_case("[1]", ".map(x,x)", " == [1]"; "maps")]
#[test_case("", "true?true:", "true"; "choices")]
fn chains_are_safe_up_to_the_limit_and_refused_above(start: &str, link: &str, end: &str) {
    for links in 1..=CONDITION_DEPTH_MAX {
        // Whether refused, judged or errored: the process is still here.
        let _ = tried(
            format!("{start}{}{end}", link.repeat(links)),
            json!({"a": [[[1]]]}),
        );
    }
    let links = (CONDITION_BYTES_MAX - start.len() - end.len()) / link.len();
    let chain = format!("{start}{}{end}", link.repeat(links));
    let fault = tried(chain, json!({})).expect_err("it is refused");
    assert!(
        matches!(fault, ConditionFault::TooDeep | ConditionFault::Malformed(_)),
        "{fault}"
    );
}

#[test]
fn long_chains_of_and_are_judged() {
    let chain = format!("true{}", "&&true".repeat((CONDITION_BYTES_MAX - 4) / 6));
    assert_eq!(tried(chain, json!({})), Ok(Outcome::Holds));
}

/// Inputs of the class that made older parsers take gigabytes (cel-rust issue 306), and plain floods.
#[test_case("!!(!!!!!!(!!!!(((((!!(!!(!!!!((", 1; "31 bytes of it")]
#[test_case("!!(!!!!!!(!!!!(((((!!(!!(!!!!((", 4; "the 125 bytes")]
#[test_case("!!(!!!!!!(!!!!(((((!!(!!(!!!!((", 5; "the 156 bytes")]
#[test_case("!!(!!!!!!(!!!!(((((!!(!!(!!!!((", 60; "a page of it")]
#[test_case("!!(", 600; "its shortest form")]
#[test_case("(", 5_000; "5,000 parentheses")]
#[test_case("[", 2_000; "2,000 open lists")]
#[test_case("{1:", 600; "open objects")]
#[test_case("a?", 1_000; "open choices")]
#[test_case("a.", 1_000; "open members")]
#[test_case(")", 2_000; "only ends")]
#[test_case("'", 2_000; "only quotes")]
#[test_case("\\", 2_000; "only escapes")]
#[test_case("é", 1_000; "only letters of two bytes")]
#[test_case("\0", 2_000; "only zeros")]
#[test_case("1 ", 1_000; "only numbers")]
#[test_case("{a:a", 500; "objects in keys")]
#[test_case("b{a:", 500; "typed objects")]
fn floods_are_refused(motif: &str, times: usize) {
    assert!(tried(motif.repeat(times) + "1", json!({})).is_err());
}

#[test]
fn a_valid_text_with_a_random_mark_in_it_is_read_or_refused() {
    let valid = r#"a.all(x, x in ["b", 'c'] || size(x) > 1 ? b["k"].v != -1 : has(b.k)) // end"#;
    for at in 0..=valid.len() {
        for mark in [
            "(", ")", "[", "\"", "'", "\\", "?", ".", "{", "@", "`", "\u{0}", "é", "\n", "r'", "0x", "1e999",
        ] {
            let mut text = valid.to_owned();
            text.insert_str(at, mark);
            if let Ok(condition) = Condition::parse(&text, &["a", "b"]) {
                let _ = condition.judge(&json!({"a": ["b", "cc"], "b": {"k": {"v": 1}}}));
            }
            if let Err(error) = Condition::parse(&valid[..at], &["a", "b"]) {
                assert!(
                    error.offset.is_none_or(|offset| offset <= at),
                    "{error:?} of {:?}",
                    &valid[..at]
                );
            }
        }
    }
}

#[test]
fn a_condition_over_the_byte_limit_is_refused() {
    let fits = format!("true{}", " ".repeat(CONDITION_BYTES_MAX - 4));
    assert_eq!(tried(fits.clone(), json!({})), Ok(Outcome::Holds));
    assert_eq!(tried(fits + " ", json!({})), Err(ConditionFault::TooLong));
}

#[test]
fn comprehensions_nest_three_deep_and_no_deeper() {
    assert_eq!(
        tried(loops(COMPREHENSION_DEPTH_MAX), json!({"a": [1, 2, 3]})),
        Ok(Outcome::Holds)
    );
    assert_eq!(
        tried(loops(COMPREHENSION_DEPTH_MAX + 1), json!({})),
        Err(ConditionFault::TooManyLoops)
    );
}

#[test]
fn comprehensions_one_after_another_do_not_nest() {
    let chain = "a.filter(x, x > 0).map(x, x + 1).filter(x, x > 1).map(x, x * 2).exists(x, x == 8)";
    assert_eq!(
        tried(chain.to_owned(), json!({"a": [1, 2, 3]})),
        Ok(Outcome::Holds)
    );
}

/// Each would take hours or all memory if nothing stopped it.
#[test_case(loops(3); "three passes over all facts")]
#[test_case("a.map(x, a.map(y, a.map(z, a))) == []".to_owned(); "a list of lists of lists")]
#[test_case("[a]".to_owned() + &".map(x, x + x + x + x)".repeat(8) + " == []"; "a list that grows fourfold")]
#[test_case("[a]".to_owned() + &".map(x, [x, x, x, x])".repeat(8) + " == []"; "a tree that grows fourfold")]
#[test_case("[b]".to_owned() + &".map(x, x + x + x + x)".repeat(8) + " == []"; "a text that grows fourfold")]
#[test_case("[a]".to_owned() + &".map(x, {1: x, 2: x})".repeat(8) + " == []"; "objects that double")]
#[test_case(format!("a.all(x, {})", ["a == a"; 200].join(" && ")); "all facts compared with themselves")]
#[test_case(format!("a.all(x, {})", ["b.contains('yx')"; 100].join(" || ")); "a long text searched for each fact")]
#[test_case("a.exists(x, a.exists(y, a.exists(z, false))) || true".to_owned(); "an answer that needs no search")]
fn the_dearest_conditions_are_cut_short(text: String) {
    let facts = json!({"a": vec![1; FACTS_ITEMS_MAX - 10], "b": "x".repeat(FACTS_BYTES_MAX / 2)});
    let Ok(Outcome::Errored(reason)) = tried(text, facts) else {
        panic!("it was judged")
    };
    assert!(reason.contains("it costs more than"), "{reason}");
}

#[test]
fn two_passes_over_a_large_change_are_judged() {
    let commits: Vec<_> = (0..200)
        .map(|_| json!({"files": vec!["src/payment/ledger/entry.rs"; 50]}))
        .collect();
    let text = r#"a.all(c, c.files.all(f, f.startsWith("src/") && !f.endsWith(".sql")))"#;
    assert_eq!(tried(text.to_owned(), json!({"a": commits})), Ok(Outcome::Holds));
}

#[test]
fn facts_over_a_limit_are_errored() {
    let deep = (0..=FACTS_DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    let huge = [
        (json!(vec![1; FACTS_ITEMS_MAX]), "is too large: at most"),
        (json!("x".repeat(FACTS_BYTES_MAX + 1)), "is too large: at most"),
        (deep, "nests more than"),
    ];
    for (fact, why) in huge {
        let Ok(Outcome::Errored(reason)) = tried("a != 1".to_owned(), json!({"a": fact.clone()})) else {
            panic!("judged, but {why}")
        };
        assert!(reason.contains(why), "{reason}");
        let unread = tried("b == 1".to_owned(), json!({"a": fact, "b": 1}));
        assert_eq!(
            unread,
            Ok(Outcome::Holds),
            "a fact that is not read costs nothing"
        );
    }
    let deepest = (0..FACTS_DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(
        tried("a != 1".to_owned(), json!({"a": deepest})),
        Ok(Outcome::Holds)
    );
}

#[test]
fn a_long_reason_is_shortened() {
    let facts = json!({"a": "x".repeat(10_000)});
    let Ok(Outcome::Errored(reason)) = tried("int(a) == 1".to_owned(), facts) else {
        panic!("it was judged")
    };
    assert!(reason.len() < 1_000, "{} bytes", reason.len());
}
