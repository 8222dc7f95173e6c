//! What happens to the tasks of a [`TaskGraph`]: they begin, end, and are tried again; resources come and go.

use super::{GraphError, Missing, OnFailure, TaskGraph, TaskId, TaskRef, TaskState};

impl TaskGraph {
    /// The tasks that may begin: the highest priority first, and among equals in the order in which they were
    /// added. To have the first costs the same however many there are.
    pub fn ready(&self) -> impl Iterator<Item = TaskId> {
        self.ready.iter().map(|rank| TaskId(self.ranks.task(rank)))
    }

    /// Begins the first of those that are [ready](Self::ready); `None` where none is.
    ///
    /// ```
    /// use safeguards_coord::{GraphError, NewTask, TaskGraph};
    ///
    /// let mut graph = TaskGraph::new();
    /// graph.add("gather")?;
    /// graph.add(NewTask::new("weigh").after(["gather"]))?;
    /// let mut done = Vec::new();
    /// while let Some(task) = graph.start_next() {
    ///     done.push(graph.name(task).to_owned());
    ///     graph.complete(task)?;
    /// }
    /// assert_eq!(done, ["gather", "weigh"]);
    /// assert!(graph.is_over());
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn start_next(&mut self) -> Option<TaskId> {
        let task = self.ranks.task(self.ready.first()?);
        self.enter(task, TaskState::Running);
        Some(TaskId(task))
    }

