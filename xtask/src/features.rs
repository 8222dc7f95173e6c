//! `features`: each crate compiles alone, whichever of its features are on.
//!
//! In a build of the whole workspace crates lend each other features; here nobody does.

use crate::{cargo::Cargo, failure::Result, workspace::Workspace};

/// Checks every member without features, with each, and with all.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut builds = 0_usize;
    for package in workspace.members() {
        let names: Vec<_> = package.features.keys().map(String::as_str).collect();
        for selection in selections(&names) {
            Cargo::locked("check")
                .args(["-p", package.name.as_str()])
                .args(selection)
                .run(&workspace.root)?;
            builds += 1;
        }
    }
    println!("features: {builds} builds passed");
    Ok(())
}

/// The options for none, each and all of the features, without saying one build twice.
fn selections(names: &[&str]) -> Vec<Vec<String>> {
    let none = "--no-default-features".to_owned();
    let own: Vec<_> = names.iter().filter(|name| **name != "default").collect();
    let mut all = vec![vec![none.clone()]];
    all.extend(own.iter().map(|name| vec![none.clone(), format!("--features={name}")]));
    if own.len() > 1 {
        all.push(vec!["--all-features".to_owned()]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let lines: Vec<_> = selections(names).iter().map(|options| options.join(" ")).collect();
        assert_eq!(lines, expected, "{names:?}");
    }

    #[test]
    fn none_each_and_all() {
        check(&[], &["--no-default-features"]);
        check(&["default"], &["--no-default-features"]);
        check(
            &["default", "mock"],
            &["--no-default-features", "--no-default-features --features=mock"],
        );
        check(
            &["a", "b"],
            &[
                "--no-default-features",
                "--no-default-features --features=a",
                "--no-default-features --features=b",
                "--all-features",
            ],
        );
    }
}
