//! [`Slots`]: things under small numbers, which are given again.

/// The number of an agent inside a registry, given again when the agent is gone.
pub(super) type Slot = u32;
/// The number of a capability of an agent, likewise.
pub(super) type EntryNo = u32;

/// A number as a place in a list.
pub(super) fn place(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Things under small numbers. The smallest free number is not looked for: the one that became free last is taken.
#[derive(Debug)]
pub(super) struct Slots<T> {
    all: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { all: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Puts a thing in, and gives its number; `None` where all numbers are taken.
    pub(super) fn insert(&mut self, thing: T) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            *self.all.get_mut(place(number)?)? = Some(thing);
            return Some(number);
        }
        let number = u32::try_from(self.all.len()).ok()?;
        self.all.push(Some(thing));
        Some(number)
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.all.get(place(number)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.all.get_mut(place(number)?)?.as_mut()
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let thing = self.all.get_mut(place(number)?)?.take()?;
        self.free.push(number);
        Some(thing)
    }
}