    /// Begins a task that is ready.
    ///
    /// # Errors
    ///
    /// Where there is no such task, something is missing, or it has begun or ended.
    pub fn start<'a>(&mut self, task: impl Into<TaskRef<'a>>) -> Result<(), GraphError> {
        self.start_with(task, None::<&str>)
    }

    /// Begins a task for which these resources are there, besides those that were [provided](Self::provide).
    ///
    /// # Errors
    ///
    /// Where there is no such task, something is missing, or it has begun or ended.
    pub fn start_with<'a, R: AsRef<str>>(
        &mut self,
        task: impl Into<TaskRef<'a>>,
        available: impl IntoIterator<Item = R>,
    ) -> Result<(), GraphError> {
        let task = self.find(task.into())?;
        self.check_not_begun(task, "started")?;
        if self.open.get(task) > 0 {
            self.check_nothing_missing(task, self.missing_of(task, available))?;
        }
        self.enter(task, TaskState::Running);
        Ok(())
    }

    /// A task is done, whether or not it was said that it began; those that waited for it alone are ready now.
    /// Resources are not asked for: what is done, is.
    ///
    /// # Errors
    ///
    /// Where there is no such task, it has ended already, or one that it depends on has not succeeded.
    pub fn complete<'a>(&mut self, task: impl Into<TaskRef<'a>>) -> Result<(), GraphError> {
        let task = self.find(task.into())?;
        self.check_not_ended(task, "completed")?;
        // What runs or is ready has all its dependencies behind it.
        if self.standing.get(task).state == Some(TaskState::Waiting) {
            let missing = self
                .missing_of(task, None::<&str>)
                .map(|missing| Missing { resources: Vec::new(), ..missing });
            self.check_nothing_missing(task, missing.filter(|missing| !missing.is_empty()))?;
        }
        self.enter(task, TaskState::Succeeded);
        self.set_free_dependants(task);
        Ok(())
    }

    /// A task went wrong, or is given up before it began. Those that depend on it are skipped, and what depends on
    /// them; which, is the answer, in an order in which each comes after one that it depends on. If
    /// [failures block](OnFailure::Block), they wait, and the answer is empty.
    ///
    /// # Errors
    ///
    /// Where there is no such task, or it has ended already.
    pub fn fail<'a>(&mut self, task: impl Into<TaskRef<'a>>) -> Result<Vec<TaskId>, GraphError> {
        let task = self.find(task.into())?;
        self.check_not_ended(task, "failed")?;
        self.enter(task, TaskState::Failed);
        Ok(if self.on_failure == OnFailure::Skip { self.skip_dependants(task) } else { Vec::new() })
    }

    /// A task that failed, or that is running and was cut off, is to be done again. Those that were skipped for
    /// its sake alone wait again. If one that it depends on has failed too, it is skipped for that one's sake.
    ///
    /// # Errors
    ///
    /// Where there is no such task, or it has neither failed nor is running.
    pub fn retry<'a>(&mut self, task: impl Into<TaskRef<'a>>) -> Result<(), GraphError> {
        let task = self.find(task.into())?;
        let state = self.standing.get(task).state;
        if !matches!(state, Some(TaskState::Failed | TaskState::Running)) {
            return Err(self.wrong_state(task, "tried again", "failed or is running"));
        }
        self.enter(task, TaskState::Waiting);
        self.settle(task);
        // What it depends on may have failed after it did.
        self.skip_if_lost(task);
        if self.standing.get(task).state == Some(TaskState::Skipped) {
            return Ok(());
        }
        let mut back = vec![task];
        while let Some(task) = back.pop() {
            for at in 0..self.nodes.get(task).dependants.len() {
                let Some(dependant) = self.dependant(task, at) else { break };
                let is_skipped = self.standing.get(dependant).state == Some(TaskState::Skipped);
                if is_skipped && !self.has_failed_need(dependant) {
                    self.enter(dependant, TaskState::Waiting);
                    self.settle(dependant);
                    back.push(dependant);
                }
            }
        }
        Ok(())
    }

    /// A resource is there. `false`, and nothing changed, where it was already. Costs a little for each task that
    /// needs it.
    ///
    /// # Errors
    ///
    /// Where its name is none, or there are as many as there may be.
    pub fn provide(&mut self, resource: impl AsRef<str>) -> Result<bool, GraphError> {
        let resource = resource.as_ref();
        super::check_name("resource", resource)?;
        let too_large = GraphError::TooLarge { what: "resources", max: super::Resources::MAX };
        let resource = self.resources.number(resource).ok_or(too_large)?;
        Ok(self.set_resource(resource, true))
    }

    /// A resource is there no longer. `false`, and nothing changed, where it was not. What is running goes on.
    pub fn withdraw(&mut self, resource: impl AsRef<str>) -> bool {
        let resource = self.resources.find(resource.as_ref());
        resource.is_some_and(|resource| self.set_resource(resource, false))
    }

    fn set_resource(&mut self, resource: u32, is_there: bool) -> bool {
        if !self.resources.set(resource, is_there) {
            return false;
        }
        let mut at = 0_usize;
        while let Some(task) = self.resources.users(resource).get(at).copied() {
            if let Some(open) = self.open.at(task) {
                *open = if is_there { open.saturating_sub(1) } else { open.saturating_add(1) };
            }
            self.settle(task);
            at = at.saturating_add(1);
        }
        true
    }

    /// Makes a task that has not begun ready or not, by what it waits for.
    pub(super) fn settle(&mut self, task: u32) {
        match (self.standing.get(task).state, self.open.get(task)) {
            (Some(TaskState::Waiting), 0) => self.enter(task, TaskState::Ready),
            (Some(TaskState::Ready), 1..) => self.enter(task, TaskState::Waiting),
            _ => {}
        }
    }

    /// Puts a task into a state. Whether it may be there is for the caller to know.
    pub(super) fn enter(&mut self, task: u32, state: TaskState) {
        let rank = self.ranks.of(task);
        let Some(standing) = self.standing.at(task) else { return };
        let before = standing.state.replace(state);
        if let Some(before) = before {
            self.counts.take(before);
        }
        self.counts.add(state);
        if before == Some(TaskState::Ready) {
            self.ready.remove(standing.priority, rank);
        }
        if state == TaskState::Ready {
            self.ready.insert(standing.priority, rank);
        }
    }

    /// Those that depend on a task that succeeded wait for one less.
    pub(super) fn set_free_dependants(&mut self, task: u32) {
        let dependants = self.nodes.get(task).dependants;
        for at in 0..dependants.len() {
            let Some(dependant) = self.dependants.nth(dependants, at) else { break };
            let Some(open) = self.open.at(dependant) else { break };
            *open = open.saturating_sub(1);
            // The rest of a task is looked at only once: where there are many, to look is what takes the time.
            if *open == 0 {
                self.settle(dependant);
            }
        }
    }

    /// Skips a task that came to depend on one that failed, and what depends on it.
    pub(super) fn skip_if_lost(&mut self, task: u32) {
        let is_to_come = self.standing.get(task).state.is_some_and(TaskState::is_to_come);
        if self.on_failure == OnFailure::Skip && is_to_come && self.has_failed_need(task) {
            self.enter(task, TaskState::Skipped);
            self.skip_dependants(task);
        }
    }

    fn skip_dependants(&mut self, task: u32) -> Vec<TaskId> {
        let mut skipped = Vec::new();
        let (mut here, mut next) = (Some(task), 0_usize);
        while let Some(task) = here {
            for at in 0..self.nodes.get(task).dependants.len() {
                let Some(dependant) = self.dependant(task, at) else { break };
                // Nothing that depends on it can be running, or done.
                if self.standing.get(dependant).state.is_some_and(TaskState::is_to_come) {
                    self.enter(dependant, TaskState::Skipped);
                    skipped.push(TaskId(dependant));
                }
            }
            here = skipped.get(next).map(|id| id.0);
            next = next.saturating_add(1);
        }
        skipped
    }

    fn dependant(&self, task: u32, at: u32) -> Option<u32> {
        self.dependants.nth(self.nodes.get(task).dependants, at)
    }

    pub(super) fn has_failed_need(&self, task: u32) -> bool {
        let is_failure =
            |need: &u32| self.standing.get(*need).state.is_some_and(TaskState::is_failure);
        self.needs.of(self.nodes.get(task).needs).iter().any(is_failure)
    }

    fn check_nothing_missing(&self, task: u32, missing: Option<Missing>) -> Result<(), GraphError> {
        match missing {
            None => Ok(()),
            Some(missing) => Err(GraphError::NotReady {
                task: self.names.of(task).to_owned(),
                missing: Box::new(missing),
            }),
        }
    }

    pub(super) fn check_not_begun(
        &self,
        task: u32,
        wanted: &'static str,
    ) -> Result<(), GraphError> {
        if self.standing.get(task).state.is_some_and(TaskState::is_to_come) {
            return Ok(());
        }
        Err(self.wrong_state(task, wanted, "has not begun"))
    }

    fn check_not_ended(&self, task: u32, wanted: &'static str) -> Result<(), GraphError> {
        if self.standing.get(task).state.is_some_and(|state| !state.is_ended()) {
            return Ok(());
        }
        Err(self.wrong_state(task, wanted, "has not ended"))
    }

    pub(super) fn wrong_state(
        &self,
        task: u32,
        wanted: &'static str,
        allowed: &'static str,
    ) -> GraphError {
        let state = self.standing.get(task).state.unwrap_or(TaskState::Waiting);
        GraphError::WrongState { task: self.names.of(task).to_owned(), state, wanted, allowed }
    }
}
