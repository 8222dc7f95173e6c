//! Amounts as text, such as `"0.42 USD"`: for `#[serde(with = "text")]`.

use std::fmt;

use safeguards_types::Amount;
use serde::{Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(amount: &Amount, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(amount)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
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
    from.deserialize_str(Text)
}
