//! The seam [`Agent`]: who does tasks, and [`agent_fn`], which makes one of a closure.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_types::AgentId;

use crate::{AgentError, Context, Reply, Task};

/// Who an agent is, and what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    /// Its name.
    pub id: AgentId,
    /// Whether a run of it that was cut off may be run again, which does and costs nothing more.
    pub idempotent: bool,
    /// Whether its runs cost nothing but the request that they count.
    pub free: bool,
    /// How long it may take to end after it was told to stop; then it is stopped by force.
    pub grace: Duration,
    /// Whether it cannot be stopped by force, since it blocks a thread of its own: it is abandoned then.
    pub blocks: bool,
}

impl Descriptor {
    /// How long an agent may take to end unless it says otherwise.
    pub const GRACE: Duration = Duration::from_secs(2);

    /// An agent that costs something, must not be run twice, and has [`Self::GRACE`] to stop.
    pub fn new(id: impl Into<AgentId>) -> Self {
        Self { id: id.into(), idempotent: false, free: false, grace: Self::GRACE, blocks: false }
    }

    /// Declares that a run that was cut off may be run again: whatever it asks for a second time in the name of
    /// [`Context::operation`] is neither done nor paid for twice. Both runs count as one, at what the second one costs.
    ///
    /// An agent whose second run costs again, such as most that call a model, is not idempotent. It can be run again
    /// all the same by whoever resumes with [`RunOptions::rerun_interrupted`](crate::RunOptions::rerun_interrupted):
    /// both runs are paid for then.
    #[must_use]
    pub fn idempotent(self) -> Self {
        Self { idempotent: true, ..self }
    }

    /// Declares that its runs cost nothing but the request that they count.
    #[must_use]
    pub fn free(self) -> Self {
        Self { free: true, ..self }
    }

    /// Sets how long it may take to end after it was told to stop.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }
}

impl From<&str> for Descriptor {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

/// Anything that does tasks: a closure, a program, a model.
///
/// # Contract
///
/// - The descriptor is always the same.
/// - `run` ends soon after [`Context::cancelled`]: within the descriptor's grace. What has not ended by then
///   is dropped at its next `.await`; what never reaches one is abandoned.
/// - The cost that it returns, with a reply or with an error, is the total of this attempt. Who cannot know it
///   leaves it unknown; never 0 for want of a figure.
/// - Several runs may go on at the same time.
#[async_trait]
pub trait Agent: fmt::Debug + Send + Sync + 'static {
    /// Who it is.
    fn descriptor(&self) -> &Descriptor;

    /// Does `task`.
    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError>;
}

/// Makes an agent of a closure. The descriptor may be just a name.
///
/// ```
/// use safeguards_coord::{Agent, Context, Reply, Task, agent_fn};
/// use safeguards_types::usd;
///
/// let shout = agent_fn("shout", |task: Task, _cx: Context| async move {
///     Ok(Reply::text(task.text().to_uppercase()).cost(usd!(0.01)))
/// });
/// assert_eq!(shout.descriptor().id.as_str(), "shout");
/// ```
pub fn agent_fn<F, Fut>(descriptor: impl Into<Descriptor>, run: F) -> Arc<dyn Agent>
where
    F: Fn(Task, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, AgentError>> + Send + 'static,
{
    Arc::new(AgentFn { descriptor: descriptor.into(), run })
}

struct AgentFn<F> {
    descriptor: Descriptor,
    run: F,
}

impl<F> fmt::Debug for AgentFn<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("AgentFn");
        out.field("descriptor", &self.descriptor).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, Fut> Agent for AgentFn<F>
where
    F: Fn(Task, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, AgentError>> + Send + 'static,
{
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError> {
        (self.run)(task, cx).await
    }
}
