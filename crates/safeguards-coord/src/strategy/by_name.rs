//! [`strategy_named`]: the strategies by their names, as files and command lines have them.

use std::sync::Arc;

use super::fault::told;
use crate::{FanOut, HandOver, MapReduce, Pipeline, Strategy, Supervise, Vote};

type Make = fn() -> Arc<dyn Strategy>;

/// By name.
const NAMED: [(&str, Make); 6] = [
    ("fan_out", || Arc::new(FanOut::to_everybody())),
    ("hand_over", || Arc::new(HandOver::new())),
    ("map_reduce", || Arc::new(MapReduce::by_last(FanOut::to_everybody()))),
    ("pipeline", || Arc::new(Pipeline::new())),
    ("supervisor", || Arc::new(Supervise::by_first())),
    ("vote", || Arc::new(Vote::new())),
];

/// The strategy of this name, as it is for a team of which nothing else is said.
///
/// | name | what it does |
/// | --- | --- |
/// | `fan_out` | everybody does the task |
/// | `hand_over` | the first begins, and each names the next |
/// | `map_reduce` | all but the last do the task, and the last makes one of what they gave |
/// | `pipeline` | one after the other, in the team's order |
/// | `supervisor` | the first cuts the task up for the others, and puts together what they gave |
/// | `vote` | everybody does the task, and what more than half of them gave counts |
///
/// # Errors
///
/// Where there is none of this name, and for `graph`: what a [`Graph`](crate::Graph) runs must be said.
///
/// ```
/// use safeguards_coord::{Strategy, strategy_named};
///
/// assert_eq!(strategy_named("vote")?.name(), "vote");
/// let error = strategy_named("pipe_line").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "no strategy is named `pipe_line`; did you mean `pipeline`? there are fan_out, graph, hand_over, map_reduce, \
///      pipeline, supervisor and vote"
/// );
/// let error = strategy_named("graph").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "strategy `graph` needs a task graph, which its name does not give: write `Graph::new(graph)` with a `TaskGraph`"
/// );
/// # Ok::<(), safeguards_coord::UnknownStrategy>(())
/// ```
pub fn strategy_named(name: &str) -> Result<Arc<dyn Strategy>, UnknownStrategy> {
    let named = NAMED.iter().find(|(known, _)| *known == name);
    let (_, make) = named.ok_or_else(|| UnknownStrategy::new(name))?;
    Ok(make())
}

/// There is no strategy of this name, or none by its name alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnknownStrategy {
    name: String,
    message: String,
}

/// Longer names are compared with none.
const LONGEST: usize = 100;

/// The strategy that needs more than a name.
const GRAPH: &str = "graph";

impl UnknownStrategy {
    fn new(name: &str) -> Self {
        if name == GRAPH {
            let message = format!(
                "strategy `{GRAPH}` needs a task graph, which its name does not give: write `Graph::new(graph)` with a \
                 `TaskGraph`"
            );
            return Self { name: name.to_owned(), message };
        }
        let mut names: Vec<&str> = NAMED.iter().map(|(known, _)| *known).chain([GRAPH]).collect();
        names.sort_unstable();
        // As people write names: with a hyphen, in capitals, or one letter wrong.
        let plain = name.trim().to_lowercase().replace(['-', ' '], "_");
        let wrong = |known: &str| strsim::osa_distance(known, &plain);
        // With half of its letters wrong it is another word.
        let is_near = |(wrong, known): &(usize, &str)| {
            *wrong <= 2 && wrong.saturating_mul(2) < known.len().min(plain.len())
        };
        // Comparing takes the product of both lengths.
        let compared = if plain.len() <= LONGEST { names.as_slice() } else { &[] };
        let nearest = compared.iter().map(|known| (wrong(known), *known)).filter(is_near).min();
        let meant =
            nearest.map_or_else(String::new, |(_, nearest)| format!("did you mean `{nearest}`? "));
        let last = names.pop().unwrap_or_default();
        let (told, names) = (told(name), names.join(", "));
        let message = format!("no strategy is named `{told}`; {meant}there are {names} and {last}");
        Self { name: told, message }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "strategy.unknown"
    }

    /// The name that there is none of.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_has_the_name_that_it_is_known_by() {
        for (name, _) in NAMED {
            assert_eq!(strategy_named(name).unwrap().name(), name);
        }
        assert!(NAMED.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn a_name_that_is_almost_right_is_recognized() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            let error = strategy_named(name).unwrap_err();
            assert_eq!(error.code(), "strategy.unknown");
            let message = error.to_string();
            assert!(message.starts_with(&format!("no strategy is named `{name}`; ")), "{message}");
            assert!(message.contains(expected), "{message}");
            assert!(message.ends_with(" and vote"), "{message}");
        }
        check("fan-out", "did you mean `fan_out`?");
        check("Pipeline", "did you mean `pipeline`?");
        check("Graph", "did you mean `graph`?");
        check("grahp", "did you mean `graph`?");
        check("nope", "; there are fan_out, ");
        check("suprevisor", "did you mean `supervisor`?");
        check("round_table", "; there are fan_out, ");
        check("", "; there are fan_out, ");
    }
}
