//! Reading JSON strictly: a key that stands twice would lose what stood there first.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::CardError;

/// Reads one JSON value. Lists and objects may be 128 deep.
pub(crate) fn read(text: &[u8]) -> Result<Value, CardError> {
    let strict: Strict = serde_json::from_slice(text)
        .map_err(|error| CardError::NotJson { message: error.to_string() })?;
    Ok(strict.0)
}

/// A value in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(yes.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("a number that is none"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            let Strict(value) = object.next_value()?;
            if fields.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` stands there twice")));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

/// What kind of JSON a value is, for messages.
pub(crate) const fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

/// A text that must be there and not empty.
pub(crate) fn text<'v>(object: &'v Map<String, Value>, field: &str) -> Result<&'v str, CardError> {
    let value = object.get(field);
    match value.and_then(Value::as_str).map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text),
        Some(_) => Err(CardError::field(field, "", "a text that is not empty")),
        None => Err(CardError::field(field, kind(value), "a text")),
    }
}

/// A text that may be missing or null.
pub(crate) fn text_if_any<'v>(
    object: &'v Map<String, Value>,
    field: &str,
) -> Result<Option<&'v str>, CardError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        value => Err(CardError::field(field, kind(value), "a text")),
    }
}

/// A list of texts that may be missing or null.
pub(crate) fn texts(object: &Map<String, Value>, field: &str) -> Result<Vec<String>, CardError> {
    let list = match object.get(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        value => return Err(CardError::field(field, kind(value), "a list of texts")),
    };
    let text = |(place, value): (usize, &Value)| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(CardError::field(format!("{field}[{place}]"), kind(Some(value)), "a text"))
        }
    };
    list.iter().enumerate().map(text).collect()
}
