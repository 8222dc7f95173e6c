//! `alone`: each crate of ours under a program of its own, outside the workspace.
//!
//! `alone/NAME` is the example of that crate's README, word for word, and depends on no other crate of ours: what builds
//! there is what a user gets who copies it. All share one target folder and the versions of our lock file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use crate::{
    cargo::Cargo,
    failure::{Failure, Result},
    workspace::Workspace,
};

/// Where the programs stand, a folder for each crate, under its name.
const PROGRAMS: &str = "alone";
/// Where they are built.
const TARGET: &str = "target/alone";
/// Where they are built to measure how long that takes: removed before each.
const CLEAN_TARGET: &str = "target/alone-measured";
/// What a program may take besides the crate that it is about: asynchronous examples need a runtime.
const RUNTIMES: [&str; 1] = ["tokio"];

/// The program of one crate, ready to be built.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    folder: PathBuf,
    /// How many crates it brings along, itself left out: those of others, and ours.
    pub(crate) others: usize,
    pub(crate) ours: usize,
}

/// Builds and runs the program of each crate, or of one; prints what each brings along, and on demand what it takes.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>, measure: bool) -> Result<()> {
    let package = name.map(|name| workspace.find(name)).transpose()?;
    let mut rows = Vec::new();
    for crate_of_ours in published(workspace) {
        if package.is_some_and(|package| package.name != crate_of_ours.name) {
            continue;
        }
        let program = Program::prepare(workspace, crate_of_ours)?;
        program.command().run(&workspace.root)?;
        let times = if measure { Some(program.measure(workspace)?) } else { None };
        rows.push((program, times));
    }
    println!();
    for (program, times) in &rows {
        print!("{program}");
        match times {
            Some([all, own]) => println!("; {all} s from nothing, {own} s of them itself"),
            None => println!(),
        }
    }
    println!("alone: {} programs passed", rows.len());
    Ok(())
}

/// What is missing or differs: pages, manifests and programs of the crates that we publish.
pub(crate) fn complaints(workspace: &Workspace, files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in workspace.members().into_iter().filter(|package| is_published(package)) {
        let home = workspace.home(package);
        let page = home.join("README.md");
        let Some(text) = files.get(&page) else {
            complaints.push(format!("{}: is not there", page.display()));
            continue;
        };
        let manifest = files.get(&home.join("Cargo.toml")).map_or("", String::as_str);
        if !manifest.lines().any(|line| line == "readme = \"README.md\"") {
            complaints.push(format!(
                "{}: no `readme = \"README.md\"`",
                home.join("Cargo.toml").display()
            ));
        }
        let Some(library) = files.get(&home.join("src/lib.rs")) else { continue };
        if !library.contains("#[cfg(doctest)]\n#[doc = include_str!(\"../README.md\")]") {
            let library = home.join("src/lib.rs");
            complaints.push(format!("{}: does not compile the page README.md", library.display()));
        }
        complaints.extend(program_complaints(package.name.as_str(), text, files));
    }
    complaints
}

/// What is wrong with the program of one crate, whose page is given.
fn program_complaints(name: &str, page: &str, files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let folder = Path::new(PROGRAMS).join(name);
    let (manifest, source) = (folder.join("Cargo.toml"), folder.join("src/main.rs"));
    let Some(example) = first_block(page, "rust") else {
        return vec![format!("crates/{name}/README.md: no example in a block of `rust`")];
    };
    let mut complaints = Vec::new();
    match files.get(&source).and_then(|text| text.split_once("\n\n")) {
        Some((_, program)) if program == example => {}
        Some(_) => complaints.push(format!(
            "{}: differs from the first example of crates/{name}/README.md",
            source.display()
        )),
        None => complaints.push(format!("{}: is not there", source.display())),
    }
    let Some(text) = files.get(&manifest) else {
        complaints.push(format!("{}: is not there", manifest.display()));
        return complaints;
    };
    if !text.lines().any(|line| line == "[workspace]") {
        complaints.push(format!("{}: is no workspace of its own", manifest.display()));
    }
    for dependency in dependencies(text) {
        if dependency != name && !RUNTIMES.contains(&dependency) {
            complaints.push(format!("{}: depends on {dependency}, too", manifest.display()));
        }
    }
    complaints
}

/// The inside of the first fenced block of a language.
fn first_block<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("```{language}\n"))?;
    rest.find("```\n").map(|end| &rest[..end])
}

/// The names under `[dependencies]`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
}

/// The crates that have a program: those that we publish and that others can depend on.
pub(crate) fn published(workspace: &Workspace) -> impl Iterator<Item = &Package> {
    workspace.members().into_iter().filter(|package| {
        is_published(package)
            && package.targets.iter().any(|target| target.is_kind(TargetKind::Lib))
    })
}

/// An empty list of registries is what `publish = false` is read as.
fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

