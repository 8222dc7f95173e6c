//! [`OperationId`]: the caller's name for one command, which makes a retry safe.

use std::{
    borrow::Cow,
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::Timestamp;

/// The caller's name for one command: a version 7 UUID, so it carries the time when it was minted.
///
/// Sent twice with the same command, it is carried out once and answered twice alike. Ids are ordered by
/// the millisecond in which they were minted.
///
/// ```
/// use safeguards_types::{OperationIds, Timestamp};
///
/// let ids = OperationIds::new();
/// let job = ids.mint(Timestamp::parse("2026-01-05T09:00:00Z")?);
/// // The same job and the same step always give the same id: kept with the work, a retry is safe.
/// assert_eq!(job.step("read"), job.step("read"));
/// assert_ne!(job.step("read"), job.step("write"));
/// assert_eq!(job.step("read").minted_at(), job.minted_at());
/// # Ok::<(), safeguards_types::TimestampError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(Uuid);

/// Why a text is no [`OperationId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationIdError {
    /// Not a UUID of version 7.
    #[error(
        "`{text}` is no operation id: a version 7 UUID such as 019b8d2c-7a10-7b6a-ba92-0e8f0c98431a"
    )]
    Malformed {
        /// What was given.
        text: String,
    },
}

const VERSION: u128 = 0x7 << 76;
const VARIANT: u128 = 0b10 << 62;
const VERSION_AND_VARIANT_MASK: u128 = (0xf << 76) | (0b11 << 62);
const TIME_SHIFT: u32 = 80;
const NANOS_PER_MILLI: i64 = 1_000_000;

impl OperationId {
    /// Reads a UUID of version 7, case ignored.
    ///
    /// # Errors
    ///
    /// Where the text is no such UUID.
    pub fn parse(text: &str) -> Result<Self, OperationIdError> {
        let malformed = || OperationIdError::Malformed { text: text.to_owned() };
        // The hyphenated form alone: braces and URNs are no form of an id here.
        let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        uuid.and_then(Self::of_uuid).ok_or_else(malformed)
    }

    /// The id with these bytes; `None` where they are no UUID of version 7.
    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        Self::of_uuid(Uuid::from_bytes(bytes))
    }

    const fn of_uuid(uuid: Uuid) -> Option<Self> {
        let is_v7 = (uuid.as_u128() & VERSION_AND_VARIANT_MASK) == (VERSION | VARIANT);
        if is_v7 { Some(Self(uuid)) } else { None }
    }

    /// The 16 bytes of the UUID, the highest of its time first: they sort as the ids do.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// When the id was minted, to the millisecond.
    ///
    /// A time past the year 2262, which an id can hold, is answered with the last instant there is.
    pub fn minted_at(self) -> Timestamp {
        i64::try_from(self.0.as_u128() >> TIME_SHIFT)
            .ok()
            .and_then(|millis| millis.checked_mul(NANOS_PER_MILLI))
            .and_then(Timestamp::from_nanos)
            .unwrap_or(Timestamp::MAX)
    }

    /// The id of a named step of this piece of work, minted at the same time; always the same one.
    #[must_use]
    pub fn step(self, name: &str) -> Self {
        self.step_at(name, self.minted_at())
    }

    /// The id of a named step of this piece of work that begins at `at`; always the same one.
    ///
    /// The bits beside the time are the name's SHA-1 hash under the job's id (a version 5 UUID).
    #[must_use]
    pub fn step_at(self, name: &str, at: Timestamp) -> Self {
        Self::from_bits(at, Uuid::new_v5(&self.0, name.as_bytes()).as_u128())
    }

    /// An id minted at `at`, with the given bits where a version 7 UUID is free.
    fn from_bits(at: Timestamp, bits: u128) -> Self {
        let millis =
            u128::try_from(at.as_nanos().checked_div(NANOS_PER_MILLI).unwrap_or(0)).unwrap_or(0);
        let free = bits & ((1 << TIME_SHIFT) - 1) & !VERSION_AND_VARIANT_MASK;
        Self(Uuid::from_u128((millis << TIME_SHIFT) | VERSION | VARIANT | free))
    }
}

