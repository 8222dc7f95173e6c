//! [`Vote`]: several agents, one answer.

mod tally;

use std::{borrow::Cow, num::NonZeroUsize, sync::Arc};

use serde_json::{Value, json};

use self::tally::Tally;
use super::{
    batch::{AT_ONCE, Batch, at_once, unsuccessful},
    choice::others,
    closure::Closure,
    fault::{StrategyFault, listed},
    names::{free_name, names_of},
};
use crate::{Move, Progress, Seat, Step, StepId, StepProgress, Strategy};

type Key = dyn Fn(&Value) -> Value + Send + Sync;

/// How answers become one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Count {
    /// What more than half of all voters gave.
    Majority,
    /// What most of those who voted gave.
    Plurality,
    /// What the judge gives, who sees all answers.
    Judge(Seat),
}

/// The same task to several agents, and one answer.
///
/// ```text
///            ┌─> a ─> "yes" ─┐
///   task ────┼─> b ─> "no"  ─┼──> majority ──> "yes"
///            └─> c ─> "yes" ─┘
///
///   judged:  … all answers ──> judge ──> output
/// ```
///
/// What it promises:
///
/// - Every voter gets the task, once. The voters are the team, or [those who are named](Self::among); one agent may
///   vote [several times](Self::times).
/// - What more than half of all voters gave is the team's output. Who fails does not vote, and is still one of all.
/// - By [plurality](Self::plurality), it is what most of those who voted gave.
/// - Answers are alike where their JSON is, or by [your own measure](Self::alike). Of answers that are alike, that
///   of the first voter counts.
/// - Without a majority, or with a tie, the run fails as `vote.no_majority` and tells the counts. Where too many
///   voters failed, or more votes are needed than there are voters, it fails as `vote.too_few_votes`; where all
///   failed, it ends as the first of them.
/// - Once it is certain how the vote ends, what is running is cancelled and the rest skipped, since votes cost money;
///   [`hear_all`](Self::hear_all) waits for everybody.
/// - [A judge](Self::judged_by) gets all answers, after everybody has voted, and is no voter, unless there is nobody
///   else or the voters are named.
///
/// Steps bear the voters' names; the further votes of one have their place, from 1, behind it: `a-2`. The judge's is
/// called `judge`.
///
/// ```
/// use safeguards_coord::{Move, Progress, State, Strategy, Task, Vote};
/// use serde_json::json;
///
/// let vote = Vote::new();
/// let mut progress = Progress::new(Task::new("spam?"), ["a".into(), "b".into(), "c".into()]);
/// for voter in ["a", "b", "c"] {
///     progress.begin(voter.into(), voter.into());
/// }
/// progress.end(&"c".into(), State::Succeeded, Some(json!("yes")));
/// assert_eq!(vote.next(&progress), []);
/// // Two of three: whatever the third would say.
/// progress.end(&"a".into(), State::Succeeded, Some(json!("yes")));
/// assert_eq!(vote.next(&progress), [Move::Succeed { output: json!("yes") }]);
/// ```
#[derive(Clone, Debug)]
pub struct Vote {
    /// None: the team, but for the judge.
    voters: Option<Arc<[(StepId, Seat)]>>,
    count: Count,
    alike: Option<Closure<Key>>,
    at_least: NonZeroUsize,
    hears_all: bool,
    at_once: NonZeroUsize,
}

impl Default for Vote {
    fn default() -> Self {
        Self::new()
    }
}

impl Vote {
    /// A vote of the team, by absolute majority.
    pub const fn new() -> Self {
        Self {
            voters: None,
            count: Count::Majority,
            alike: None,
            at_least: NonZeroUsize::MIN,
            hears_all: false,
            at_once: AT_ONCE,
        }
    }

    /// Lets these vote; who is named twice has two votes.
    #[must_use]
    pub fn among<S: Into<Seat>>(self, voters: impl IntoIterator<Item = S>) -> Self {
        let seats: Vec<Seat> = voters.into_iter().map(Into::into).collect();
        let voters = names_of(&seats).into_iter().zip(seats).collect();
        Self { voters: Some(voters), ..self }
    }

