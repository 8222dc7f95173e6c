//! `docs`: the reference builds without a warning, links lead somewhere, every error code is on its page, and
//! every law of the ledger and every promise of runs names its tests.

mod codes;
mod laws;
mod links;
mod runs;

use crate::{
    cargo::Cargo,
    failure::{Failure, Result},
    files,
    workspace::Workspace,
};

/// Checks the pages, then builds the reference and prints where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let root = &workspace.root;
    let mut complaints = links::complaints(root, &files::read(root, &["md"])?);
    let sources = files::read(root, &["rs", "md"])?;
    complaints.extend(codes::complaints(&sources));
    complaints.extend(laws::complaints(&sources));
    complaints.extend(runs::complaints(&sources));
    Failure::unless_empty(&complaints)?;

    Cargo::locked("doc")
        .args(["--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run(root)?;
    let front = workspace.metadata.target_directory.join("doc/safeguards/index.html");
    println!("docs: {front}");
    Ok(())
}
