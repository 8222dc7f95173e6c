//! [`Lists`]: many short lists of numbers in one piece of memory.

use super::column::{grow, place};

/// Where a list stands in its [`Lists`], and how long it is. Empty by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    pub(super) const fn len(self) -> u32 {
        self.len
    }
}

/// Many lists of numbers, most of them short. A list stands in a block whose size is a power of two; where it
/// does not fit any more, it moves to one of twice the size, and the next list takes the block that it left.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    words: Vec<u32>,
    /// For each power of two the first block that nobody uses; its first word is where the next one starts.
    free: [u32; 32],
}

/// There is no block.
const NONE: u32 = u32::MAX;

impl Default for Lists {
    fn default() -> Self {
        Self { words: Vec::new(), free: [NONE; 32] }
    }
}

impl Lists {
    pub(super) fn of(&self, span: Span) -> &[u32] {
        let start = place(span.start);
        let end = start.saturating_add(place(span.len));
        self.words.get(start..end).unwrap_or_default()
    }

    /// The number at a place of a list.
    pub(super) fn nth(&self, span: Span, at: u32) -> Option<u32> {
        if at >= span.len {
            return None;
        }
        self.words.get(place(span.start).checked_add(place(at))?).copied()
    }

    /// Adds a number at the end. `false`, and nothing added, where there is no more room.
    #[must_use]
    pub(super) fn push(&mut self, span: &mut Span, value: u32) -> bool {
        // A block is full where the length is its size: at each power of two, and at the beginning.
        if span.len == 0 || span.len.is_power_of_two() {
            let Some(start) = self.take_block(exponent(span.len.saturating_mul(2).max(1))) else {
                return false;
            };
            let (from, to) = (place(span.start), place(start));
            self.words.copy_within(from..from.saturating_add(place(span.len)), to);
            self.free_block(*span);
            span.start = start;
        }
        let end = place(span.start).saturating_add(place(span.len));
        let Some(word) = self.words.get_mut(end) else {
            return false;
        };
        *word = value;
        span.len = span.len.saturating_add(1);
        true
    }

    /// Takes a number out; those behind it move up, so that the order stays.
    pub(super) fn remove(&mut self, span: &mut Span, value: u32) -> bool {
        let Some(at) = self.of(*span).iter().position(|word| *word == value) else {
            return false;
        };
        let start = place(span.start);
        let (at, end) = (start.saturating_add(at), start.saturating_add(place(span.len)));
        self.words.copy_within(at.saturating_add(1)..end, at);
        let shorter = span.len.saturating_sub(1);
        if shorter == 0 {
            self.free_block(*span);
            *span = Span::default();
        } else {
            if shorter.is_power_of_two() {
                // The block is of twice the size that the length now stands for: half of it is given back.
                self.give_back(span.start.saturating_add(shorter), exponent(shorter));
            }
            span.len = shorter;
        }
        true
    }

    fn take_block(&mut self, exponent: usize) -> Option<u32> {
        let free = self.free.get_mut(exponent)?;
        if *free != NONE {
            let start = *free;
            *free = self.words.get(place(start)).copied().unwrap_or(NONE);
            return Some(start);
        }
        let start = u32::try_from(self.words.len()).ok()?;
        let end =
            self.words.len().checked_add(1_usize.checked_shl(u32::try_from(exponent).ok()?)?)?;
        // The last number stands for no block.
        if end >= place(NONE) {
            return None;
        }
        grow(&mut self.words, end);
        self.words.resize(end, 0);
        Some(start)
    }

    fn free_block(&mut self, span: Span) {
        if span.len > 0 {
            self.give_back(span.start, exponent(span.len.next_power_of_two()));
        }
    }

    fn give_back(&mut self, start: u32, exponent: usize) {
        let first = self.words.get_mut(place(start)).zip(self.free.get_mut(exponent));
        if let Some((first, free)) = first {
            *first = *free;
            *free = start;
        }
    }
}

/// Which power of two a size is.
fn exponent(size: u32) -> usize {
    place(size.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_keep_apart(moves in proptest::collection::vec((0_usize..6, 0_u32..40, 0_u8..4), 0..400)) {
            let (mut lists, mut spans) = (Lists::default(), [Span::default(); 6]);
            let mut model: [Vec<u32>; 6] = Default::default();
            for (list, value, kind) in moves {
                if kind == 0 {
                    let at = model[list].iter().position(|word| *word == value);
                    prop_assert_eq!(lists.remove(&mut spans[list], value), at.is_some());
                    at.map(|at| model[list].remove(at));
                } else {
                    prop_assert!(lists.push(&mut spans[list], value));
                    model[list].push(value);
                }
                for (span, list) in spans.iter().zip(&model) {
                    prop_assert_eq!(lists.of(*span), list.as_slice());
                    prop_assert_eq!(place(span.len()), list.len());
                }
            }
            // What lists left is used again: never more than four words for one that was in use at once.
            prop_assert!(lists.words.len() <= 400 * 4);
        }
    }

    #[test]
    fn a_block_that_was_left_is_used_again() {
        let (mut lists, mut first) = (Lists::default(), Span::default());
        for value in 0..5 {
            assert!(lists.push(&mut first, value));
        }
        let words = lists.words.len();
        // It moved out of blocks of 1, 2 and 4.
        let mut others = [Span::default(); 2];
        for value in 0..3 {
            assert!(lists.push(&mut others[0], value));
        }
        assert!(lists.push(&mut others[1], 7));
        assert_eq!(lists.words.len(), words);
        assert_eq!(lists.of(first), [0, 1, 2, 3, 4]);
        assert_eq!(lists.of(others[0]), [0, 1, 2]);
    }
}
