//! `ci`: the list of gates, and the two that are cargo's own (format and lints).

use crate::{
    cargo::Cargo,
    docs,
    failure::{Failure, Result},
    features, layers, test, tidy,
    workspace::Workspace,
};

/// One check that changes nothing.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) name: &'static str,
    /// How one runs this gate alone.
    command: &'static str,
    /// Whether `cargo xtask fix` repairs some of what it finds.
    fixable: bool,
    check: fn(&Workspace) -> Result<()>,
}

/// What `ci` runs, the quick ones first.
pub(crate) const GATES: [Gate; 7] = [
    Gate { name: "fmt", command: "cargo fmt --all --check", fixable: true, check: fmt },
    Gate { name: "tidy", command: "cargo xtask tidy", fixable: false, check: tidy::run },
    Gate { name: "layers", command: "cargo xtask layers", fixable: false, check: layers::run },
    Gate { name: "clippy", command: "cargo xtask clippy", fixable: true, check: clippy },
    Gate {
        name: "test",
        command: "cargo xtask test",
        fixable: false,
        check: |workspace| test::run(workspace, None),
    },
    Gate { name: "docs", command: "cargo xtask docs", fixable: false, check: docs::run },
    Gate {
        name: "features",
        command: "cargo xtask features",
        fixable: false,
        check: features::run,
    },
];

/// What library code must not do, beside the lints of the workspace: a library is a guest in its host's
/// process. It neither panics nor prints, and its arithmetic is checked.
const LIBRARY_LINTS: [&str; 9] = [
    "unwrap_used",
    "expect_used",
    "panic",
    "indexing_slicing",
    "arithmetic_side_effects",
    "as_conversions",
    "print_stdout",
    "print_stderr",
    "get_unwrap",
];

/// Runs all gates but those to skip, and stops at the first that fails.
pub(crate) fn run(workspace: &Workspace, skip: &[String]) -> Result<()> {
    let mut passed = 0_usize;
    for gate in GATES {
        if skip.iter().any(|name| name == gate.name) {
            continue;
        }
        eprintln!("ci: {}", gate.command);
        if let Err(failure) = (gate.check)(workspace) {
            failure.report();
            eprintln!("ci: {} failed; alone it is `{}`", gate.name, gate.command);
            if gate.fixable {
                eprintln!("ci: `cargo xtask fix` repairs some of this");
            }
            return Err(Failure::Told);
        }
        passed += 1;
    }
    println!("ci: {passed} gates passed");
    Ok(())
}

fn fmt(workspace: &Workspace) -> Result<()> {
    need_component(workspace, "fmt", "rustfmt")?;
    Cargo::new("fmt").args(["--all", "--check"]).run(&workspace.root)
}

/// All code is linted; the libraries then once more, by the stricter list.
pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    need_component(workspace, "clippy", "clippy")?;
    Cargo::locked("clippy")
        .args(["--workspace", "--all-targets", "--all-features"])
        .args(["--", "-D", "warnings"])
        .run(&workspace.root)?;

    let libraries =
        workspace.libraries().flat_map(|package| ["-p".to_owned(), package.name.to_string()]);
    Cargo::locked("clippy")
        .args(["--lib", "--all-features"])
        .args(libraries)
        .args(["--", "-D", "warnings"])
        .args(LIBRARY_LINTS.map(|lint| format!("-Wclippy::{lint}")))
        .run(&workspace.root)
}

/// A missing tool is a failure of its own, never a gate that passes.
fn need_component(workspace: &Workspace, subcommand: &str, component: &str) -> Result<()> {
    if Cargo::new(subcommand).args(["--version"]).succeeds(&workspace.root) {
        Ok(())
    } else {
        Err(Failure::gate(format!("{component} is missing: rustup component add {component}")))
    }
}
