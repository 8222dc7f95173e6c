//! [`Dependencies`]: what tasks wait for.

use std::sync::Arc;

use parking_lot::Mutex;
use safeguards_coord::{GraphError, Missing, NewTask, TaskGraph, TaskView};
use safeguards_types::AgentId;
use serde::{Deserialize, Serialize};

/// What tasks wait for: other tasks, and resources. Clones are the same one.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v1 = Safeguards::in_memory().v1();
/// let analysis = v1.agents().create_agent("analysis_agent", usd!(80), Priority::P5).await?;
/// let dependencies = v1.dependencies();
/// dependencies.add_dependency("analyze_data", "gather_data", Some(&analysis.id), ["data_file"])?;
///
/// assert!(!dependencies.check_dependencies("analyze_data", ["data_file", "config"])?);
/// let missing = dependencies.get_missing_dependencies("analyze_data")?;
/// assert_eq!((missing.tasks, missing.resources), (vec!["gather_data".into()], vec!["data_file".into()]));
///
/// dependencies.complete_task("gather_data")?;
/// assert!(dependencies.check_dependencies("analyze_data", ["data_file", "config"])?);
/// # Ok(())
/// # }
/// ```
///
/// One answer is true for as long as nobody changes anything. Who wants more than the guide has takes a
/// [`TaskGraph`], which is a plain value, or lets a team run one.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    tasks: Arc<Mutex<TaskGraph>>,
}

/// What a task waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MissingDependencies {
    /// The tasks that are not done, in the order in which they were named.
    pub tasks: Vec<String>,
    /// The resources that it needs. Which of them are there was told to the check, not here.
    pub resources: Vec<String>,
}

impl From<Missing> for MissingDependencies {
    fn from(missing: Missing) -> Self {
        Self { tasks: missing.tasks, resources: missing.resources }
    }
}

impl Dependencies {
    /// Tasks of its own, of which nobody else knows.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) const fn of(tasks: Arc<Mutex<TaskGraph>>) -> Self {
        Self { tasks }
    }

    /// Lets `task_id` wait for `depends_on`, which need not be known yet, and for these resources. Said again, it is as
    /// it was.
    ///
    /// # Errors
    ///
    /// Where tasks would wait for each other for ever, a name is none, the task is done already, or there are too many.
    pub fn add_dependency<R: Into<String>>(
        &self,
        task_id: &str,
        depends_on: &str,
        agent_id: Option<&AgentId>,
        required_resources: impl IntoIterator<Item = R>,
    ) -> Result<(), GraphError> {
        let task = NewTask::new(task_id).after([depends_on]).needs(required_resources);
        let task = agent_id.into_iter().fold(task, NewTask::by);
        let mut tasks = self.tasks.lock();
        if tasks.task(task_id).is_none() {
            tasks.add(task)?;
            return Ok(());
        }
        // What is wrong by itself is found in a graph of its own, before anything changes here.
        TaskGraph::new().add(task.clone())?;
        tasks.add_dependency(task_id, depends_on)?;
        for resource in &task.resources {
            tasks.add_resource(task_id, resource)?;
        }
        if let Some(seat) = task.seat {
            tasks.assign(task_id, seat)?;
        }
        Ok(())
    }

    /// Whether a task may begin: all that it waits for is done, and what it needs is among `available_resources`.
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub fn check_dependencies<R: AsRef<str>>(
        &self,
        task_id: &str,
        available_resources: impl IntoIterator<Item = R>,
    ) -> Result<bool, GraphError> {
        Ok(self.tasks.lock().blocked(task_id, available_resources)?.is_none())
    }

    /// What a task waits for, and all that it needs.
    ///
    /// # Errors
    ///
    /// Where there is no such task.
    pub fn get_missing_dependencies(
        &self,
        task_id: &str,
    ) -> Result<MissingDependencies, GraphError> {
        Ok(self.tasks.lock().missing(task_id)?.unwrap_or_default().into())
    }

    /// Writes down that a task is done; one that was only waited for is known from then on. What it needed counts as
    /// having been there.
    ///
    /// # Errors
    ///
    /// Where a task that it waits for is not done, it is done already, or its name is none.
    pub fn complete_task(&self, task_id: &str) -> Result<(), GraphError> {
        let mut tasks = self.tasks.lock();
        if tasks.task(task_id).is_none() {
            tasks.add(task_id)?;
        }
        let resources = tasks.task(task_id).into_iter().flat_map(TaskView::resources);
        let needs: Vec<String> = resources.map(|(resource, _)| resource.to_owned()).collect();
        if !needs.is_empty() {
            tasks.start_with(task_id, needs)?;
        }
        tasks.complete(task_id)
    }
}
