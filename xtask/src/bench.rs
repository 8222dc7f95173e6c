//! `bench`: us and peers side by side in one run.
//!
//! A bench is a program of its own (`harness = false`) that prints a table of ratios beside the ratios to
//! reach and marks what is missed; this verb finds it and passes its table through. What the rows mean is in
//! `docs/reference/benches.md`.

use cargo_metadata::TargetKind;
use clap::Args;

use crate::{
    cargo::Cargo,
    failure::{Failure, Result},
    workspace::Workspace,
};

/// What is asked of the benches.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Only this bench, and those whose names go on with a hyphen: `ledger` is `ledger-memory` as well
    name: Option<String>,
    /// Only rows whose name contains this
    filter: Option<String>,
    /// Print each row as a JSON object on a line of its own, and nothing else
    #[arg(long)]
    json: bool,
    /// Print the names of the benches and run none
    #[arg(long)]
    list: bool,
}

/// Runs what is asked for, or all.
pub(crate) fn run(workspace: &Workspace, asked: &Asked) -> Result<()> {
    let Asked { name, filter, json, list } = asked;
    let mut benches = workspace.targets(&TargetKind::Bench);
    if *list {
        for (_, bench) in benches {
            println!("{bench}");
        }
        return Ok(());
    }
    if let Some(name) = name {
        let names: Vec<_> = benches.iter().map(|(_, bench)| *bench).collect();
        benches.retain(|(_, bench)| is_named(name, bench));
        if benches.is_empty() {
            return Err(Failure::Usage(unknown(name, &names)));
        }
    }
    if benches.is_empty() {
        return Err(Failure::gate("there are no benches yet"));
    }
    for (package, bench) in benches {
        Cargo::locked("bench")
            .args(["-p", package, "--bench", bench, "--"])
            .args(filter.clone())
            .args(json.then_some("--json"))
            .run(&workspace.root)?;
    }
    Ok(())
}

/// Whether a bench is meant by this name: it has it, or goes on after it.
fn is_named(name: &str, bench: &str) -> bool {
    bench.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn unknown(name: &str, names: &[&str]) -> String {
    if names.is_empty() {
        format!("there is no bench `{name}`; there are none yet")
    } else {
        format!("there is no bench `{name}`; there are {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_the_benches_that_go_on_after_it() {
        assert!(is_named("ledger", "ledger"));
        assert!(is_named("ledger", "ledger-memory"));
        assert!(!is_named("ledger", "ledgers"));
        assert!(!is_named("ledger-memory", "ledger"));
    }
}
