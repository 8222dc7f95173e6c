//! The model, alone, answers the scripts that stand beside the repository as two readings of the specification
//! agree.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    slice,
};

use flate2::read::MultiGzDecoder;
use safeguards_budget::Bounds;
use safeguards_testkit::Model;
use safeguards_types::Timestamp;
use serde_json::{Value, json};

#[test]
fn the_model_answers_every_script_as_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/ledger");
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let scripts = files.map(|file| file.unwrap().path());
    let is_script = |path: &PathBuf| path.to_string_lossy().ends_with(".script.jsonl.gz");
    let mut scripts: Vec<_> = scripts.filter(is_script).collect();
    scripts.sort();
    assert!(!scripts.is_empty(), "no scripts in {}", folder.display());
    for script in &scripts {
        check(script);
    }
}

#[track_caller]
fn check(script: &Path) {
    let name = script.file_name().unwrap().to_string_lossy().into_owned();
    let agreed = lines(&script.with_file_name(name.replace(".script.", ".outcomes.")));
    let mut agreed = agreed.into_iter();
    let mut model = Model::new(Bounds::default());
    for (number, line) in (1..).zip(lines(script)) {
        for answer in answers(&mut model, &line) {
            assert_eq!(
                Some(answer),
                agreed.next().map(only_what_happened),
                "{name}:{number}: {line}"
            );
        }
    }
    assert_eq!(agreed.next(), None, "{name}: answers are missing");
}

fn lines(path: &Path) -> Vec<Value> {
    let mut text = String::new();
    MultiGzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn answers(model: &mut Model, line: &Value) -> Vec<Value> {
    let at = Timestamp::parse(line["at"].as_str().unwrap()).unwrap();
    let id = |key: &str| line[key].as_str().unwrap();
    match line["read"].as_str() {
        Some("account") => vec![json!({"account": model.accounts([id("account")], at)[0]})],
        Some("hold") => vec![json!({"hold": model.holds([id("hold")], at)[0]})],
        Some(_) => vec![json!({"entries": model.entries()})],
        None => match line["linked"].as_array() {
            Some(commands) => model.apply(commands, true, at),
            None => model.apply(slice::from_ref(line), false, at),
        },
    }
}

/// Of entries, what is compared: how else they are told is each implementation's own.
fn only_what_happened(mut answer: Value) -> Value {
    if let Some(entries) = answer.get_mut("entries") {
        for entry in entries.as_array_mut().unwrap() {
            entry
                .as_object_mut()
                .unwrap()
                .retain(|key, _| ["entry", "at", "op", "do"].contains(&key.as_str()));
        }
    }
    answer
}
