//! [`Arena`]: values that are added and never removed, named by small indices.

use std::marker::PhantomData;

/// Names a value of an [`Arena`]. Only the arena makes them, so each names one that is there.
#[derive(Debug)]
pub(super) struct Ix<T>(u32, PhantomData<fn() -> T>);

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
        let ix = u32::try_from(self.0.len()).ok()?;
        self.0.push(value);
        Some(Ix(ix, PhantomData))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what was added beyond the first `len`. Their names must not be used again.
    pub(super) fn take_back_to(&mut self, len: usize) -> impl Iterator<Item = T> {
        self.0.drain(len.min(self.0.len())..)
    }

    #[expect(clippy::expect_used, reason = "an index is made by `push`, and what it names stays")]
    pub(super) fn get(&self, ix: Ix<T>) -> &T {
        self.position(ix)
            .and_then(|at| self.0.get(at))
            .expect("an index names a value of its arena")
    }

    #[expect(clippy::expect_used, reason = "an index is made by `push`, and what it names stays")]
    pub(super) fn get_mut(&mut self, ix: Ix<T>) -> &mut T {
        self.position(ix)
            .and_then(|at| self.0.get_mut(at))
            .expect("an index names a value of its arena")
    }

    #[expect(clippy::unused_self, reason = "keeps the conversion beside the two callers")]
    fn position(&self, ix: Ix<T>) -> Option<usize> {
        usize::try_from(ix.0).ok()
    }
}
