//! `bench`: us and peers side by side in one run.
//!
//! A bench is a program of its own (`harness = false`) that prints a table of ratios beside the ratios to
//! reach and marks what is below; this verb finds it and passes its table through.

use cargo_metadata::TargetKind;

use crate::{
    cargo::Cargo,
    failure::{Failure, Result},
    workspace::Workspace,
};

/// Runs one bench, or all; or only lists their names.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>, list: bool) -> Result<()> {
    let mut benches = workspace.targets(&TargetKind::Bench);
    if list {
        for (_, bench) in benches {
            println!("{bench}");
        }
        return Ok(());
    }
    if let Some(name) = name {
        let names: Vec<_> = benches.iter().map(|(_, bench)| *bench).collect();
        if !names.contains(&name) {
            return Err(Failure::Usage(unknown(name, &names)));
        }
        benches.retain(|(_, bench)| *bench == name);
    }
    if benches.is_empty() {
        return Err(Failure::gate("there are no benches yet"));
    }
    for (package, bench) in benches {
        Cargo::locked("bench").args(["-p", package, "--bench", bench]).run(&workspace.root)?;
    }
    Ok(())
}

fn unknown(name: &str, names: &[&str]) -> String {
    if names.is_empty() {
        format!("there is no bench `{name}`; there are none yet")
    } else {
        format!("there is no bench `{name}`; there are {}", names.join(", "))
    }
}
