//! `strategy = "graph"`: agents that begin after others, and what they need.

use std::collections::BTreeSet;

use safeguards_coord::{GraphError, NewTask, TaskGraph};
use safeguards_types::AgentId;

use super::{
    super::{
        agents::{AgentDraft, AgentSpec},
        mistake::MistakeKind,
        reader::{Text, listed},
        section::Section,
    },
    GraphSpec,
    words::Names,
};

/// The graph of these agents: a task of each, of the same name.
pub(super) fn graph_of(agents: &[AgentSpec], spec: &GraphSpec) -> Result<TaskGraph, GraphError> {
    let mut graph = TaskGraph::new();
    for resource in &spec.resources {
        graph.provide(resource)?;
    }
    for agent in agents {
        graph.add(task(agent))?;
    }
    Ok(graph)
}

fn task(agent: &AgentSpec) -> NewTask {
    NewTask::new(agent.id.as_str())
        .by(&agent.id)
        .after(agent.after.iter().map(AgentId::as_str))
        .needs(agent.needs.iter().map(String::as_str))
        .priority(agent.priority)
}

/// Reads `[graph]`, and checks what agents say that they wait for.
pub(super) fn read(
    own: Option<&mut Section<'_>>,
    file: &Section<'_>,
    agents: &[AgentDraft<'_>],
) -> GraphSpec {
    let mut spec = GraphSpec::default();
    if let Some(own) = own {
        let what = "write \"skip\" (what depends on it) or \"stop\" (everything)";
        match own.text("on_failure", what).map(Text::into_inner) {
            None | Some("skip") => {}
            Some("stop") => spec.stops_on_failure = true,
            Some(_) => {
                if let Some(value) = own.value("on_failure") {
                    own.expected("on_failure", value, what);
                }
            }
        }
        let texts = own.texts("resources", "a resource is a text, such as \"gpu\"");
        for text in texts.into_iter().flatten() {
            match TaskGraph::new().provide(text.get_ref()) {
                Ok(_) => spec.resources.push((*text.get_ref()).to_owned()),
                Err(error) => {
                    let message = format!("{}: {error}", own.owner());
                    own.reader.mistake(MistakeKind::Strategy, &text.span(), message);
                }
            }
        }
    }
    check(file, agents, &spec);
    spec
}

/// Notes who waits for nobody, for what there is not, or for himself.
fn check(file: &Section<'_>, agents: &[AgentDraft<'_>], spec: &GraphSpec) {
    let names = Names::of(agents);
    let there: BTreeSet<&str> = spec.resources.iter().map(String::as_str).collect();
    let mut graph = TaskGraph::new();
    for draft in agents {
        let agent = &draft.spec;
        for text in draft.needs.iter().filter(|text| !there.contains(text.get_ref())) {
            let listed =
                if there.is_empty() { "nothing".to_owned() } else { listed(there.iter().copied()) };
            let message = format!(
                "agent {} needs `{}`, which there is not; `resources` of [graph] lists {listed}",
                agent.id,
                text.get_ref()
            );
            file.reader.mistake(MistakeKind::Strategy, &text.span(), message);
        }
        let owner = format!("`after` of agent {}", agent.id);
        let known = draft.after.iter().filter(|text| names.find(file, &owner, text).is_some());
        if known.count() < draft.after.len() {
            continue;
        }
        match graph.add(task(agent)) {
            // Names that are given twice are noted as such.
            Ok(_) | Err(GraphError::DuplicateTask { .. }) => {}
            Err(error) => {
                let place = draft.after.first().map(Text::span);
                let message = format!("agent {}: {error}", agent.id);
                let place = place.unwrap_or_else(|| draft.header.clone());
                file.reader.mistake(MistakeKind::Strategy, &place, message);
            }
        }
    }
}

/// Notes what agents of another strategy say that they wait for.
pub(super) fn refuse_dependencies(file: &Section<'_>, agents: &[AgentDraft<'_>]) {
    for draft in agents {
        for (key, texts) in [("after", &draft.after), ("needs", &draft.needs)] {
            if let Some(text) = texts.first() {
                let who = &draft.spec.id;
                let message = format!("agent {who}: `{key}` is for strategy = \"graph\"");
                file.reader.mistake(MistakeKind::Strategy, &text.span(), message);
            }
        }
    }
}
