//! [`Arena`]: values that are added and never removed, named by small indices.

use std::{marker::PhantomData, num::NonZeroU32};

/// Names a value of an [`Arena`]. Only the arena makes them, so each names one that is there.
///
/// It holds the position plus one, so that an `Option` of it takes no more room.
#[derive(Debug)]
pub(super) struct Ix<T>(NonZeroU32, PhantomData<fn() -> T>);

impl<T> Clone for Ix<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ix<T> {}

impl<T> PartialEq for Ix<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Ix<T> {}

impl<T> std::hash::Hash for Ix<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> Ix<T> {
    fn position(self) -> Option<usize> {
        usize::try_from(self.0.get()).ok()?.checked_sub(1)
    }

    /// The number that tells it from others, for who keeps it outside.
    pub(super) fn number(self) -> NonZeroU32 {
        self.0
    }
}

/// Values in the order in which they were added. Nothing is removed but by taking back the newest.
#[derive(Clone, Debug)]
pub(super) struct Arena<T>(Vec<T>);

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Arena<T> {
    /// Adds a value; `None` where four billion are there.
    pub(super) fn push(&mut self, value: T) -> Option<Ix<T>> {
        let number = u32::try_from(self.0.len()).ok()?.checked_add(1)?;
        self.0.push(value);
        NonZeroU32::new(number).map(|number| Ix(number, PhantomData))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what was added beyond the first `len`. Their names must not be used again.
    pub(super) fn take_back_to(&mut self, len: usize) -> impl Iterator<Item = T> {
        self.0.drain(len.min(self.0.len())..)
    }

    /// The values with their names, in the order in which they were added.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Ix<T>, &T)> {
        let names = (1..=u32::MAX).filter_map(NonZeroU32::new);
        names.map(|number| Ix(number, PhantomData)).zip(&self.0)
    }

    /// The value that has this number, if any has.
    pub(super) fn named(&self, number: NonZeroU32) -> Option<(Ix<T>, &T)> {
        let ix = Ix(number, PhantomData);
        Some((ix, self.0.get(ix.position()?)?))
    }

    #[expect(clippy::expect_used, reason = "an index is made by `push`, and what it names stays")]
    pub(super) fn get(&self, ix: Ix<T>) -> &T {
        ix.position().and_then(|at| self.0.get(at)).expect("an index names a value of its arena")
    }

    #[expect(clippy::expect_used, reason = "an index is made by `push`, and what it names stays")]
    pub(super) fn get_mut(&mut self, ix: Ix<T>) -> &mut T {
        ix.position()
            .and_then(|at| self.0.get_mut(at))
            .expect("an index names a value of its arena")
    }
}