impl FromStr for OperationId {
    type Err = OperationIdError;

    fn from_str(text: &str) -> Result<Self, OperationIdError> {
        Self::parse(text)
    }
}

impl fmt::Debug for OperationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl Serialize for OperationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Mints operation ids: a counter beside a number drawn once, so that no id costs a random draw.
#[derive(Debug)]
pub struct OperationIds {
    /// 42 bits that tell this source from others.
    source: u64,
    next: AtomicU64,
}

const SOURCE_BITS: u32 = 42;
/// What is left of the 74 free bits of a version 7 UUID: 12 above the variant, 20 below it.
const COUNTER_LOW_BITS: u32 = 20;

impl OperationIds {
    /// A source of ids that differs from every other.
    pub fn new() -> Self {
        // The low half of a random UUID holds 62 random bits.
        let (_, random) = Uuid::new_v4().as_u64_pair();
        Self::seeded(random)
    }

    /// A source that mints the same ids for the same seed and times: for replays and tests.
    ///
    /// Two sources of one seed mint the same ids; use it only where that is meant.
    pub fn seeded(seed: u64) -> Self {
        Self { source: seed & ((1 << SOURCE_BITS) - 1), next: AtomicU64::new(0) }
    }

    /// Mints an id at `now`, unlike any minted here before.
    pub fn mint(&self, now: Timestamp) -> OperationId {
        let count = u128::from(self.next.fetch_add(1, Ordering::Relaxed));
        let low = count & ((1 << COUNTER_LOW_BITS) - 1);
        let high = (count >> COUNTER_LOW_BITS) & 0xfff;
        OperationId::from_bits(now, (high << 64) | (low << SOURCE_BITS) | u128::from(self.source))
    }
}

impl Default for OperationIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn only_version_7_is_an_operation_id() {
        let id = OperationId::parse("01A2CB53-da80-7b6a-ba92-0e8f0c98431a").unwrap();
        assert_eq!(id.to_string(), "01a2cb53-da80-7b6a-ba92-0e8f0c98431a");
        assert_eq!(id.minted_at().to_string(), "2026-12-31T09:00:00Z");
        for text in [
            "01a2cb53-da80-4b6a-ba92-0e8f0c98431a",
            "01a2cb53-da80-7b6a-1a92-0e8f0c98431a",
            "{01a2cb53-da80-7b6a-ba92-0e8f0c98431a}",
            "01a2cb53da807b6aba920e8f0c98431a",
            "",
        ] {
            assert!(OperationId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn minted_ids_differ_parse_and_keep_their_order() {
        let ids = OperationIds::new();
        let now = Timestamp::parse("2026-03-02T14:12:07.123456789Z").unwrap();
        // Past the low bits of the counter, where it carries over the variant bits.
        let minted: Vec<_> = (0..(1 << COUNTER_LOW_BITS) + 10).map(|_| ids.mint(now)).collect();
        assert!(minted.is_sorted());
        assert_eq!(minted.iter().collect::<HashSet<_>>().len(), minted.len());
        let last = minted.last().unwrap();
        assert_eq!(OperationId::parse(&last.to_string()), Ok(*last));
        assert_eq!(last.minted_at().to_string(), "2026-03-02T14:12:07.123Z");
    }

    #[test]
    fn a_step_has_the_time_it_is_given() {
        let at = Timestamp::parse("2026-03-02T14:12:07.5Z").unwrap();
        let job = OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH);
        let step = job.step_at("research/1/hold", at);
        assert_eq!(step.minted_at(), at);
        assert_eq!(OperationId::parse(&step.to_string()), Ok(step));
        assert_ne!(step, job.step_at("research/2/hold", at));
    }
}
