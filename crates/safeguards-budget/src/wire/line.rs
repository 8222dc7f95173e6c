//! [`Line`]: one line of what a ledger is asked, and [`Answer`]: what it prints.

use safeguards_types::{AccountId, Timestamp};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    LineError,
    command::{command, read_command, write_command},
    json,
    keys::{Keys, account, hold, instant, integer, list, text},
    receipt::entry_id,
};
use crate::{Account, Batch, Book, Command, Entry, EntryId, HoldId, HoldView, Outcome};

/// One line of input: what is asked, and when.
///
/// ```
/// use safeguards_budget::{Book, Line};
///
/// let mut book = Book::new();
/// for (line, answer) in [
///     (
///         r#"{"at":"2026-01-05T09:00:00Z","op":"019b8d2c-7a10-7b6a-ba92-0e8f0c98431a","do":"open_account","account":"reader"}"#,
///         r#"{"ok":{"entry":1,"available":{},"crossed":[],"overrun":[],"shadow":[],"late":false}}"#,
///     ),
///     (
///         r#"{"at":"2026-01-05T09:00:01Z","read":"account","account":"reader"}"#,
///         r#"{"account":{"parent":null,"state":"open","priority":5,"limits":[],"lifetime":{}}}"#,
///     ),
///     (
///         r#"{"at":"2026-01-05T09:00:02Z","op":"019b8d2c-81e0-7b6a-ba92-0e8f0c98431a","do":"suspend","account":"raeder"}"#,
///         r#"{"denied":{"code":"budget.unknown_account","account":"raeder"}}"#,
///     ),
/// ] {
///     let answers = Line::parse(line)?.answer(&mut book);
///     assert_eq!(serde_json::to_string(&answers)?, format!("[{answer}]"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// What the clock shows.
    pub at: Timestamp,
    /// What is asked.
    pub request: Request,
}

/// What a line asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// To carry out one command.
    Command(Command),
    /// To carry out all of these commands or none.
    Linked(Vec<Command>),
    /// To tell how an account stands.
    Account(AccountId),
    /// To tell how a hold stands.
    Hold(HoldId),
    /// To tell at most `limit` entries, the first of them number `from`.
    Entries {
        /// Where to begin.
        from: EntryId,
        /// How many at most.
        limit: usize,
    },
}

/// What is printed: one line for each command or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// `{"ok":{…}}` or `{"denied":{…}}`: what came of one command.
    Outcome(Outcome),
    /// `{"account":{…}}`, or `null` where there is none of that name.
    Account(Option<Box<Account>>),
    /// `{"hold":{…}}`, or `null` where none is known by that id.
    Hold(Option<HoldView>),
    /// `{"entries":[…]}`.
    Entries(Vec<Entry>),
}

impl Line {
    /// Asks this at that instant.
    pub const fn new(at: Timestamp, request: Request) -> Self {
        Self { at, request }
    }

    /// Reads a line.
    ///
    /// An amount that is none is no mistake of the line: the command is denied.
    ///
    /// # Errors
    ///
    /// Where the text is not one JSON object; where a key is unknown, missing or given twice; where a value is
    /// none that its key takes.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        if text.starts_with('\u{feff}') {
            let what = "it begins with a byte-order mark".to_owned();
            return Err(LineError::Json { what, column: 1 });
        }
        let mut keys = Keys::of(json::parse(text)?)?;
        let at = keys.read("at", instant)?;
        let request = if keys.has("read") {
            read_read(&mut keys)?
        } else if let Some(commands) = keys.find("linked", linked)? {
            Request::Linked(commands)
        } else {
            Request::Command(read_command(&mut keys)?)
        };
        keys.finish()?;
        Ok(Self { at, request })
    }

    /// Asks a book: one answer for each command, in order, or one for a read.
    pub fn answer(self, book: &mut Book) -> Vec<Answer> {
        let Self { at, request } = self;
        let submit = |book: &mut Book, batch: Batch| {
            book.submit(batch, at).into_iter().map(Answer::Outcome).collect()
        };
        match request {
            Request::Command(command) => submit(book, command.into()),
            Request::Linked(commands) => submit(book, Batch::linked(commands)),
            Request::Account(id) => {
                let read = book.accounts(&[id], at).accounts.into_iter().next().flatten();
                vec![Answer::Account(read.map(Box::new))]
            }
            Request::Hold(id) => {
                vec![Answer::Hold(book.holds(&[id], at).into_iter().next().flatten())]
            }
            Request::Entries { from, limit } => {
                vec![Answer::Entries(book.entries(from, limit).entries)]
            }
        }
    }
}

