//! How some fields are written in JSON: times in seconds, `null` that differs from left out, values without more keys.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned},
};
use serde_json::Value;

/// The longest time that is taken, in seconds.
const SECONDS_MAX: u64 = 1_000_000_000;

/// A field that was given, be it as `null`.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A value of another crate without keys that it does not know: whatever they say would be lost in silence.
pub(super) fn known_only<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Serialize + DeserializeOwned,
    D: Deserializer<'de>,
{
    use serde::de::Error;

    let given = Value::deserialize(from)?;
    let read = T::deserialize(&given).map_err(D::Error::custom)?;
    let known = serde_json::to_value(&read).map_err(D::Error::custom)?;
    match unknown_key(&given, &known) {
        Some(key) => Err(D::Error::custom(format_args!("unknown field `{key}`"))),
        None => Ok(read),
    }
}

fn unknown_key<'given>(given: &'given Value, known: &Value) -> Option<&'given str> {
    let (given, known) = (given.as_object()?, known.as_object()?);
    given.iter().find_map(|(key, value)| match known.get(key) {
        None => Some(key.as_str()),
        Some(known) => unknown_key(value, known),
    })
}

/// A time of whole seconds.
pub(super) mod seconds {
    use super::{Deserializer, Duration, Serializer, WholeSeconds};

    pub(in crate::v2) fn serialize<S: Serializer>(
        span: &Duration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_u64(span.as_secs())
    }

    pub(in crate::v2) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Duration, D::Error> {
        from.deserialize_u64(WholeSeconds)
    }
}

/// The same, which may be left out.
pub(super) mod maybe_seconds {
    use super::{Deserializer, Duration, Serializer, WholeSeconds};

    #[expect(clippy::ref_option, reason = "serde asks so")]
    pub(in crate::v2) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => to.serialize_u64(span.as_secs()),
            None => to.serialize_none(),
        }
    }

    pub(in crate::v2) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        from.deserialize_u64(WholeSeconds).map(Some)
    }
}

struct WholeSeconds;

impl de::Visitor<'_> for WholeSeconds {
    type Value = Duration;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "whole seconds, from 1 to {SECONDS_MAX}")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
        if (1..=SECONDS_MAX).contains(&seconds) {
            Ok(Duration::from_secs(seconds))
        } else {
            Err(E::invalid_value(de::Unexpected::Unsigned(seconds), &self))
        }
    }
}
