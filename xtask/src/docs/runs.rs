//! The promises of runs on `docs/reference/runs.md`, against the tests that they name: each is a test of that file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The page: tables whose last cell names the tests of a promise, such as
/// ``| A panic is caught. | `coord/tests/it/closures.rs::a_panic_is_caught` |``.
const PAGE: &str = "docs/reference/runs.md";

/// What stands before the path of a test as the page has it.
const CRATES: &str = "crates/safeguards-";

/// Cases of conformance suites, which take a desk and are made tests by a macro, stand in folders of this crate.
const KIT: &str = "crates/safeguards-testkit/src";

/// Promises without a test, and tests that there are not.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let Some(page) = files.get(Path::new(PAGE)) else {
        return vec![format!(
            "{PAGE} is not there; it lists the promises of runs with their tests, in tables"
        )];
    };
    let mut complaints = Vec::new();
    for (number, promise, tests) in super::laws::rules(page) {
        if tests.is_empty() {
            complaints.push(format!("{PAGE}:{number}: `{promise}` names no test"));
        }
        for test in tests {
            if let Err(complaint) = find(files, test) {
                complaints.push(format!("{PAGE}:{number}: {complaint}"));
            }
        }
    }
    complaints
}

/// Whether there is a test of this name: a file, `::`, and a function in it.
fn find(files: &BTreeMap<PathBuf, String>, test: &str) -> Result<(), String> {
    let Some((file, name)) = test.split_once("::") else {
        return Err(format!("`{test}` is no test of the form `coord/tests/it/file.rs::name`"));
    };
    let path = PathBuf::from(format!("{CRATES}{file}"));
    let Some(text) = files.get(&path) else {
        return Err(format!("there is no file {} for the test `{test}`", path.display()));
    };
    let is_case = path.starts_with(KIT);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found =
        lines.iter().enumerate().filter_map(|(at, line)| Some((at, declared(line, name)?)));
    let Some((at, rest)) = found.next() else {
        return Err(format!("there is no function `{name}` in {}", path.display()));
    };
    let is_test = is_case && rest.contains("Desk)") || is_marked(&lines[..at]);
    if is_test { Ok(()) } else { Err(format!("`{name}` in {} is no test", path.display())) }
}

/// What stands from the name on, where this line declares the function.
fn declared<'line>(line: &'line str, name: &str) -> Option<&'line str> {
    let (before, rest) = line.split_once("fn ")?;
    let is_fn = before.split_whitespace().all(|word| ["async", "pub"].contains(&word));
    (is_fn && rest.strip_prefix(name)?.starts_with('(')).then_some(rest)
}

/// Whether the attributes at the end of these lines make a test of what follows.
fn is_marked(before: &[&str]) -> bool {
    let mut attributes = before.iter().rev().take_while(|line| line.starts_with(['#', '/']));
    attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &str, expected: &[&str]) {
        let files = [
            (
                "crates/safeguards-coord/tests/it/rules.rs",
                "#[tokio::test(start_paused = true)]\n// Why.\nasync fn all_fits() {}\n\nfn help() {}\n",
            ),
            (
                "crates/safeguards-coord/src/bill.rs",
                "mod tests {\n    #[test]\n    fn days() {}\n    proptest! {\n        #[test]\n        \
                 fn any_day(\n            day in 1..9,\n        ) {}\n    }\n}\n",
            ),
            (
                "crates/safeguards-testkit/src/state/writing.rs",
                "/// Quoted.\npub async fn each(desk: &StateDesk) {\n}\npub async fn help(one: u8) {}\n",
            ),
        ];
        let page = format!("# Promises\n\n| promise | tests |\n| --- | --- |\n{rows}");
        let files = files.into_iter().chain([(PAGE, page.as_str())]);
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).collect();
        assert_eq!(complaints(&files), expected, "{rows}");
    }

    #[test]
    fn every_promise_names_tests_that_are_tests_of_their_file() {
        check("| All fits. | `coord/tests/it/rules.rs::all_fits` |\n", &[]);
        check("| `days` | `coord/src/bill.rs::days`, `coord/src/bill.rs::any_day` |\n", &[]);
        check("| Each. | `testkit/src/state/writing.rs::each` |\n", &[]);
        check("| All. | by and by |\n", &["docs/reference/runs.md:5: `All.` names no test"]);
        check(
            "| All. | `coord/tests/it/rules.rs::help` |\n",
            &[
                "docs/reference/runs.md:5: `help` in crates/safeguards-coord/tests/it/rules.rs is no test",
            ],
        );
        check(
            "| All. | `testkit/src/state/writing.rs::help` |\n",
            &[
                "docs/reference/runs.md:5: `help` in crates/safeguards-testkit/src/state/writing.rs is no \
               test",
            ],
        );
        check(
            "| All. | `coord/tests/it/rules.rs::all` |\n",
            &["docs/reference/runs.md:5: there is no function `all` in \
               crates/safeguards-coord/tests/it/rules.rs"],
        );
        check(
            "| All. | `coord/tests/it/rule.rs::all_fits` |\n",
            &[
                "docs/reference/runs.md:5: there is no file crates/safeguards-coord/tests/it/rule.rs for the \
               test `coord/tests/it/rule.rs::all_fits`",
            ],
        );
        check(
            "| All. | `all_fits` |\n",
            &["docs/reference/runs.md:5: `all_fits` is no test of the form \
               `coord/tests/it/file.rs::name`"],
        );
    }

    #[test]
    fn a_page_that_is_not_there_is_said_to_be_missing() {
        let complaints = complaints(&BTreeMap::new());
        assert!(complaints[0].starts_with("docs/reference/runs.md is not there"), "{complaints:?}");
    }
}
