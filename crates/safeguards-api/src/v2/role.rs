//! [`Role`]: what an account is for.

use serde::{Deserialize, Serialize};

use crate::directory;

/// What an account was made for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// For somebody who spends.
    Agent,
    /// For a budget that agents share.
    Pool,
}

impl From<directory::Role> for Role {
    fn from(role: directory::Role) -> Self {
        match role {
            directory::Role::Agent => Self::Agent,
            directory::Role::Pool => Self::Pool,
        }
    }
}
