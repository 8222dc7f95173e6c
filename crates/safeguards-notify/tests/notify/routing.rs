//! Where alerts go: the router beside the plain scan, and the scan beside a model written from the text.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::select};
use safeguards_notify::{
    Alert, AlertMatch, Escalation, GroupBy, GroupKey, GroupLabel, Inhibition, Route, Router, Rules,
    Silence, Topic, TopicFilter, route,
};
use safeguards_types::{Severity, Timestamp};
use serde_json::{Value, json};

const CHANNELS: [&str; 3] = ["ops", "chat", "mail"];

fn channels() -> Vec<Arc<str>> {
    CHANNELS.map(Into::into).to_vec()
}

fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos).unwrap()
}

fn severity() -> impl Strategy<Value = Severity> {
    select(&Severity::ALL[..])
}

/// Texts, some of which must be escaped where they are written.
fn text() -> impl Strategy<Value = String> {
    vec(select(vec!['a', ' ', '"', '\\', 'é', '\n']), 0..4).prop_map(String::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    select(vec![json!("x"), json!("y"), json!(1), json!("1"), json!(true), json!({ "team": "x" })])
}

fn path() -> impl Strategy<Value = String> {
    select(vec!["team", "account.team", "account.team.name", "the team"]).prop_map(str::to_owned)
}

/// Some parts, joined by dots.
fn parts(parts: &'static [&str], less_than: usize) -> impl Strategy<Value = String> {
    vec(select(parts), 1..less_than).prop_map(|parts| parts.join("."))
}

fn alert_match() -> impl Strategy<Value = AlertMatch> {
    let rest = select(vec!["", ".**"]);
    let filter = prop_oneof![
        9 => (parts(&["a", "b", "*"], 4), rest).prop_map(|(parts, rest)| parts + rest),
        1 => Just("**".to_owned()),
    ];
    (
        prop_oneof![2 => Just(Vec::new()), 3 => vec(filter, 1..3)],
        option::weighted(0.3, severity()),
        option::weighted(0.2, severity()),
        prop_oneof![2 => Just(Vec::new()), 1 => vec(select(vec!["r", "w", "s"]), 1..3)],
        prop_oneof![2 => Just(Vec::new()), 1 => vec((path(), value()), 1..4)],
    )
        .prop_map(|(topics, at_least, at_most, agents, metadata)| {
            let mut when = AlertMatch::all();
            for topic in topics {
                when = when.topic(TopicFilter::parse(&topic).unwrap());
            }
            when = at_least.into_iter().fold(when, AlertMatch::at_least);
            when = at_most.into_iter().fold(when, AlertMatch::at_most);
            when = agents.into_iter().fold(when, AlertMatch::agent);
            metadata.into_iter().fold(when, |when, (path, value)| when.metadata(path, value))
        })
}

fn label() -> impl Strategy<Value = GroupLabel> {
    use GroupLabel::{Agent, Key, Severity, Topic};
    select(vec![Topic, Agent, Severity, Key, GroupLabel::metadata("account.team")])
}

fn group_by() -> impl Strategy<Value = GroupBy> {
    prop_oneof![1 => Just(GroupBy::Each), 3 => vec(label(), 0..3).prop_map(GroupBy::Keys)]
}

fn tree(leaf: impl Strategy<Value = Route> + Clone + 'static) -> impl Strategy<Value = Route> {
    leaf.clone().prop_recursive(3, 24, 12, move |below| {
        (leaf.clone(), vec(below, 0..12)).prop_map(|(mut route, routes)| {
            route.routes = routes;
            route
        })
    })
}

/// Routes with what decides where an alert goes.
fn routes() -> impl Strategy<Value = Route> {
    let leaf = (alert_match(), any::<bool>(), option::weighted(0.3, group_by()));
    tree(
        leaf.prop_map(|(when, goes_on, group_by)| {
            let mut route = Route::when(when);
            route.goes_on = goes_on;
            route.group_by = group_by;
            route
        })
        .boxed(),
    )
}

/// Routes with everything that can be said, some of it of no use.
fn wordy_routes() -> impl Strategy<Value = Route> {
    let span = || option::of((0_u64..1 << 62).prop_map(Duration::from_nanos));
    let names = || vec(select(&CHANNELS[..]), 0..3);
    let escalation = (0_u64..1 << 40, names())
        .prop_map(|(after, to)| Escalation::after(Duration::from_nanos(after), to));
    let leaf = (
        (alert_match(), any::<bool>(), option::of(group_by()), option::of(text())),
        (span(), span(), span()),
        (option::of(names()), option::of(vec(escalation, 0..3))),
    );
    tree(
        leaf.prop_map(
            |((when, goes_on, group_by, name), (wait, interval, cooldown), (to, escalate))| {
                let mut route = Route::when(when);
                (route.goes_on, route.group_by, route.name) = (goes_on, group_by, name);
                (route.wait, route.interval, route.cooldown) = (wait, interval, cooldown);
                route.to = to.map(|to| to.into_iter().map(Into::into).collect());
                route.escalate = escalate;
                route
            },
        )
        .boxed(),
    )
}

fn silences() -> impl Strategy<Value = Vec<Silence>> {
    let silence = (alert_match(), option::of(0_i64..10), 0_i64..20, text()).prop_map(
        |(when, from, until, comment)| {
            let mut silence = Silence::until(when, at(until)).comment(comment);
            // Only what ends after it begins is let through by the router.
            silence.from = from.filter(|from| *from < until).map(at);
            silence
        },
    );
    vec(silence, 0..12)
}

fn inhibitions() -> impl Strategy<Value = Vec<Inhibition>> {
    let inhibition =
        (alert_match(), alert_match(), vec(label(), 0..3)).prop_map(|(by, mutes, equal)| {
            // So that none mutes what sets it off.
            let (by, mutes) = (by.at_least(Severity::Critical), mutes.at_most(Severity::High));
            Inhibition::new(by, mutes).equal(equal)
        });
    vec(inhibition, 0..12)
}

fn rules(routes: impl Strategy<Value = Route>) -> impl Strategy<Value = Rules> {
    (routes, silences(), inhibitions()).prop_map(|(otherwise, silences, inhibitions)| {
        let mut rules = Rules::default();
        (rules.otherwise, rules.silences, rules.inhibitions) = (otherwise, silences, inhibitions);
        rules.otherwise.when = AlertMatch::all();
        rules.otherwise.goes_on = false;
        rules
    })
}

fn alert() -> impl Strategy<Value = Alert> {
    let metadata = select(vec![
        json!({}),
        json!({ "team": "x" }),
        json!({ "team": 1, "account": { "team": "y" } }),
        json!({ "account": { "team": "x" }, "the team": true }),
        json!({ "account.team": "x", "account": 1 }),
        json!({ "account": { "team.name": "y", "team": { "name": "x" } } }),
        json!({ "account": { "team": { "team": "x" } }, "team": "1" }),
    ]);
    let agent = option::of(select(vec!["r", "w", "n"]));
    (severity(), parts(&["a", "b", "c"], 5), agent, option::of(select(vec!["k", "l"])), metadata)
        .prop_map(|(severity, topic, agent, key, metadata)| {
            let mut alert = Alert::new(severity, Topic::parse(&topic).unwrap(), "told");
            alert = agent.into_iter().fold(alert, Alert::about);
            alert = key.into_iter().fold(alert, Alert::keyed);
            let metadata = metadata.as_object().unwrap().clone();
            metadata.into_iter().fold(alert, |alert, (key, value)| alert.with(key, value))
        })
}

/// Labels and values.
type Group = Vec<(String, String)>;

/// What the page says, without regard to cost.
mod model {
    use super::*;

    fn topic(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            ([], []) | (["**"], [_, ..]) => true,
            (["*", filter @ ..], [_, rest @ ..]) => self::topic(filter, rest),
            ([wanted, filter @ ..], [part, rest @ ..]) => {
                wanted == part && self::topic(filter, rest)
            }
            _ => false,
        }
    }

    /// The value at a path, by its parts: a key may be made of several of them, the rest of the path then
    /// leads on, and the longest key that is all of the rest comes first.
    fn value<'v>(value: &'v Value, parts: &[&str]) -> Option<&'v Value> {
        if parts.is_empty() {
            return Some(value);
        }
        let whole = value.get(parts.join("."));
        whole.or_else(|| self::value(value.get(parts[0])?, &parts[1..]))
    }

    pub(super) fn matches(when: &AlertMatch, alert: &Alert) -> bool {
        let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let any_topic = when.topics.iter().any(|filter| {
            let (filter, wanted) = (parts(filter.as_str()), parts(alert.topic().as_str()));
            let [filter, wanted] = [&filter, &wanted]
                .map(|parts| parts.iter().map(String::as_str).collect::<Vec<_>>());
            topic(&filter, &wanted)
        });
        let any_agent = when.agents.iter().any(|agent| Some(agent) == alert.agent());
        let metadata = Value::Object(alert.metadata().clone());
        let each_path = when.metadata.iter().all(|(path, values)| {
            let path: Vec<&str> = path.split('.').collect();
            values.iter().any(|wanted| value(&metadata, &path) == Some(wanted))
        });
        let high_enough = when.at_least.is_none_or(|least| least <= alert.severity());
        let low_enough = when.at_most.is_none_or(|most| alert.severity() <= most);
        (when.topics.is_empty() || any_topic)
            && (when.agents.is_empty() || any_agent)
            && (each_path && high_enough && low_enough)
    }

    /// A route of a tree: its number, that of the route above it, and its place among those beside it.
    struct Row<'r> {
        route: &'r Route,
        above: Option<usize>,
    }

    fn rows<'r>(route: &'r Route, above: Option<usize>, rows: &mut Vec<Row<'r>>) {
        let number = rows.len();
        rows.push(Row { route, above });
        for below in &route.routes {
            self::rows(below, Some(number), rows);
        }
    }

    fn group(route: &Route, alert: &Alert, above: &GroupBy) -> Option<Group> {
        let GroupBy::Keys(labels) = route.group_by.as_ref().unwrap_or(above) else {
            return None;
        };
        Some(
            labels
                .iter()
                .map(|label| (label.to_string(), label.value_of(alert).into_owned()))
                .collect(),
        )
    }

    /// The routes that an alert stops at, and its groups there.
    pub(super) fn stops(root: &Route, alert: &Alert) -> Vec<(usize, Option<Group>)> {
        let mut all = Vec::new();
        rows(root, None, &mut all);
        let mut is_reached = vec![true; all.len()];
        for number in 1..all.len() {
            let above = all[number].above.unwrap();
            let is_taken_before = (above + 1..number).any(|other| {
                all[other].above == Some(above)
                    && matches(&all[other].route.when, alert)
                    && !all[other].route.goes_on
            });
            is_reached[number] =
                is_reached[above] && matches(&all[number].route.when, alert) && !is_taken_before;
        }
        let is_stop = |number: &usize| {
            let goes_further = |below: &Route| matches(&below.when, alert);
            is_reached[*number] && !all[*number].route.routes.iter().any(goes_further)
        };
        let group_of = |number: usize| {
            let mut place = Some(number);
            while let Some(number) = place {
                if all[number].route.group_by.is_some() {
                    return group(all[number].route, alert, &GroupBy::Each);
                }
                place = all[number].above;
            }
            group(root, alert, &GroupBy::default())
        };
        (0..all.len()).filter(is_stop).map(|number| (number, group_of(number))).collect()
    }
}

