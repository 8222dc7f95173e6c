//! [`Form`]: in which agents are described elsewhere, and how an agent goes out in one.

use std::sync::Arc;

use clap::ValueEnum;
use safeguards_discovery::AgentRecord;
use serde_json::Value;

use super::Failure;

/// A form in which agents are described elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// A2A agent cards.
    Card,
    /// Descriptions of MCP servers.
    Mcp,
    /// Sub-agents.
    Subagent,
    /// Catalogs: one registration a line.
    Catalog,
}

/// The kinds of the documents that an agent may have come from, in the order in which one is taken.
const KINDS: [(Form, &str); 3] =
    [(Form::Card, "a2a-agent-card"), (Form::Mcp, "mcp-server"), (Form::Subagent, "sub-agent")];

/// An agent in this form or, without one, in the form in which it came.
pub(super) fn export(record: &AgentRecord, form: Option<Form>) -> Result<Arc<Value>, Failure> {
    let wanted = KINDS.iter().filter(|(known, _)| form.is_none_or(|form| form == *known));
    let mut documents = wanted.filter_map(|(_, kind)| record.documents.get(*kind));
    documents.next().map(Arc::clone).ok_or_else(|| {
        let asked = match form {
            None => "it came from no card, server or sub-agent".to_owned(),
            Some(form) => format!("it has no {form:?}").to_lowercase(),
        };
        Failure::Unexportable {
            agent: record.agent.to_string(),
            what: format!("{asked}; `--as catalog` prints what is registered"),
        }
    })
}
