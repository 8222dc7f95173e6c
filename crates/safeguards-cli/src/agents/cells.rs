//! What stands in the cells of a table of agents.

use std::io::{self, IsTerminal};

use safeguards_discovery::{Capability, Health, Status};
use safeguards_types::Amounts;
use terminal_size::{Width, terminal_size_of};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::text::one_line;

/// How many columns a name may take on a terminal.
const NAME_COLUMNS: usize = 40;
/// How many columns a text gets, however narrow the terminal is.
const TEXT_COLUMNS_MIN: usize = 24;
/// How many columns a bar has.
const BAR_COLUMNS: u64 = 5;

/// How many columns the terminal has; `None` where the answer goes elsewhere, which is cut nowhere.
pub(super) fn terminal_columns() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    terminal_size_of(out).map(|(Width(columns), _)| usize::from(columns))
}

/// How many columns are left for the text at the end of a row, after cells with `taken` columns together.
pub(super) fn columns_left(terminal: Option<usize>, taken: usize) -> Option<usize> {
    terminal.map(|columns| columns.saturating_sub(taken).max(TEXT_COLUMNS_MIN))
}

/// How many columns the wanted cells of these rows take below their titles, with the space around them.
pub(super) fn taken<const N: usize>(
    rows: &[[String; N]],
    titles: &[&str; N],
    is_wanted: &[bool; N],
) -> usize {
    /// Spaces beside a cell, and those beside the text that comes last.
    const BESIDE: usize = 2;
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.max().unwrap_or(0).max(titles[column].width())
    };
    let wanted = (0..N).filter(|column| is_wanted[*column]);
    wanted.map(|column| widest(column) + BESIDE).sum::<usize>() + BESIDE
}

/// A name, cut where it goes to a terminal.
pub(super) fn name(text: &str, terminal: Option<usize>) -> String {
    cut(&one_line(text), terminal.map(|_| NAME_COLUMNS))
}

/// A text on one line, cut to this many columns.
pub(super) fn cut(text: &str, columns: Option<usize>) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = one_line(&words.join(" "));
    let Some(columns) = columns.filter(|columns| text.width() > *columns) else { return text };
    let mut kept = String::new();
    let mut taken = 1; // The sign that says that there is more.
    for letter in text.chars() {
        taken += letter.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        kept.push(letter);
    }
    format!("{}…", kept.trim_end())
}

/// The first of these capabilities, and how many more there are.
pub(super) fn capabilities<C: AsRef<Capability>>(
    capabilities: &[C],
    terminal: Option<usize>,
) -> String {
    let Some((first, rest)) = capabilities.split_first() else { return "-".to_owned() };
    let first = name(first.as_ref().name.as_str(), terminal);
    if rest.is_empty() { first } else { format!("{first} +{}", rest.len()) }
}

/// The version of the first.
pub(super) fn version<C: AsRef<Capability>>(capabilities: &[C]) -> String {
    let first = capabilities.first().and_then(|first| first.as_ref().version.as_ref());
    first.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// What a call of the first costs.
pub(super) fn cost<C: AsRef<Capability>>(capabilities: &[C]) -> String {
    capabilities.first().map_or_else(|| "-".to_owned(), |first| amounts(&first.as_ref().cost))
}

/// Amounts; `-` where none is known.
pub(super) fn amounts(amounts: &Amounts) -> String {
    if amounts.is_empty() { "-".to_owned() } else { one_line(&amounts.to_string()) }
}

/// How an agent stands; `None` where there is nothing to tell.
pub(super) fn state(status: &Status) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    if status.health != Health::Healthy {
        said.push(status.health.to_string());
    }
    said.extend(status.blocks.iter().map(ToString::to_string));
    match status.load {
        None => {}
        Some(1) => said.push("1 task".to_owned()),
        Some(tasks) => said.push(format!("{tasks} tasks")),
    }
    (!said.is_empty()).then(|| one_line(&said.join(", ")))
}

/// A share of the whole as a bar, in halves of a column; who has anything has at least a half.
pub(super) fn bar(share: u64, whole: u64) -> String {
    let halves_max = BAR_COLUMNS * 2;
    let whole = u128::from(whole.max(1));
    let halves = (u128::from(share) * u128::from(halves_max)).div_ceil(whole);
    let halves = usize::try_from(halves.min(u128::from(halves_max))).unwrap_or_default();
    format!("{}{}", "█".repeat(halves / 2), "▌".repeat(halves % 2))
}

#[cfg(test)]
mod tests {
    use safeguards_discovery::Block;

    use super::*;

    #[test]
    fn texts_are_cut_to_columns_not_to_letters() {
        #[track_caller]
        fn check(text: &str, columns: Option<usize>, expected: &str) {
            assert_eq!(cut(text, columns), expected);
        }
        check("books flights", None, "books flights");
        check("books flights", Some(13), "books flights");
        check("books flights", Some(12), "books fligh…");
        check("books flights", Some(7), "books…");
        check("預訂機票", Some(8), "預訂機票");
        check("預訂機票", Some(7), "預訂機…");
        check("預訂機票", Some(6), "預訂…");
        check("two\n  lines\tand\u{1b}[2J", Some(40), r"two lines and\u{1b}[2J");
        check("", Some(3), "");
    }

    #[test]
    fn a_bar_is_never_empty_where_there_is_something() {
        #[track_caller]
        fn check(share: u64, whole: u64, expected: &str) {
            assert_eq!(bar(share, whole), expected);
        }
        check(0, 10, "");
        check(1, 1_000_000, "▌");
        check(5, 10, "██▌");
        check(10, 10, "█████");
        check(11, 10, "█████");
        check(0, 0, "");
        check(u64::MAX, u64::MAX, "█████");
    }

    #[test]
    fn what_is_well_and_idle_needs_no_word() {
        assert_eq!(state(&Status::new()), None);
        let block = Block::Suspended { reason: "over its\nlimit".to_owned() };
        let status = Status::new().health(Health::Degraded).load(1).block(block);
        assert_eq!(state(&status).unwrap(), r"degraded, suspended: over its\nlimit, 1 task");
    }
}
