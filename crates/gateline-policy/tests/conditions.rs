//! What conditions say of facts, and what is said of texts that are none.

use cel::{Context, Program, Value};
use gateline_policy::{Condition, ConditionError, ConditionFault, Outcome};
use serde_json::json;
use test_case::test_case;

const KNOWN: [&str; 4] = ["change", "release", "risk", "stage"];

fn facts() -> serde_json::Value {
    json!({
        "risk": {"level": "high", "share": 0.25, "reasons": []},
        "change": {
            "files": 3,
            "lines": 9_007_199_254_740_993_i64,
            "breaking": false,
            "kind": "data migration",
            "labels": {"team": "pay", "needs-dba": true},
            "authors": ["ada", "bob"],
            "paths": ["db/1.sql", "src/main.rs"],
            "ticket": null,
            "undone": -2
        },
        "stage": {"name": "production"}
    })
}

fn judge(text: &str) -> Outcome {
    Condition::parse(text, &KNOWN)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .judge(&facts())
}

#[test_case(r#"risk.level in ["high", "critical"] || change.breaking"#, Outcome::Holds; "a level that is listed holds")]
#[test_case(r#"risk.level == "low""#, Outcome::DoesNotHold; "another level does not hold")]
#[test_case("change.files + 1 > 3", Outcome::Holds; "integers of the facts can be added to")]
#[test_case("change.files - 5 == change.undone", Outcome::Holds; "integers of the facts may go below zero")]
#[test_case("change.lines == 9007199254740993", Outcome::Holds; "integers are not rounded")]
#[test_case("risk.share * 2.0 <= 0.5", Outcome::Holds; "fractions are fractions")]
#[test_case("risk.share < 1", Outcome::Holds; "a fraction is compared with an integer")]
#[test_case(r#"has(change.labels.team) && change.labels["team"] == "pay""#, Outcome::Holds; "a member is found by both spellings")]
#[test_case("has(change.labels.owner)", Outcome::DoesNotHold; "an absent member can be asked after")]
#[test_case(r#"change.labels["needs-dba"]"#, Outcome::Holds; "a bare true is an answer")]
#[test_case(r#"change.paths.exists(p, p.startsWith("db/"))"#, Outcome::Holds; "one path is enough for exists")]
#[test_case(r#"change.paths.all(p, p.endsWith(".sql"))"#, Outcome::DoesNotHold; "all means all")]
#[test_case(r#"change.paths.exists_one(p, p.contains("main"))"#, Outcome::Holds; "exactly one path is named main")]
#[test_case(r#"change.paths.filter(p, p.endsWith(".rs")).map(p, size(p)) == [11]"#, Outcome::Holds; "lists are filtered and mapped")]
#[test_case(r#"change.authors[0] == "ada" && size(change.authors) == 2"#, Outcome::Holds; "lists have places and a size")]
#[test_case(r#"change.labels.exists(name, name == "team")"#, Outcome::Holds; "an object is walked by its names")]
#[test_case("change.ticket == null", Outcome::Holds; "null is a value")]
#[test_case("change.files > 2 ? risk.level == \"high\" : false", Outcome::Holds; "a choice takes one side")]
#[test_case("string(change.files) + \"%\" == \"3%\"", Outcome::Holds; "an integer becomes text")]
#[test_case("change.tikcet == 1 || true", Outcome::Holds; "what holds whatever is missing holds")]
#[test_case("change.tikcet == 1 && false", Outcome::DoesNotHold; "what fails whatever is missing does not hold")]
#[test_case("// why\nchange.files == 3", Outcome::Holds; "a comment is not read")]
fn a_condition_is_judged(text: &str, expected: Outcome) {
    assert_eq!(judge(text), expected);
}

