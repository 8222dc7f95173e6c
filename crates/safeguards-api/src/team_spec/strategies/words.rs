//! What tables of strategies have in common: names of agents, a policy, a choice.

use std::collections::BTreeSet;

use safeguards_coord::{Choice, Policy};
use safeguards_types::{AgentId, Unit};

use super::super::{
    agents::AgentDraft,
    mistake::MistakeKind,
    near::near,
    reader::{Text, listed},
    section::{Section, text_of},
};

/// The names of all agents, to look those up that a strategy names.
pub(super) struct Names<'n>(BTreeSet<&'n str>);

impl<'n> Names<'n> {
    pub(super) fn of(agents: &'n [AgentDraft<'_>]) -> Self {
        Self(agents.iter().map(|agent| agent.spec.id.as_str()).collect())
    }

    /// The agent of this name; noted where there is none, as a mistake of whoever names it.
    pub(super) fn find(
        &self,
        section: &Section<'_>,
        owner: &str,
        text: &Text<'_>,
    ) -> Option<AgentId> {
        let name = *text.get_ref();
        if self.0.contains(name) {
            return Some(AgentId::from(name));
        }
        let help = match near(name, self.0.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("there are {}", listed(self.0.iter().copied())),
        };
        let message = format!("{owner}: there is no agent `{name}`; {help}");
        section.reader.mistake(MistakeKind::Strategy, &text.span(), message);
        None
    }

    /// The agent that a key names.
    pub(super) fn agent(&self, section: &mut Section<'_>, key: &'static str) -> Option<AgentId> {
        let text = section.text(key, "write the name of an agent")?;
        self.find(section, section.owner(), &text)
    }

    /// The agents that a key lists, of which there must be one.
    pub(super) fn agents(
        &self,
        section: &mut Section<'_>,
        key: &'static str,
    ) -> Option<Vec<AgentId>> {
        let texts = section.texts(key, "an agent is named by a text")?;
        if let (true, Some(value)) = (texts.is_empty(), section.value(key)) {
            let message = format!("{}: `{key}` lists nobody; name an agent", section.owner());
            section.reader.mistake(MistakeKind::Strategy, &value.span(), message);
        }
        let find = |text| self.find(section, section.owner(), text);
        Some(texts.iter().filter_map(find).collect())
    }
}

/// `policy = "all"`, `"fail_fast"`, `"any"`, `{ quorum = 2 }` or `{ at_least = 2 }`.
pub(super) fn policy(section: &mut Section<'_>) -> Policy {
    const WHAT: &str = "write \"all\", \"fail_fast\", \"any\", { quorum = 2 } or { at_least = 2 }";
    let Some(value) = section.value("policy") else {
        return Policy::All;
    };
    if value.get_ref().as_table().is_some() {
        let owner = format!("`policy` of {}", section.owner());
        let Some(mut table) = section.table("policy", &owner) else {
            return Policy::All;
        };
        let (quorum, at_least) = (table.count("quorum"), table.count("at_least"));
        if table.lacks("quorum") == table.lacks("at_least") {
            section.expected("policy", value, WHAT);
        }
        table.finish(&[]);
        return match (quorum, at_least) {
            (Some(needed), _) => Policy::Quorum(needed),
            (None, Some(needed)) => Policy::AtLeast(needed),
            (None, None) => Policy::All,
        };
    }
    match text_of(value).map(Text::into_inner) {
        Some("all") => Policy::All,
        Some("fail_fast") => Policy::FailFast,
        Some("any") => Policy::Any,
        _ => {
            section.expected("policy", value, WHAT);
            Policy::All
        }
    }
}

/// `choose = "round_robin"`, `"least_loaded"`, `"cheapest"` or `"cheapest:tokens"`.
pub(super) fn choice(section: &mut Section<'_>) -> Choice {
    const WHAT: &str = "write \"round_robin\", \"least_loaded\", \"cheapest\", or of another unit \"cheapest:tokens\"";
    let Some(text) = section.text("choose", WHAT) else {
        return Choice::RoundRobin;
    };
    match *text.get_ref() {
        "round_robin" => return Choice::RoundRobin,
        "least_loaded" => return Choice::LeastLoaded,
        "cheapest" => return Choice::Cheapest(Unit::USD),
        _ => {}
    }
    if let Some(unit) = text.get_ref().strip_prefix("cheapest:").filter(|unit| !unit.is_empty()) {
        let unit = Unit::new(unit);
        section.reader.is_known_unit(&text, &unit);
        return Choice::Cheapest(unit);
    }
    if let Some(value) = section.value("choose") {
        section.expected("choose", value, WHAT);
    }
    Choice::RoundRobin
}
