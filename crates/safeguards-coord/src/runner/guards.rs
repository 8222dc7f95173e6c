//! [`Guards`]: what keeps a run from going on for ever.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher as _},
    io,
};

use crate::{RunFault, Seat, StepId, Task, seat::need_text};

/// What keeps a run from going on for ever. Each bound ends the run, or refuses the step, with a reason of its
/// own.
///
/// ```
/// use safeguards_coord::Guards;
///
/// let mut guards = Guards::default();
/// guards.repeats_max = 3;
/// assert_eq!(guards.hand_overs_max, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guards {
    /// How many steps a run may have, those that agents delegate among them; 10,000 unless set.
    pub steps_max: usize,
    /// How deep agents may delegate: 1 means that who was delegated to delegates no further; 8 unless set.
    pub depth_max: u32,
    /// How often one agent may hand over to another; 100 unless set.
    pub hand_overs_max: u32,
    /// How often the same may be asked of the same agent, or of whoever can do the same; 10 unless set. Attempts of
    /// one step count once; the inputs of a fan-out, and who is asked to vote, are given by whoever asked for the run,
    /// and are not counted.
    pub repeats_max: u32,
}

impl Default for Guards {
    fn default() -> Self {
        Self { steps_max: 10_000, depth_max: 8, hand_overs_max: 100, repeats_max: 10 }
    }
}

/// Counts what the guards bound.
#[derive(Debug)]
pub(super) struct Watch {
    guards: Guards,
    steps: usize,
    hand_overs: u32,
    /// How often each call was made, by its hash.
    calls: HashMap<u64, u32>,
}

impl Watch {
    pub(super) fn new(guards: Guards) -> Self {
        Self { guards, steps: 0, hand_overs: 0, calls: HashMap::new() }
    }

    /// One more step, begun or not.
    pub(super) const fn step(&mut self) -> Result<(), RunFault> {
        if self.steps >= self.guards.steps_max {
            return Err(RunFault::TooManySteps { max: self.guards.steps_max });
        }
        self.steps = self.steps.saturating_add(1);
        Ok(())
    }

    /// One more step that agents handed over to.
    pub(super) fn hand_over(&mut self, step: &StepId) -> Result<(), RunFault> {
        if self.hand_overs >= self.guards.hand_overs_max {
            let (step, max) = (step.clone(), self.guards.hand_overs_max);
            return Err(RunFault::TooManyHandOvers { step, max });
        }
        self.hand_overs = self.hand_overs.saturating_add(1);
        Ok(())
    }

    /// A step that was delegated at this depth.
    pub(super) fn depth(&self, step: &StepId, depth: u32) -> Result<(), RunFault> {
        if depth <= self.guards.depth_max {
            return Ok(());
        }
        Err(RunFault::TooDeep { step: step.clone(), max: self.guards.depth_max })
    }

    /// One more time that this is asked of these.
    pub(super) fn call(&mut self, step: &StepId, seat: &Seat, task: &Task) -> Result<(), RunFault> {
        let times = self.calls.entry(hash(seat, task)).or_default();
        if *times >= self.guards.repeats_max {
            let who = seat.need().map_or_else(|| seat.name().to_owned(), |need| need_text(need));
            let (step, max) = (step.clone(), self.guards.repeats_max);
            return Err(RunFault::RepeatedCall { step, who, max });
        }
        *times = times.saturating_add(1);
        Ok(())
    }
}

/// What a call is known by. Two that differ and have the same hash are rarer than one in 10¹⁵ runs of a thousand
/// steps.
fn hash(seat: &Seat, task: &Task) -> u64 {
    let mut hasher = Into(DefaultHasher::new());
    match seat.need() {
        Some(need) => hasher.0.write(need_text(need).as_bytes()),
        None => hasher.0.write(seat.name().as_bytes()),
    }
    hasher.0.write_u8(0);
    hasher.0.write(task.text().as_bytes());
    hasher.0.write_u8(0);
    // Writing into a hash does not fail, and what cannot be written as JSON does not come out of a `Value`.
    let _ = serde_json::to_writer(&mut hasher, task.input());
    hasher.0.finish()
}

/// Bytes go into a hash.
struct Into(DefaultHasher);

impl io::Write for Into {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
