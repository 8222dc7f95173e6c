//! `[run]`: what a run may spend and do in all.

use safeguards_coord::{Guards, RunOptions};
use safeguards_types::Amounts;
use toml::Spanned;

use super::{mistake::MistakeKind, section::Section};

/// What a run may spend and do in all; what is not said is as [`Guards`] and [`RunOptions`] have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunSpec {
    /// What all its steps together may spend, beside what accounts may.
    pub budget: Option<Amounts>,
    /// What is held before each run of an agent that has no estimate of its own.
    pub estimate: Option<Amounts>,
    /// How many steps it may have.
    pub steps_max: Option<usize>,
    /// How deep agents may delegate.
    pub depth_max: Option<u32>,
    /// How often one may hand over to another.
    pub hand_overs_max: Option<u32>,
    /// How often the same may be asked of the same.
    pub repeats_max: Option<u32>,
    /// How many bytes an output may have.
    pub output_bytes_max: Option<usize>,
}

impl RunSpec {
    /// What keeps a run from going on for ever.
    pub fn guards(&self) -> Guards {
        let mut guards = Guards::default();
        guards.steps_max = self.steps_max.unwrap_or(guards.steps_max);
        guards.depth_max = self.depth_max.unwrap_or(guards.depth_max);
        guards.hand_overs_max = self.hand_overs_max.unwrap_or(guards.hand_overs_max);
        guards.repeats_max = self.repeats_max.unwrap_or(guards.repeats_max);
        guards
    }

    /// The same options within these bounds.
    pub(super) fn bound(&self, options: RunOptions) -> RunOptions {
        let mut options = options.guards(self.guards());
        if let Some(budget) = &self.budget {
            options = options.budget(budget.clone());
        }
        match self.output_bytes_max {
            Some(bytes) => options.output_bytes_max(bytes),
            None => options,
        }
    }
}

/// Reads `[run]`; gives it with the place of the budget.
pub(super) fn read(file: &mut Section<'_>) -> RunSpec {
    let Some(mut section) = file.table("run", "[run]") else {
        return RunSpec::default();
    };
    let what = "write a whole number, 0 or more";
    let bound = |number| u32::try_from(number).ok();
    let amounts = |section: &mut Section<'_>, key| {
        let amounts = section.amounts(key)?;
        if amounts.get_ref().is_zero() && !amounts.get_ref().is_empty() {
            let message = format!("[run]: `{key}` is nothing, so that no run could begin");
            section.reader.mistake(MistakeKind::Value, &amounts.span(), message);
        }
        Some(Spanned::into_inner(amounts)).filter(|amounts| !amounts.is_empty())
    };
    let spec = RunSpec {
        budget: amounts(&mut section, "budget"),
        estimate: amounts(&mut section, "estimate"),
        steps_max: section.count("steps_max"),
        depth_max: section.number("depth_max", bound, what),
        hand_overs_max: section.number("hand_overs_max", bound, what),
        repeats_max: section.number(
            "repeats_max",
            |number| bound(number).filter(|max| *max > 0),
            "write a whole number, 1 or more",
        ),
        output_bytes_max: section.count("output_max"),
    };
    section.finish(&[]);
    spec
}
