//! The reading of a condition: limits first, then syntax, then the names it uses.
//! Knows no facts, only which of them exist.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::catch_unwind;

use cel::common::ast::Expr;
use cel::parser::PrattParser;
use cel::parser::pratt_parser::{Lexer, TokenKind};
use cel::{IdedExpr, ParseErrors};

use crate::meter::metered;
use crate::tree::{depth, parts};

/// Longest condition, in bytes. A longer one belongs into a fact with a name.
pub const CONDITION_BYTES_MAX: usize = 2048;

/// Deepest nesting: of brackets before the parser sees the text, of operators and calls after it.
///
/// The interpreter recurses once per level, and a stack that overflows ends the process: a debug binary was seen to
/// take 36 KiB per level, so that this depth fits half of a service thread's 2 MiB. Chains of `&&` and `||` count by
/// their logarithm; a path in brackets, as in `a[b.c]`, and the list that a comprehension walks count one level more.
pub const CONDITION_DEPTH_MAX: usize = 24;

/// Deepest nesting of `all`, `exists`, `exists_one`, `map` and `filter`. Each level multiplies the cost.
pub const COMPREHENSION_DEPTH_MAX: usize = 3;

/// Functions that a condition may call. `matches` is not among them: a regular expression may be short and yet slow.
const FUNCTIONS: [&str; 7] = [
    "contains",
    "double",
    "endsWith",
    "int",
    "size",
    "startsWith",
    "string",
];

/// Macros, which stay calls in the parsed text when their arguments do not fit.
const MACROS: [&str; 6] = ["all", "exists", "exists_one", "filter", "has", "map"];

/// Why a text is not a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ConditionError {
    /// Byte of the text at which the fault was seen, where that is known.
    pub offset: Option<usize>,
    /// What is wrong.
    pub fault: ConditionFault,
}

/// What is wrong with a text that should be a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionFault {
    /// Longer than [`CONDITION_BYTES_MAX`].
    TooLong,
    /// Nested deeper than [`CONDITION_DEPTH_MAX`].
    TooDeep,
    /// Comprehensions nested deeper than [`COMPREHENSION_DEPTH_MAX`].
    TooManyLoops,
    /// Not CEL; the parser's words.
    Malformed(String),
    /// A typed object, which no fact is.
    TypedObject(String),
    /// A name that is no fact.
    UnknownFact {
        /// The name as written.
        name: String,
        /// The known name that is most like it, or all of them.
        known: Vec<String>,
    },
    /// A name that is no function.
    UnknownFunction {
        /// The name as written.
        name: String,
        /// The known name that is most like it, or all of them.
        known: Vec<String>,
    },
}

impl fmt::Display for ConditionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConditionFault::TooLong => {
                write!(
                    f,
                    "condition is longer than {CONDITION_BYTES_MAX} bytes; split it, or make part of it a fact"
                )
            }
            ConditionFault::TooDeep => {
                write!(
                    f,
                    "condition nests more than {CONDITION_DEPTH_MAX} levels deep; split it"
                )
            }
            ConditionFault::TooManyLoops => write!(
                f,
                "`all`, `exists`, `map` and `filter` nest more than {COMPREHENSION_DEPTH_MAX} deep, \
                 and each level multiplies the cost; put the innermost list into a fact"
            ),
            ConditionFault::Malformed(why) => write!(f, "condition is not CEL: {why}"),
            ConditionFault::TypedObject(name) => {
                write!(
                    f,
                    "`{name}{{..}}` makes a typed object, which conditions do not have; write `{{\"name\": ..}}`"
                )
            }
            ConditionFault::UnknownFact { name, known } => {
                write!(f, "no fact is called `{name}`; {}", meant(known))
            }
            ConditionFault::UnknownFunction { name, known } => {
                write!(f, "no function is called `{name}`; {}", meant(known))
            }
        }
    }
}

/// The metered expression of `text` and the names of the facts it reads.
pub(crate) fn read(text: &str, known: &[&str]) -> Result<(IdedExpr, BTreeSet<String>), ConditionError> {
    if text.len() > CONDITION_BYTES_MAX {
        return Err(refused(
            Some(text.floor_char_boundary(CONDITION_BYTES_MAX)),
            ConditionFault::TooLong,
        ));
    }
    refuse_deep_brackets(text)?;
    // The parser is not ours and the text may be a stranger's: a panic in it is a malformed condition.
    let mut expression = catch_unwind(|| PrattParser::new().parse(text))
        .map_err(|_| malformed(None, "the parser failed on it; this is a bug, please report it"))?
        .map_err(|errors| first_of(text, errors))?;
    let mut names = Names {
        text,
        known,
        bound: Vec::new(),
        reads: BTreeSet::new(),
    };
    names.collect(&mut expression, 1)?;
    let mut metered = metered(expression);
    if depth(&mut metered) > CONDITION_DEPTH_MAX {
        return Err(refused(None, ConditionFault::TooDeep));
    }
    Ok((metered, names.reads))
}

