//! JSON values in which no object has a key twice.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::LineError;

/// Reads a text that is one JSON value.
pub(super) fn parse(text: &str) -> Result<Value, LineError> {
    match serde_json::from_str(text) {
        Ok(Strict(value)) => Ok(value),
        Err(error) => Err(LineError::of_json(&error)),
    }
}

/// Any JSON value. Of a key that stands twice, one value would be lost in silence: that is an error.
pub(super) struct Strict(pub(super) Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AnyValue.deserialize(deserializer).map(Self)
    }
}

#[derive(Clone, Copy)]
struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` is given twice")));
            }
            let value = entries.next_value_seed(self)?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Value, &str>) {
        match (parse(text), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{text}"),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn every_value_is_read_and_no_key_twice() {
        for text in ["null", "true", "-1", "18446744073709551615", "0.25", r#""é\n""#, "[[],{}]"] {
            check(text, Ok(serde_json::from_str(text).unwrap()));
        }
        check(r#"{"a":{"b":1},"c":{"b":2}}"#, Ok(serde_json::json!({"a":{"b":1},"c":{"b":2}})));
        check(r#"{"a":1,"a":1}"#, Err("broken JSON: `a` is given twice, column 10"));
        // The same key, written in another way.
        check(r#"{"a":1,"\u0061":1}"#, Err("`a` is given twice"));
        check(r#"[{"m":[{"b":1,"b":2}]}]"#, Err("`b` is given twice"));
        for text in ["", "{", "nul", "{'a':1}", r#"{"a":1} {}"#, "1e999", "[1,]", "NaN", "01"] {
            check(text, Err("broken JSON: "));
        }
        // Deeper than any stack could take is refused before it is read.
        check(&"[".repeat(100_000), Err("broken JSON: recursion limit"));
    }
}
