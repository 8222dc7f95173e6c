//! The example of `safeguards-discovery`'s README, which needs that crate alone.

use std::time::Duration;

use safeguards_discovery::{Capability, MemoryRegistry, Query, Registration};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = MemoryRegistry::new();
    let registry = registry.sync(); // no future, no runtime

    let analysis = Registration::new("analysis", Duration::from_secs(60))
        .capability(Capability::new("data.analysis.regression")?.with("formats", ["json", "csv"]));
    let lease = registry.register(analysis)?;

    // Who asks for `data.analysis` finds what is below it, too.
    let found = registry.find(&Query::new("data.analysis")?.with("formats", ["json"]))?;
    assert_eq!(found.first().map(|found| found.agent.as_str()), Some("analysis"));

    registry.renew(&lease, None)?; // within 60 seconds, again and again; else the agent is gone
    println!("found {}", lease.agent);
    Ok(())
}
