//! [`Column`]: one small value for each task, found by the task's number.

/// A number as a place in a list.
pub(super) fn place(number: u32) -> usize {
    // Where numbers are shorter than ours nothing stands at the last place, so nothing is found there.
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A length as a number. Everything that is counted here is bounded far below.
pub(super) fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// One value for each number. What was never written is the default, and takes no room behind the last that was.
#[derive(Clone, Debug, Default)]
pub(super) struct Column<T>(Vec<T>);

impl<T: Copy + Default> Column<T> {
    pub(super) fn get(&self, number: u32) -> T {
        self.0.get(place(number)).copied().unwrap_or_default()
    }

    /// Makes room for the number if there is none.
    pub(super) fn at(&mut self, number: u32) -> Option<&mut T> {
        let needed = place(number).checked_add(1)?;
        if needed > self.0.len() {
            grow(&mut self.0, needed);
            self.0.resize(needed, T::default());
        }
        self.0.get_mut(place(number))
    }

    pub(super) fn set(&mut self, number: u32, value: T) {
        if let Some(slot) = self.at(number) {
            *slot = value;
        }
    }
}

/// Makes room for `needed` in all, with an eighth to spare: doubling would leave half of a large graph empty.
pub(super) fn grow<T>(list: &mut Vec<T>, needed: usize) {
    if needed > list.capacity() {
        let more = needed.saturating_sub(list.len());
        list.reserve_exact(more.max(needed / 8).max(8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_written_is_the_default() {
        let mut column = Column::<u8>::default();
        assert_eq!(column.get(7), 0);
        column.set(3, 9);
        assert_eq!([0, 3, 4].map(|number| column.get(number)), [0, 9, 0]);
    }

    #[test]
    fn growing_copies_seldom_and_leaves_little_empty() {
        let (mut column, mut copies, mut capacity) = (Column::<u32>::default(), 0, 0);
        for number in 0..100_000 {
            column.set(number, number);
            copies += usize::from(column.0.capacity() != capacity);
            capacity = column.0.capacity();
        }
        assert!(copies < 120, "{copies}");
        assert!(capacity < 112_520, "{capacity}");
    }
}
