//! [`Resources`]: what tasks need besides other tasks, and what of it is there.

use super::{
    column::Column,
    lists::{Lists, Span},
    names::Names,
};

/// Resources, by number; which tasks need them; which are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Resources {
    names: Names,
    is_there: Column<bool>,
    lists: Lists,
    /// Who needs each.
    users: Column<Span>,
    /// What each task needs.
    needs: Column<Span>,
}

/// What came of saying that a task needs a resource.
pub(super) struct Required {
    /// Whether it did not need it before.
    pub(super) is_new: bool,
    /// Whether it did not need it before, and it is not there.
    pub(super) is_lacking: bool,
}

impl Resources {
    /// How many there may be.
    pub(super) const MAX: u32 = 1 << 24;

    /// `None` where there is no more room.
    pub(super) fn require(&mut self, task: u32, resource: &str) -> Option<Required> {
        let resource = self.number(resource)?;
        let (mut needs, mut users) = (self.needs.get(task), self.users.get(resource));
        let is_known = if needs.len() <= users.len() {
            self.lists.of(needs).contains(&resource)
        } else {
            self.lists.of(users).contains(&task)
        };
        if is_known {
            return Some(Required { is_new: false, is_lacking: false });
        }
        if !self.lists.push(&mut needs, resource) {
            return None;
        }
        let has_room = self.lists.push(&mut users, task);
        if !has_room {
            self.lists.remove(&mut needs, resource);
        }
        self.needs.set(task, needs);
        self.users.set(resource, users);
        let is_lacking = !self.is_there.get(resource);
        has_room.then_some(Required { is_new: true, is_lacking })
    }

    /// The task needs nothing any more.
    pub(super) fn forget(&mut self, task: u32) {
        let mut needs = self.needs.get(task);
        while let Some(resource) = self.lists.of(needs).last().copied() {
            self.lists.remove(&mut needs, resource);
            if let Some(users) = self.users.at(resource) {
                self.lists.remove(users, task);
            }
            self.needs.set(task, needs);
        }
    }

    /// The number of a resource, if it was ever named.
    pub(super) fn find(&self, resource: &str) -> Option<u32> {
        self.names.find(resource)
    }

    /// Says whether a resource is there. Whether that is news, is the answer.
    pub(super) fn set(&mut self, resource: u32, is_there: bool) -> bool {
        let is_news = self.is_there.get(resource) != is_there;
        self.is_there.set(resource, is_there);
        is_news
    }

    /// Who needs it.
    pub(super) fn users(&self, resource: u32) -> &[u32] {
        self.lists.of(self.users.get(resource))
    }

    /// What a task needs, in the order in which that was said, and whether it is there.
    pub(super) fn of(&self, task: u32) -> impl ExactSizeIterator<Item = (&str, bool)> {
        let needs = self.lists.of(self.needs.get(task)).iter();
        needs.map(|resource| (self.names.of(*resource), self.is_there.get(*resource)))
    }

    /// What is there, by name.
    pub(super) fn there(&self) -> impl Iterator<Item = &str> {
        let all = (0..self.names.len()).filter(|resource| self.is_there.get(*resource));
        let mut there: Vec<_> = all.map(|resource| self.names.of(resource)).collect();
        there.sort_unstable();
        there.into_iter()
    }

    /// The number of a resource, which it has or gets; `None` where there is no more room.
    pub(super) fn number(&mut self, resource: &str) -> Option<u32> {
        let known = self.names.find(resource);
        known.or_else(|| (self.names.len() < Self::MAX).then(|| self.names.add(resource)).flatten())
    }
}