    /// Lets one agent answer so many times. That is meant, and the guard of repeated calls does not count it.
    #[must_use]
    pub fn times(self, agent: impl Into<Seat>, votes: usize) -> Self {
        let agent = agent.into();
        self.among(std::iter::repeat_n(agent, votes))
    }

    /// Most votes count, be it that they are not more than half.
    #[must_use]
    pub fn plurality(self) -> Self {
        Self { count: Count::Plurality, ..self }
    }

    /// Lets an agent judge all answers. Its input is `{"answers": [{"voter": …, "agent": …, "output": …}, …]}`, its
    /// output the team's.
    #[must_use]
    pub fn judged_by(self, judge: impl Into<Seat>) -> Self {
        Self { count: Count::Judge(judge.into()), ..self }
    }

    /// Answers with the same key are alike. The function is pure, as the strategy is.
    ///
    /// ```
    /// use safeguards_coord::Vote;
    /// use serde_json::{Value, json};
    ///
    /// // `{"verdict": "Spam ", "why": …}` and `{"verdict": "spam", …}` agree.
    /// let vote = Vote::new().alike(|answer: &Value| {
    ///     json!(answer["verdict"].as_str().map(|verdict| verdict.trim().to_lowercase()))
    /// });
    /// # let _ = vote;
    /// ```
    #[must_use]
    pub fn alike(self, key: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self { alike: Some(Closure(Arc::new(key))), ..self }
    }

    /// Nothing counts unless at least so many voted; 0 is read as 1, which it is unless this is said.
    #[must_use]
    pub fn at_least(self, votes: usize) -> Self {
        Self { at_least: at_once(votes), ..self }
    }

    /// Waits for every vote, even where it changes nothing any more.
    #[must_use]
    pub fn hear_all(self) -> Self {
        Self { hears_all: true, ..self }
    }

    /// Runs at most `steps` at once; 0 is read as 1.
    #[must_use]
    pub fn at_once(self, steps: usize) -> Self {
        Self { at_once: at_once(steps), ..self }
    }

    /// Everybody who votes.
    fn voters<'a>(&'a self, progress: &'a Progress) -> Cow<'a, [(StepId, Seat)]> {
        if let Some(voters) = &self.voters {
            return Cow::Borrowed(voters);
        }
        let judge = match &self.count {
            Count::Judge(seat) => seat.agent(),
            Count::Majority | Count::Plurality => None,
        };
        let agents = others(progress.agents(), &[judge]);
        agents.iter().map(|agent| (agent.as_str().into(), agent.into())).collect()
    }

    fn tally<'a>(&self, batch: Batch<'a>) -> Tally<'a> {
        let key = |answer: &Value| match &self.alike {
            Some(key) => key(answer),
            None => answer.clone(),
        };
        Tally::of(batch.succeeded(), key)
    }

    /// How it stands: the answer or why there will be none, once either is certain.
    fn decide(&self, batch: Batch<'_>, tally: &Tally<'_>) -> Option<Decision> {
        if self.hears_all && !batch.is_done() {
            return None;
        }
        let (votes, asked) = (tally.votes(), batch.len);
        let gone = batch.steps().iter().filter(|step| step.has_not_succeeded()).count();
        let possible = asked.saturating_sub(gone);
        let outstanding = possible.saturating_sub(votes);
        let half = asked.checked_div(2).unwrap_or_default().saturating_add(1);
        let needed = match self.count {
            Count::Majority => half.max(self.at_least.get()),
            Count::Plurality | Count::Judge(_) => self.at_least.get(),
        };
        if possible < needed {
            return Some(Decision::TooFew { possible, needed });
        }
        let (best, second) = tally.ahead();
        let is_decided = match self.count {
            Count::Majority => best >= half,
            Count::Plurality => best > second.saturating_add(outstanding),
            // Every answer is heard.
            Count::Judge(_) => return (outstanding == 0).then_some(Decision::Judge),
        };
        if is_decided && votes >= self.at_least.get() {
            return tally.winner().cloned().map(Decision::Answer);
        }
        let is_open = match self.count {
            Count::Majority => best.saturating_add(outstanding) >= half,
            Count::Plurality | Count::Judge(_) => outstanding > 0,
        };
        (!is_open).then_some(Decision::Nothing { half })
    }

    fn fail(&self, batch: Batch<'_>, tally: &Tally<'_>, decision: &Decision) -> Option<Move> {
        let output = Some(tally.shown());
        let fault = match decision {
            Decision::Answer(_) | Decision::Judge => return None,
            Decision::TooFew { possible: 0, .. } => {
                let because_of = batch.progress.ended(0).next()?.step.clone();
                let lost = listed(unsuccessful(batch.progress));
                let why = (batch.len > 1).then(|| format!("nobody voted: {lost}"));
                return Some(Move::Stop { because_of, why, output });
            }
            Decision::TooFew { needed, .. } if *needed > batch.len => {
                StrategyFault::TooFewVoters { voters: batch.len, needed: *needed }
            }
            Decision::TooFew { possible, needed } => StrategyFault::TooFewVotes {
                votes: *possible,
                voters: batch.len,
                needed: *needed,
                why: listed(unsuccessful(batch.progress)),
            },
            Decision::Nothing { half } => StrategyFault::NoMajority {
                counts: tally.to_string(),
                needed: match self.count {
                    Count::Majority => {
                        format!("{half} votes of {} would be one", batch.len)
                    }
                    Count::Plurality | Count::Judge(_) => "nothing has most votes".to_owned(),
                },
            },
        };
        Some(fault.fail(output))
    }
}