#[test_case("risk.levle == \"high\"", "the facts have no `levle`"; "an absent member is not false")]
#[test_case("release.version == \"1\"", "there is no fact `release`"; "an absent fact is not false")]
#[test_case("change.tikcet == 1 || false", "the facts have no `tikcet`"; "what depends on the missing is not judged")]
#[test_case("change.paths.all(p, p.size > 1)", "`.` does not apply"; "a text has no members")]
#[test_case("risk.level", "it gives string, not true or false"; "a text is no answer")]
#[test_case("change.files", "it gives int, not true or false"; "a number is no answer")]
#[test_case("change.ticket", "it gives null, not true or false"; "null is no answer")]
#[test_case("risk.level > 3", "`>` does not apply to (string, int)"; "a text is not more than a number")]
#[test_case("risk.share * 2 > 0.1", "cannot mul float and int"; "fractions and integers are not mixed")]
#[test_case("!risk.level", "`!` does not apply to (string)"; "only an answer is negated")]
#[test_case("change.files / 0 > 1", "division by zero"; "division by zero is not infinity")]
#[test_case("change.authors[7] == \"eve\"", "Index out of bounds"; "a list ends")]
#[test_case("change.lines * change.lines > 0", "verflow"; "an overflow does not wrap")]
#[test_case("int(risk.level) > 0", "int"; "a word is not a number")]
fn what_cannot_be_judged_is_errored(text: &str, why: &str) {
    let Outcome::Errored(reason) = judge(text) else {
        panic!("`{text}` has an answer: {:?}", judge(text))
    };
    assert!(reason.contains(why), "{reason}");
    assert!(reason.contains(text), "the reason names the condition: {reason}");
}

#[test_case(json!([]), "the facts are not an object"; "facts are an object")]
#[test_case(json!({"risk": 1}), "there is no fact `change`"; "a fact that is read must be there")]
#[test_case(json!({"change": {"files": u64::MAX}}), "fact `change` holds the integer 18446744073709551615"; "an integer above the range is not rounded")]
#[test_case(json!({"change": {"files": "3"}}), "`>` does not apply to (string, int)"; "a text is not taken for its number")]
fn bad_facts_are_errored(facts: serde_json::Value, why: &str) {
    let outcome = Condition::parse("change.files > 1", &KNOWN)
        .expect("it is a condition")
        .judge(&facts);
    let Outcome::Errored(reason) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(reason.contains(why), "{reason}");
}

#[test_case("chnage.files > 1", Some(0), "no fact is called `chnage`; did you mean `change`?"; "a misspelt fact is named with the nearest")]
#[test_case("change.riks && riks.level == 1", Some(15), "no fact is called `riks`; did you mean `risk`?"; "the place is that of the fact, not of a member")]
#[test_case("weather == 1", Some(0), "known are `change`, `release`, `risk`, `stage`"; "a strange fact is told all that are known")]
#[test_case("change.paths.all(p, q == p)", Some(20), "no fact is called `q`"; "a name of no loop is unknown")]
#[test_case("change.paths.all(e, e == 1) && p == 1", Some(31), "no fact is called `p`"; "a loop's name ends with the loop")]
#[test_case("change.kind.startWith(\"a\")", Some(12), "did you mean `startsWith`?"; "a misspelt function is named with the nearest")]
#[test_case("change.kind.matches(\"a+\")", Some(12), "no function is called `matches`; known are `contains`"; "regular expressions are not to be had")]
#[test_case("change.paths.all(p)", Some(13), "the arguments of `all` do not fit"; "a macro with a missing part is told apart from a function")]
#[test_case("Change{files: 1} == change", Some(0), "typed object"; "typed objects are not to be had")]
#[test_case("change.files >", Some(14), "condition is not CEL: "; "a text that ends early is refused at its end")]
#[test_case("change.files\n  > > 1", Some(17), "condition is not CEL: "; "the place is found on the second line")]
#[test_case("'éé' == ", Some(10), "condition is not CEL: "; "letters of two bytes do not move the place")]
#[test_case("\"ab", Some(0), "condition is not CEL: "; "an open text is refused")]
#[test_case("", Some(0), "condition is not CEL: "; "an empty condition is refused")]
#[test_case("true true", Some(5), "condition is not CEL: "; "two answers are refused")]
#[test_case("change.files = 3", None, "condition is not CEL: "; "an assignment is refused")]
#[test_case("risk.level == \"é\" && §", None, "condition is not CEL: "; "a strange sign is refused")]
#[test_case("@read(change) == 1", None, "condition is not CEL: "; "the meter cannot be called")]
fn a_text_that_is_no_condition_is_refused(text: &str, offset: Option<usize>, why: &str) {
    let error: ConditionError = Condition::parse(text, &KNOWN).expect_err("it is refused");
    assert!(error.to_string().contains(why), "{error}");
    if offset.is_some() {
        assert_eq!(error.offset, offset, "{error}");
    }
}

