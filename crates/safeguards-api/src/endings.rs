//! [`Endings`]: makes another try to end a hold the same operation as the first.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use safeguards_budget::{CommandError, Denial, HoldId, Receipt, SettleError};
use safeguards_types::{OperationId, Timestamp};

/// How many holds are remembered; of more the oldest is forgotten.
const HOLDS_MAX: usize = 4_096;

/// When holds were first tried to be ended of which nobody knows whether they are.
///
/// The name of an ending is derived from its hold. Its time is that of the first try: an old hold's own may
/// be too old for the ledger, and that of a later try would make it another operation.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    tried_at: Mutex<BTreeMap<HoldId, Timestamp>>,
}

impl Endings {
    /// The operation that ends `hold` in the way of this name, tried at `now`.
    pub(crate) fn operation(&self, hold: HoldId, name: &str, now: Timestamp) -> OperationId {
        let tried_at = self.tried_at.lock().get(&hold).copied();
        hold.op().step_at(name, tried_at.unwrap_or(now))
    }

    /// Notes what came of ending `hold` as `op`.
    pub(crate) fn note(&self, hold: HoldId, op: OperationId, ended: &Result<Receipt, SettleError>) {
        let mut tried_at = self.tried_at.lock();
        match ended.as_ref().map_err(SettleError::error) {
            Err(CommandError::Ledger(_)) => {
                tried_at.insert(hold, op.minted_at());
                if tried_at.len() > HOLDS_MAX {
                    tried_at.pop_first();
                }
            }
            // Whatever became of the first try, its name is of no more use.
            Ok(_) | Err(CommandError::Denied(Denial::OperationTooOld { .. })) => {
                tried_at.remove(&hold);
            }
            // Asked for in another way, perhaps: the first way stays open.
            Err(_) => {}
        }
    }
}
