//! [`Bounds`]: how much of anything is taken. What is beyond is refused with the bound in the error.

use std::time::Duration;

/// How much a registry takes. The same for all, so that what one takes another takes too.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Bounds;

impl Bounds {
    /// Bytes of an agent's name.
    pub const AGENT_NAME_BYTES: usize = 256;
    /// Bytes of a capability's name.
    pub const CAPABILITY_NAME_BYTES: usize = 256;
    /// Parts of a capability's name.
    pub const CAPABILITY_NAME_PARTS: usize = 16;
    /// Capabilities of one agent.
    pub const CAPABILITIES: usize = 1_024;
    /// Bytes of a capability's metadata, as JSON without spaces.
    pub const METADATA_BYTES: usize = 65_536;
    /// How deep lists and objects of metadata stand in each other; the outermost object is 1 deep.
    pub const METADATA_DEPTH: usize = 16;
    /// Bytes of a version, or of a range of versions.
    pub const VERSION_BYTES: usize = 1_024;
    /// The shortest lease.
    pub const TTL_MIN: Duration = Duration::from_millis(1);
    /// The longest lease: 100 years of 365.25 days. For what is to stay there are leases without an end.
    pub const TTL_MAX: Duration = Duration::from_hours(876_600);
    /// Bytes of a description.
    pub const DESCRIPTION_BYTES: usize = 16_384;
    /// Tags of one capability.
    pub const TAGS: usize = 256;
    /// Bytes of a tag.
    pub const TAG_BYTES: usize = 256;
    /// Bytes of a unit's name.
    pub const UNIT_BYTES: usize = 256;
    /// Units in which a cost, or what may still be spent, is told.
    pub const COST_UNITS: usize = 16;
    /// What keeps an agent from working, told at once.
    pub const BLOCKS: usize = 64;
    /// Bytes of the reason why an agent is suspended.
    pub const REASON_BYTES: usize = 1_024;
    /// How deep lists and objects of a document stand in each other; the outermost is 1 deep.
    pub const DOCUMENT_DEPTH: usize = 128;
    /// Bytes of an agent's documents, as JSON without spaces, together with their names.
    pub const DOCUMENTS_BYTES: usize = 1_048_576;
    /// Conditions of one query, those inside others counted too.
    pub const CONDITIONS: usize = 256;
    /// Bytes of the words to search for.
    pub const TEXT_BYTES: usize = 4_096;
    /// Agents that a query may be confined to.
    pub const AMONG: usize = 65_536;
    /// Agents on one page.
    pub const PAGE: usize = 10_000;
    /// Changes in one answer.
    pub const CHANGES: usize = 10_000;
}
