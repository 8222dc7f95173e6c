//! The facade's error, against the errors of all libraries: `?` is enough for whatever a program calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Where the facade's error is: one line `Name(#[from] SomeError)` for each that it takes.
const UMBRELLA: &str = "crates/safeguards/src/error.rs";
/// Crates whose errors never reach a program that uses the facade.
const ELSEWHERE: [&str; 2] = ["safeguards-cli", "safeguards-testkit"];
/// Errors that it does not take, each with the reason.
const NOT_TAKEN: [(&str, &str); 13] = [
    ("CompactError", "met by who keeps entries of their own"),
    ("DelegateError", "met by agents, becomes an `AgentError`"),
    ("DeliveryError", "given by channels, to the hub"),
    ("DrawError", "met by agents, becomes an `AgentError`"),
    ("HandlerError", "given by handlers, to the hub"),
    ("LineError", "met by who reads ledger lines, and says at which line"),
    ("MessageError", "met by agents, becomes an `AgentError`"),
    ("MinimumsError", "met by who divides by hand; plans turn it into a denial"),
    ("ReplayError", "met by who keeps a book of their own"),
    ("RestoreError", "met by who keeps a registry of their own"),
    ("SnapshotError", "met by who keeps a book of their own"),
    ("WaitError", "generic over what was waited for, taken by an `impl`"),
    ("WithHoldError", "generic over what the work gave, taken by an `impl`"),
];

/// The errors that the facade's neither takes nor is excused from.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let Some(umbrella) = files.get(Path::new(UMBRELLA)) else {
        return vec![format!("{UMBRELLA} is not there; it takes the errors of all libraries")];
    };
    let taken: BTreeSet<_> = umbrella
        .split("(#[from] ")
        .skip(1)
        .filter_map(|rest| rest.split(')').next()?.rsplit("::").next())
        .collect();
    let mut complaints = Vec::new();
    let mut known = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| is_library_source(path)) {
        for error in declared(text) {
            known.insert(error);
            if !taken.contains(error) && !NOT_TAKEN.iter().any(|(name, _)| *name == error) {
                complaints
                    .push(format!("{UMBRELLA}: does not take `{error}` of {}", path.display()));
            }
        }
    }
    let gone = NOT_TAKEN.iter().filter(|(name, _)| !known.contains(name) || taken.contains(name));
    complaints.extend(
        gone.map(|(name, _)| {
            format!("{UMBRELLA}: `{name}` is excused, and is taken or is not there")
        }),
    );
    complaints
}

fn is_library_source(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let is_library = match parts.as_slice() {
        ["crates", name, "src", ..] => !ELSEWHERE.contains(name),
        ["backends", _, "src", ..] => true,
        _ => false,
    };
    is_library && is_rust
}

/// The public types of a file whose names end in `Error`.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter_map(|line| {
        line.strip_prefix("pub enum ").or_else(|| line.strip_prefix("pub struct "))
    });
    lines
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(rest))
        // `Error` alone is a version's, which is taken by its path, or the facade's own.
        .filter(|name| name.ends_with("Error") && *name != "Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let excused: Vec<_> =
            NOT_TAKEN.iter().map(|(name, _)| format!("pub struct {name}<E>;\n")).collect();
        let excused = excused.concat();
        let files = [
            (UMBRELLA, "    One(#[from] a::OneError),\n"),
            ("crates/safeguards-budget/src/excused.rs", excused.as_str()),
            ("crates/safeguards-budget/src/one.rs", source),
            ("crates/safeguards-cli/src/other.rs", "pub enum OtherError {}\n"),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
        assert_eq!(complaints(&files), expected);
    }

    #[test]
    fn every_public_error_is_taken() {
        check("pub enum OneError {}\npub(crate) enum TwoError {}\n", &[]);
        check(
            "pub struct TwoError;\npub enum TwoErrorKind {}\n",
            &["crates/safeguards/src/error.rs: does not take `TwoError` of \
               crates/safeguards-budget/src/one.rs"],
        );
    }

    #[test]
    fn an_excuse_goes_with_what_it_is_for() {
        let files = [(PathBuf::from(UMBRELLA), String::new())].into();
        assert_eq!(complaints(&files).len(), NOT_TAKEN.len());
    }
}
