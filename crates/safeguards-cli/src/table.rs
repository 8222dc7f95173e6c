//! [`Table`]: what both verbs print as rows and columns.

use std::fmt;

use comfy_table::{Cell, CellAlignment, presets};

/// Rows and columns without lines between them.
pub(crate) struct Table {
    table: comfy_table::Table,
    /// The columns with text, which stands to the left; numbers stand to the right.
    text: &'static [usize],
}

impl Table {
    /// A table with these titles. `text` are the places of the columns that have no numbers.
    pub(crate) fn new<T: ToString>(
        titles: impl IntoIterator<Item = T>,
        text: &'static [usize],
    ) -> Self {
        let mut table = Self { table: comfy_table::Table::new(), text };
        table.table.load_style(presets::NOTHING);
        let titles = table.row(titles);
        table.table.set_header(titles);
        table
    }

    pub(crate) fn add<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        let row = self.row(cells);
        self.table.add_row(row);
    }

    fn row<T: ToString>(&self, cells: impl IntoIterator<Item = T>) -> Vec<Cell> {
        let cell = |(column, text): (usize, T)| {
            let is_text = self.text.contains(&column);
            let alignment = if is_text { CellAlignment::Left } else { CellAlignment::Right };
            Cell::new(text).set_alignment(alignment)
        };
        cells.into_iter().enumerate().map(cell).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.table.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_to_the_left_and_numbers_to_the_right() {
        let mut table = Table::new(["name", "rows", "limit"], &[0, 2]);
        table.add(["a", "1", "x"]);
        table.add(["reader", "10000", "y"]);
        let expected = " name     rows  limit\n a           1  x\n reader  10000  y";
        assert_eq!(table.to_string(), expected);
    }
}
