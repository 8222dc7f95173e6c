//! `docs`: the reference builds without a warning, links lead somewhere, every error code is on its page, and
//! every law of the ledger and every promise of runs names its tests; every page stands in an index, is a
//! module of the manual and shows whole programs, every name of the guide's Python library beside what it is here, and every error in the
//! facade's.

mod book;
mod codes;
mod laws;
mod links;
mod pages;
mod python;
mod runs;
mod umbrella;
mod whole;

use crate::{
    alone,
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
    complaints.extend(book::complaints(&sources));
    complaints.extend(codes::complaints(&sources));
    complaints.extend(laws::complaints(&sources));
    complaints.extend(runs::complaints(&sources));
    let crates: Vec<_> = alone::published(workspace).map(|package| package.name.as_str()).collect();
    complaints.extend(pages::complaints(&sources, &crates));
    complaints.extend(umbrella::complaints(&sources));
    complaints.extend(whole::complaints(&sources));
    complaints.extend(python::complaints(root, &sources)?);
    Failure::unless_empty(&complaints)?;

    Cargo::locked("doc")
        .args(["--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run(root)?;
    let built = workspace.metadata.target_directory.join("doc");
    book::mend(built.as_std_path(), &sources)?;
    println!("docs: {}", built.join("safeguards/index.html"));
    Ok(())
}
