//! Tests of strategies in a team file: what is read, what comes of it, and what each mistake says.

use safeguards_coord::{Choice, Policy, Retry};
use safeguards_types::usd;

use super::*;

/// A team of three free agents.
fn team(top: &str, keys: [&str; 3]) -> String {
    let agents = ["lead", "ann", "bob"].into_iter().zip(keys);
    let agents = agents.map(|(name, keys)| {
        format!("[[agent]]\nname = \"{name}\"\ncommand = [\"./a\"]\nfree = true\n{keys}\n")
    });
    format!("{top}\n{}", agents.collect::<String>())
}

fn read(top: &str) -> TeamSpec {
    TeamSpec::parse(&team(top, [""; 3]), "team.toml").unwrap()
}

#[track_caller]
fn check(top: &str, keys: [&str; 3], code: &str, message: &str) {
    let error = TeamSpec::parse(&team(top, keys), "team.toml").unwrap_err();
    assert_eq!(error.to_string(), format!("team.toml:{message}"));
    assert_eq!(error.code(), code);
}

#[test]
fn every_strategy_is_had_by_its_name_alone() {
    for kind in Kind::ALL {
        let spec = read(&format!("strategy = \"{}\"", kind.name()));
        assert_eq!((spec.strategy.name(), spec.strategy().name()), (kind.name(), kind.name()));
        let over = spec.strategy_over([Value::from(1)]);
        assert_eq!(
            (over.is_some(), spec.strategy.takes_inputs()),
            (kind.spreads(), kind.spreads())
        );
    }
}

#[test]
fn settings_are_read_to_the_last_key() {
    let spec = read(
        "strategy = \"map_reduce\"\n[map_reduce]\npolicy = { at_least = 2 }\nchoose = \"cheapest:tokens\"\n\
         agents = [\"ann\", \"bob\"]\nreducer = \"lead\"",
    );
    let map = SpreadSpec {
        policy: Policy::AtLeast(2),
        choose: Choice::Cheapest(safeguards_types::Unit::TOKENS),
        agents: Some(vec!["ann".into(), "bob".into()]),
    };
    assert_eq!(spec.strategy, StrategySpec::MapReduce { map, reducer: Some("lead".into()) });

    let spec = read(
        "strategy = \"supervisor\"\n[supervisor]\nsupervisor = \"ann\"\ncombine = \"lead\"\nworkers = [\"bob\"]\n\
         policy = \"fail_fast\"\nchoose = \"least_loaded\"\nsubtasks_max = 7",
    );
    let StrategySpec::Supervisor(read_spec) = &spec.strategy else { panic!("{spec:?}") };
    assert_eq!((read_spec.decompose.as_str(), read_spec.combine.as_str()), ("ann", "lead"));
    assert_eq!(read_spec.workers.as_deref(), Some(["bob".into()].as_slice()));
    assert_eq!((read_spec.policy, read_spec.subtasks_max), (Policy::FailFast, 7));
    assert_eq!(read_spec.choose, Choice::LeastLoaded);

    let spec = read(
        "strategy = \"vote\"\nconcurrency = 2\n[vote]\ncount = \"plurality\"\nvoters = [\"ann\", \"ann\"]\n\
         at_least = 2\nhear_all = true",
    );
    let vote = VoteSpec {
        voters: Some(vec!["ann".into(), "ann".into()]),
        is_plurality: true,
        judge: None,
        at_least: Some(2),
        hears_all: true,
    };
    assert_eq!(spec.strategy, StrategySpec::Vote(vote));

    let spec = read("strategy = \"hand_over\"\n[hand_over]\nmoderator = \"bob\"\ntranscript = 4");
    let talk = HandOverSpec { first: None, moderator: Some("bob".into()), transcript: 4 };
    assert_eq!(spec.strategy, StrategySpec::HandOver(talk));
}

#[test]
fn a_graph_is_what_its_agents_say() {
    let top = "strategy = \"graph\"\n[graph]\nresources = [\"gpu\"]\non_failure = \"stop\"";
    let text =
        team(top, ["", "after = [\"lead\"]\nneeds = [\"gpu\"]", "after = [\"lead\", \"ann\"]"]);
    let spec = TeamSpec::parse(&text, "team.toml").unwrap();
    let StrategySpec::Graph(graph) = &spec.strategy else { panic!("{spec:?}") };
    assert_eq!(
        (graph.stops_on_failure, graph.resources.as_slice()),
        (true, ["gpu".to_owned()].as_slice())
    );
    let graph = graph_of(&spec.agents, graph).unwrap();
    assert_eq!(graph.critical_path().tasks.len(), 3);
}

