//! What is to be true of agents in the file: [`check`].

use redb::{ReadTransaction, ReadableTableMetadata};
use safeguards_discovery::MemoryRegistry;

use super::{
    READING, rows,
    tables::{CAPABILITIES, LEASES, PROFILES},
};
use crate::{
    check::{Checked, Flaws},
    error::{Doing, Fault},
};

pub(crate) fn check(
    read: &ReadTransaction,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    if !rows::are_there(read)? {
        return Ok(());
    }
    let count = |table| read.open_table(table).and_then(|table| Ok(table.len()?)).doing(READING);
    checked.agents = count(PROFILES)?;
    let leases = count(LEASES)?;
    flaws.expect(leases == checked.agents, || {
        format!("{leases} leases are there, and {} agents", checked.agents)
    });
    let capabilities = read.open_table(CAPABILITIES).doing(READING)?;
    checked.capabilities = capabilities.len().doing(READING)?;
    // Whatever is left of somebody who is gone, is missing, or cannot be read, keeps it from being made again.
    if let Err(fault) = rows::restore(read, MemoryRegistry::builder()) {
        let why = std::error::Error::source(&fault).map(ToString::to_string);
        flaws.add(|| format!("the registry cannot be made again: {}", why.unwrap_or_default()));
    }
    Ok(())
}
