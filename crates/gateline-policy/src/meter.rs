//! The price of judging a condition. CEL's interpreter has no limit of its own, so the expression itself is made to
//! pay: every value read from a fact pays for its weight, every comprehension pays for its rounds before the first.
//!
//! All other work is linear in what was paid: a value that is made from others weighs no more than they do together.
//! Knows no clock: the limit counts units, so that the same facts always give the same answer.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use cel::common::types::{CelList, CelMap, CelMapKey, CelString, CelUInt};
use cel::common::value::{CowVal, Val};
use cel::{Context, ExecutionError, FunctionContext, IdedExpr};

use crate::tree::parts;

/// Units that one judging may cost. A unit is about one value looked at, or a short word compared.
///
/// Enough for several nested passes over 200 commits with 50 files each, and spent in about a second by a debug binary.
pub const CONDITION_COST_MAX: u64 = 1_000_000;

/// Bytes of text that weigh as much as one value.
const TEXT_UNIT_BYTES: usize = 16;

// A name with `@` cannot be written in a condition.
const READ: &str = "@read";
const ROUNDS: &str = "@rounds";

type Function = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError> + Send + Sync,
>;

/// The same expression, paying as it goes.
pub(crate) fn metered(mut expression: IdedExpr) -> IdedExpr {
    make_pay(&mut expression);
    expression
}

/// What one judging has cost so far.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Gives `context` the functions that a metered expression calls.
    pub(crate) fn install(&self, context: &mut Context) {
        let meter = self.clone();
        let read: Function = Box::new(move |call| {
            let value = argument(call, 0)?;
            // Asked first, because weighing is work too, and a loop around this one may go on after the error.
            meter.spend(0)?;
            meter.spend(weight(value.as_ref()))?;
            Ok(value)
        });
        let meter = self.clone();
        let rounds: Function = Box::new(move |call| {
            let range = argument(call, 0)?;
            let rounds = range.as_sizer().map_or(0, |sizer| *sizer.size().inner());
            let body = argument(call, 1)?
                .downcast_ref::<CelUInt>()
                .map_or(1, |body| *body.inner());
            meter.spend(rounds.unsigned_abs().saturating_mul(body))?;
            Ok(range)
        });
        for (name, function) in [(READ, read), (ROUNDS, rounds)] {
            context
                .add_function(name, function)
                .expect("the standard library has no name with `@`");
        }
    }

    /// Whether the limit was passed, even if the expression went on to an answer.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) > CONDITION_COST_MAX
    }

    fn spend(&self, units: u64) -> Result<(), ExecutionError> {
        let spent = self.0.load(Ordering::Relaxed).saturating_add(units);
        self.0.store(spent, Ordering::Relaxed);
        if self.is_spent() {
            Err(ExecutionError::function_error("meter", "the cost limit is spent"))
        } else {
            Ok(())
        }
    }
}

fn argument<'c, 'v>(call: &FunctionContext<'c, 'v>, index: usize) -> Result<CowVal<'c, 'v>, ExecutionError> {
    call.args
        .get(index)
        .cloned()
        .ok_or_else(ExecutionError::missing_argument_or_target)
}

fn weight(value: &dyn Val) -> u64 {
    let inside: u64 = if let Some(text) = value.downcast_ref::<CelString>() {
        text_weight(text.inner())
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner().iter().map(|item| weight(item.as_ref())).sum()
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner()
            .iter()
            .map(|(key, item)| key_weight(key) + weight(item.as_ref()))
            .sum()
    } else {
        0
    };
    1 + inside
}

fn text_weight(text: &str) -> u64 {
    (text.len() / TEXT_UNIT_BYTES) as u64
}

fn key_weight(key: &CelMapKey) -> u64 {
    match key {
        CelMapKey::String(text) => 1 + text_weight(text.inner()),
        CelMapKey::Bool(_) | CelMapKey::Int(_) | CelMapKey::UInt(_) => 1,
    }
}

fn make_pay(expression: &mut IdedExpr) {
    if is_path(expression) {
        make_keys_pay(expression);
        return wrap(expression, READ, None);
    }
    match &mut expression.expr {
        // `has(a.b)` looks for `b` and reads nothing; CEL wants to see its path bare.
        Expr::Select(select) if select.test && is_path(&select.operand) => make_keys_pay(&mut select.operand),
        Expr::Comprehension(each) => {
            let body = size(&mut each.loop_step);
            make_pay(&mut each.loop_step);
            make_pay(&mut each.iter_range);
            wrap(&mut each.iter_range, ROUNDS, Some(body));
        }
        _ => parts(expression).into_iter().for_each(make_pay),
    }
}

/// Whether this is a fact, a loop's variable, or a place within one: `a`, `a.b`, `a.b["c"][0]`.
fn is_path(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Ident(name) => !name.starts_with('@'),
        Expr::Select(select) => !select.test && is_path(&select.operand),
        Expr::Call(call) => call.func_name == operators::INDEX && is_path(&call.args[0]),
        _ => false,
    }
}

/// Makes what stands in the brackets of a path pay, but not the path itself.
fn make_keys_pay(path: &mut IdedExpr) {
    match &mut path.expr {
        Expr::Select(select) => make_keys_pay(&mut select.operand),
        Expr::Call(call) => {
            make_keys_pay(&mut call.args[0]);
            make_pay(&mut call.args[1]);
        }
        _ => {}
    }
}

/// Nodes of an expression and weight of the texts in it: what one round of it costs, apart from what it reads.
fn size(expression: &mut IdedExpr) -> u64 {
    let own = match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => 1 + text_weight(text.inner()),
        _ => 1,
    };
    own + parts(expression).into_iter().map(size).sum::<u64>()
}

fn wrap(expression: &mut IdedExpr, function: &str, number: Option<u64>) {
    let id = expression.id;
    let number = number.map(|number| IdedExpr {
        id,
        expr: Expr::Literal(LiteralValue::UInt(number.into())),
    });
    let args = [mem::take(expression)].into_iter().chain(number).collect();
    *expression = IdedExpr {
        id,
        expr: Expr::Call(CallExpr {
            func_name: function.to_owned(),
            target: None,
            args,
        }),
    };
}
