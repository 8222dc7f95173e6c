//! How much is on a page: of accounts, of entries, of what was written down of a run.

/// How many are on a page unless it says otherwise.
const LEN: usize = 100;
/// How many there are at most, whatever is asked.
const LEN_MAX: usize = 1_000;

/// How many are on the page that is asked for: at least one, so that who turns pages comes to an end.
pub(super) fn len(asked: Option<usize>) -> usize {
    asked.unwrap_or(LEN).clamp(1, LEN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_at_least_and_a_thousand_at_most() {
        let asked = [None, Some(0), Some(1), Some(999), Some(1_000), Some(1_001), Some(usize::MAX)];
        assert_eq!(asked.map(len), [100, 1, 1, 999, 1_000, 1_000, 1_000]);
    }
}
