//! [`StateBounds`]: how much of anything shared state takes. What is beyond is refused with the bound in the error.

use std::time::Duration;

/// How much a store of shared state takes. The same for all, so that what one takes another takes too.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StateBounds;

impl StateBounds {
    /// Bytes of a key.
    pub const KEY_BYTES: usize = 512;
    /// Bytes of an agent's name.
    pub const AGENT_NAME_BYTES: usize = 256;
    /// Bytes of a value, as JSON without spaces.
    pub const VALUE_BYTES: usize = 1_048_576;
    /// How deep lists and objects of a value stand in each other; the outermost is 1 deep.
    pub const VALUE_DEPTH: usize = 64;
    /// The shortest time to live.
    pub const TTL_MIN: Duration = Duration::from_millis(1);
    /// The longest time to live: 100 years of 365.25 days. What is to stay has none.
    pub const TTL_MAX: Duration = Duration::from_hours(876_600);
    /// Agents that a key's rules name as readers; and as many as writers.
    pub const RULE_AGENTS: usize = 1_024;
    /// Keys on one page.
    pub const PAGE: usize = 1_000;
    /// Changes in one answer.
    pub const CHANGES: usize = 10_000;
    /// Earlier versions of a key that a store may be told to keep.
    pub const HISTORY: usize = 1_024;
}
