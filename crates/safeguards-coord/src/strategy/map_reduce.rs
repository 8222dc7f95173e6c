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
/// - If the fan-out is in vain, the reducer is skipped. Where there are no inputs it begins at once, with an empty
///   list: what nothing comes to, it says.
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
        let reducer = self.reducer.as_ref().map_or_else(|| agents.last(), Seat::agent);
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
            Phase::InVain { mut moves, because_of, why } => {
                let because = super::batch::because(progress, &because_of);
                let skip = self.reduce(progress, &map).map(|step| step.skip(because));
                moves.extend(skip);
                let output = Some(map.batch().outputs());
                moves.push(Move::Stop { because_of, why, output });
                moves
            }
        }
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        Some(self.map(progress).batch().outputs())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Policy, State, strategy::play::Play};

    const NOTHING: [&str; 0] = [];

    fn pages(count: u64) -> FanOut {
        FanOut::over((1..=count).map(|page| json!(page)))
    }

    #[test]
    fn one_agent_gets_all_results_in_the_order_of_the_inputs() {
        let mut play = Play::new(MapReduce::new(pages(3), "editor"), &["a", "editor", "b"]);
        assert_eq!(play.ask(), ["a-1: a do(1)", "b-2: b do(2)", "a-3: a do(3)"]);
        assert_eq!(play.ok("a-3", "c"), NOTHING);
        assert_eq!(play.ok("a-1", "a"), NOTHING);
        assert_eq!(play.ok("b-2", "b"), [r#"reduce: editor do(["a","b","c"])"#]);
        assert_eq!(play.so_far(), Some(json!(["a", "b", "c"])));
        assert_eq!(play.ok("reduce", "abc"), [r#"succeed "abc""#]);
    }

    #[test]
    fn over_nothing_the_reducer_says_what_that_comes_to() {
        let mut play = Play::new(MapReduce::new(pages(0), "editor"), &["a", "editor"]);
        assert_eq!(play.ask(), ["reduce: editor do([])"]);
        assert_eq!(play.so_far(), Some(json!([])));
        assert_eq!(play.ok("reduce", "no pages"), [r#"succeed "no pages""#]);
    }

    #[test]
    fn in_vain_the_reducer_is_skipped_and_what_there_is_kept() {
        let map = pages(4).at_once(2).policy(Policy::FailFast);
        let mut play = Play::new(MapReduce::new(map, "z"), &["a", "z"]);
        play.ask();
        assert_eq!(play.ok("a-1", 1), ["a-3: a do(3)"]);
        let skips = ["skip a-4: a-2 was denied", "skip reduce: a-2 was denied"];
        let end = play.end("a-2", State::Denied, None);
        assert_eq!(end, [skips[0], skips[1], "stop because of a-2 [1,null,null,null]"]);
    }

    #[test]
    fn what_succeeded_may_be_enough() {
        let map = pages(3).policy(Policy::AtLeast(1));
        let mut play = Play::new(MapReduce::new(map, "z"), &["a", "z"]);
        play.ask();
        play.fail("a-2");
        play.ok("a-3", 3);
        assert_eq!(play.ok("a-1", 1), ["reduce: z do([1,3])"]);
        assert_eq!(play.fail("reduce"), ["stop because of reduce [1,null,3]"]);
    }

    #[test]
    fn the_reducer_waits_for_what_is_cancelled() {
        let map = pages(4).at_once(3).policy(Policy::Any);
        let mut play = Play::new(MapReduce::new(map, "z"), &["a", "z"]);
        play.ask();
        let skip = "skip a-4: 1 succeeded, which is enough";
        assert_eq!(play.ok("a-2", 2), [skip, "cancel a-1", "cancel a-3"]);
        assert_eq!(play.end("a-1", State::Cancelled, None), ["cancel a-3"]);
        // It was quicker than the cancellation.
        assert_eq!(play.ok("a-3", 3), ["reduce: z do([2,3])"]);
    }

    #[test]
    fn the_reducer_maps_nothing_unless_there_is_nobody_else() {
        #[track_caller]
        fn check(strategy: MapReduce, agents: &[&str], expected: &[&str]) {
            assert_eq!(Play::new(strategy, agents).ask(), expected);
        }
        let everybody = FanOut::to_everybody;
        let it = [r#"a: a do("it")"#, r#"b: b do("it")"#];
        check(MapReduce::by_last(everybody()), &["a", "b", "c"], &it);
        check(MapReduce::new(everybody(), "a"), &["a", "b"], &it[1..]);
        check(MapReduce::by_last(everybody()), &["a"], &it[..1]);
        check(MapReduce::by_last(everybody().among(["a", "b"])), &["a", "b"], &it);
    }

    #[test]
    fn an_agent_may_be_called_reduce() {
        let mut play = Play::new(MapReduce::new(FanOut::to_everybody(), "z"), &["reduce", "z"]);
        assert_eq!(play.ask(), [r#"reduce: reduce do("it")"#]);
        assert_eq!(play.ok("reduce", 1), ["reduce-last: z do([1])"]);
    }
}
