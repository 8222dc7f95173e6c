//! `[[teams]]`: several teams over the pools, agents and channels of one file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use safeguards_types::{AccountId, Amounts, Unit};
use toml::Spanned;

use super::{
    super::{
        AgentSpec, PoolSpec, RunSpec, TeamFileError, TeamSpec,
        agents::{self, AgentDraft},
        alerts::{self, Alerting},
        capabilities,
        mistake::MistakeKind,
        near::{near, nearest},
        pools, read_concurrency, read_prices, read_store, read_units,
        reader::{Reader, Text},
        rules, runs,
        section::Section,
        strategies,
    },
    Config, limits, nobody,
};

/// Keys of one team that stand in its own table here.
const IN_TEAMS: [&str; 10] = [
    "by",
    "concurrency",
    "fan_out",
    "graph",
    "hand_over",
    "map_reduce",
    "pool",
    "strategy",
    "supervisor",
    "vote",
];

/// What all teams of a file share.
struct Shared<'s> {
    path: &'s Path,
    units: Vec<Unit>,
    prices: Option<PathBuf>,
    store: Option<PathBuf>,
    run: RunSpec,
    deadline: Option<Duration>,
    alerting: Alerting,
}

/// A team as it was read, with what is checked later.
struct TeamDraft<'a> {
    spec: TeamSpec,
    name: Spanned<()>,
    /// Where it says its pool.
    pool: Spanned<()>,
    agents: Vec<AgentDraft<'a>>,
}

/// Reads a file of teams, or of none.
pub(super) fn read(mut file: Section<'_>, path: &Path) -> Result<Config, TeamFileError> {
    let reader = file.reader;
    let units = read_units(&mut file);
    let prices = read_prices(&mut file);
    let limits = limits::read(&mut file);
    let shared = Shared {
        path,
        units,
        prices,
        store: read_store(&mut file),
        run: runs::read(&mut file),
        deadline: file.duration("deadline"),
        alerting: alerts::read(&mut file),
    };
    let pools = pools::read_all(&mut file);
    let pool_names: BTreeSet<AccountId> =
        pools.iter().map(|pool| pool.spec.account.clone()).collect();
    let sections = file.tables("teams", "a team");
    let teams: Vec<TeamDraft<'_>> = sections
        .into_iter()
        .filter_map(|section| read_team(section, &mut file, &shared, &pool_names))
        .collect();
    let agents = read_agents(&mut file, &teams, &shared);
    for key in IN_TEAMS {
        if let Some(value) = file.value(key) {
            let message = format!("`{key}` is for one team; write it below its [[teams]]");
            reader.mistake(MistakeKind::Team, &value.span(), message);
        }
    }
    file.finish(&[]);
    check_names(reader, &teams);
    rules::check_names(reader, &pools, &agents);
    reader.verdict()?;

    let pools = rules::order_pools(reader, pools, false)?;
    rules::check_estimates(reader, &pools, &agents);
    for team in &teams {
        check_team(reader, team, &pools);
    }
    reader.verdict()?;
    let teams = teams.into_iter().map(|team| finish(team, &pools)).collect();
    let Shared { units, prices, alerting, .. } = shared;
    Ok(Config {
        file: path.to_owned(),
        units,
        prices,
        pools,
        agents: agents.into_iter().map(AgentDraft::into_spec).collect(),
        channels: alerting.alerts.clone(),
        teams,
        limits,
        overridden: Vec::new(),
        alerting,
        places: super::Places::default(),
        sources: reader.sources().clone(),
    })
}

