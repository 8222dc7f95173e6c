//! The laws and rules of the ledger on `docs/reference/laws.md`, against the tests that they name, both ways.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The page: tables whose first cell is a law or rule and whose second names its tests, such as
/// ``| No overshoot. | `grants::every_unit_is_asked` |``.
const PAGE: &str = "docs/reference/laws.md";

/// Where the cases of the conformance suite stand; each is on the page.
const CASES: &str = "crates/safeguards-testkit/src/conformance";

/// How a case begins, and what comes after its name.
const CASE: (&str, &str) = ("pub async fn ", "(desk: &Desk)");

/// Rules without a test, tests that there are not, and cases that no rule names.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let Some(page) = files.get(Path::new(PAGE)) else {
        return vec![format!(
            "{PAGE} is not there; it lists the laws and rules of the ledger with their tests, in tables"
        )];
    };
    let functions = functions(files);
    let (mut complaints, mut named) = (Vec::new(), BTreeSet::new());
    for (number, rule, tests) in rules(page) {
        if tests.is_empty() {
            complaints.push(format!("{PAGE}:{number}: `{rule}` names no test"));
        }
        for test in tests {
            if !functions.contains(&place_and_name(test)) {
                complaints.push(format!("{PAGE}:{number}: there is no test `{test}`"));
            }
            named.insert(test);
        }
    }
    let cases =
        files.iter().filter(|(path, _)| path.starts_with(CASES)).flat_map(|(path, text)| {
            let topic = stem(path);
            cases(text).map(move |case| format!("{topic}::{case}"))
        });
    let unnamed = cases.filter(|case| !named.contains(case.as_str()));
    complaints.extend(unnamed.map(|case| format!("{PAGE}: no rule names the case `{case}`")));
    complaints
}

/// The rows of all tables but their heads: line, rule, and the names of the tests.
pub(super) fn rules(page: &str) -> impl Iterator<Item = (usize, &str, Vec<&str>)> {
    let lines: Vec<&str> = page.lines().collect();
    let is_rule = |line: &&str| line.starts_with("| ---");
    let heads: BTreeSet<usize> =
        lines.iter().enumerate().filter(|(_, line)| is_rule(line)).map(|(at, _)| at).collect();
    lines.into_iter().enumerate().filter_map(move |(at, line)| {
        let is_head = heads.contains(&at) || heads.contains(&(at + 1));
        let (rule, tests) = line.strip_prefix('|')?.strip_suffix('|')?.rsplit_once('|')?;
        let tests = tests.split('`').skip(1).step_by(2).collect();
        (!is_head).then(|| (at + 1, rule.trim(), tests))
    })
}

/// Each function of the sources, by the file or folder that it stands in: `grants` and `every_unit_is_asked`.
fn functions(files: &BTreeMap<PathBuf, String>) -> BTreeSet<(&str, &str)> {
    let sources = files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "rs"));
    sources
        .flat_map(|(path, text)| {
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
            names.map(move |(name, _)| (stem(path), name))
        })
        .collect()
}

fn cases(text: &str) -> impl Iterator<Item = &str> {
    let (begin, end) = CASE;
    text.lines().filter_map(move |line| Some(line.strip_prefix(begin)?.split_once(end)?.0))
}

/// The name of a file without its ending; that of the folder for `mod.rs`, `main.rs` and `lib.rs`.
fn stem(path: &Path) -> &str {
    let file = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    if !["mod", "main", "lib"].contains(&file) {
        return file;
    }
    let folder = path.parent().and_then(Path::file_name);
    folder.and_then(|name| name.to_str()).unwrap_or_default()
}

/// `window::tests::days` stands in the file of `window`: unit tests stand at its end.
fn place_and_name(test: &str) -> (&str, &str) {
    let (place, name) = test.rsplit_once("::").unwrap_or(("", test));
    let place = place.strip_suffix("::tests").unwrap_or(place);
    (place.rsplit("::").next().unwrap_or(place), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &str, expected: &[&str]) {
        let case = "/// Quoted.\npub async fn all_fits(desk: &Desk) {\n}\npub async fn help(desk: Desk) {}\n";
        let files = [
            (format!("{CASES}/grants.rs"), case),
            (
                "crates/a/src/window.rs".to_owned(),
                "mod tests {\n    #[test]\n    fn days() {}\n}\n",
            ),
            ("crates/a/tests/it/main.rs".to_owned(), "async fn all() {}\n"),
            (PAGE.to_owned(), &format!("# Laws\n\n| law | tests |\n| --- | --- |\n{rows}")),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned()));
        assert_eq!(complaints(&files.into()), expected, "{rows}");
    }

    #[test]
    fn every_rule_names_tests_that_exist_and_every_case_is_named() {
        check("| All fits. | `grants::all_fits` |\n", &[]);
        check("| All `|` fits. | `grants::all_fits`, `window::tests::days`, `it::all` |\n", &[]);
        check(
            "| All fits. | `grants::all_fits` |\n| Nothing. | by and by |\n",
            &["docs/reference/laws.md:6: `Nothing.` names no test"],
        );
        check(
            "| All fits. | `grants::all_fits`, `window::all_fits` |\n",
            &["docs/reference/laws.md:5: there is no test `window::all_fits`"],
        );
        check(
            "| Days. | `window::tests::days` |\n",
            &["docs/reference/laws.md: no rule names the case `grants::all_fits`"],
        );
    }

    #[test]
    fn a_page_that_is_not_there_is_said_to_be_missing() {
        let complaints = complaints(&BTreeMap::new());
        assert!(complaints[0].starts_with("docs/reference/laws.md is not there"), "{complaints:?}");
    }
}
