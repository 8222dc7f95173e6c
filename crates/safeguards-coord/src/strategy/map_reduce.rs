//! [`MapReduce`]: a fan-out, then one agent over the results.

use serde_json::Value;

use super::{batch::Phase, choice::others, fan_out::Within, names::free_name};
use crate::{FanOut, Move, Progress, Seat, Step, Strategy};

/// A fan-out, then one agent that makes one of the results.
///
/// ```text
///             ┌─> a-1 ─┐
///   inputs ───┼─> b-2 ─┼──> reduce ──> output
///             └─> a-3 ─┘
/// ```
///
/// What it promises:
///
/// - The fan-out keeps its own promises: its [`Policy`](crate::Policy) says whether all must succeed, which is the
///   default, or what succeeded is enough ([`Policy::AtLeast`](crate::Policy::AtLeast)).
/// - The reducer begins once, after everything else has ended, and gets a list of what succeeded, in the order of
///   the inputs.
/// - If the fan-out is in vain, the reducer is skipped.
/// - What the fan-out gave is kept where the run ends without success.
/// - The reducer maps nothing, unless the fan-out says [among whom](FanOut::among) or there is nobody else.
///
/// The reducer's step is called `reduce`; where an agent is called so, `reduce-last`.
///
/// ```
/// use safeguards_coord::{FanOut, MapReduce, Policy};
/// use serde_json::json;
///
/// let pages = FanOut::over((1..=20).map(|page| json!(page))).at_once(4).policy(Policy::AtLeast(15));
/// let digest = MapReduce::new(pages, "editor");
/// # let _ = digest;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapReduce {
    map: FanOut,
    /// None: the team's last agent.
    reducer: Option<Seat>,
}

impl MapReduce {
    /// `map`, then `reducer` over what it gave.
    pub fn new(map: FanOut, reducer: impl Into<Seat>) -> Self {
        Self { map, reducer: Some(reducer.into()) }
    }

    /// `map`, then the last agent of the team.
    pub const fn by_last(map: FanOut) -> Self {
        Self { map, reducer: None }
    }

    fn reducer(&self, progress: &Progress) -> Option<Seat> {
        self.reducer.clone().or_else(|| progress.agents().last().map(Seat::from))
    }

    fn map<'a>(&'a self, progress: &'a Progress) -> Within<'a> {
        let agents = progress.agents();
        let reducer = self.reducer.as_ref().map_or(agents.last(), Seat::agent);
        self.map.within(progress, others(agents, &[reducer]))
    }

    /// The reducer's step, over what there is now.
    fn reduce(&self, progress: &Progress, map: &Within<'_>) -> Option<Step> {
        let outputs = map.batch().succeeded().map(|step| step.output.clone().unwrap_or_default());
        let task = progress.task().clone().with_input(outputs.collect::<Value>());
        let name = free_name("reduce", |name| map.may_name(name));
        Some(Step::new(name, self.reducer(progress)?, task))
    }
}

impl Strategy for MapReduce {
    fn name(&self) -> &'static str {
        "map_reduce"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let map = self.map(progress);
        if let Some(reduce) = progress.steps().get(map.len()) {
            return reduce.end_or_wait(Some(map.batch().outputs()));
        }
        match map.advance() {
            Phase::Refused(fault) => vec![fault.fail(None)],
            Phase::Going(moves) => moves,
            // What is cancelled still runs, and the reducer would be one too many.
            Phase::Enough(moves) if progress.running() > 0 => moves,
            Phase::Enough(mut moves) => {
                moves.extend(self.reduce(progress, &map).map(Move::Start));
                moves
            }
            Phase::InVain { mut moves, because_of } => {
                let because = super::batch::because(progress, &because_of);
                let skip = self.reduce(progress, &map).map(|step| step.skip(because));
                moves.extend(skip);
                let output = Some(map.batch().outputs());
                moves.push(Move::Stop { because_of, output });
                moves
            }
        }
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        Some(self.map(progress).batch().outputs())
    }
}
