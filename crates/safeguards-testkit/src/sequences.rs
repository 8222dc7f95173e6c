//! [`sequences`]: random commands for any ledger, most of them sensible, some of them wrong in every known way.

mod commands;
mod play;
mod words;

use std::{fmt, time::Duration};

use proptest::{collection::vec, prelude::*, sample::select};
use safeguards_budget::Bounds;
use safeguards_types::Timestamp;
use serde_json::{Value, json};

pub use self::words::ACCOUNTS;
use self::{commands::Draft, play::play};

/// What is asked of a ledger, turn by turn. It shows itself as the lines that `safeguards ledger apply` reads.
#[derive(Clone)]
#[non_exhaustive]
pub struct Sequence {
    /// How much the ledger shall take and keep.
    pub bounds: Bounds,
    /// What happens, in this order.
    pub turns: Vec<Turn>,
}

/// One turn: the clock stands at an instant, and something is done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Turn {
    /// Where the clock stands. It may go back.
    pub at: Timestamp,
    /// What is done.
    pub act: Act,
}

/// What is done in one turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Act {
    /// Commands are submitted, as they are written in JSON.
    Submit {
        /// The commands; their form is right, whatever else is wrong with them.
        commands: Vec<Value>,
        /// Whether all take effect or none does.
        linked: bool,
    },
    /// Holds that are due are ended.
    Tick,
    /// Nothing: it is only read, with the clock where it stands.
    Look,
}

impl Sequence {
    /// The commands of all turns.
    pub fn commands(&self) -> impl Iterator<Item = &Value> {
        self.turns.iter().flat_map(|turn| match &turn.act {
            Act::Submit { commands, .. } => commands.as_slice(),
            Act::Tick | Act::Look => &[],
        })
    }

    /// The names of all holds that the commands ask to place.
    pub fn holds(&self) -> impl Iterator<Item = &str> {
        let places =
            self.commands().filter(|command| command.get("do") == Some(&json!("place_hold")));
        places.filter_map(|command| command.get("op")?.as_str())
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{:?}", self.bounds)?;
        for Turn { at, act } in &self.turns {
            match act {
                Act::Submit { commands, linked: true } => {
                    writeln!(out, "{}", json!({"at": at, "linked": commands}))?;
                }
                Act::Submit { commands, linked: false } => {
                    for command in commands {
                        let mut line = command.clone();
                        if let Some(keys) = line.as_object_mut() {
                            keys.insert("at".to_owned(), json!(at));
                        }
                        writeln!(out, "{line}")?;
                    }
                }
                Act::Tick => writeln!(out, "tick at {at}")?,
                Act::Look => writeln!(out, "look at {at}")?,
            }
        }
        Ok(())
    }
}

/// Random sequences. They shrink to few commands, early instants and small amounts.
pub fn sequences() -> impl Strategy<Value = Sequence> {
    let fill = prop_oneof![5 => Just(None), 1 => commands::fill().prop_map(Some)];
    let parts = (bounds(), start(), fill, commands::openings(), vec(step(), 1..60));
    parts.prop_map(|(bounds, start, fill, openings, steps)| {
        let turns = play(start, fill, openings, steps);
        Sequence { bounds, turns }
    })
}

/// A turn as it is drawn; earlier commands are named by how far back they are.
#[derive(Clone, Debug)]
struct Step {
    /// How far the clock moves, in nanoseconds.
    wait: i64,
    act: Planned,
}

#[derive(Clone, Debug)]
enum Planned {
    Submit {
        drafts: Vec<Draft>,
        linked: bool,
    },
    /// Sends an earlier batch once more.
    Repeat {
        back: usize,
    },
    Tick,
    Look,
}

fn step() -> BoxedStrategy<Step> {
    let act = prop_oneof![
        70 => commands::draft().prop_map(|draft| Planned::Submit { drafts: vec![draft], linked: false }),
        6 => vec(commands::draft(), 2..4).prop_map(|drafts| Planned::Submit { drafts, linked: false }),
        10 => vec(commands::draft(), 1..5).prop_map(|drafts| Planned::Submit { drafts, linked: true }),
        5 => (0_usize..8).prop_map(|back| Planned::Repeat { back }),
        3 => Just(Planned::Tick),
        4 => Just(Planned::Look),
    ];
    (wait(), act).prop_map(|(wait, act)| Step { wait, act }).boxed()
}

fn wait() -> BoxedStrategy<i64> {
    const SECOND: i64 = 1_000_000_000;
    const HOUR: i64 = 3_600 * SECOND;
    prop_oneof![
        30 => Just(0),
        30 => (1_i64..20).prop_map(|seconds| seconds.saturating_mul(SECOND)),
        4 => select(vec![1, 999_999_999, 1_000_000, SECOND]),
        12 => select(vec![30 * SECOND, 60 * SECOND, 299 * SECOND, 300 * SECOND, 600 * SECOND, HOUR]),
        5 => select(vec![6 * HOUR, 23 * HOUR, 24 * HOUR, 25 * HOUR, 7 * 24 * HOUR, 31 * 24 * HOUR]),
        5 => select(vec![-1, -SECOND, -60 * SECOND, -HOUR, -24 * HOUR]),
    ].boxed()
}

/// Near the instants at which windows are odd: clocks that skip midnight, a day that was left out, months and
/// years that turn, both ends of time.
fn start() -> BoxedStrategy<Timestamp> {
    let instants = [
        "2026-01-05T09:00:00Z",
        "2026-12-31T22:59:30Z",
        "2018-11-04T02:59:30Z",
        "2011-12-30T09:59:30Z",
        "2026-10-24T21:59:30Z",
        "2026-03-28T22:59:30.5Z",
        "1970-01-01T00:00:00Z",
        "2262-04-11T22:47:16.854775807Z",
    ];
    let instants: Vec<_> = instants.iter().filter_map(|text| Timestamp::parse(text).ok()).collect();
    let usual = instants.clone().into_iter().next().unwrap_or_default();
    prop_oneof![3 => Just(usual), 7 => select(instants)].boxed()
}

/// Bounds that matter to so few commands, or those that every ledger begins with.
fn bounds() -> BoxedStrategy<Bounds> {
    let sizes =
        (2_usize..6, 5_usize..6, 8_usize..14, 1_usize..4, 3_usize..6, 3_usize..5, 2_usize..5);
    let kept = (1_usize..12, 1_usize..16, select(vec![0_u64, 1, 60, 3_600]));
    let small = (sizes, kept, prop::bool::ANY, prop::bool::weighted(0.3));
    let small = small.prop_map(|(sizes, kept, small_sizes, keep_little)| {
        let mut bounds = Bounds::default();
        if small_sizes {
            let (commands, depth, accounts, scopes, limits, steps, percents) = sizes;
            bounds.commands_max = commands;
            bounds.depth_max = depth;
            bounds.accounts_max = accounts;
            bounds.scopes_max = scopes;
            bounds.limits_max = limits;
            bounds.steps_max = steps;
            bounds.percents_max = percents;
            bounds.metadata_bytes_max = 16;
            bounds.reason_bytes_max = 4;
        }
        if keep_little {
            let (operations, entries, seconds) = kept;
            bounds.operations_kept = operations;
            bounds.operations_max = entries;
            bounds.kept_for = Duration::from_secs(seconds);
        }
        bounds
    });
    prop_oneof![1 => Just(Bounds::default()), 1 => small].boxed()
}
