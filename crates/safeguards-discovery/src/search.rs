//! Text search: words, and how well they fit.

/// Whether there is a word in this text.
pub(crate) fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}