/// How a vote ends.
#[derive(Debug)]
enum Decision {
    /// With this answer.
    Answer(Value),
    /// The judge decides.
    Judge,
    /// Opinions differ; so many would have had to agree.
    Nothing { half: usize },
    /// Too many voters failed.
    TooFew { possible: usize, needed: usize },
}

impl Strategy for Vote {
    fn name(&self) -> &'static str {
        "vote"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let voters = self.voters(progress);
        if voters.is_empty() {
            return vec![StrategyFault::NoVoters.fail(None)];
        }
        let batch = Batch { progress, from: 0, len: voters.len(), at_once: self.at_once };
        let tally = self.tally(batch);
        if let Some(judge) = progress.steps().get(voters.len()) {
            return judge.end_or_wait(Some(tally.shown()));
        }
        let make = |place: usize| {
            let (name, seat) = voters.get(place)?.clone();
            Some(Step::new(name, seat, progress.task().clone()).given())
        };
        let Some(decision) = self.decide(batch, &tally) else {
            return batch.starts(make);
        };
        let mut moves = batch.skips(make, "the vote is decided without it");
        let judge = match &self.count {
            Count::Judge(seat) => {
                let is_taken = |name: &str| voters.iter().any(|(step, _)| step.as_str() == name);
                let answers: Vec<Value> = batch.succeeded().map(answer).collect();
                let task = progress.task().clone().with_input(json!({ "answers": answers }));
                Some(Step::new(free_name("judge", is_taken), seat.clone(), task))
            }
            Count::Majority | Count::Plurality => None,
        };
        let end = self.fail(batch, &tally, &decision);
        match (judge, end) {
            (Some(judge), None) => moves.push(Move::Start(judge)),
            (judge, Some(end)) => {
                moves.extend(judge.map(|judge| judge.skip("there are too few votes")));
                moves.push(end);
            }
            (None, None) => {}
        }
        if let Decision::Answer(output) = decision {
            moves.push(Move::Succeed { output });
        }
        moves
    }

    /// How often what was answered, most votes first.
    fn so_far(&self, progress: &Progress) -> Option<Value> {
        let len = self.voters(progress).len();
        let batch = Batch { progress, from: 0, len, at_once: self.at_once };
        Some(self.tally(batch).shown())
    }
}

/// An answer as the judge sees it.
fn answer(step: &StepProgress) -> Value {
    json!({
        "voter": step.step.as_str(),
        "agent": step.agent.as_ref().map(safeguards_types::AgentId::as_str),
        "output": step.output,
    })
}

#[cfg(test)]
mod tests;
