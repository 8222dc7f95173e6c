//! The manual's pages: every page stands in the index of its folder, and every crate that we publish in the reference.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The folders with an index, `README.md`, that links each of their pages.
const INDEXED: [&str; 3] = ["docs/decisions", "docs/internals", "docs/reference"];
/// The index of all other pages.
const FRONT: &str = "docs/README.md";
/// Where each crate has a row.
const REFERENCE: &str = "docs/reference/README.md";

/// The pages that no index links, and the crates without a row.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>, crates: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for path in files.keys().filter(|path| path.starts_with("docs") && !path.ends_with("README.md"))
    {
        let folder = path.parent().unwrap_or(path);
        let own = INDEXED.iter().any(|indexed| folder == Path::new(indexed));
        let index = if own { folder.join("README.md") } else { PathBuf::from(FRONT) };
        let Ok(link) = path.strip_prefix(index.parent().unwrap_or(&index)) else { continue };
        let is_linked = files.get(&index).is_some_and(|text| links(text, link));
        if path.extension().is_some_and(|extension| extension == "md") && !is_linked {
            complaints.push(format!("{}: does not link {}", index.display(), path.display()));
        }
    }
    let reference = files.get(Path::new(REFERENCE)).map_or("", String::as_str);
    for name in crates.iter().filter(|name| !reference.contains(&format!("| `{name}` |"))) {
        complaints.push(format!("{REFERENCE}: has no row for the crate `{name}`"));
    }
    complaints
}

/// Whether the page links this file, at whatever heading.
fn links(page: &str, file: &Path) -> bool {
    let file = file.display();
    page.contains(&format!("]({file})")) || page.contains(&format!("]({file}#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(front: &str, reference: &str, expected: &[&str]) {
        let files = [
            ("docs/README.md", front),
            ("docs/guides/a.md", ""),
            ("docs/reference/README.md", reference),
            ("docs/reference/b.md", ""),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
        assert_eq!(complaints(&files, &["c"]), expected);
    }

    #[test]
    fn every_page_stands_in_its_index_and_every_crate_in_the_reference() {
        check("[a](guides/a.md)", "[b](b.md#top)\n| `c` | |", &[]);
        check(
            "[a](guides/ab.md)",
            "",
            &[
                "docs/README.md: does not link docs/guides/a.md",
                "docs/reference/README.md: does not link docs/reference/b.md",
                "docs/reference/README.md: has no row for the crate `c`",
            ],
        );
    }
}
