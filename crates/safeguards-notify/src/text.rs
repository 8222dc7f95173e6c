//! Texts of agents and servers, made fit to be shown: on one line, and with an end.

use std::fmt::{self, Write as _};

/// What stands where a text was cut off.
#[cfg(feature = "webhook")]
const CUT: &str = "… (cut)";

/// A text shown on one line, whatever it holds: control characters are escaped, so that none of it looks like a
/// line of its own or moves a terminal's cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() || moves_text(character) {
                write!(out, "{}", character.escape_default())?;
            } else {
                out.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// What is no control character, yet some readers end a line there (the two separators) or show what follows
/// in another order.
const fn moves_text(character: char) -> bool {
    matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text on one line.
pub(crate) fn one_line(text: &str) -> String {
    OneLine(text).to_string()
}

/// The beginning of a text, at most `bytes_max` bytes of it.
pub(crate) fn start(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

/// The text, or where it has more than `chars_max` characters its beginning and a word that says so.
#[cfg(feature = "webhook")]
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let room = chars_max.saturating_sub(CUT.chars().count());
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    format!("{}{CUT}", start(text, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one() {
        assert_eq!(one_line("no\nsuch\u{1b}[2J\u{2028}ü"), "no\\nsuch\\u{1b}[2J\\u{2028}ü");
        for moves in ['\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            let shown = one_line(&moves.to_string());
            assert_eq!(shown, moves.escape_unicode().to_string());
        }
        assert_eq!(one_line("\u{202f}\u{2065}"), "\u{202f}\u{2065}");
        assert_eq!((start("größer", 3), start("größer", 99)), ("gr", "größer"));
    }

    #[cfg(feature = "webhook")]
    #[test]
    fn a_text_that_is_too_long_says_that_it_was_cut() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer als zehn", 10), "grö… (cut)");
        assert_eq!(cut("größer als zehn", 10).chars().count(), 10);
        assert_eq!(cut("", 0), "");
    }
}
