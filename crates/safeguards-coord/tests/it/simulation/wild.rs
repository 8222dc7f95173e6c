//! [`Wild`]: a strategy that keeps its contract to be pure, and little else.

use std::panic::resume_unwind;

use fastrand::Rng;
use safeguards_coord::{Move, Progress, Reason, Seat, Step, StepProgress, Strategy, Task};
use safeguards_discovery::Query;
use serde_json::{Value, json};

/// Starts, skips, cancels and hands over as it happens; at times it names somebody who is not there, names a step twice,
/// has nothing to say or panics.
#[derive(Debug)]
pub(super) struct Wild {
    seed: u64,
}

impl Wild {
    pub(super) const fn seeded(seed: u64) -> Self {
        Self { seed }
    }

    fn one(name: String, progress: &Progress, dice: &mut Rng) -> Option<Move> {
        let agents = progress.agents();
        let agent = agents[dice.usize(0..agents.len())].clone();
        let seat = if dice.u8(0..6) == 0 {
            Seat::from(Query::new("data.analysis").unwrap())
        } else {
            Seat::from(agent)
        };
        let task = Task::new(if dice.bool() { "again" } else { "the same" });
        let named = progress.steps().get(dice.usize(0..progress.steps().len().max(1)));
        Some(match dice.u8(0..60) {
            0 => Move::start(&*name, "nobody", task),
            1 => Move::Start(Step::new(named?.step.clone(), seat, task)),
            2 => resume_unwind(Box::new("the strategy panics")),
            3 => Move::Succeed { output: json!("early") },
            4 => named?.finish(),
            5 => Move::Stop { because_of: "none".into(), why: None, output: None },
            6 => Move::Fail { reason: Reason::new("wild.tired", "tired"), output: None },
            7..14 => Move::Cancel(named?.step.clone()),
            14..18 => Move::Skip { step: name.into(), seat, because: "it happens".to_owned() },
            18..28 => Move::Start(Step::new(name, seat, task).handed_over()),
            _ => Move::Start(Step::new(name, seat, task)),
        })
    }
}

impl Strategy for Wild {
    fn name(&self) -> &'static str {
        "wild"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        let named = progress.steps().len();
        let ended = progress.ended(0).count();
        let mut dice = Rng::with_seed(
            self.seed ^ u64::try_from(named * 1_000 + ended).unwrap().wrapping_mul(0x9e37_79b9),
        );
        if named >= 8 && progress.running() == 0 {
            let last = progress.ended(0).last().map(StepProgress::finish);
            return last.into_iter().collect();
        }
        let many = if named >= 8 { 0 } else { dice.usize(0..4) };
        let many = if progress.running() == 0 && dice.u8(0..12) > 0 { many.max(1) } else { many };
        let mut moves = Vec::new();
        for number in 0..many {
            moves.extend(Self::one(format!("s-{}", named + number), progress, &mut dice));
        }
        moves
    }

    fn so_far(&self, progress: &Progress) -> Option<Value> {
        Some(json!(progress.succeeded()))
    }
}
