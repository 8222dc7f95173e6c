//! Where an alert goes by many rules: the router beside the plain scan of the same rules.

use std::{cell::LazyCell, hint::black_box, time::Duration};

use fastrand::Rng;
use safeguards_notify::{
    Alert, AlertMatch, Inhibition, Route, Router, Rules, Silence, Topic, TopicFilter, route,
};
use safeguards_types::{Severity, Timestamp};
use serde_json::json;

use crate::bench::{
    Reach::{self, Most, Times},
    Table, timed,
};

/// What a thousand rules may cost; see `docs/reference/benches.md`.
const A_THOUSAND: Reach = Most(20_000.0);
/// How many alerts take turns.
const ALERTS: usize = 1_024;
const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const CHANNELS: [&str; 4] = ["ops", "chat", "mail", "pager"];

/// The rows of this part.
pub(crate) fn rows(table: &mut Table) {
    for (count, reach) in
        [(10, &[][..]), (1_000, &[A_THOUSAND, Times(0.5)][..]), (10_000, &[A_THOUSAND][..])]
    {
        let routing = LazyCell::new(|| Routing::open(count));
        table.row(&format!("route, {count} rules"), "the plain scan", reach, || {
            (|alerts| routing.by_router(alerts), |alerts| routing.by_scan(alerts))
        });
    }
    let few = LazyCell::new(|| Routing::open(10));
    for count in [1_000, 10_000] {
        let many = LazyCell::new(|| Routing::open(count));
        table.row(&format!("route, {count} rules, growth"), "10 rules", &[], || {
            (|alerts| many.by_router(alerts), |alerts| few.by_router(alerts))
        });
    }
    let muted = LazyCell::new(|| Routing::open(10).silenced(10_000));
    table.row("route, 10 rules, 10000 silences", "10 rules, none", &[], || {
        (|alerts| muted.by_router(alerts), |alerts| few.by_router(alerts))
    });
}

/// Rules, followed in both ways, and alerts.
struct Routing {
    rules: Rules,
    router: Router,
    alerts: Vec<Alert>,
}

impl Routing {
    /// So many rules, of a mix that an organization has: half are for agents, a quarter for areas of topics
    /// (every fourth of them with routes below), a fifth for teams, and the rest for what is severe.
    fn open(count: usize) -> Self {
        let mut rng = Rng::with_seed(7);
        let mut rules = Rules::default().to(["ops"]);
        let mut left = count;
        let mut number = 0;
        while left > 0 {
            let (when, below) = match number % 20 {
                0..=9 => (AlertMatch::all().agent(format!("agent-{number}")), 0),
                10..=14 => {
                    (AlertMatch::all().topic(filter(&format!("area-{number}.**"))), number % 4)
                }
                15..=18 => {
                    (AlertMatch::all().metadata("account.team", format!("team-{number}")), 0)
                }
                _ => {
                    let when =
                        AlertMatch::all().at_least(Severity::Critical).topic(filter("*.suspended"));
                    (when.metadata("region", number), 0)
                }
            };
            let mut one = Route::when(when).to([CHANNELS[number % 4]]);
            one.goes_on = rng.u8(..10) == 0;
            let below = below.min(left - 1);
            for part in 0..below {
                let topic = format!("area-{number}.part-{part}.*");
                one = one.route(Route::when(AlertMatch::all().topic(filter(&topic))));
            }
            left -= below + 1;
            number += 1;
            rules = rules.route(one);
        }
        let warnings = AlertMatch::all().at_most(Severity::Medium);
        rules =
            rules.inhibit(Inhibition::new(AlertMatch::all().at_least(Severity::High), warnings));
        let alerts = (0..ALERTS).map(|_| alert(&mut rng, number)).collect();
        Self { router: router(&rules), rules, alerts }
    }

    /// The same with so many silences, each for one agent.
    fn silenced(mut self, count: usize) -> Self {
        for number in 0..count {
            let when = AlertMatch::all().agent(format!("agent-{}", number + ALERTS * 100));
            self.rules = self.rules.silence(Silence::until(when, Timestamp::MAX));
        }
        Self { router: router(&self.rules), ..self }
    }

    fn by_router(&self, alerts: usize) -> Duration {
        timed(|| {
            for alert in self.alerts.iter().cycle().take(alerts) {
                black_box(self.router.route(alert, NOW));
            }
        })
    }

    fn by_scan(&self, alerts: usize) -> Duration {
        timed(|| {
            for alert in self.alerts.iter().cycle().take(alerts) {
                black_box(route(&self.rules, alert, NOW));
            }
        })
    }
}

fn router(rules: &Rules) -> Router {
    Router::new(rules.clone(), &CHANNELS.map(Into::into)).unwrap()
}

fn filter(text: &str) -> TopicFilter {
    text.parse().unwrap()
}

/// An alert about any agent, area and team, so that some rule takes most of them.
fn alert(rng: &mut Rng, rules: usize) -> Alert {
    let severity = *rng.choice(&Severity::ALL).unwrap();
    let (area, part) = (rng.usize(..rules), rng.usize(..4));
    let topic: Topic = format!("area-{area}.part-{part}.low").parse().unwrap();
    Alert::new(severity, topic, "little is left")
        .about(format!("agent-{}", rng.usize(..rules)))
        .with("account", json!({ "team": format!("team-{}", rng.usize(..rules)), "unit": "USD" }))
        .with("percent", "97.5")
        .with("region", rng.usize(..rules))
}
