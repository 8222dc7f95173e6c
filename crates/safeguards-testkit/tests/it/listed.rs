//! Every case of the suite stands in its list, once: a case that is not listed is run by nobody.

use std::{collections::BTreeSet, fs, path::Path};

fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = files.map(|path| {
        let topic = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (topic, fs::read_to_string(path).unwrap())
    });
    read.collect()
}

/// `topic::case` of each public async function that takes nothing but a desk.
fn written(sources: &[(String, String)]) -> BTreeSet<String> {
    let cases = sources.iter().flat_map(|(topic, text)| {
        let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases = functions.filter_map(|line| line.strip_suffix("(desk: &Desk) {"));
        cases.map(move |case| format!("{topic}::{case}"))
    });
    cases.collect()
}

/// `topic::case` of each line of the list, `need case,` below `topic {`.
fn listed(suite: &str) -> Vec<String> {
    let mut topic = "";
    let mut cases = Vec::new();
    for line in suite.lines().map(str::trim) {
        if let Some((_, opened)) = line.split_once("$options ")
            && let Some(name) = opened.strip_suffix(" {")
        {
            topic = name;
        } else if let Some((need, case)) = line.split_once(' ')
            && ["any", "clock", "bounds", "forgets", "durable"].contains(&need)
            && let Some(case) = case.strip_suffix(',')
        {
            cases.push(format!("{topic}::{case}"));
        }
    }
    cases
}

#[test]
fn every_case_stands_in_the_list_once() {
    let sources = sources();
    let (_, suite) = sources.iter().find(|(topic, _)| topic == "suite").unwrap();
    let listed = listed(suite);
    assert!(listed.len() > 300, "{} cases are listed", listed.len());
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(once.len(), listed.len(), "one is listed twice");
    let missing: Vec<_> = written(&sources).difference(&once).cloned().collect();
    assert!(missing.is_empty(), "not in src/conformance/suite.rs: {missing:#?}");
}
