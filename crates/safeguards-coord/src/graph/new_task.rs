//! [`NewTask`], [`TaskId`], [`TaskRef`]: a task to be added, and how one is meant that was.

use safeguards_types::Priority;

use crate::Seat;

/// A task to be added to a [`TaskGraph`](crate::TaskGraph), with all that belongs to it. A name alone is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewTask {
    /// Its name, unlike that of every other task.
    pub name: String,
    /// What it depends on, by name; it need not be added yet.
    pub after: Vec<String>,
    /// Who does it; `None`: nobody is named.
    pub seat: Option<Seat>,
    /// What it needs besides.
    pub resources: Vec<String>,
    /// How much it matters among those that are ready.
    pub priority: Priority,
}

impl NewTask {
    /// A task that depends on nothing, of priority 5.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            after: Vec::new(),
            seat: None,
            resources: Vec::new(),
            priority: Priority::default(),
        }
    }

    /// It depends on these too.
    #[must_use]
    pub fn after<N: Into<String>>(mut self, tasks: impl IntoIterator<Item = N>) -> Self {
        self.after.extend(tasks.into_iter().map(Into::into));
        self
    }

    /// Says who does it: an agent, or whoever meets a need.
    #[must_use]
    pub fn by(self, seat: impl Into<Seat>) -> Self {
        Self { seat: Some(seat.into()), ..self }
    }

    /// It needs these resources too.
    #[must_use]
    pub fn needs<N: Into<String>>(mut self, resources: impl IntoIterator<Item = N>) -> Self {
        self.resources.extend(resources.into_iter().map(Into::into));
        self
    }

    /// Sets how much it matters.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }
}

impl From<&str> for NewTask {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for NewTask {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// A task of a [`TaskGraph`](crate::TaskGraph), by number. It means nothing in another graph, and means the same
/// again when a task is removed and one of its name is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u32);

/// How a task is meant: by name or by number. Whoever takes one takes either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskRef<'a> {
    /// By name.
    Name(&'a str),
    /// By number.
    Id(TaskId),
}

impl<'a> From<&'a str> for TaskRef<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl<'a> From<&'a String> for TaskRef<'a> {
    fn from(name: &'a String) -> Self {
        Self::Name(name)
    }
}

impl From<TaskId> for TaskRef<'_> {
    fn from(id: TaskId) -> Self {
        Self::Id(id)
    }
}
