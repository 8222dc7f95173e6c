//! How a [`TaskGraph`] is written and read: as a list of its tasks, in the order in which they were added.
//!
//! ```json
//! {"tasks": [{"name": "gather", "agent": "reader", "state": "succeeded"},
//!            {"name": "weigh", "after": ["gather"], "resources": ["scales"], "priority": 8}],
//!  "provided": ["scales"], "on_failure": "skip"}
//! ```
//!
//! What is left out is the default. What is read is checked as if it were built: names, cycles, bounds; and no task
//! may be further than what it depends on allows.

use std::{borrow::Cow, fmt, sync::Arc};

use safeguards_discovery::Query;
use safeguards_types::{AgentId, Priority};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
    ser::SerializeStruct,
};

use super::{GraphError, NewTask, OnFailure, TaskGraph, TaskId, TaskState, TaskView};
use crate::Seat;

/// A task as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskForm<'g> {
    name: Cow<'g, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<Cow<'g, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<AgentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    need: Option<Arc<Query>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Cow<'g, str>>,
    #[serde(default, skip_serializing_if = "is_default")]
    priority: Priority,
    /// `waiting` and `ready` are the same here: what is missing tells which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<TaskState>,
}

const FIELDS: &[&str] = &["tasks", "provided", "on_failure"];

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_default(priority: &Priority) -> bool {
    *priority == Priority::default()
}

impl<'g> From<TaskView<'g>> for TaskForm<'g> {
    fn from(task: TaskView<'g>) -> Self {
        Self {
            name: task.name().into(),
            after: task.dependencies().map(Cow::from).collect(),
            agent: task.seat().and_then(Seat::agent).cloned(),
            need: task.seat().and_then(Seat::need).cloned(),
            resources: task.resources().map(|(resource, _)| resource.into()).collect(),
            priority: task.priority(),
            state: Some(task.state()).filter(|state| !state.is_to_come()),
        }
    }
}

impl Serialize for TaskGraph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_struct("TaskGraph", FIELDS.len())?;
        form.serialize_field("tasks", &Listed(|| self.tasks().map(TaskForm::from)))?;
        form.serialize_field("provided", &Listed(|| self.provided()))?;
        form.serialize_field("on_failure", &self.on_failure)?;
        form.end()
    }
}

/// Written one by one, so that a large graph is not there twice.
struct Listed<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Listed<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

impl<'de> Deserialize<'de> for TaskGraph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("TaskGraph", FIELDS, Reader::default())
    }
}

/// A graph that is being read.
#[derive(Default)]
struct Reader {
    graph: TaskGraph,
    /// The states that tasks are said to be in, as far as they are not to come.
    states: Vec<(TaskId, TaskState)>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Tasks,
    Provided,
    OnFailure,
}

impl<'de> Visitor<'de> for Reader {
    type Value = TaskGraph;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a task graph: an object with a list of `tasks`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<TaskGraph, A::Error> {
        let mut on_failure = None;
        let (mut has_tasks, mut has_provided) = (false, false);
        while let Some(field) = map.next_key()? {
            match field {
                Field::Tasks if !has_tasks => map.next_value_seed(Tasks(&mut self))?,
                Field::Provided if !has_provided => map.next_value_seed(Provided(&mut self))?,
                Field::OnFailure if on_failure.is_none() => on_failure = Some(map.next_value()?),
                Field::Tasks => return Err(de::Error::duplicate_field("tasks")),
                Field::Provided => return Err(de::Error::duplicate_field("provided")),
                Field::OnFailure => return Err(de::Error::duplicate_field("on_failure")),
            }
            has_tasks |= matches!(field, Field::Tasks);
            has_provided |= matches!(field, Field::Provided);
        }
        self.finish(on_failure.unwrap_or_default()).map_err(de::Error::custom)
    }
}

impl Reader {
    fn add(&mut self, form: TaskForm<'_>) -> Result<(), GraphError> {
        let TaskForm { name, after, agent, need, resources, priority, state } = form;
        let task = NewTask {
            name: name.into_owned(),
            after: after.into_iter().map(Cow::into_owned).collect(),
            seat: agent.map(Seat::Agent).or_else(|| need.map(Seat::Capable)),
            resources: resources.into_iter().map(Cow::into_owned).collect(),
            priority,
        };
        let task = self.graph.add(task)?;
        if let Some(state) = state.filter(|state| !state.is_to_come()) {
            self.states.push((task, state));
        }
        Ok(())
    }

    /// Puts tasks into their states, and then sees whether they can be in them: in the list a task may stand before
    /// what it depends on.
    fn finish(self, on_failure: OnFailure) -> Result<TaskGraph, GraphError> {
        let Self { mut graph, states } = self;
        graph.on_failure = on_failure;
        for (TaskId(task), state) in states {
            graph.enter(task, state);
            if state == TaskState::Succeeded {
                graph.set_free_dependants(task);
            }
        }
        let contradiction = graph.tasks().find_map(|view| {
            let (task, state) = (view.id().0, view.state());
            let because = graph.contradiction(task, state)?;
            Some(GraphError::Inconsistent { task: view.name().to_owned(), state, because })
        });
        contradiction.map_or(Ok(graph), Err)
    }
}

impl TaskGraph {
    /// Why a task cannot be in this state.
    fn contradiction(&self, task: u32, state: TaskState) -> Option<&'static str> {
        let has_failed_need = self.has_failed_need(task);
        let skips = self.on_failure == OnFailure::Skip;
        match state {
            TaskState::Waiting | TaskState::Ready => (skips && has_failed_need)
                .then_some("it depends on one that failed, so that it is skipped"),
            TaskState::Running | TaskState::Succeeded => {
                let is_done =
                    |need: &u32| self.standing.get(*need).state == Some(TaskState::Succeeded);
                let needs = self.needs.of(self.nodes.get(task).needs);
                (!needs.iter().all(is_done)).then_some("it depends on one that has not succeeded")
            }
            TaskState::Failed => None,
            TaskState::Skipped if !skips => Some("what depends on a failure waits in this graph"),
            TaskState::Skipped => {
                (!has_failed_need).then_some("nothing that it depends on has failed")
            }
        }
    }
}

struct Tasks<'r>(&'r mut Reader);

impl<'de> DeserializeSeed<'de> for Tasks<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Tasks<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of tasks")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut tasks: A) -> Result<(), A::Error> {
        while let Some(task) = tasks.next_element::<TaskForm<'static>>()? {
            if task.agent.is_some() && task.need.is_some() {
                let name = super::shown(&task.name);
                let both = format_args!("task `{name}` has both an `agent` and a `need`");
                return Err(de::Error::custom(both));
            }
            self.0.add(task).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

struct Provided<'r>(&'r mut Reader);

impl<'de> DeserializeSeed<'de> for Provided<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Provided<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of names of resources")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut resources: A) -> Result<(), A::Error> {
        while let Some(resource) = resources.next_element::<Cow<'de, str>>()? {
            self.0.graph.provide(resource).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}