fn pairs(key: &GroupKey) -> Group {
    key.pairs().map(|(label, value)| (label.to_string(), value.to_owned())).collect()
}

proptest! {
    #[test]
    fn the_scan_does_what_the_page_says(
        rules in rules(routes()), alerts in vec(alert(), 1..8), now in 0_i64..20,
    ) {
        for alert in &alerts {
            let routed = route(&rules, alert, at(now));
            let stops: Vec<_> =
                routed.stops.iter().map(|stop| (stop.route, stop.group.as_ref().map(pairs))).collect();
            prop_assert_eq!(stops, model::stops(&rules.otherwise, alert));
            let silenced = rules.silences.iter().position(|silence| {
                let has_begun = silence.from.is_none_or(|from| from <= at(now));
                has_begun && at(now) < silence.until && model::matches(&silence.when, alert)
            });
            prop_assert_eq!(routed.silenced_by, silenced);
        }
    }

    #[test]
    fn the_router_answers_as_the_scan_does(
        rules in rules(routes()), alerts in vec(alert(), 1..8), now in 0_i64..20,
    ) {
        let router = Router::new(rules.clone(), &channels()).unwrap();
        for alert in &alerts {
            let routed = router.route(alert, at(now));
            prop_assert_eq!(&routed, &route(&rules, alert, at(now)));
            prop_assert!(!routed.stops.is_empty(), "an alert always stops somewhere");
            let asked = |matches: fn(&Inhibition, &Alert) -> bool| -> Vec<usize> {
                let all = rules.inhibitions.iter().enumerate();
                all.filter(|(_, one)| matches(one, alert)).map(|(number, _)| number).collect()
            };
            let set_off: Vec<_> = router.set_off_by(alert).collect();
            prop_assert_eq!(set_off, asked(|one, alert| one.by.matches(alert)));
            let muting: Vec<_> = router.may_mute(alert).collect();
            prop_assert_eq!(muting, asked(|one, alert| one.mutes.matches(alert)));
        }
    }

    #[test]
    fn a_route_that_is_warned_of_takes_nothing(rules in rules(routes()), alerts in vec(alert(), 20)) {
        let router = Router::new(rules.clone(), &channels()).unwrap();
        let dead: Vec<usize> = router
            .warnings(at(0))
            .iter()
            .filter_map(|warning| warning.message.strip_prefix("route "))
            .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
            .collect();
        for alert in &alerts {
            for stop in router.route(alert, at(0)).stops {
                prop_assert!(!dead.contains(&stop.route), "{} takes {alert:?}", stop.route);
            }
        }
    }

    #[test]
    fn what_is_written_is_read(rules in rules(wordy_routes())) {
        let toml = toml::to_string(&rules).unwrap();
        prop_assert_eq!(&Rules::from_toml(&toml).unwrap(), &rules, "{}", toml);
        let json = serde_json::to_string(&rules).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Rules>(&json).unwrap(), &rules, "{}", json);
    }
}

