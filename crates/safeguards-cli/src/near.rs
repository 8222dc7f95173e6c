//! Which names were perhaps meant.

use std::{cmp::Reverse, collections::BTreeSet};

use safeguards_discovery::CapabilityName;

/// How many are named.
const NAMED_MAX: usize = 5;

/// The names most like `asked`, the nearest first: those with few other letters, and those in which it is a part.
pub(crate) fn names<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let folded = asked.to_lowercase();
    let mut found: Vec<(Reverse<bool>, usize, &str)> = Vec::new();
    for name in names {
        let other = name.to_lowercase();
        let is_part = !folded.is_empty() && is_part(&folded, &other);
        let letters = strsim::damerau_levenshtein(&folded, &other);
        // A third of the letters may be others, and one of a short name.
        if is_part || letters <= folded.chars().count().div_ceil(3) {
            found.push((Reverse(is_part), letters, name));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(NAMED_MAX).map(|(.., name)| name.to_owned()).collect()
}

/// The capabilities, and those above them, most like `asked`.
pub(crate) fn capabilities<'a>(
    asked: &str,
    known: impl IntoIterator<Item = &'a CapabilityName>,
) -> Vec<String> {
    let known: BTreeSet<&str> = known.into_iter().flat_map(CapabilityName::and_above).collect();
    names(asked, known)
}

/// Whether all parts of `asked` stand in `name`, in this order: `regression` in `data.regression.linear`.
fn is_part(asked: &str, name: &str) -> bool {
    let is_joint = |letter: char| !letter.is_alphanumeric();
    let mut parts = name.split(is_joint);
    asked.split(is_joint).all(|asked| parts.any(|part| part == asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, expected: &[&str]) {
        let known =
            ["data.analysis.regression", "data.analysis", "data.retrieval", "review.pull_request"];
        let known: Vec<_> = known.iter().map(|name| CapabilityName::parse(name).unwrap()).collect();
        assert_eq!(capabilities(asked, &known), expected, "{asked}");
    }

    #[test]
    fn what_is_near_is_named_and_nothing_else() {
        check("data.anaylsis", &["data.analysis"]);
        check("Data.Analysis", &["data.analysis", "data.analysis.regression"]);
        check("regression", &["data.analysis.regression"]);
        check("pull_request", &["review.pull_request"]);
        check("dta", &["data"]);
        check("translate", &[]);
        check("", &[]);
    }
}
