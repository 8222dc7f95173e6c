//! Pools: made, changed and deleted, and who is in them.

use safeguards_budget::{Limit, ProtectionStep};
use safeguards_types::{AccountId, Amount, OperationId, Priority};

use super::requests;
use crate::{amount_text, v2::forms};

requests! {
    /// Makes a pool. Made again on the same terms, it is the same one.
    CreatePool {
        /// Its name, which no other pool or agent ever had on other terms: 1 to 256 bytes without control characters.
        name: AccountId,
        /// What all in it together may spend: `"500 USD"`.
        #[serde(with = "amount_text")]
        budget: Amount,
        /// How much its work matters, 1 to 10, higher matters more.
        priority: Priority,
        ;
        /// The pool that it stands below. Left out, it is a root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        under: Option<AccountId>,
        /// Limits besides the budget, as in `budget.set_limit`. Left out, none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        limits: Vec<Limit>,
        /// Which last parts are kept for whom, as in `budget.set_protection`. Left out, none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        protection: Vec<ProtectionStep>,
    }

    /// Asks for a pool.
    GetPool {
        /// Its name.
        pool: AccountId,
    }

    /// Asks for all pools that were made here.
    ListPools {}

    /// Asks which agents stand directly in a pool.
    ListMembers {
        /// The pool.
        pool: AccountId,
    }

    /// Changes a pool: all that is named here, together or not at all.
    UpdatePool {
        /// Its name.
        pool: AccountId,
        /// The caller's name for it, a version 7 UUID. Asked again under the same name, it is done once.
        op: OperationId,
        ;
        /// How much its work matters from now on, 1 to 10. Left out, it stays.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "forms::given")]
        priority: Option<Priority>,
        /// The pool that it stands below from now on; `null`: none. Left out, it stays where it is.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "forms::given")]
        under: Option<Option<AccountId>>,
    }

    /// Deletes a pool in which nobody is, for good; its name is never used again.
    DeletePool {
        /// Its name.
        pool: AccountId,
        /// The caller's name for it, a version 7 UUID.
        op: OperationId,
    }
}