fn refuse_deep_brackets(text: &str) -> Result<(), ConditionError> {
    let mut depth = 0_usize;
    for (kind, offset, _) in tokens(text) {
        match kind {
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => depth += 1,
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if depth > CONDITION_DEPTH_MAX {
            return Err(refused(Some(offset), ConditionFault::TooDeep));
        }
    }
    Ok(())
}

/// The words of `text` as the parser sees them, without blanks and comments, with offsets.
///
/// The parser's own lexer: a second opinion of where a string ends would be a way around the limit.
fn tokens(text: &str) -> impl Iterator<Item = (TokenKind, usize, &str)> {
    let mut lexer = Lexer::new(text);
    // Every token but the last takes at least a byte, or ends the text.
    (0..=text.len())
        .map(move |_| lexer.lex())
        .take_while(|token| token.kind != TokenKind::TokEnd)
        .filter(|token| !matches!(token.kind, TokenKind::TokWhitespace | TokenKind::TokComment))
        .map(move |token| {
            (
                token.kind,
                token.start,
                text.get(token.start..token.end).unwrap_or_default(),
            )
        })
}

fn refused(offset: Option<usize>, fault: ConditionFault) -> ConditionError {
    ConditionError { offset, fault }
}

fn malformed(offset: Option<usize>, why: &str) -> ConditionError {
    refused(offset, ConditionFault::Malformed(why.to_owned()))
}

fn first_of(text: &str, errors: ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.into_iter().next() else {
        return malformed(None, "the parser gives no reason");
    };
    let why = first
        .msg
        .strip_prefix("Syntax error: ")
        .unwrap_or(&first.msg)
        .replace("'<EOF>'", "end of text")
        .replace("<EOF>", "end of text");
    malformed(offset_of(text, first.pos), &why)
}

/// The offset of a line and column, both counted from one; nothing for the parser's zeros.
fn offset_of(text: &str, (line, column): (isize, isize)) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    Some((start + column).min(text.len()))
}

/// The names in an expression, collected while its depth is checked.
struct Names<'a> {
    text: &'a str,
    known: &'a [&'a str],
    /// Variables of the comprehensions around the current place.
    bound: Vec<String>,
    reads: BTreeSet<String>,
}

impl Names<'_> {
    fn collect(&mut self, expression: &mut IdedExpr, depth: usize) -> Result<(), ConditionError> {
        if depth > CONDITION_DEPTH_MAX {
            return Err(refused(None, ConditionFault::TooDeep));
        }
        match &mut expression.expr {
            Expr::Ident(name) => self.read(name),
            Expr::Struct(made) => Err(refused(
                self.find(&made.type_name),
                ConditionFault::TypedObject(made.type_name.clone()),
            )),
            Expr::Comprehension(each) => {
                self.collect(&mut each.iter_range, depth + 1)?;
                if self.bound.len() == COMPREHENSION_DEPTH_MAX {
                    return Err(refused(None, ConditionFault::TooManyLoops));
                }
                self.bound.push(each.iter_var.clone());
                self.collect(&mut each.loop_step, depth + 1)?;
                self.bound.pop();
                Ok(())
            }
            Expr::Call(call) if MACROS.contains(&call.func_name.as_str()) => Err(malformed(
                self.find(&call.func_name),
                &format!(
                    "the arguments of `{}` do not fit; write `list.all(x, x > 1)` or `has(a.b)`",
                    call.func_name
                ),
            )),
            Expr::Call(call) if !self.may_call(&call.func_name) => Err(refused(
                self.find(&call.func_name),
                ConditionFault::UnknownFunction {
                    known: nearest(&call.func_name, &FUNCTIONS),
                    name: call.func_name.clone(),
                },
            )),
            _ => parts(expression)
                .into_iter()
                .try_for_each(|part| self.collect(part, depth + 1)),
        }
    }

    fn read(&mut self, name: &str) -> Result<(), ConditionError> {
        if name.starts_with('@') || self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        if !self.known.contains(&name) {
            let fault = ConditionFault::UnknownFact {
                known: nearest(name, self.known),
                name: name.to_owned(),
            };
            return Err(refused(self.find(name), fault));
        }
        self.reads.insert(name.to_owned());
        Ok(())
    }

    fn may_call(&self, name: &str) -> bool {
        let is_operator = !name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        is_operator || FUNCTIONS.contains(&name)
    }

    /// Where `name` stands by itself; a field of that name is taken only if there is nothing else.
    fn find(&self, name: &str) -> Option<usize> {
        let mut after_dot = false;
        let mut field = None;
        for (kind, offset, word) in tokens(self.text) {
            if word == name && !after_dot {
                return Some(offset);
            }
            if word == name {
                field = field.or(Some(offset));
            }
            after_dot = kind == TokenKind::TokDot;
        }
        field
    }
}

fn meant(known: &[String]) -> String {
    match known {
        [] => "none is known here".to_owned(),
        [one] => format!("did you mean `{one}`?"),
        many => format!("known are `{}`", many.join("`, `")),
    }
}

/// The known name that is most like `name`, or all of them if none is.
fn nearest(name: &str, known: &[&str]) -> Vec<String> {
    let near = known
        .iter()
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min();
    match near {
        Some((_, near)) => vec![(*near).to_owned()],
        None => known.iter().map(|known| (*known).to_owned()).collect(),
    }
}

/// Letters to add, drop or exchange between two names, whatever their case (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, other) in right.iter().enumerate() {
            let exchanged = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = exchanged.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}
