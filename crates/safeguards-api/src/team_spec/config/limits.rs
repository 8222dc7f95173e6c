//! [`ServiceLimits`]: `[limits]`, how much the parts of a service keep and take.

use std::time::Duration;

use safeguards_budget::Bounds;
use safeguards_coord::{MemoryStateStore, StateBounds};
use safeguards_discovery::MemoryRegistry;
use safeguards_notify::{MemoryAlertStore, MemoryAlertStoreBounds};

use super::super::section::Section;
use crate::Builder;

/// How much the parts of a service keep and take. What is not said is as each part has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLimits {
    /// How many accounts the ledger may open.
    pub accounts_max: Option<usize>,
    /// How many operation ids, with their entries, the ledger keeps at the least.
    pub operations_kept: Option<usize>,
    /// How many it keeps at the most.
    pub operations_max: Option<usize>,
    /// For how long it keeps them beyond the least number.
    pub kept_for: Option<Duration>,
    /// How many of the latest alerts are kept.
    pub alerts_kept: Option<usize>,
    /// How many of the latest dead letters are kept.
    pub dead_letters_kept: Option<usize>,
    /// How many keys agents may share.
    pub state_keys_max: Option<usize>,
    /// How many bytes the values of all of them may have.
    pub state_bytes_max: Option<usize>,
    /// How many earlier versions of each key are kept.
    pub state_history_kept: Option<usize>,
    /// How many agents may be registered.
    pub agents_max: Option<usize>,
}

/// Reads `[limits]`.
pub(in super::super) fn read(file: &mut Section<'_>) -> ServiceLimits {
    let Some(mut section) = file.table("limits", "[limits]") else {
        return ServiceLimits::default();
    };
    let versions =
        |number| usize::try_from(number).ok().filter(|kept| *kept <= StateBounds::HISTORY);
    let most = format!("write a whole number, 0 to {}", StateBounds::HISTORY);
    let limits = ServiceLimits {
        accounts_max: section.count("accounts_max"),
        operations_kept: section.count("operations_kept"),
        operations_max: section.count("operations_max"),
        kept_for: section.duration("kept_for"),
        alerts_kept: section.count("alerts_kept"),
        dead_letters_kept: section.count("dead_letters_kept"),
        state_keys_max: section.count("state_keys_max"),
        state_bytes_max: section.count("state_bytes_max"),
        state_history_kept: section.number("state_history_kept", versions, &most),
        agents_max: section.count("agents_max"),
    };
    let bounds = limits.ledger();
    if let (true, Some(value)) =
        (bounds.operations_kept > bounds.operations_max, section.value("operations_kept"))
    {
        let message = format!("write at most `operations_max`, {}", bounds.operations_max);
        section.expected("operations_kept", value, &message);
    }
    section.finish(&[]);
    limits
}

impl ServiceLimits {
    /// The bounds of a ledger in memory.
    pub fn ledger(&self) -> Bounds {
        let mut bounds = Bounds::DEFAULT;
        bounds.accounts_max = self.accounts_max.unwrap_or(bounds.accounts_max);
        bounds.operations_kept = self.operations_kept.unwrap_or(bounds.operations_kept);
        bounds.operations_max = self.operations_max.unwrap_or(bounds.operations_max);
        bounds.kept_for = self.kept_for.unwrap_or(bounds.kept_for);
        bounds
    }

    /// The same builder, with parts in memory within these limits; they go by the machine's clock.
    pub fn bound(&self, builder: Builder) -> Builder {
        let mut builder = builder.alert_store(MemoryAlertStore::with_bounds(self.alerts()));
        if self.state_keys_max.is_some()
            || self.state_bytes_max.is_some()
            || self.state_history_kept.is_some()
        {
            builder = builder.state_store(self.state_store());
        }
        if self.agents_max.is_some() {
            builder = builder.registry(self.registry());
        }
        builder
    }

    /// How many alerts a store in memory keeps.
    pub fn alerts(&self) -> MemoryAlertStoreBounds {
        let mut bounds = MemoryAlertStoreBounds::default();
        bounds.history = self.alerts_kept.unwrap_or(bounds.history);
        bounds.dead_letters = self.dead_letters_kept.unwrap_or(bounds.dead_letters);
        bounds
    }

    /// What agents share, in memory and within these limits.
    pub fn state_store(&self) -> MemoryStateStore {
        MemoryStateStore::builder()
            .keys_max(self.state_keys_max.unwrap_or(MemoryStateStore::KEYS_MAX))
            .bytes_max(self.state_bytes_max.unwrap_or(MemoryStateStore::BYTES_MAX))
            .history_kept(self.state_history_kept.unwrap_or(MemoryStateStore::HISTORY_KEPT))
            .build()
    }

    /// A registry in memory, within these limits.
    pub fn registry(&self) -> MemoryRegistry {
        let agents = self.agents_max.unwrap_or(MemoryRegistry::AGENTS_MAX);
        MemoryRegistry::builder().agents_max(agents).build()
    }
}
