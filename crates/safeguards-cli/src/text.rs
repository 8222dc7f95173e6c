//! How things are written for people: instants, counts, and what programs said.

use safeguards_types::Timestamp;

/// An instant as people read it, to the second, in UTC.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    jiff::Timestamp::from(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// So many things: `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// A text of at most so many letters: a longer one is cut.
pub(crate) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Text of programs, made harmless to a terminal: what steers one is escaped, but for line ends and tabs.
pub(crate) fn harmless(text: &str) -> String {
    escaped(text, |letter| steers(letter) && !matches!(letter, '\n' | '\t'))
}

/// The same on one line, so that no program writes a line that looks like ours.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, steers)
}

/// Control characters, and those that turn the order of letters around or break lines on some terminals.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn escaped(text: &str, is_harmful: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_harmful(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, many_lines: &str, on_one: &str) {
        assert_eq!((harmless(text).as_str(), one_line(text).as_str()), (many_lines, on_one));
    }

    #[test]
    fn what_steers_a_terminal_is_escaped_and_nothing_else() {
        check("déjà vu 漢字 👍", "déjà vu 漢字 👍", "déjà vu 漢字 👍");
        check("a\tb\nc", "a\tb\nc", r"a\tb\nc");
        check("\u{1b}[2J\r\u{7}\u{7f}", r"\u{1b}[2J\r\u{7}\u{7f}", r"\u{1b}[2J\r\u{7}\u{7f}");
        check("\u{9b}31m", r"\u{9b}31m", r"\u{9b}31m");
        check("\u{202e}txt", r"\u{202e}txt", r"\u{202e}txt");
    }

    #[test]
    fn counts_and_instants_read_well() {
        assert_eq!(
            (counted(1, "row"), counted(0, "row")),
            ("1 row".to_owned(), "0 rows".to_owned())
        );
        let at = Timestamp::parse("2026-01-05T09:00:00.999Z").unwrap();
        assert_eq!(to_the_second(at), "2026-01-05 09:00:00");
    }
}
