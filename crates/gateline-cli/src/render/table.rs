//! Tables: columns as wide as their widest cell, two spaces between, nothing behind the last.

use super::Line;

/// Rows of cells.
#[derive(Debug, Default)]
pub(crate) struct Table {
    indent: usize,
    rows: Vec<Vec<Line>>,
}

impl Table {
    /// A table that begins so many columns from the border.
    pub fn indented(indent: usize) -> Self {
        Self {
            indent,
            rows: Vec::new(),
        }
    }

    /// A table with names over its columns.
    pub fn headed<const N: usize>(names: [&str; N]) -> Self {
        let mut table = Self::default();
        table.row(names.map(|name| Line::new().dim(name)));
        table
    }

    pub fn row<const N: usize>(&mut self, cells: [Line; N]) {
        self.rows.push(cells.into());
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(Line::width).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[Line], widths: &[usize]) -> Line {
        let last = row.iter().rposition(|cell| cell.width() > 0);
        let mut line = Line::new().plain(" ".repeat(self.indent));
        for (column, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            line.0.extend(cell.0.iter().cloned());
            if Some(column) != last {
                line = line.plain(" ".repeat(widths[column] - cell.width() + 2));
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Page;

    #[test]
    fn columns_stand_below_each_other_and_nothing_trails() {
        let mut table = Table::headed(["stage", "live", "why"]);
        table.row(["production".into(), Line::new().good("1.4.0"), "".into()]);
        table.row(["dev".into(), "".into(), "nothing yet".into()]);
        let mut page = Page::default();
        page.table(table);
        let expected = "stage       live   why\nproduction  1.4.0\ndev                nothing yet\n";
        assert_eq!(page.to_text(false), expected);
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert!(Table::indented(2).into_lines().is_empty());
    }
}
