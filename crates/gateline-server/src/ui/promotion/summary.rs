//! The summary above the answers: word for word what the command line, chat and mail say.

use maud::{Markup, html};

use super::Shown;
use crate::ui::shell::Visitor;

pub(super) fn summary(_: &Visitor, shown: &Shown<'_>) -> Markup {
    let Some(summary) = shown.summary else {
        return html! {};
    };
    html! {
        h2 #summary { "What you are asked" }
        div.panel {
            table.rows {
                tbody {
                    @for (name, lines) in summary.rows(gateline_model::moment) {
                        tr {
                            th scope="row" { (name) }
                            td {
                                @for (index, line) in lines.iter().enumerate() {
                                    @if name == "do" { p.sub { b { (line) } } }
                                    @else if index == 0 { p.sub { (line) } }
                                    @else { p.sub.age { (line) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
