//! A file of rules for alerts: read, and the channels that it names.

use std::{collections::BTreeSet, io, path::Path, sync::Arc};

use safeguards_api::AlertsError;
use safeguards_notify::{Route, Rules, RulesError};

use crate::files;

/// Why there are no rules.
#[derive(Debug)]
pub(crate) enum Fault {
    Unread(io::Error),
    Wrong(RulesError),
}

/// Reads a file of rules.
pub(crate) fn read(path: &Path) -> Result<Rules, Fault> {
    let text = files::read(path, files::RULES_FILE_MAX).map_err(Fault::Unread)?;
    Rules::from_toml(&text).map_err(Fault::Wrong)
}

/// The channels that rules name, by name.
pub(crate) fn channels(rules: &Rules) -> Vec<Arc<str>> {
    let mut names = BTreeSet::new();
    add_channels(&rules.otherwise, &mut names);
    names.into_iter().collect()
}

fn add_channels(route: &Route, names: &mut BTreeSet<Arc<str>>) {
    let escalations = route.escalate.iter().flatten().map(|escalation| &escalation.to);
    names.extend(route.to.iter().chain(escalations).flatten().cloned());
    for below in &route.routes {
        add_channels(below, names);
    }
}

/// Every mistake with its code: `file:line:column: what`.
pub(crate) fn mistakes(path: &Path, error: &RulesError) -> Vec<(&'static str, String)> {
    AlertsError::Rules { path: path.to_owned(), error: error.clone() }.mistakes()
}
