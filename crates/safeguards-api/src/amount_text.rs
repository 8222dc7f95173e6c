//! Amounts as text, such as `"0.42 USD"`: for `#[serde(with = "amount_text")]`.

use std::fmt;

use safeguards_types::Amount;
use serde::{Deserializer, Serializer, de};

pub(crate) fn serialize<S: Serializer>(amount: &Amount, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(amount)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
    from.deserialize_str(Text)
}

/// The same for amounts that may be left out: with `default` and `skip_serializing_if`.
pub(crate) mod maybe {
    use super::{Amount, Deserializer, Serializer, Text};

    #[expect(clippy::ref_option, reason = "serde asks so")]
    pub(crate) fn serialize<S: Serializer>(
        amount: &Option<Amount>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => to.collect_str(amount),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Amount>, D::Error> {
        from.deserialize_str(Text).map(Some)
    }
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Amount;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an amount as text, such as \"0.42 USD\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        text.parse().map_err(E::custom)
    }
}
