//! [`Bm25`]: how well the words of a document fit those that are searched for.

use super::Words;

/// How well documents fit words that are searched for: Okapi BM25 with k₁ = 1.2 and b = 0.75, as in S. Robertson
/// and H. Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009), with the weight of a word
/// ln(1 + (N − n + ½) ∕ (n + ½)), which is never below 0.
///
/// All in whole numbers, so that each machine gives the same order.
///
/// ```
/// use safeguards_discovery::{Bm25, Words};
///
/// let documents = ["plots figures", "weighs research notes"].map(Words::of);
/// let length = documents.iter().map(|document| u64::from(document.length())).sum();
/// let bm25 = Bm25::new(2, length);
/// let asked = Words::of("plot");
/// let holding = |word: &str| documents.iter().filter(|one| one.count(word) > 0).count() as u64;
/// let scores = documents.each_ref().map(|document| bm25.relevance(&asked, document, holding));
/// assert_eq!(scores, [Some(754), None]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bm25 {
    documents: u64,
    /// What each word of a document's length adds below the line: k₁ · b · N ∕ length of all, times 2³².
    per_length: u64,
}

/// What it is worth that a word stands in a document, the more the rarer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WordWeight(u64);

/// Numbers below the point of a weight.
const WEIGHT_BITS: u32 = 24;
/// ln 2 with as many.
const LN_2: u64 = 11_629_080;
/// k₁ · (1 − b) = 0.3, times 2¹⁶.
const BASE: u64 = 19_661;

impl Bm25 {
    /// For so many documents, whose [lengths](Words::length) are together `length`.
    pub fn new(documents: u64, length: u64) -> Self {
        // k₁ · b = 0.9
        let above = u128::from(documents).saturating_mul(9 << 32);
        let below = u128::from(length).saturating_mul(10);
        let per_length = above.checked_div(below).unwrap_or(0);
        Self { documents, per_length: u64::try_from(per_length).unwrap_or(u64::MAX) }
    }

    /// What a word is worth that stands in `holding` of the documents.
    pub fn weight(&self, holding: u64) -> WordWeight {
        // 1 + (N − n + ½) ∕ (n + ½) = (2N + 2) ∕ (2n + 1)
        let all = log2(self.documents.saturating_mul(2).saturating_add(2));
        let these = log2(holding.saturating_mul(2).saturating_add(1));
        let natural = all.saturating_sub(these).saturating_mul(LN_2) >> WEIGHT_BITS;
        // k₁ + 1 = 11 ∕ 5 is the same for all.
        WordWeight(natural.saturating_mul(11) / 5)
    }

    /// How well a document of this length fits in which words stand so often; in thousandths.
    pub fn score(&self, words: impl IntoIterator<Item = (WordWeight, u32)>, length: u32) -> u64 {
        let lengthened = u64::from(length).saturating_mul(self.per_length) >> 16;
        let spread = BASE.saturating_add(lengthened);
        let sum = words.into_iter().fold(0_u64, |sum, (WordWeight(weight), count)| {
            let count = u64::from(count.min(Words::COUNT_MAX)) << 16;
            let fits = weight.saturating_mul(count).checked_div(count.saturating_add(spread));
            sum.saturating_add(fits.unwrap_or(0))
        });
        sum.saturating_mul(1_000) >> WEIGHT_BITS
    }

    /// How well a document fits what is asked for, in thousandths; `None` where no word of it stands there.
    /// `holding` says in how many of the documents a word stands.
    pub fn relevance(
        &self,
        asked: &Words,
        document: &Words,
        holding: impl Fn(&str) -> u64,
    ) -> Option<u64> {
        let stands = |(word, _)| match document.count(word) {
            0 => None,
            count => Some((self.weight(holding(word)), count)),
        };
        let standing: Vec<_> = asked.iter().filter_map(stands).collect();
        (!standing.is_empty()).then(|| self.score(standing, document.length()))
    }
}

/// The logarithm to base 2, with 24 binary places; of 0 it is 0.
///
/// Squaring a number doubles its logarithm: whether the square of one between 1 and 2 passes 2 is the next digit.
fn log2(number: u64) -> u64 {
    let Some(whole) = number.checked_ilog2() else { return 0 };
    // Between 1 and 2, with 31 binary places.
    let mut rest = match whole.checked_sub(31) {
        Some(down) => number.checked_shr(down),
        None => number.checked_shl(31_u32.saturating_sub(whole)),
    }
    .unwrap_or_default();
    let mut places = u64::from(whole);
    for _ in 0..WEIGHT_BITS {
        rest = rest.saturating_mul(rest) >> 31;
        places <<= 1;
        if rest >> 32 > 0 {
            rest >>= 1;
            places |= 1;
        }
    }
    places
}

#[cfg(test)]
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "held against the formula as it is written"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_logarithm_is_one() {
        for number in [1_u64, 2, 3, 5, 1_000, 1_000_003, 1 << 40, u64::MAX] {
            let found = log2(number) as f64 / f64::from(1 << WEIGHT_BITS);
            let meant = (number as f64).log2();
            assert!((found - meant).abs() < 3e-7, "{number}: {found}, {meant}");
        }
        assert_eq!(log2(0), 0);
        assert_eq!(log2(1 << 20), 20 << WEIGHT_BITS);
    }

    proptest! {
        #[test]
        fn a_score_is_what_the_formula_says(
            documents in 1_u64..5_000_000,
            share in 0_u64..=1_000,
            mean in 1_u64..500,
            length in 1_u32..2_000,
            count in 1_u32..=Words::COUNT_MAX,
        ) {
            let holding = (documents * share / 1_000).max(1);
            let bm25 = Bm25::new(documents, documents * mean);
            let found = bm25.score([(bm25.weight(holding), count)], length);

            let (n, all, count) = (holding as f64, documents as f64, f64::from(count));
            let weight = (1.0 + (all - n + 0.5) / (n + 0.5)).ln();
            let spread = 1.2 * (0.25 + 0.75 * f64::from(length) / mean as f64);
            let meant = 1_000.0 * weight * count * 2.2 / (count + spread);
            prop_assert!((found as f64 - meant).abs() < 1.0 + meant / 500.0, "{found}, {meant}");
        }
    }

    #[test]
    fn nothing_overflows() {
        for (documents, length) in [(0, 0), (1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX)] {
            let bm25 = Bm25::new(documents, length);
            let weight = bm25.weight(0);
            bm25.score(std::iter::repeat_n((weight, u32::MAX), 1_000), u32::MAX);
            assert!(bm25.score([(weight, 15)], 0) > 0 || documents == 0);
        }
        assert_eq!(Bm25::new(0, 0).weight(u64::MAX), WordWeight(0));
    }
}
