//! Texts with an end.

/// What stands where a text was cut off.
const CUT: &str = "… (cut)";

/// The beginning of `text`, on one line, with at most `chars_max` characters of it.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let mut rest = text.trim().chars();
    let mut line = String::new();
    for character in rest.by_ref().take(chars_max) {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    if rest.next().is_some() {
        line.push('…');
    }
    line
}

/// `text`, or where it has more than `chars_max` characters its beginning and a word that says so.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let room = chars_max.saturating_sub(CUT.chars().count());
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let start = text.get(..end).unwrap_or_default();
    format!("{start}{CUT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_says_that_it_was_cut() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer als zehn", 10), "grö… (cut)");
        assert_eq!(cut("größer als zehn", 10).chars().count(), 10);
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn a_line_is_one() {
        assert_eq!(one_line(" no\nsuch\u{1b}[2J \u{2028} ", 300), "no\\nsuch\\u{1b}[2J");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcdef…");
    }
}