#[test]
fn runs_and_agents_are_bounded_as_the_file_says() {
    let top = "[run]\nbudget = \"0.50 USD\"\nestimate = \"0.10 USD\"\nsteps_max = 5\ndepth_max = 0\n\
               hand_overs_max = 4\nrepeats_max = 3\noutput_max = 1000";
    let text = team(top, ["retries = 2", "idempotent = true", ""]).replacen("free = true\n", "", 1);
    let text = text.replacen(
        "free = true\n",
        "retry = { times = 3, pause = \"1s\", at_most = \"9s\" }\n",
        1,
    );
    let spec = TeamSpec::parse(&text, "team.toml").unwrap();
    let guards = spec.run.guards();
    assert_eq!((guards.steps_max, guards.depth_max), (5, 0));
    assert_eq!((guards.hand_overs_max, guards.repeats_max), (4, 3));
    assert_eq!(spec.run.output_bytes_max, Some(1000));
    let [lead, ann, _] = spec.agents.as_slice() else { panic!("three agents") };
    assert_eq!((&lead.estimate, &ann.estimate), (&usd!(0.10).into(), &usd!(0.10).into()));
    assert_eq!(lead.retry, Retry::times(2));
    let [second, nine] = [1, 9].map(std::time::Duration::from_secs);
    assert_eq!(ann.retry, Retry::times(3).pause(second).at_most(nine));
    assert!(ann.is_idempotent && !lead.is_idempotent);
}

#[test]
fn each_mistake_has_its_place_and_says_what_is_allowed() {
    const NONE: [&str; 3] = [""; 3];
    let strategy = "config.strategy";
    check(
        "strategy = \"graph\"",
        ["after = [\"bob\"]", "after = [\"lead\"]", "after = [\"ann\"]"],
        strategy,
        "16:10: agent bob: tasks would wait for each other: bob -> ann -> lead -> bob (each depends on the next)",
    );
    check(
        "strategy = \"graph\"",
        ["", "after = [\"led\"]", "after = [\"nobody\"]"],
        strategy,
        "11:10: `after` of agent ann: there is no agent `led`; did you mean `lead`? (and 1 more mistake)",
    );
    check(
        "strategy = \"graph\"",
        ["needs = [\"gpu\"]", "", ""],
        strategy,
        "6:10: agent lead needs `gpu`, which there is not; `resources` of [graph] lists nothing",
    );
    check(
        "",
        ["", "after = [\"lead\"]", ""],
        strategy,
        "11:10: agent ann: `after` is for strategy = \"graph\"",
    );
    check(
        "strategy = \"vote\"\n[vote]\njudge = \"leed\"",
        NONE,
        strategy,
        "3:9: [vote]: there is no agent `leed`; did you mean `lead`?",
    );
    check(
        "strategy = \"vote\"\n[vote]\njudge = \"lead\"\ncount = \"plurality\"",
        NONE,
        strategy,
        "4:9: [vote]: a `judge` decides, and nothing is counted; keep one",
    );
    check(
        "strategy = \"vote\"\n[fan_out]",
        NONE,
        strategy,
        "2:1: [fan_out] is for strategy = \"fan_out\"; this team's is \"vote\"",
    );
    check(
        "strategy = \"fan_out\"\n[fan_out]\npolicy = \"most\"",
        NONE,
        "config.value",
        "3:10: `policy = \"most\"`: write \"all\", \"fail_fast\", \"any\", { quorum = 2 } or { at_least = 2 }",
    );
    check(
        "strategy = \"fan_out\"\n[fan_out]\npolicy = { quorum = 0 }",
        NONE,
        "config.value",
        "3:21: `quorum = 0`: write a whole number, 1 or more",
    );
    check(
        "strategy = \"fan_out\"\n[fan_out]\nagents = []",
        NONE,
        strategy,
        "3:10: [fan_out]: `agents` lists nobody; name an agent",
    );
    check(
        "strategy = \"supervisor\"\n[supervisor]\nworker = [\"ann\"]",
        NONE,
        "config.unknown_key",
        "3:1: [supervisor] has no key `worker`; did you mean `workers`?",
    );
    check(
        "",
        ["retries = 1\nretry = { times = 2 }", "", ""],
        "config.value",
        "7:9: agent lead has both `retries` and `retry`; keep one",
    );
    check(
        "[run]\nrepeats_max = 0",
        NONE,
        "config.value",
        "2:15: `repeats_max = 0`: write a whole number, 1 or more",
    );
}

#[test]
fn an_estimate_beyond_the_budget_of_a_run_could_never_start() {
    let text = team("[run]\nbudget = \"0.05 USD\"", [""; 3]);
    let text = text.replacen("free = true", "estimate = \"0.10 USD\"", 1);
    let error = TeamSpec::parse(&text, "team.toml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "team.toml:6:12: agent lead holds 0.10 USD before a run, but `budget` of [run] is 0.05 USD: it can never start"
    );
    assert_eq!(error.code(), "config.never");
}
