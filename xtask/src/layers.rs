//! `layers`: dependencies point down one table, and some crates must not reach some others.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::{self, Write as _},
};

use cargo_metadata::{DependencyKind, PackageId};

use crate::{
    cargo::Cargo,
    failure::{Failure, Result},
    workspace::Workspace,
};

/// A line of the table.
#[derive(Debug)]
struct Layer {
    name: &'static str,
    /// Its crates; a name that ends in `/` is a folder, and means all crates in it.
    crates: &'static [&'static str],
    /// The layers that it may depend on. Its own is not among them: crates of one layer never know each other.
    may_use: &'static [&'static str],
    /// The layers that it may depend on behind a feature that is off by itself.
    may_offer: &'static [&'static str],
}

const fn layer(
    name: &'static str,
    crates: &'static [&'static str],
    may_use: &'static [&'static str],
) -> Layer {
    Layer { name, crates, may_use, may_offer: &[] }
}

/// Who may depend on whom. Tests of any crate may use the test kit besides.
const TABLE: [Layer; 11] = [
    layer("xtask", &["xtask/"], &[]),
    layer("tests", &["tests/"], &["L0", "L1", "L2", "L3", "L4", "backend", "kit", "cli"]),
    layer("example", &["examples/"], &["L0", "L1", "L2", "L3", "L4", "backend"]),
    layer("cli", &["safeguards-cli"], &["L0", "L1", "L2", "L3", "L4", "backend"]),
    layer("kit", &["safeguards-testkit"], &["L0", "L1", "L2"]),
    layer("backend", &["backends/"], &["L0", "L1", "L2"]),
    Layer {
        // `Safeguards::open` names a backend, behind a feature that only adds this constructor.
        may_offer: &["backend"],
        ..layer("L4", &["safeguards"], &["L0", "L1", "L2", "L3"])
    },
    layer("L3", &["safeguards-api"], &["L0", "L1", "L2"]),
    layer("L2", &["safeguards-cards", "safeguards-coord"], &["L0", "L1"]),
    layer(
        "L1",
        &["safeguards-budget", "safeguards-notify", "safeguards-discovery", "safeguards-pricing"],
        &["L0"],
    ),
    layer("L0", &["safeguards-types"], &[]),
];

/// What a crate must not reach, by whatever way, in what it hands to its users.
const MUST_NOT_REACH: [(&str, &[&str]); 9] = [
    ("safeguards-types", &["async-trait", "futures-core", "tokio"]),
    ("safeguards-budget", &["tokio", "safeguards-notify", "safeguards-pricing"]),
    ("safeguards-pricing", &["async-trait", "tokio", "safeguards-budget"]),
    ("safeguards-notify", &["safeguards-budget"]),
    ("safeguards-discovery", &["tokio", "safeguards-budget"]),
    ("safeguards-cards", &["tokio", "safeguards-budget", "safeguards-notify"]),
    ("safeguards-coord", &["safeguards-api", "redb", "tokio-postgres"]),
    ("safeguards-api", &["redb", "tokio-postgres"]),
    ("safeguards", &["clap", "indicatif", "plotters", "proptest", "safeguards-testkit"]),
];

/// What a crate must not reach where all its features are off.
const MUST_NOT_REACH_BARE: [(&str, &[&str]); 1] = [("safeguards-coord", &["tokio"])];

/// A crate of ours and the top-level folder that it lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place<'a> {
    name: &'a str,
    folder: &'a str,
}

impl Place<'_> {
    fn layer(self) -> Option<&'static Layer> {
        let is_home = |home: &str| match home.strip_suffix('/') {
            Some(folder) => folder == self.folder,
            None => self.folder == "crates" && home == self.name,
        };
        TABLE.iter().find(|layer| layer.crates.iter().any(|home| is_home(home)))
    }
}

/// One dependency among our crates.
#[derive(Clone, Copy, Debug)]
struct Edge<'a> {
    from: Place<'a>,
    to: Place<'a>,
    dev: bool,
    optional: bool,
}

impl Edge<'_> {
    /// What is wrong with it; `None` if it points down.
    fn complaint(self) -> Option<String> {
        let Self { from, to, dev, optional } = self;
        let (above, below) = match (from.layer(), to.layer()) {
            (Some(above), Some(below)) => (above, below),
            (None, _) => return Some(unplaced(from)),
            (_, None) => return Some(unplaced(to)),
        };
        let allowed = above.may_use.contains(&below.name)
            || (optional && above.may_offer.contains(&below.name))
            || (dev && below.name == "kit");
        let kind = if dev { " in its tests" } else { "" };
        (!allowed).then(|| {
            format!(
                "{} ({}) must not depend on {} ({}){kind}",
                from.name, above.name, to.name, below.name
            )
        })
    }
}

