//! Any bytes, taken as lines of the wire form where they begin with `{`, else as commands: the book answers
//! each, and its entries, its reads and its snapshots agree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use safeguards_budget::{Book, Bounds, Line};
use safeguards_fuzz::{Asked, History, Witness};
use safeguards_types::Timestamp;

/// How much of an input is carried out: longer ones find nothing more, and run slower.
const STEPS_MAX: usize = 100;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"{") {
        if let Ok(text) = std::str::from_utf8(bytes) {
            run_lines(text);
        }
    } else {
        run_history(bytes);
    }
});

fn run_lines(text: &str) {
    let (mut book, mut now) = (Book::new(), Timestamp::UNIX_EPOCH);
    let mut witness = Witness::new(Bounds::default());
    for line in text.lines().take(STEPS_MAX) {
        let Ok(line) = Line::parse(line) else { continue };
        now = line.at;
        for answer in line.answer(&mut book) {
            serde_json::to_string(&answer).expect("an answer has a JSON form");
        }
        if !witness.read(&book) {
            return;
        }
    }
    witness.testify(book, now);
}

fn run_history(bytes: &[u8]) {
    let mut history = History::new(bytes);
    let bounds = history.bounds().unwrap_or_default();
    let (mut book, mut witness) = (Book::with_bounds(bounds), Witness::new(bounds));
    for _ in 0..STEPS_MAX {
        match history.step() {
            Ok(Some(Asked::Tick)) => drop(book.tick(history.now)),
            Ok(Some(Asked::Submit(batch))) => drop(book.submit(batch, history.now)),
            // The end of the bytes ends the history, wherever it comes.
            Ok(None) | Err(_) => break,
        }
        if !witness.read(&book) {
            return;
        }
    }
    witness.testify(book, history.now);
}
