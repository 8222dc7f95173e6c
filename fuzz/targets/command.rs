//! Any bytes: a line is refused, or printed so that it is read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use safeguards_budget::Line;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(line) = Line::parse(text) else { return };
    let printed = serde_json::to_string(&line).expect("a line has a JSON form");
    // A command with an amount that is none is denied, and is printed with 0 in its place.
    if format!("{line:?}").contains("fault: Some(") {
        return;
    }
    let again = Line::parse(&printed).expect("a printed line is a line");
    assert_eq!(line, again, "{text}\n{printed}");
    assert_eq!(printed, serde_json::to_string(&again).expect("a line has a JSON form"));
});
