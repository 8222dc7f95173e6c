//! [`near`]: which of the names that there are was perhaps meant; [`nearest`]: some of them, where none is.

/// How many letters may be wrong.
const WRONG_MAX: usize = 2;

/// Longer names are compared with none: comparing takes the product of both lengths.
const LONGEST: usize = 100;

/// The name that was perhaps meant: in other capitals, with a hyphen for an underscore, or with a letter or two wrong,
/// which are fewer than half of it.
pub(super) fn near<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given = plain(given);
    let distance = |name: &'n str| {
        let known = plain(name);
        let letters = known.chars().count().min(given.chars().count());
        (strsim::osa_distance(&known, &given), letters, name)
    };
    let is_near = |(wrong, letters, _): &(usize, usize, &str)| {
        *wrong <= WRONG_MAX && wrong.saturating_mul(2) < *letters
    };
    let is_short = |name: &&str| name.len().max(given.len()) <= LONGEST;
    let nearest = known.into_iter().filter(is_short).map(distance).filter(is_near).min();
    nearest.map(|(_, _, name)| name)
}

/// How many names a message lists where none was meant.
const LISTED_MAX: usize = 8;

/// Some of the names that there are, for a message: all in their order where they are few, else those that are least far
/// from what was given, and how many more there are.
pub(super) fn nearest(given: &str, known: &[&str]) -> String {
    let more = known.len().saturating_sub(LISTED_MAX);
    if more == 0 {
        return known.join(", ");
    }
    let given = plain(given);
    let distance = |name: &str| {
        let is_short = name.len().max(given.len()) <= LONGEST;
        if is_short { strsim::osa_distance(&plain(name), &given) } else { usize::MAX }
    };
    let mut by_distance: Vec<(usize, usize)> =
        known.iter().enumerate().map(|(place, name)| (distance(name), place)).collect();
    by_distance.sort_unstable();
    let mut kept: Vec<usize> =
        by_distance.iter().take(LISTED_MAX).map(|(_, place)| *place).collect();
    kept.sort_unstable();
    let names: Vec<&str> = kept.iter().filter_map(|place| known.get(*place).copied()).collect();
    format!("{} and {more} more", names.join(", "))
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_was_perhaps_meant() {
        let known = ["graph", "vote", "pool", "estimate", "fan_out", "ab"];
        for (given, expected) in [
            ("Graph", Some("graph")),
            ("GRAHP", Some("graph")),
            ("fan-out", Some("fan_out")),
            ("estimat", Some("estimate")),
            ("estmte", Some("estimate")),
            ("vot", Some("vote")),
            ("nope", None),
            ("foo", None),
            ("ac", None),
            ("", None),
        ] {
            assert_eq!(near(given, known), expected, "{given}");
        }
        assert_eq!(near("graph", []), None);
    }

    #[test]
    fn of_many_names_the_nearest_are_listed_in_their_order() {
        assert_eq!(nearest("x", &["b", "a"]), "b, a");
        let many = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
        assert_eq!(nearest("tin", &many), "one, two, three, four, five, six, nine, ten and 2 more");
    }
}