fn unplaced(place: Place<'_>) -> String {
    let Place { name, folder } = place;
    format!("{name} in {folder}/ stands in no layer; give it one in xtask/src/layers.rs")
}

/// Names and the names they lead to, over dependencies that are neither for tests nor for build scripts.
type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The shortest way from one name to another, both included.
fn way<'a>(graph: &Graph<'a>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(name) = queue.pop_front() {
        if name == to {
            let mut way = vec![name];
            let mut here = name;
            while here != from {
                here = came_from[here];
                way.push(here);
            }
            way.reverse();
            return Some(way);
        }
        for next in graph.get(name).into_iter().flatten() {
            came_from.entry(next).or_insert_with(|| {
                queue.push_back(next);
                name
            });
        }
    }
    None
}

/// All ways that lead where they must not.
fn forbidden_ways(graph: &Graph<'_>) -> Vec<String> {
    MUST_NOT_REACH
        .iter()
        .flat_map(|(from, forbidden)| forbidden.iter().map(move |to| (*from, *to)))
        .filter_map(|(from, to)| {
            let way = way(graph, from, to)?.join(" -> ");
            Some(format!("{from} must not reach {to}: {way}"))
        })
        .collect()
}

/// Compares every edge with the table, and every way with what must not be reached.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let members = workspace.members();
    let places: BTreeMap<&str, Place<'_>> = members
        .iter()
        .map(|package| {
            let name = package.name.as_str();
            let folder = workspace.folder(package);
            (name, Place { name, folder })
        })
        .collect();

    let mut complaints: Vec<_> = places
        .values()
        .filter(|place| place.layer().is_none())
        .map(|place| unplaced(*place))
        .collect();
    for package in &members {
        for dependency in &package.dependencies {
            let ends = (places.get(package.name.as_str()), places.get(dependency.name.as_str()));
            if let (Some(&from), Some(&to)) = ends {
                let edge = Edge {
                    from,
                    to,
                    dev: dependency.kind == DependencyKind::Development,
                    optional: dependency.optional,
                };
                complaints.extend(edge.complaint());
            }
        }
    }
    complaints.extend(forbidden_ways(&graph(workspace)?));
    for (from, forbidden) in MUST_NOT_REACH_BARE {
        complaints.extend(reached_bare(from, forbidden, &bare_tree(workspace, from)?));
    }
    complaints.sort();
    complaints.dedup();

    if complaints.is_empty() {
        println!("layers: {} crates, all edges point down", members.len());
        return Ok(());
    }
    Err(Failure::gate(format!("{}\n\n{}", complaints.join("\n"), Table)))
}

/// All that a crate reaches with its features off, a line for each, the name first. The metadata of the whole
/// workspace cannot tell: there, others turn features on.
fn bare_tree(workspace: &Workspace, from: &str) -> Result<String> {
    let tree = Cargo::locked("tree").args([
        "--package",
        from,
        "--no-default-features",
        "--edges=normal",
        "--prefix=none",
        "--target=all",
    ]);
    tree.output(&workspace.root)
}

fn reached_bare(from: &str, forbidden: &[&str], tree: &str) -> Vec<String> {
    let reached = tree.lines().filter_map(|line| line.split(' ').next());
    let reached: BTreeSet<_> = reached.filter(|name| forbidden.contains(name)).collect();
    let complain = |name| format!("{from} must not reach {name} where its features are off");
    reached.into_iter().map(complain).collect()
}

fn graph(workspace: &Workspace) -> Result<Graph<'_>> {
    let metadata = &workspace.metadata;
    let resolve = metadata
        .resolve
        .as_ref()
        .ok_or_else(|| Failure::gate("cargo metadata told of no dependencies"))?;
    let names: BTreeMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let mut graph = Graph::new();
    for node in &resolve.nodes {
        // Two versions of one crate are one name here: what must not be reached has no version.
        let leads_to = graph.entry(names[&node.id]).or_default();
        for dependency in &node.deps {
            let is_normal =
                |kind: &cargo_metadata::DepKindInfo| kind.kind == DependencyKind::Normal;
            if dependency.dep_kinds.iter().any(is_normal) {
                leads_to.insert(names[&dependency.pkg]);
            }
        }
    }
    Ok(graph)
}

