//! Names inside a run: [`RunId`], [`StepId`].

use std::{fmt, sync::Arc};

use safeguards_types::OperationId;
use serde::{Deserialize, Serialize};

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id with this name.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self::new(name)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), out)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }
    };
}

name_id! {
    /// The name of a run: one call of a team with one task. People read it, programs compare it.
    RunId
}

name_id! {
    /// The name of a step, unlike that of every other step of its run.
    StepId
}

impl RunId {
    /// The short name of the run that `op` names: `r-` and eight digits, always the same ones.
    ///
    /// ```
    /// use safeguards_coord::RunId;
    /// use safeguards_types::{OperationIds, Timestamp};
    ///
    /// let ids = OperationIds::seeded(7);
    /// let (first, second) = (ids.mint(Timestamp::UNIX_EPOCH), ids.mint(Timestamp::UNIX_EPOCH));
    /// assert_eq!(RunId::of(first), RunId::of(first));
    /// assert_ne!(RunId::of(first), RunId::of(second));
    /// assert_eq!(RunId::of(first).as_str().len(), 10);
    /// ```
    pub fn of(op: OperationId) -> Self {
        // Ids of one source differ only in their middle; a step's last digits are those of a hash.
        let hashed = op.step("run").to_string();
        let digits = hashed.get(28..).unwrap_or(&hashed);
        Self::new(format!("r-{digits}"))
    }
}
