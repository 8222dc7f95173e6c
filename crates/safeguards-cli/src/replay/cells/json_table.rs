//! [`JsonTable`]: the rows of JSON lines.

use std::io::{BufRead, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    super::{
        error::Fault,
        source::{Text, TextReader},
    },
    Cell, ROW_MAX, Slots, State,
};

/// One object a line.
pub(crate) struct JsonTable {
    bytes: TextReader,
    line: u64,
    buffer: Vec<u8>,
    /// Whether the buffer holds a line that was looked at and is not yet given out.
    is_pending: bool,
}

impl JsonTable {
    pub(super) fn open(text: Text) -> Result<(Self, Vec<String>), (u64, Fault)> {
        let mut table =
            Self { bytes: text.into_reader(), line: 0, buffer: Vec::new(), is_pending: false };
        let more = table.read_line();
        if !more.map_err(|fault| (table.line, fault))? {
            return Err((table.line, Fault::Empty));
        }
        table.is_pending = true;
        let mut header = Vec::new();
        match parse(&table.buffer, Keys(&mut header)) {
            Ok(()) => Ok((table, header)),
            Err(fault) => Err((table.line, fault)),
        }
    }

    /// Reads the next line that is not blank.
    fn read_line(&mut self) -> Result<bool, Fault> {
        loop {
            self.buffer.clear();
            self.line = self.line.saturating_add(1);
            let mut bounded = self.bytes.by_ref().take(ROW_MAX);
            let count = bounded.read_until(b'\n', &mut self.buffer)?;
            if u64::try_from(count).is_ok_and(|count| count == ROW_MAX) {
                return Err(Fault::LineTooLong { max: ROW_MAX });
            }
            if count == 0 {
                return Ok(false);
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    pub(super) fn next(&mut self, slots: &mut Slots) -> Result<Option<u64>, (u64, Fault)> {
        if !std::mem::take(&mut self.is_pending) {
            let more = self.read_line();
            if !more.map_err(|fault| (self.line, fault))? {
                return Ok(None);
            }
        }
        for cell in &mut slots.cells {
            cell.state = State::Missing;
        }
        parse(&self.buffer, Fields(slots)).map_err(|fault| (self.line, fault))?;
        Ok(Some(self.line))
    }
}

/// Reads one object and nothing after it.
fn parse<'de>(line: &'de [u8], seed: impl DeserializeSeed<'de, Value = ()>) -> Result<(), Fault> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let parsed = seed.deserialize(&mut json).and_then(|()| json.end());
    parsed.map_err(|error| {
        let message = error.to_string();
        // The library counts lines of its own, of which there is one.
        let what = message.split(" at line ").next().unwrap_or(&message);
        Fault::Json { what: what.to_owned(), column: error.column() }
    })
}

/// Collects the keys of an object.
struct Keys<'a>(&'a mut Vec<String>);

/// Fills the slots with the values of an object.
struct Fields<'a>(&'a mut Slots);

/// Fills one cell with a value.
struct Value<'a>(&'a mut Cell);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            self.0.push(key);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            self.0.see(&key);
            let mut wanted = self.0.wanted().filter(|(column, _)| column.name == key);
            let Some((_, cell)) = wanted.next() else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            map.next_value_seed(Value(cell))?;
            // One column may stand in two slots: the model that rows are also told apart by.
            if let Some((_, other)) = wanted.next() {
                other.state = cell.state;
                other.text.clone_from(&cell.text);
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.state = State::Null;
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.fill(text);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.0.fill(if flag { "true" } else { "false" });
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.write(number);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.write(number);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        // The shortest text that means this number: what was written, where it had no more than 15 digits.
        self.0.write(number);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.0.fill("[…]");
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.fill("{…}");
        Ok(())
    }
}