#[test]
fn a_misspelt_fact_can_be_handled_without_reading_the_message() {
    let error = Condition::parse("rsik.level == 1", &KNOWN).expect_err("it is refused");
    let fault = ConditionFault::UnknownFact {
        name: "rsik".to_owned(),
        known: vec!["risk".to_owned()],
    };
    assert_eq!(
        error,
        ConditionError {
            offset: Some(0),
            fault
        }
    );
}

#[test]
fn a_condition_tells_which_facts_it_reads() {
    let text = "change.files > 1 && risk.reasons.all(stage, stage != change.kind)";
    let condition = Condition::parse(text, &KNOWN).expect("it is a condition");
    assert_eq!(condition.reads().collect::<Vec<_>>(), ["change", "risk"]);
}

#[test]
fn conditions_are_equal_when_their_texts_are() {
    let condition = Condition::parse("change.files > 1", &KNOWN).expect("it is a condition");
    assert_eq!(condition, condition.clone());
    assert_ne!(
        condition,
        Condition::parse("change.files  > 1", &KNOWN).expect("it is a condition")
    );
    assert_eq!(format!("{condition:?}"), r#"Condition("change.files > 1")"#);
    assert_eq!(condition.to_string(), "change.files > 1");
}

/// The two parsers of cel are written apart; ours must not read a text otherwise than the older one.
#[test_case("1 + 2 * 3 == 7 && !(1 > 2)"; "precedence")]
#[test_case("10 - 4 - 3 == 3"; "subtraction goes from left to right")]
#[test_case("true || false && false"; "and binds closer than or")]
#[test_case("false ? true : false ? true : true"; "a choice in a choice")]
#[test_case("-2 - -3 == 1 && !!true"; "signs")]
#[test_case(r#"'a' + "b" + '''c''' + r"\d" == "abc\\d""#; "every kind of text")]
#[test_case("1.5e1 == 15.0 && 0x10 == 16 && 3u == 3"; "every kind of number")]
#[test_case("{'a': [1, 2]}['a'][1] == 2 && 2 in [1, 2,]"; "lists and objects")]
#[test_case("[1, 2, 3].filter(x, x > 1).map(x, x * 2).exists(x, x == 6)"; "chained loops")]
#[test_case("[[1], [2, 3]].all(x, x.exists_one(y, y > 0 && y != 3))"; "nested loops")]
#[test_case("[1, 2].map(x, x > 1, x + 1) == [3]"; "a map with a filter")]
#[test_case("has({'a': 1}.a) && size('abc') == 'abc'.size()"; "has and size")]
#[test_case("'é' == '\\u00e9' // as said"; "escapes and a comment")]
fn both_parsers_read_alike(text: &str) {
    let older = match Program::compile(text)
        .expect("the older parser reads it")
        .execute(&Context::default())
    {
        Ok(Value::Bool(true)) => Outcome::Holds,
        Ok(Value::Bool(false)) => Outcome::DoesNotHold,
        other => panic!("`{text}` has no answer: {other:?}"),
    };
    assert_eq!(judge(text), older);
}
