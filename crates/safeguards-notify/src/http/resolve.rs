//! [`PublicNames`]: looks names up, and gives those addresses alone that may be connected to.

use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::url_policy::UrlPolicy;

/// Looks names up with the system's resolver, and keeps what the policy refuses from the connector.
///
/// The addresses that it gives are the ones that are connected to: there is no second look-up that could
/// answer otherwise.
#[derive(Debug)]
pub(super) struct PublicNames(pub(super) Arc<UrlPolicy>);

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            // The connector puts the URL's port in place of 0.
            let found = lookup_host((name.as_str(), 0)).await?;
            let admitted = policy.admit(name.as_str(), found)?;
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}
