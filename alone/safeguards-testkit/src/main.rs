//! The example of `safeguards-testkit`'s README, which needs that crate alone.

use safeguards_testkit::{
    ScriptedAgent, Simulation,
    budget::{Limit, OpenAccount},
    coord::{FanOut, Task, Team},
    types::usd,
};

fn main() {
    // A team on paused time: the production runner, under a scheduler that one seed decides.
    let trace = |seed| {
        Simulation::seeded(seed).run(async |sim| {
            sim.open(OpenAccount::new("pool").limit(Limit::lifetime(usd!(1)))).await;
            let agents = ["a", "b", "c"].map(|name| ScriptedAgent::new(name).costs(usd!(0.1)));
            let members = agents.iter().map(|agent| agent.member(usd!(0.2)).account("pool"));
            let team = Team::new("team", "pool", members).expect("a team");
            let strategy = FanOut::to_everybody();
            let run = sim.runner().run(&team, Task::new("vote"), &strategy, sim.options()).await;
            assert!(run.expect("a report").state.is_success());
            sim.trace()
        })
    };
    assert_eq!(trace(7), trace(7)); // the same to the last byte
    assert_ne!(trace(7), trace(8)); // another interleaving
    println!("two seeds, two traces");
}
