//! `docs/reference/loops.md` says what is found here, to the last figure.

use std::fmt::Write as _;

const PAGE: &str = include_str!("../../../docs/reference/loops.md");

/// A table as the page has it: a head, and a row below another.
#[derive(Debug)]
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        let rule = vec!["---"; head.len()].join(" | ");
        Self(format!("| {} |\n| {rule} |\n", head.join(" | ")))
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        writeln!(self.0, "| {} |", cells.join(" | ")).unwrap();
    }

    /// Prints it, and fails where the page has it otherwise.
    #[track_caller]
    pub(crate) fn stands_on_the_page(&self, name: &str) {
        println!("{name}\n{}", self.0);
        assert!(PAGE.contains(&self.0), "docs/reference/loops.md has no such table:\n{}", self.0);
    }
}

/// The middle one; of two the lower.
pub(crate) fn median(numbers: &[i64]) -> String {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).map_or_else(|| "none".to_owned(), i64::to_string)
}

/// How far `there` is behind `here`.
pub(crate) fn distance(here: usize, there: usize) -> i64 {
    i64::try_from(there).unwrap() - i64::try_from(here).unwrap()
}

/// How many of these are below 0, 0, and above.
pub(crate) fn sides(distances: &[i64]) -> [String; 3] {
    let count = |side| distances.iter().filter(|distance| distance.signum() == side).count();
    [-1, 0, 1].map(|side| count(side).to_string())
}