/// The table and the negatives, for people.
struct Table;

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "The table (xtask/src/layers.rs): a layer may use")?;
        for layer in &TABLE {
            let mut uses = layer.may_use.join(" ");
            if !layer.may_offer.is_empty() {
                write!(uses, ", behind a feature: {}", layer.may_offer.join(" "))?;
            }
            let uses = if uses.is_empty() { "nothing" } else { &uses };
            writeln!(out, "  {:<8} {:<44} {}", layer.name, uses, layer.crates.join(" "))?;
        }
        writeln!(out, "Tests may use the kit besides. By no way may be reached:")?;
        for (from, forbidden) in &MUST_NOT_REACH {
            writeln!(out, "  from {from}: {}", forbidden.join(", "))?;
        }
        for (from, forbidden) in &MUST_NOT_REACH_BARE {
            writeln!(out, "  from {from}, where its features are off: {}", forbidden.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ours(name: &str) -> Place<'_> {
        Place { name, folder: "crates" }
    }

    const REDB: Place<'_> = Place { name: "safeguards-redb", folder: "backends" };
    const POSTGRES: Place<'_> = Place { name: "safeguards-postgres", folder: "backends" };
    const TESTS: Place<'_> = Place { name: "safeguards-tests", folder: "tests" };
    const XTASK: Place<'_> = Place { name: "xtask", folder: "xtask" };

    #[track_caller]
    fn check(from: Place<'_>, to: Place<'_>, allowed: bool) {
        let edge = Edge { from, to, dev: false, optional: false };
        assert_eq!(edge.complaint().is_none(), allowed, "{edge:?}");
    }

    #[test]
    fn edges_point_down() {
        let [types, budget, notify] =
            ["safeguards-types", "safeguards-budget", "safeguards-notify"].map(ours);
        let [coord, api, facade] = ["safeguards-coord", "safeguards-api", "safeguards"].map(ours);
        let [cli, kit] = ["safeguards-cli", "safeguards-testkit"].map(ours);

        check(budget, types, true);
        check(types, budget, false);
        check(budget, notify, false);
        check(notify, budget, false);
        check(coord, budget, true);
        check(coord, api, false);
        check(api, coord, true);
        check(facade, api, true);
        check(api, facade, false);
        check(REDB, budget, true);
        check(REDB, api, false);
        check(REDB, POSTGRES, false);
        check(api, REDB, false);
        check(cli, facade, true);
        check(cli, REDB, true);
        check(facade, cli, false);
        check(kit, coord, true);
        check(budget, kit, false);
        check(TESTS, kit, true);
        check(XTASK, types, false);
        check(ours("safeguards-new"), types, false);
        check(cli, ours("safeguards-new"), false);
    }

    #[test]
    fn tests_of_any_crate_may_use_the_kit_and_are_else_held_to_the_table() {
        let in_tests = |from, to| Edge { from, to, dev: true, optional: false }.complaint();
        assert_eq!(in_tests(ours("safeguards-types"), ours("safeguards-testkit")), None);
        assert_eq!(
            in_tests(ours("safeguards-notify"), ours("safeguards-budget")).unwrap(),
            "safeguards-notify (L1) must not depend on safeguards-budget (L1) in its tests"
        );
    }

    #[test]
    fn the_facade_may_offer_a_backend_but_not_need_one() {
        let from = ours("safeguards");
        let complaint = |optional| Edge { from, to: REDB, dev: false, optional }.complaint();
        assert_eq!(complaint(true), None);
        assert!(complaint(false).is_some());
    }

    #[test]
    fn what_must_not_be_reached_is_found_by_any_way() {
        let mut graph = Graph::from([
            ("safeguards-types", BTreeSet::from(["serde", "uuid"])),
            ("uuid", BTreeSet::from(["rand"])),
            ("tokio", BTreeSet::from(["bytes"])),
        ]);
        assert_eq!(forbidden_ways(&graph), Vec::<String>::new());
        graph.insert("rand", BTreeSet::from(["tokio", "uuid"]));
        assert_eq!(
            forbidden_ways(&graph),
            ["safeguards-types must not reach tokio: safeguards-types -> uuid -> rand -> tokio"]
        );
    }

    #[test]
    fn what_must_not_be_reached_bare_is_found_by_its_whole_name() {
        let tree = "safeguards-coord v0.1.0 (/x/tokio)\ntokio-util v0.7.20\nserde v1.0.229 (*)\n";
        let reached = |tree: &str| reached_bare("safeguards-coord", &["tokio"], tree);
        assert_eq!(reached(tree), Vec::<String>::new());
        assert_eq!(
            reached(&format!("{tree}tokio v1.54.1\ntokio v1.54.1 (*)\n")),
            ["safeguards-coord must not reach tokio where its features are off"]
        );
    }

    #[test]
    fn every_name_in_the_table_is_a_layer_of_it() {
        let names: BTreeSet<_> = TABLE.iter().map(|layer| layer.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for layer in &TABLE {
            for below in layer.may_use.iter().chain(layer.may_offer) {
                assert!(names.contains(below) && *below != layer.name, "{layer:?}");
            }
        }
    }
}