#[test]
fn what_a_route_does_not_say_it_has_from_above() {
    let minutes = Duration::from_mins;
    let rules = Rules::default()
        .to(["ops"])
        .route(
            Route::when(AlertMatch::all().agent("a"))
                .named("a")
                .group_by(vec![GroupLabel::Agent])
                .wait(minutes(1))
                .interval(minutes(2))
                .cooldown(minutes(3))
                .escalate(Escalation::after(minutes(4), ["mail"]))
                .route(Route::when(AlertMatch::all().at_least(Severity::High)).to(["chat"]))
                .route(
                    Route::when(AlertMatch::all())
                        .nowhere()
                        .group_by(GroupBy::Each)
                        .wait(Duration::ZERO)
                        .cooldown(Duration::ZERO),
                ),
        )
        .route(Route::when(AlertMatch::all().agent("b")));
    let router = Router::new(rules, &channels()).unwrap();
    assert_eq!(router.route_count(), 5);
    let brief = |number| {
        let settings = router.settings(number);
        let to: Vec<String> = settings.to.iter().map(ToString::to_string).collect();
        (to.join(" "), settings.wait, settings.interval, settings.cooldown)
    };
    let of_a = (minutes(1), minutes(2), Some(minutes(3)));
    assert_eq!(brief(0), ("ops".to_owned(), Duration::ZERO, minutes(1), None));
    assert_eq!(brief(1), ("ops".to_owned(), of_a.0, of_a.1, of_a.2));
    assert_eq!(brief(2), ("chat".to_owned(), of_a.0, of_a.1, of_a.2));
    assert_eq!(brief(3), (String::new(), Duration::ZERO, minutes(2), None));
    assert_eq!(brief(4), brief(0));
    assert_eq!(brief(99), brief(0)); // of other rules: it still arrives
    assert_eq!(router.settings(2).group_by, GroupBy::Keys(vec![GroupLabel::Agent]));
    assert_eq!(router.settings(3).group_by, GroupBy::Each);
    assert_eq!(router.settings(2).escalate, [Escalation::after(minutes(4), ["mail"])]);
    assert_eq!(router.settings(0).escalate, []);
    // A name is a route's own.
    assert_eq!(router.settings(1).name.as_deref(), Some("a"));
    assert_eq!(router.settings(2).name, None);
}

