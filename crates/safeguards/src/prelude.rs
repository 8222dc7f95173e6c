//! What most programs need: `use safeguards::prelude::*`.
//!
//! It is a list of names, never a glob of a whole crate, and it stays under forty of them:
//!
//! | for | names |
//! | --- | --- |
//! | the way in | [`Safeguards`], [`TeamSpec`] |
//! | amounts and limits | [`Amount`], [`usd!`], [`tokens`], [`requests`], [`Limit`], [`Window`] |
//! | how urgent | [`P1`], [`P2`], [`P3`], [`P4`], [`P5`], [`P6`], [`P7`], [`P8`], [`P9`], [`P10`], [`Severity`] |
//! | spending | [`Receipt`], [`Denial`], [`CommandError`], [`LedgerExt`] |
//! | agents and teams | [`Agent`], [`agent_fn`], [`Context`], [`AgentError`], [`Member`], [`Team`], [`Task`], [`Reply`], [`RunOptions`], [`State`] |
//! | strategies | [`Pipeline`], [`FanOut`], [`Supervise`] |
//! | discovery, alerts | [`Capability`], [`Query`], [`Alert`] |
//!
//! With the feature `redb` it also brings `Safeguards::open`, without a name of its own. All else is reached by its crate: `safeguards::coord::TaskGraph`, `safeguards::types::Priority`.

#[cfg(feature = "redb")]
pub use crate::Open as _;
pub use safeguards_api::{Safeguards, TeamSpec};
pub use safeguards_budget::{CommandError, Denial, LedgerExt, Limit, Receipt, Window};
pub use safeguards_coord::{
    Agent, AgentError, Context, FanOut, Member, Pipeline, Reply, RunOptions, State, Supervise,
    Task, Team, agent_fn,
};
pub use safeguards_discovery::{Capability, Query};
pub use safeguards_notify::Alert;
pub use safeguards_types::{Amount, Severity, requests, tokens, usd};

use safeguards_types::Priority;

/// The lowest priority.
pub const P1: Priority = Priority::P1;
/// Priority 2.
pub const P2: Priority = Priority::P2;
/// Priority 3.
pub const P3: Priority = Priority::P3;
/// Priority 4.
pub const P4: Priority = Priority::P4;
/// The middle priority, and the default.
pub const P5: Priority = Priority::P5;
/// Priority 6.
pub const P6: Priority = Priority::P6;
/// Priority 7.
pub const P7: Priority = Priority::P7;
/// Priority 8.
pub const P8: Priority = Priority::P8;
/// Priority 9.
pub const P9: Priority = Priority::P9;
/// The highest priority.
pub const P10: Priority = Priority::P10;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const SOURCE: &str = include_str!("prelude.rs");

    /// What follows `pub use` and `pub const`, by name.
    fn exported(source: &str) -> BTreeSet<&str> {
        let uses = source.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
        // What brings methods alone has no name.
        let uses = uses.filter(|path| !path.ends_with(" as _"));
        let names = uses.flat_map(|path| {
            let names = path.split_once('{').map_or(path, |(_, names)| names);
            names
                .trim_end_matches('}')
                .split(',')
                .map(|name| name.rsplit("::").next().unwrap_or(name).trim())
        });
        let consts = source.split("\npub const ").skip(1).filter_map(|rest| rest.split(':').next());
        names.chain(consts).filter(|name| !name.is_empty()).collect()
    }

    #[test]
    fn it_stays_small_and_its_page_lists_it() {
        let exported = exported(SOURCE);
        assert!(exported.len() < 40, "{} names: {exported:?}", exported.len());
        let page = SOURCE.lines().filter_map(|line| line.strip_prefix("//! |"));
        let listed: Vec<_> = page
            .flat_map(|row| row.split("[`").skip(1))
            .filter_map(|rest| rest.split('`').next())
            .map(|name| name.trim_end_matches('!'))
            .collect();
        let unique: BTreeSet<_> = listed.iter().copied().collect();
        assert_eq!(unique, exported);
        assert_eq!(unique.len(), listed.len(), "a name is listed twice");
    }
}
