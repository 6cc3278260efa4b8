//! One way down the parsed expression, shared by everything that walks it.
//! Knows nothing of limits or of costs.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// The parts of `expression` that its author wrote.
///
/// Of a comprehension these are its range and its body; what else it holds is made by the macro and is constant.
pub(crate) fn parts(expression: &mut IdedExpr) -> Vec<&mut IdedExpr> {
    match &mut expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call
            .target
            .as_deref_mut()
            .into_iter()
            .chain(&mut call.args)
            .collect(),
        Expr::Comprehension(each) => vec![&mut each.iter_range, &mut each.loop_step],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .flat_map(|entry| entry_parts(&mut entry.expr))
            .collect(),
        Expr::Struct(made) => made
            .entries
            .iter_mut()
            .flat_map(|entry| entry_parts(&mut entry.expr))
            .collect(),
        Expr::Select(select) => vec![&mut select.operand],
    }
}

/// Levels of `expression`, itself included.
pub(crate) fn depth(expression: &mut IdedExpr) -> usize {
    1 + parts(expression).into_iter().map(depth).max().unwrap_or(0)
}

fn entry_parts(entry: &mut EntryExpr) -> Vec<&mut IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&mut field.value],
        EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
    }
}
