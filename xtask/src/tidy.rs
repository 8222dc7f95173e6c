//! `tidy`: what no compiler looks at.

use std::path::Path;

use crate::{
    alone,
    failure::{Failure, Result},
    files,
    workspace::Workspace,
};

/// Marks of unfinished work. Written in two halves, so that this file does not contain them itself.
const MARKS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("dbg", "!")];

/// Looks through all Rust, Markdown, TOML and shell files.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = files::read(&workspace.root, &["rs", "md", "toml", "sh"])?;
    let mut complaints: Vec<_> =
        files.iter().flat_map(|(path, text)| complaints(path, text)).collect();
    for package in workspace.members() {
        let manifest = package.manifest_path.as_std_path();
        let manifest = manifest.strip_prefix(&workspace.root).unwrap_or(manifest);
        if package.description.as_ref().is_none_or(|text| text.trim().is_empty()) {
            complaints.push(format!("{}: no `description`", manifest.display()));
        }
        if !files.get(manifest).is_some_and(|text| inherits_lints(text)) {
            complaints
                .push(format!("{}: no `[lints]` with `workspace = true`", manifest.display()));
        }
    }
    complaints.extend(alone::complaints(workspace, &files));
    Failure::unless_empty(&complaints)?;
    println!("tidy: {} files", files.len());
    Ok(())
}

/// What is wrong with one file, each with the line it is at.
fn complaints(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut complain =
        |line: usize, what: &str| found.push(format!("{}:{line}: {what}", path.display()));
    if path.extension().is_some_and(|extension| extension == "rs") && !text.starts_with("//!") {
        complain(1, "the first line is no `//!` that says what lives here");
    }
    for (number, line) in (1..).zip(text.split('\n')) {
        if line.ends_with([' ', '\t', '\r']) {
            complain(number, "white space at the end of the line");
        }
        if line.contains('\t') {
            complain(number, "a tab");
        }
        for mark in MARKS.iter().filter(|mark| contains_word(line, mark)) {
            complain(number, &format!("`{mark}` is left over"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        complain(text.lines().count(), "no line end at the end of the file");
    }
    found
}

/// Whether the word stands in the line with no letter or digit beside it.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn inherits_lints(manifest: &str) -> bool {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[lints]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.replace(' ', "") == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(complaints(Path::new(path), text), expected, "{text:?}");
    }

    #[test]
    fn each_complaint_names_file_and_line() {
        check("a.rs", "//! A.\n\nfn a() {}\n", &[]);
        check(
            "a.rs",
            "fn a() {}\n",
            &["a.rs:1: the first line is no `//!` that says what lives here"],
        );
        check("a.md", "# A\n", &[]);
        check("a.md", "# A \n", &["a.md:1: white space at the end of the line"]);
        check("a.md", "# A\r\n", &["a.md:1: white space at the end of the line"]);
        check("a.toml", "a = 1\n\tb = 2\n", &["a.toml:2: a tab"]);
        check("a.md", "# A", &["a.md:1: no line end at the end of the file"]);
        check("a.md", "", &[]);
    }

    #[test]
    fn left_over_marks_are_found_as_words() {
        for mark in MARKS {
            check(
                "a.md",
                &format!("# A\n{mark}: b\n"),
                &[&format!("a.md:2: `{mark}` is left over")],
            );
            check("a.md", &format!("A{mark}\n"), &[]);
        }
    }

    #[test]
    fn lints_come_from_the_workspace() {
        assert!(inherits_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nworkspace = true\n"));
        assert!(!inherits_lints("[lints]\n\n[features]\nworkspace = true\n"));
    }
}
