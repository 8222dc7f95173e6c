//! Reads the table that has the name of the strategy, such as `[vote]`.

use safeguards_coord::{Choice, Policy, Supervise};
use safeguards_discovery::Query;
use safeguards_types::AgentId;

use super::{
    super::{
        agents::AgentDraft,
        mistake::{MistakeKind, Place},
        section::Section,
    },
    HandOverSpec, Kind, SpreadSpec, StrategySpec, SupervisorSpec, VoteSpec, graph,
    words::{Names, choice, policy},
};

/// Reads the table of the strategy, and what agents say of it. A table of another strategy is a mistake.
pub(in super::super) fn read(
    file: &mut Section<'_>,
    kind: Kind,
    (agents, by): (&[AgentDraft<'_>], Option<&Query>),
) -> StrategySpec {
    let names = Names::of(agents);
    let mut own = None;
    for other in Kind::ALL {
        let name = other.name();
        let Some(section) = file.table(name, &format!("[{name}]")) else {
            continue;
        };
        if other == kind {
            own = Some(section);
            continue;
        }
        let this = kind.name();
        let message = format!("[{name}] is for strategy = \"{name}\"; this team's is \"{this}\"");
        file.reader.mistake(MistakeKind::Strategy, &section.span(), message);
    }
    if kind != Kind::Graph {
        graph::refuse_dependencies(file, agents);
    }
    let table = own.as_mut();
    let spec = match kind {
        Kind::Pipeline => StrategySpec::Pipeline,
        Kind::FanOut => {
            StrategySpec::FanOut(table.map(|own| spread(own, &names, by)).unwrap_or_default())
        }
        Kind::MapReduce => match table {
            Some(own) => StrategySpec::MapReduce {
                map: spread(own, &names, by),
                reducer: names.agent(own, "reducer"),
            },
            None => StrategySpec::MapReduce { map: SpreadSpec::default(), reducer: None },
        },
        Kind::Supervisor => StrategySpec::Supervisor(supervisor(table, agents, &names)),
        Kind::Vote => {
            StrategySpec::Vote(table.map(|own| vote(own, agents, &names)).unwrap_or_default())
        }
        Kind::HandOver => {
            StrategySpec::HandOver(table.map(|own| speakers(own, &names)).unwrap_or_default())
        }
        Kind::Graph => StrategySpec::Graph(graph::read(table, file, agents)),
    };
    if let Some(own) = own {
        own.finish(&[]);
    }
    spec
}

/// Where the policy of the strategy stands, if it has one.
pub(in super::super) fn policy_at(file: &mut Section<'_>, kind: Kind) -> Option<Place> {
    let own = file.value(kind.name())?.get_ref().as_table()?;
    Some(file.reader.place(own.get("policy")?.span().start))
}

fn spread(own: &mut Section<'_>, names: &Names<'_>, by: Option<&Query>) -> SpreadSpec {
    if let (Some(_), Some(value)) = (by, own.value("choose")) {
        let message =
            format!("{}: `choose` and `by` both say who gets an input; keep one", own.owner());
        own.reader.mistake(MistakeKind::Strategy, &value.span(), message);
    }
    SpreadSpec { policy: policy(own), choose: choice(own), agents: names.agents(own, "agents") }
}

fn supervisor(
    own: Option<&mut Section<'_>>,
    agents: &[AgentDraft<'_>],
    names: &Names<'_>,
) -> SupervisorSpec {
    let first = agents.first().map_or_else(|| AgentId::from(""), |agent| agent.spec.id.clone());
    let mut spec = SupervisorSpec {
        decompose: first.clone(),
        combine: first,
        workers: None,
        choose: Choice::RoundRobin,
        policy: Policy::All,
        subtasks_max: Supervise::SUBTASKS_MAX,
    };
    let Some(own) = own else {
        return spec;
    };
    if let Some(agent) = names.agent(own, "supervisor") {
        (spec.decompose, spec.combine) = (agent.clone(), agent);
    }
    if let Some(agent) = names.agent(own, "decompose") {
        spec.decompose = agent;
    }
    if let Some(agent) = names.agent(own, "combine") {
        spec.combine = agent;
    }
    spec.workers = names.agents(own, "workers");
    (spec.choose, spec.policy) = (choice(own), policy(own));
    spec.subtasks_max = own.count("subtasks_max").unwrap_or(spec.subtasks_max);
    if let (Policy::Quorum(needed) | Policy::AtLeast(needed), Some(value)) =
        (spec.policy, own.value("policy"))
        && needed > spec.subtasks_max
    {
        let most = spec.subtasks_max;
        let message = format!(
            "{}: `policy` wants {needed} subtasks to succeed, and there are at most {most} (`subtasks_max`); write \
             1 to {most}",
            own.owner()
        );
        own.reader.mistake(MistakeKind::Strategy, &value.span(), message);
    }
    spec
}

fn vote(own: &mut Section<'_>, agents: &[AgentDraft<'_>], names: &Names<'_>) -> VoteSpec {
    let what = "write \"majority\" or \"plurality\"";
    let counted = own.text("count", what);
    let is_plurality = match counted.as_ref().map(|text| *text.get_ref()) {
        Some("plurality") => true,
        Some("majority") | None => false,
        Some(_) => {
            if let Some(value) = own.value("count") {
                own.expected("count", value, what);
            }
            false
        }
    };
    let judge = names.agent(own, "judge");
    if let (Some(_), Some(text)) = (&judge, &counted) {
        let message =
            format!("{}: a `judge` decides, and nothing is counted; keep one", own.owner());
        own.reader.mistake(MistakeKind::Strategy, &text.span(), message);
    }
    let voters = names.agents(own, "voters");
    let at_least = own.count("at_least");
    // Whoever is named and unknown was noted, and is counted here all the same.
    let listed =
        own.value("voters").and_then(|value| value.get_ref().as_array().map(|all| all.len()));
    let all = agents.iter().filter(|agent| Some(&agent.spec.id) != judge.as_ref()).count();
    let there = listed.unwrap_or(if all == 0 { agents.len() } else { all });
    if let (Some(needed), Some(value)) = (at_least, own.value("at_least"))
        && needed > there
        && there > 0
    {
        let voters =
            if there == 1 { "is 1 voter".to_owned() } else { format!("are {there} voters") };
        let allowed = if there == 1 { "1".to_owned() } else { format!("1 to {there}") };
        let message = format!(
            "{}: `at_least = {needed}` can never be: there {voters}; write {allowed}",
            own.owner()
        );
        own.reader.mistake(MistakeKind::Strategy, &value.span(), message);
    }
    VoteSpec { voters, is_plurality, judge, at_least, hears_all: own.flag("hear_all") }
}

fn speakers(own: &mut Section<'_>, names: &Names<'_>) -> HandOverSpec {
    let (first, moderator) = (names.agent(own, "first"), names.agent(own, "moderator"));
    if let (Some(_), Some(_), Some(value)) = (&first, &moderator, own.value("first")) {
        let message = format!("{}: the `moderator` begins; leave `first` out", own.owner());
        own.reader.mistake(MistakeKind::Strategy, &value.span(), message);
    }
    let read = |number| usize::try_from(number).ok();
    let turns = own.number("transcript", read, "write how many turns everybody is told of");
    HandOverSpec { first, moderator, transcript: turns.unwrap_or_default() }
}
