//! [`Workspace`]: our crates, as `cargo metadata` tells of them.

use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package, TargetKind};

use crate::failure::{Failure, Result};

/// Crates that are programs or tests: they may print and unwrap.
const NOT_LIBRARIES: [&str; 3] = ["safeguards-cli", "safeguards-tests", "xtask"];

/// Our crates, and the graph of all that they depend on, on this platform with every feature on.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) metadata: Metadata,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .features(CargoOpt::AllFeatures)
            // Without a platform, what others need (a browser, say) would count as reached by us.
            .other_options(["--locked", "--filter-platform=host-tuple"].map(str::to_owned))
            .exec()
            .map_err(|error| Failure::gate(error.to_string()))?;
        Ok(Self { root: metadata.workspace_root.clone().into_std_path_buf(), metadata })
    }

    /// Our crates, by name.
    pub(crate) fn members(&self) -> Vec<&Package> {
        let mut members = self.metadata.workspace_packages();
        members.sort_by_key(|package| package.name.as_str());
        members
    }

    /// The member of that name; `budget` is short for `safeguards-budget`.
    pub(crate) fn find(&self, name: &str) -> Result<&Package> {
        let members = self.members();
        let long = format!("safeguards-{name}");
        let member_of = |wanted: &str| members.iter().find(|member| member.name.as_str() == wanted);
        member_of(name).or_else(|| member_of(&long)).copied().ok_or_else(|| {
            let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
            Failure::Usage(format!("there is no crate `{name}`; there are {}", names.join(", ")))
        })
    }

    /// The crates that others depend on, held to the strict lints.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.members().into_iter().filter(|package| {
            !NOT_LIBRARIES.contains(&package.name.as_str())
                && package.targets.iter().any(|target| target.is_kind(TargetKind::Lib))
        })
    }

    /// Targets of one kind in all our crates: crate and target name, in order.
    pub(crate) fn targets(&self, kind: &TargetKind) -> Vec<(&str, &str)> {
        self.members()
            .into_iter()
            .flat_map(|package| package.targets.iter().map(move |target| (package, target)))
            .filter(|(_, target)| target.is_kind(kind.clone()))
            .map(|(package, target)| (package.name.as_str(), target.name.as_str()))
            .collect()
    }

    /// The top-level folder that a member lives in, such as `crates` or `backends`.
    pub(crate) fn folder<'p>(&self, package: &'p Package) -> &'p str {
        package
            .manifest_path
            .strip_prefix(&self.metadata.workspace_root)
            .ok()
            .and_then(|path| path.components().next())
            .map_or("", |component| component.as_str())
    }

    /// The folder of a member, from the root.
    pub(crate) fn home(&self, package: &Package) -> PathBuf {
        let manifest = package.manifest_path.as_std_path();
        let folder = manifest.parent().unwrap_or(manifest);
        folder.strip_prefix(&self.root).unwrap_or(folder).to_owned()
    }

    /// The folder with the real traces; it stands beside the repository, or is missing.
    pub(crate) fn shared_data(&self) -> PathBuf {
        self.root.join(Path::new("../shared/data"))
    }
}
