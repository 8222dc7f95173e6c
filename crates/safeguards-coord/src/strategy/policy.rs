//! [`Policy`]: when steps side by side are enough, and when they are in vain.

use std::fmt;

/// What the ends of some steps mean for the others beside them: when there is enough, and when it is in vain.
///
/// | policy | succeeds | ends early |
/// | --- | --- | --- |
/// | [`All`](Self::All) | if all do | never |
/// | [`FailFast`](Self::FailFast) | if all do | at the first that does not succeed |
/// | [`Any`](Self::Any) | if one does | at the first that succeeds |
/// | [`Quorum(n)`](Self::Quorum) | if `n` do | at the `n`th that succeeds, or once `n` are out of reach |
/// | [`AtLeast(n)`](Self::AtLeast) | if `n` do | never |
///
/// Ending early, what is running is cancelled and the rest is skipped.
///
/// A number that is 0 or more than there are steps is refused as `fan_out.bad_quorum`, before any of them begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every step runs to its end, whatever becomes of the others. All must succeed.
    #[default]
    All,
    /// All must succeed. The first step that does not cancels what is running and skips the rest.
    FailFast,
    /// One must succeed. The first that does cancels what is running and skips the rest.
    Any,
    /// So many must succeed. Once they have, or no longer can, what is running is cancelled and the rest skipped.
    Quorum(usize),
    /// Every step runs to its end. So many must succeed, and what succeeded counts.
    AtLeast(usize),
}

impl Policy {
    /// How many of `steps` must succeed; `None` where that many cannot be asked for.
    pub(super) fn needed(self, steps: usize) -> Option<usize> {
        match self {
            Self::All | Self::FailFast => Some(steps),
            Self::Any => (steps > 0).then_some(1),
            Self::Quorum(needed) | Self::AtLeast(needed) => {
                (1..=steps).contains(&needed).then_some(needed)
            }
        }
    }
}

impl fmt::Display for Policy {
    /// For messages: `a quorum of 3`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("all"),
            Self::FailFast => out.write_str("all, failing fast"),
            Self::Any => out.write_str("any"),
            Self::Quorum(needed) => write!(out, "a quorum of {needed}"),
            Self::AtLeast(needed) => write!(out, "at least {needed}"),
        }
    }
}