fn read_team<'a>(
    mut section: Section<'a>,
    file: &mut Section<'a>,
    shared: &Shared<'_>,
    pools: &BTreeSet<AccountId>,
) -> Option<TeamDraft<'a>> {
    let reader = section.reader;
    let name = section.required_name();
    if let Some(name) = &name {
        section.rename(format!("team {}", name.get_ref()));
    }
    let account = read_pool(&mut section, name.as_ref(), pools);
    let kind = strategies::read_kind(&mut section);
    let concurrency = read_concurrency(&mut section, kind);
    let by = capabilities::read_by(&mut section, kind);
    let run = over(runs::read(&mut section), &shared.run);
    let deadline = section.duration("deadline").or(shared.deadline);
    let store = read_store(&mut section).or_else(|| shared.store.clone());
    let agents = read_members(&mut section, file, (account.get_ref(), run.estimate.as_ref()));
    let strategy = strategies::read(&mut section, kind, (&agents, by.as_ref()));
    let policy_at = strategies::policy_at(&mut section, kind);
    section.finish(&[]);
    let name = name?;
    let Alerting { rules, own_rules, alerts } = shared.alerting.clone();
    let spec = TeamSpec {
        name: AccountId::from(*name.get_ref()),
        account: account.get_ref().clone(),
        file: shared.path.to_owned(),
        strategy,
        store,
        concurrency,
        by,
        run,
        deadline: deadline.unwrap_or(TeamSpec::DEFAULT_DEADLINE),
        units: shared.units.clone(),
        prices: shared.prices.clone(),
        pools: Vec::new(),
        agents: Vec::new(),
        rules,
        alerts,
        own_rules,
        policy_at,
        sources: reader.sources().clone(),
    };
    let pool = Spanned::new(account.span(), ());
    Some(TeamDraft { spec, name: Spanned::new(name.span(), ()), pool, agents })
}

/// The team's own pool: the one it names, or the one that has its name.
fn read_pool(
    section: &mut Section<'_>,
    name: Option<&Text<'_>>,
    pools: &BTreeSet<AccountId>,
) -> Spanned<AccountId> {
    let there =
        |given: &str| nearest(given, &pools.iter().map(AccountId::as_str).collect::<Vec<_>>());
    if let Some(text) = section.text("pool", "write the name of a pool") {
        let account = AccountId::from(*text.get_ref());
        if !pools.contains(&account) {
            let help = match near(text.get_ref(), pools.iter().map(AccountId::as_str)) {
                Some(known) => format!("did you mean `{known}`?"),
                None if pools.is_empty() => "there are none: begin one with `[[pools]]`".to_owned(),
                None => format!("there are {}", there(text.get_ref())),
            };
            let message = format!("{}: there is no pool `{account}`; {help}", section.owner());
            section.reader.mistake(MistakeKind::Team, &text.span(), message);
        }
        return Spanned::new(text.span(), account);
    }
    let own = name.map(|name| AccountId::from(*name.get_ref())).filter(|own| pools.contains(own));
    if own.is_none() && section.lacks("pool") {
        let message = format!(
            "{} needs its `pool`: the name of one of [[pools]], which bounds what it spends",
            section.owner()
        );
        section.reader.mistake(MistakeKind::Missing, &section.span(), message);
    }
    Spanned::new(section.span(), own.unwrap_or_else(nobody))
}

/// What a team says of its runs, over what the file says of all.
fn over(own: RunSpec, all: &RunSpec) -> RunSpec {
    RunSpec {
        budget: own.budget.or_else(|| all.budget.clone()),
        estimate: own.estimate.or_else(|| all.estimate.clone()),
        steps_max: own.steps_max.or(all.steps_max),
        depth_max: own.depth_max.or(all.depth_max),
        hand_overs_max: own.hand_overs_max.or(all.hand_overs_max),
        repeats_max: own.repeats_max.or(all.repeats_max),
        output_bytes_max: own.output_bytes_max.or(all.output_bytes_max),
    }
}

/// The agents that a team lists, in that order, each with what it does not say as the team has it.
fn read_members<'a>(
    section: &mut Section<'a>,
    file: &mut Section<'a>,
    (pool, estimate): (&AccountId, Option<&Amounts>),
) -> Vec<AgentDraft<'a>> {
    let texts = section.texts("agents", "an agent is named by a text");
    if section.lacks("agents") || texts.as_ref().is_some_and(Vec::is_empty) {
        let message = format!("{} needs `agents`: the names of one agent or more", section.owner());
        section.reader.mistake(MistakeKind::Missing, &section.span(), message);
    }
    let mut by_name: BTreeMap<&str, Section<'a>> = BTreeMap::new();
    for mut agent in agents::tables(file) {
        if let Some(name) = agent.value("name").and_then(|name| name.get_ref().as_str()) {
            by_name.entry(name).or_insert(agent);
        }
    }
    let names: Vec<&str> = by_name.keys().copied().collect();
    let mut members = Vec::new();
    for text in texts.into_iter().flatten() {
        let name = *text.get_ref();
        if let Some(agent) = by_name.remove(name) {
            members.extend(agents::read_one(agent, pool, estimate));
            continue;
        }
        let message = if names.contains(&name) {
            format!("{} lists `{name}` twice; each agent once", section.owner())
        } else {
            let help = match near(name, names.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None if names.is_empty() => {
                    "there are none: begin one with `[[agents]]`".to_owned()
                }
                None => format!("there are {}", nearest(name, &names)),
            };
            format!("{}: there is no agent `{name}`; {help}", section.owner())
        };
        section.reader.mistake(MistakeKind::Team, &text.span(), message);
    }
    members
}