fn linked(value: Value) -> Result<Vec<Command>, LineError> {
    let is_empty = value.as_array().is_some_and(Vec::is_empty);
    if is_empty {
        return Err(LineError::wrong(&value, "a list of at least one command"));
    }
    list(command)(value)
}

fn read_read(keys: &mut Keys) -> Result<Request, LineError> {
    let what = keys.read("read", text)?;
    Ok(match what.as_str() {
        "account" => Request::Account(keys.read("account", account)?),
        "hold" => Request::Hold(keys.read("hold", hold)?),
        "entries" => {
            let from = keys.read("from", entry_id)?;
            let limit = keys.read("limit", integer(0..=u64::MAX))?;
            Request::Entries { from, limit: usize::try_from(limit).unwrap_or(usize::MAX) }
        }
        _ => {
            let wrong = LineError::wrong(&what.into(), "\"account\", \"hold\" or \"entries\"");
            return Err(wrong.inside("read"));
        }
    })
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { at, request } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at", at)?;
        match request {
            Request::Command(command) => write_command(&mut map, command)?,
            Request::Linked(commands) => map.serialize_entry("linked", commands)?,
            Request::Account(account) => {
                map.serialize_entry("read", "account")?;
                map.serialize_entry("account", account)?;
            }
            Request::Hold(hold) => {
                map.serialize_entry("read", "hold")?;
                map.serialize_entry("hold", hold)?;
            }
            Request::Entries { from, limit } => {
                map.serialize_entry("read", "entries")?;
                map.serialize_entry("from", from)?;
                map.serialize_entry("limit", limit)?;
            }
        }
        map.end()
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Outcome(Ok(receipt)) => serializer.collect_map([("ok", receipt)]),
            Self::Outcome(Err(denial)) => serializer.collect_map([("denied", denial)]),
            Self::Account(account) => serializer.collect_map([("account", account)]),
            Self::Hold(hold) => serializer.collect_map([("hold", hold)]),
            Self::Entries(entries) => serializer.collect_map([("entries", entries)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OP: &str = "019b8d2c-7a10-7b6a-ba92-0e8f0c98431a";

    /// A line with these keys after its instant.
    fn line(keys: &str) -> String {
        format!(r#"{{"at":"2026-01-05T09:00:00Z",{keys}}}"#).replace("OP", OP)
    }

    /// A line is printed as it was read; `read` gives keys in another way that mean the same.
    #[track_caller]
    fn check(read: &str, printed: &str) {
        let parsed = Line::parse(&line(read)).unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), line(printed));
        assert_eq!(Line::parse(&line(printed)).unwrap(), parsed);
    }

    #[track_caller]
    fn check_same(keys: &str) {
        check(keys, keys);
    }

    #[track_caller]
    fn check_wrong(text: &str, parts: &[&str]) {
        let error = Line::parse(text).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in {error}");
        }
    }

    /// The command of these keys is wrong.
    #[track_caller]
    fn check_command(keys: &str, parts: &[&str]) {
        check_wrong(&line(&format!(r#""op":"OP",{keys}"#)), parts);
    }

    #[test]
    fn every_command_is_printed_as_it_is_read() {
        for keys in [
            r#""do":"register_unit","unit":"credits""#,
            r#""do":"open_account","account":"a","parent":"b","priority":7,"limits":[{"unit":"USD","window":{"day":"Europe/Berlin"},"amount":"5","mode":"soft","warn_at":["50","80.5"]}],"protection":[{"last_percent":"10","from_priority":8}],"metadata":{"run":[1,null,{"x":31.245270191439438}]}"#,
            r#""do":"close_account","account":"a""#,
            r#""do":"set_limit","account":"a","unit":"USD","window":{"every_s":3600},"amount":"0","mode":"shadow","warn_at":[]"#,
            r#""do":"set_remaining","account":"a","unit":"USD","window":{"month":"UTC"},"amount":"0""#,
            r#""do":"remove_limit","account":"a","unit":"USD","window":{"week":"UTC"}"#,
            r#""do":"set_protection","account":"a","steps":[]"#,
            r#""do":"set_parent","account":"a","parent":"b""#,
            r#""do":"set_parent","account":"a","parent":null"#,
            r#""do":"set_priority","account":"a","priority":10"#,
            r#""do":"suspend","account":"a","reason":"looks odd""#,
            r#""do":"resume","account":"a""#,
            r#""do":"charge","account":"a","amounts":{"USD":"0.42","tokens":"7"},"scopes":["u","u"]"#,
            r#""do":"record","account":"a","amounts":{},"metadata":{"task":"t"}"#,
            r#""do":"place_hold","account":"a","amounts":{"USD":"1"},"ttl_s":1000000000"#,
            r#""do":"extend_hold","hold":"OP","ttl_s":1"#,
            r#""do":"settle","hold":"OP","amounts":{},"keep_open":true,"attribute_to":"a/b""#,
            r#""do":"release","hold":"OP""#,
            r#""do":"refund","of":"OP","amounts":{"USD":"1"}"#,
            r#""do":"transfer","from":"a","to":"b","unit":"USD","amount":"1""#,
            r#""do":"allocate","parent":"a","unit":"USD","shares":{"b":"0","c":"2"}"#,
            r#""do":"divide","parent":"a","unit":"USD","weights":{"b":"0","c":"2.5"},"amount":"9","at_least":"1""#,
            r#""do":"divide","parent":"a","unit":"USD","weights":{}"#,
            r#""do":"reclaim","account":"a","unit":"USD","amount":"1""#,
        ] {
            let command = format!(r#""op":"OP",{keys}"#);
            check_same(&command);
            check_same(&format!(r#""linked":[{{{command}}},{{{command}}}]"#));
        }
        check_same(r#""read":"account","account":"""#);
        check_same(r#""read":"hold","hold":"OP""#);
        check_same(r#""read":"entries","from":1,"limit":100"#);
    }

    #[test]
    fn what_is_left_out_is_as_its_default() {
        check(
            r#""op":"019B8D2C-7A10-7b6a-ba92-0e8f0c98431a","do":"open_account","account":"a","parent":null,"limits":[],"metadata":{}"#,
            r#""op":"OP","do":"open_account","account":"a","priority":5"#,
        );
        check(
            r#""op":"OP","do":"set_limit","account":"a","unit":"USD","window":"lifetime","amount":"007.50","warn_at":["80","5","80.0"]"#,
            r#""op":"OP","do":"set_limit","account":"a","unit":"USD","window":"lifetime","amount":"7.5","mode":"hard","warn_at":["5","80"]"#,
        );
        check(
            r#""op":"OP","do":"set_remaining","account":"a","unit":"USD","amount":"1""#,
            r#""op":"OP","do":"set_remaining","account":"a","unit":"USD","window":"lifetime","amount":"1""#,
        );
        check(
            r#""op":"OP","do":"settle","hold":"OP","amounts":{"tokens":"1","USD":"0.0"},"keep_open":false,"attribute_to":null"#,
            r#""op":"OP","do":"settle","hold":"OP","amounts":{"USD":"0","tokens":"1"}"#,
        );
        check(
            r#""op":"OP","do":"suspend","account":"a","reason":null"#,
            r#""op":"OP","do":"suspend","account":"a""#,
        );
        check(
            r#""op":"OP","do":"divide","parent":"a","unit":"USD","weights":{"b":"1"},"at_least":"0.000""#,
            r#""op":"OP","do":"divide","parent":"a","unit":"USD","weights":{"b":"1"}"#,
        );
    }

    #[test]
    fn a_line_is_an_object_with_known_keys() {
        check_wrong("", &["broken JSON", "column 0"]);
        check_wrong("{", &["broken JSON", "column 1"]);
        check_wrong("[]", &["the line is []", "allowed is an object"]);
        check_wrong("{}", &["`at` is missing"]);
        check_wrong(&line(r#""op":"OP""#), &["`do` is missing"]);
        check_wrong(&line(r#""do":"release","hold":"OP""#), &["`op` is missing"]);
        check_wrong(&line(r#""linked":[]"#), &["`linked` is []", "at least one"]);
        check_wrong(&line(r#""linked":{}"#), &["`linked` is {}", "a list"]);
        check_wrong(&line(r#""linked":[1]"#), &["`linked[0]` is 1", "an object"]);
        check_wrong(
            &line(
                r#""linked":[{"op":"OP","do":"release","hold":"OP","at":"2026-01-05T09:00:00Z"}]"#,
            ),
            &["no key `linked[0].at`", "allowed are op, do, hold, metadata"],
        );
        check_wrong(
            &line(r#""linked":[{"op":"OP","do":"release","hold":"OP"}],"op":"OP""#),
            &["no key `op`", "at, linked"],
        );
        check_wrong(
            &line(r#""read":"account","account":"a","op":"OP""#),
            &["no key `op`", "at, read, account"],
        );
        check_wrong(&line(r#""read":"usage""#), &["`read` is \"usage\"", "\"hold\""]);
        check_wrong(&line(r#""read":"hold","hold":"a""#), &["`hold` is \"a\"", "version 7 UUID"]);
        check_wrong(&line(r#""read":"entries","from":1"#), &["`limit` is missing"]);
        check_wrong(&line(r#""read":"entries","from":-1,"limit":1"#), &["`from` is -1"]);
        check_wrong(
            &line(r#""op":"OP","do":"release","hold":"OP","hold":"OP""#),
            &["`hold` is given twice"],
        );
        let twice = r#""op":"OP","do":"release","hold":"OP","metadata":{"a":[{"b":1,"b":1}]}"#;
        check_wrong(&line(twice), &["`b` is given twice"]);
        for at in [
            "\"2026-01-05T09:00:00\"",
            "\"1969-12-31T23:59:59Z\"",
            "\"2262-04-11T23:47:16.854775808Z\"",
            "0",
            "null",
        ] {
            let text = format!(r#"{{"at":{at},"read":"account","account":"a"}}"#);
            check_wrong(&text, &["`at` is", at, "such as \"2026-03-02T14:12:07Z\""]);
        }
    }

    #[test]
    fn a_value_is_of_its_keys_type_and_within_its_range() {
        for op in ["\"a\"", "null", "1", "\"019b8d2c-7a10-4b6a-ba92-0e8f0c98431a\""] {
            check_wrong(
                &line(&format!(r#""op":{op},"do":"suspend","account":"a""#)),
                &["`op` is", op],
            );
        }
        check_command(
            r#""do":"spend","account":"a""#,
            &["`do` is \"spend\"", "one of register_unit, open_account"],
        );
        check_command(r#""do":"suspend""#, &["`account` is missing"]);
        check_command(
            r#""do":"suspend","acount":"a","account":"a""#,
            &["no key `acount`", "op, do, account, reason, metadata"],
        );
        check_command(r#""do":"suspend","account":null"#, &["`account` is null", "a string"]);
        check_command(r#""do":"suspend","account":"a","reason":1"#, &["`reason` is 1"]);
        check_command(
            r#""do":"suspend","account":"a","metadata":null"#,
            &["`metadata` is null", "an object"],
        );
        for priority in ["0", "11", "5.0", "\"5\"", "null", "true", "1e1", "-1"] {
            check_command(
                &format!(r#""do":"set_priority","account":"a","priority":{priority}"#),
                &["`priority` is", "from 1 to 10"],
            );
        }
        for seconds in ["0", "1000000001", "1.5", "\"5\"", "null", "-1", "1e3"] {
            check_command(
                &format!(r#""do":"extend_hold","hold":"OP","ttl_s":{seconds}"#),
                &["`ttl_s` is", "from 1 to 1000000000"],
            );
            check_command(
                &format!(
                    r#""do":"remove_limit","account":"a","unit":"USD","window":{{"every_s":{seconds}}}"#
                ),
                &["`window.every_s` is", "from 1 to 1000000000"],
            );
        }
        for window in [
            "\"day\"",
            "{}",
            "null",
            "[]",
            r#"{"hour":1}"#,
            r#"{"day":"UTC","week":"UTC"}"#,
            r#"{"lifetime":1}"#,
        ] {
            check_command(
                &format!(r#""do":"remove_limit","account":"a","unit":"USD","window":{window}"#),
                &["`window` is", "\"lifetime\", {\"every_s\":3600}"],
            );
        }
        for zone in ["\"Europe/Berlim\"", "\"\"", "1", "null"] {
            check_command(
                &format!(
                    r#""do":"remove_limit","account":"a","unit":"USD","window":{{"month":{zone}}}"#
                ),
                &["`window.month` is", zone, "Europe/Berlin"],
            );
        }
        check_command(
            r#""do":"remove_limit","account":"a","unit":"USD""#,
            &["`window` is missing"],
        );
        check_command(r#""do":"set_parent","account":"a""#, &["`parent` is missing"]);
        check_command(
            r#""do":"settle","hold":"OP","amounts":{},"keep_open":null"#,
            &["`keep_open` is null"],
        );
        check_command(
            r#""do":"settle","hold":"OP","amounts":{},"attribute_to":1"#,
            &["`attribute_to` is 1"],
        );
        check_command(
            r#""do":"record","account":"a","amounts":{},"scopes":["b",1]"#,
            &["`scopes[1]` is 1"],
        );
        check_command(
            r#""do":"record","account":"a","amounts":{},"scopes":null"#,
            &["`scopes` is null", "a list"],
        );
    }

    #[test]
    fn amounts_are_strings_by_unit_or_account() {
        for amounts in ["null", "[]", "\"1\""] {
            check_command(
                &format!(r#""do":"record","account":"a","amounts":{amounts}"#),
                &["`amounts` is", "an object"],
            );
        }
        for amount in ["1", "null", "0.5", "{}"] {
            check_command(
                &format!(r#""do":"record","account":"a","amounts":{{"USD":{amount}}}"#),
                &["`amounts.USD` is", "a decimal string"],
            );
            check_command(
                &format!(r#""do":"allocate","parent":"a","unit":"USD","shares":{{"b":{amount}}}"#),
                &["`shares.b` is", "a decimal string"],
            );
            check_command(
                &format!(
                    r#""do":"divide","parent":"a","unit":"USD","weights":{{"b":"1"}},"at_least":{amount}"#
                ),
                &["`at_least` is", "a decimal string"],
            );
        }
    }

    #[test]
    fn limits_and_steps_are_checked_one_by_one() {
        let limits =
            |limits: &str| format!(r#""do":"open_account","account":"a","limits":[{limits}]"#);
        let limit = r#"{"unit":"USD","window":{"day":"UTC"},"amount":"1"}"#;
        check_command(
            &limits(&format!("{limit},{limit}")),
            &["`limits[1].window` is {\"day\":\"UTC\"}", "one limit on USD"],
        );
        check_command(
            &limits(r#"{"unit":"USD","amount":"1"}"#),
            &["`limits[0].window` is missing"],
        );
        check_command(
            &limits(r#"{"unit":"USD","window":"lifetime","amount":1}"#),
            &["`limits[0].amount` is 1"],
        );
        check_command(
            &limits(r#"{"unit":"USD","window":"lifetime","amount":"1","account":"a"}"#),
            &["no key `limits[0].account`", "unit, window, amount, mode, warn_at"],
        );
        for mode in ["\"Hard\"", "\"firm\"", "null", "1"] {
            check_command(
                &limits(&format!(
                    r#"{{"unit":"USD","window":"lifetime","amount":"1","mode":{mode}}}"#
                )),
                &["`limits[0].mode` is", mode, "\"shadow\""],
            );
        }
        for percent in ["\"0\"", "\"100.1\"", "80", "\"80%\"", "null", "\"-1\""] {
            check_command(
                &limits(&format!(
                    r#"{{"unit":"USD","window":"lifetime","amount":"1","warn_at":[{percent}]}}"#
                )),
                &["`limits[0].warn_at[0]` is", percent, "above 0 and up to 100"],
            );
        }
        for percent in ["\"100.1\"", "10", "\"\"", "null"] {
            check_command(
                &format!(
                    r#""do":"set_protection","account":"a","steps":[{{"last_percent":{percent},"from_priority":8}}]"#
                ),
                &["`steps[0].last_percent` is", percent, "from 0 to 100"],
            );
        }
        check_command(
            r#""do":"set_protection","account":"a","steps":[{"last_percent":"0"}]"#,
            &["`steps[0].from_priority` is missing"],
        );
    }

    #[test]
    fn what_is_shown_of_a_wrong_value_is_short() {
        let long = "x".repeat(1_000);
        let error = Line::parse(&line(&format!(r#""read":"{long}""#))).unwrap_err().to_string();
        assert!(error.len() < 200 && error.contains('…'), "{error}");
        let error = Line::parse(&line(&format!(r#""read":"account","account":"a","{long}":1"#)));
        let error = error.unwrap_err().to_string();
        assert!(error.len() < 200 && error.contains('…'), "{error}");
    }
}
