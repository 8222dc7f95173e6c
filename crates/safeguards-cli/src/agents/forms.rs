//! [`Form`]: in which agents are described elsewhere, and how an agent goes out in one.

use std::sync::Arc;

use clap::ValueEnum;
use safeguards_cards::{AgentCard, Exporting, McpServer, SubAgent};
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
    /// Sub-agents: Markdown with front matter, or the same as JSON.
    Subagent,
    /// Catalogs: one registration a line.
    Catalog,
}

impl Form {
    /// The same form as cards are read in; `None`: told by what is read, or no form of cards.
    pub(super) const fn in_cards(self) -> Option<safeguards_cards::Form> {
        match self {
            Self::Card => Some(safeguards_cards::Form::AgentCard),
            Self::Subagent => Some(safeguards_cards::Form::SubAgent),
            // A server, or its tools.
            Self::Mcp | Self::Catalog => None,
        }
    }
}

/// The kinds of the documents that an agent may have come from, in the order in which one is taken.
const KINDS: [(Form, &str); 4] = [
    (Form::Card, AgentCard::KIND),
    (Form::Mcp, McpServer::KIND),
    (Form::Mcp, McpServer::TOOLS_KIND),
    (Form::Subagent, SubAgent::KIND),
];

/// An agent in this form or, without one, in the form in which it came.
pub(super) fn export(
    record: &AgentRecord,
    form: Option<Form>,
    exporting: &Exporting,
) -> Result<Arc<Value>, Failure> {
    let unexportable =
        |what: String| Failure::Unexportable { agent: record.agent.to_string(), what };
    let card = || {
        let card = AgentCard::of(record, exporting);
        let card = card.map_err(|error| unexportable(error.to_string()))?;
        Ok(Arc::new(card.into_value()))
    };
    let wanted = KINDS.iter().filter(|(known, _)| form.is_none_or(|form| form == *known));
    let mut came = wanted.filter_map(|(form, kind)| Some((*form, record.documents.get(*kind)?)));
    match (form, came.next()) {
        (Some(Form::Card), _) | (None, Some((Form::Card, _))) => card(),
        (None, None) if exporting.url.is_some() => card(),
        (_, Some((_, document))) => Ok(Arc::clone(document)),
        (None, None) => Err(unexportable(
            "it came from no card, server or sub-agent; `--as card --url URL` makes a card, and `--as catalog` \
             prints what is registered"
                .to_owned(),
        )),
        (Some(form), None) => Err(unexportable(
            format!("it came from no {form:?}; `--as catalog` prints what is registered").to_lowercase(),
        )),
    }
}