/// All agents of the file, each once: as the first team that lists it has it.
fn read_agents<'a>(
    file: &mut Section<'a>,
    teams: &[TeamDraft<'a>],
    shared: &Shared<'_>,
) -> Vec<AgentDraft<'a>> {
    let mut first: BTreeMap<&str, &TeamSpec> = BTreeMap::new();
    for team in teams {
        for agent in &team.agents {
            first.entry(agent.spec.id.as_str()).or_insert(&team.spec);
        }
    }
    let mut all = Vec::new();
    for mut section in agents::tables(file) {
        let name = section.value("name").and_then(|name| name.get_ref().as_str());
        let team = name.and_then(|name| first.get(name));
        let reader = section.reader;
        let (pool, estimate) = match team {
            Some(team) => (team.account.clone(), team.run.estimate.as_ref()),
            None => (nobody(), shared.run.estimate.as_ref()),
        };
        let Some(agent) = agents::read_one(section, &pool, estimate) else { continue };
        let AgentSpec { id, .. } = &agent.spec;
        if team.is_none() && agent.pool.is_none() {
            let message = format!(
                "agent {id} is in no team, so it needs its `pool`, the name of one of [[pools]]"
            );
            reader.mistake(MistakeKind::Missing, &agent.header, message);
        }
        // An agent has one account, which stands below one pool.
        for other in teams.iter().filter(|_| agent.pool.is_none()) {
            let is_in = other.agents.iter().any(|member| member.spec.id == *id);
            if is_in && other.spec.account != pool {
                let message = format!(
                    "agent {id} is in teams with the pools {pool} and {}; say its own `pool`, which both stand above",
                    other.spec.account
                );
                reader.mistake(MistakeKind::Agent, &agent.header, message);
                break;
            }
        }
        all.push(agent);
    }
    all
}

/// Checks that every team has a name of its own.
fn check_names(reader: &Reader<'_>, teams: &[TeamDraft<'_>]) {
    let mut taken = BTreeSet::new();
    for team in teams {
        if !taken.insert(team.spec.name.as_str()) {
            let message = format!("there is a team `{}` already; each name once", team.spec.name);
            reader.mistake(MistakeKind::Team, &team.name.span(), message);
        }
    }
}

/// Checks that a team's pool bounds all its agents, and that these can begin.
fn check_team(reader: &Reader<'_>, team: &TeamDraft<'_>, pools: &[PoolSpec]) {
    let TeamSpec { name, account, run, .. } = &team.spec;
    for agent in &team.agents {
        let above = rules::path_up(&agent.spec.pool, pools);
        if !above.iter().any(|pool| pool.account == *account) {
            let message = format!(
                "team {name}: its agent {} stands below pool {}, which is not {account} nor below it, so that this pool \
                 would not bound it",
                agent.spec.id, agent.spec.pool
            );
            reader.mistake(MistakeKind::Team, &team.pool.span(), message);
        }
    }
    rules::check_estimates(reader, pools, &team.agents);
    rules::check_budget(reader, run.budget.as_ref(), &team.agents);
}

/// Gives a team its agents, and of the pools those that matter to it.
fn finish(team: TeamDraft<'_>, pools: &[PoolSpec]) -> TeamSpec {
    let TeamDraft { mut spec, agents, .. } = team;
    spec.agents = agents.into_iter().map(AgentDraft::into_spec).collect();
    let below = spec.agents.iter().map(|agent| &agent.pool).chain([&spec.account]);
    let needed: BTreeSet<AccountId> = below
        .flat_map(|pool| rules::path_up(pool, pools))
        .map(|pool| pool.account.clone())
        .collect();
    spec.pools = pools.iter().filter(|pool| needed.contains(&pool.account)).cloned().collect();
    spec
}
