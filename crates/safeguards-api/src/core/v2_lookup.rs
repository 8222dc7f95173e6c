//! What version 2 looks up besides: who was made here, and as what.

use safeguards_types::AccountId;

use super::Core;
use crate::{directory::Role, v2};

impl Core {
    /// All agents and pools that were made here.
    pub(crate) fn made_here(&self) -> Vec<AccountId> {
        let all = [Role::Agent, Role::Pool].map(|role| self.directory.list(role));
        all.into_iter().flatten().map(|terms| terms.account).collect()
    }

    /// What an account was made for here.
    pub(crate) fn role(&self, account: &AccountId) -> Option<v2::Role> {
        self.directory.find(account).map(|terms| terms.role.into())
    }
}
