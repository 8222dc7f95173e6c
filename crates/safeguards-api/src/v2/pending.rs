//! [`Pending`]: a request with its options, which `.await` sends.

use std::sync::Arc;

use crate::core::Core;

/// A request that is not sent yet: add options if you like, then `.await` it.
///
/// What is asked is the same plain value that [`Api::call`](super::Api::call) takes and JSON has, so what was built up
/// here can be sent elsewhere just as well:
///
/// ```
/// use safeguards_api::{Safeguards, v2::Request};
/// use safeguards_types::usd;
///
/// let v2 = Safeguards::in_memory().v2();
/// let charge = v2.budget().charge("reader", usd!(0.42), v2.operation()).scope("user/ada");
/// let json = serde_json::to_value(Request::from(charge.into_request()))?;
/// assert_eq!(json["call"], "budget.charge");
/// assert_eq!(json["scopes"][0], "user/ada");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct Pending<R> {
    pub(super) core: Arc<Core>,
    pub(super) request: R,
}

impl<R> Pending<R> {
    pub(super) const fn new(core: Arc<Core>, request: R) -> Self {
        Self { core, request }
    }

    /// What is asked.
    pub const fn request(&self) -> &R {
        &self.request
    }

    /// What is asked, not to be sent from here.
    pub fn into_request(self) -> R {
        self.request
    }
}
