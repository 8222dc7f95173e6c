//! `fix`: the only verb that edits.

use crate::{cargo::Cargo, failure::Result, files, workspace::Workspace};

/// Applies what clippy proposes, formats, and prints the files that differ afterwards.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let root = &workspace.root;
    let before = files::read(root, &["rs"])?;
    let linted = Cargo::new("clippy")
        .args(["--workspace", "--all-targets", "--all-features"])
        .args(["--fix", "--allow-dirty", "--allow-staged"])
        .run(root);
    // Formatting is worth having also where the code does not compile yet.
    let formatted = Cargo::new("fmt").args(["--all"]).run(root);
    let after = files::read(root, &["rs"])?;

    let mut changed = 0_usize;
    for (path, text) in &after {
        if before.get(path) != Some(text) {
            println!("{}", path.display());
            changed += 1;
        }
    }
    println!("fix: {changed} files changed");
    linted.and(formatted)
}