#[test]
fn without_rules_every_alert_goes_to_every_channel() {
    let router = Router::new(Rules::default(), &channels()).unwrap();
    let alert = Alert::new(Severity::Low, safeguards_notify::topic!("a.b"), "").about("r");
    let found = router.route(&alert, at(0));
    assert_eq!(found.stops.len(), 1);
    assert_eq!(found.silenced_by, None);
    let group = found.stops[0].group.as_ref().unwrap();
    assert_eq!(group.to_string(), "topic=a.b agent=r severity=low");
    let settings = router.settings(found.stops[0].route);
    assert_eq!(settings.to, channels());
    assert_eq!((settings.wait, settings.interval), (Duration::ZERO, Duration::from_mins(1)));
    assert_eq!((settings.cooldown, settings.escalate.len()), (None, 0));
}

#[test]
fn one_part_of_json_is_the_same_part_of_toml() {
    let conditions = AlertMatch::all().at_least(Severity::High).metadata("account.team", "a");
    let text = serde_json::to_string(&conditions).unwrap();
    assert_eq!(text, r#"{"at_least":"high","metadata":{"account.team":["a"]}}"#);
    assert_eq!(serde_json::from_str::<AlertMatch>(&text).unwrap(), conditions);
    let nested = r#"{"at_least":"high","metadata":{"account":{"team":"a"}}}"#;
    assert_eq!(serde_json::from_str::<AlertMatch>(nested).unwrap(), conditions);
    let silence = Silence::until(AlertMatch::all().agent("a"), at(0)).comment("why");
    let text = serde_json::to_string(&silence).unwrap();
    assert_eq!(text, r#"{"agents":["a"],"until":"1970-01-01T00:00:00Z","comment":"why"}"#);
    assert_eq!(serde_json::from_str::<Silence>(&text).unwrap(), silence);
    let by_part: BTreeMap<&str, GroupBy> =
        serde_json::from_str(r#"{"a":"each","b":["topic"],"c":[]}"#).unwrap();
    assert_eq!(by_part["a"], GroupBy::Each);
    assert_eq!(by_part["b"], GroupBy::Keys(vec![GroupLabel::Topic]));
    assert_eq!(by_part["c"], GroupBy::Keys(Vec::new()));
}