impl Program {
    /// Gives the program of a crate the versions of our lock file, and counts what it brings along.
    pub(crate) fn prepare(workspace: &Workspace, package: &Package) -> Result<Self> {
        let name = package.name.to_string();
        let folder = Path::new(PROGRAMS).join(&name);
        let lock = workspace.root.join(&folder).join("Cargo.lock");
        let ours = workspace.root.join("Cargo.lock");
        fs::copy(&ours, &lock).map_err(|error| Failure::file(&lock, error))?;

        // Without the network: what our lock file names is there already, and nothing else may be taken.
        let metadata = MetadataCommand::new()
            .manifest_path(workspace.root.join(&folder).join("Cargo.toml"))
            .other_options(["--offline", "--filter-platform=host-tuple"].map(str::to_owned))
            .exec()
            .map_err(|error| Failure::gate(format!("{}: {error}", folder.display())))?;
        let brought = brought(&metadata);
        let known: BTreeSet<_> = workspace.metadata.packages.iter().map(versioned).collect();
        let unknown: Vec<_> = brought
            .iter()
            .filter(|package| !known.contains(&versioned(package)))
            .map(|package| {
                format!(
                    "{}: {} {} is not in our lock file",
                    folder.display(),
                    package.name,
                    package.version
                )
            })
            .collect();
        Failure::unless_empty(&unknown)?;
        let own = brought.iter().filter(|package| package.source.is_none()).count();
        Ok(Self { name, folder, others: brought.len() - own, ours: own })
    }

    /// Builds and runs it.
    pub(crate) fn command(&self) -> Cargo {
        self.cargo("run", TARGET).args(["--quiet"])
    }

    fn cargo(&self, subcommand: &str, target: &str) -> Cargo {
        let manifest = self.folder.join("Cargo.toml").display().to_string();
        Cargo::new(subcommand).args([
            "--offline",
            "--locked",
            "--manifest-path",
            &manifest,
            "--target-dir",
            target,
        ])
    }

    /// How many seconds it takes to build all of it from nothing, and then the crate alone once more.
    fn measure(&self, workspace: &Workspace) -> Result<[String; 2]> {
        let root = &workspace.root;
        let target = root.join(CLEAN_TARGET);
        if target.exists() {
            fs::remove_dir_all(&target).map_err(|error| Failure::file(&target, error))?;
        }
        let build = self.cargo("build", CLEAN_TARGET).args(["--quiet"]);
        let all = seconds(|| build.run(root))?;
        self.cargo("clean", CLEAN_TARGET).args(["--quiet", "--package", &self.name]).run(root)?;
        Ok([all, seconds(|| build.run(root))?])
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, others, ours, .. } = self;
        write!(out, "alone {name}: brings {} crates, {ours} of them ours", others + ours)
    }
}

/// How long it takes, in seconds with one decimal place.
fn seconds(work: impl FnOnce() -> Result<()>) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "how long a build takes is what is asked here")]
    let start = Instant::now();
    work()?;
    Ok(format!("{:.1}", start.elapsed().as_secs_f32()))
}

fn versioned(package: &Package) -> (&str, String) {
    (package.name.as_str(), package.version.to_string())
}

/// All that the program reaches, but itself.
fn brought(metadata: &Metadata) -> Vec<&Package> {
    let root = metadata.root_package().map(|package| &package.id);
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    nodes.filter(|node| Some(&node.id) != root).map(|node| &metadata[&node.id]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# a\n\n```toml\n[dependencies]\n```\n\n```rust\nfn main() {}\n```\n\n```rust\nfn b() {}\n```\n";
    const MANIFEST: &str =
        "[package]\n\n[workspace]\n\n[dependencies]\na = { path = \"../../crates/a\" }\n";
    const SOURCE: &str = "//! The example.\n\nfn main() {}\n";

    #[track_caller]
    fn check(page: &str, manifest: &str, source: &str, expected: &[&str]) {
        let files = [("alone/a/Cargo.toml", manifest), ("alone/a/src/main.rs", source)];
        let files = files.into_iter().filter(|(_, text)| !text.is_empty());
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).collect();
        assert_eq!(program_complaints("a", page, &files), expected);
    }

    #[test]
    fn a_program_is_the_first_example_of_its_page() {
        check(PAGE, MANIFEST, SOURCE, &[]);
        check(
            PAGE,
            MANIFEST,
            "//! The example.\n\nfn main() { }\n",
            &["alone/a/src/main.rs: differs from the first example of crates/a/README.md"],
        );
        check("# a\n", MANIFEST, SOURCE, &["crates/a/README.md: no example in a block of `rust`"]);
        check(
            PAGE,
            "",
            "",
            &["alone/a/src/main.rs: is not there", "alone/a/Cargo.toml: is not there"],
        );
    }

    #[test]
    fn a_program_takes_its_crate_and_a_runtime_at_most() {
        check(PAGE, &format!("{MANIFEST}tokio = \"1\"\n\n[features]\nb = []\n"), SOURCE, &[]);
        check(
            PAGE,
            &format!("{MANIFEST}b = \"1\"\n"),
            SOURCE,
            &["alone/a/Cargo.toml: depends on b, too"],
        );
        check(
            PAGE,
            &MANIFEST.replace("[workspace]\n", ""),
            SOURCE,
            &["alone/a/Cargo.toml: is no workspace of its own"],
        );
    }
}
