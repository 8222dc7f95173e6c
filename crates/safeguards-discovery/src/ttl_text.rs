//! How long a lease holds, as people read it in JSON: `"60s"`.

use std::time::Duration;

use safeguards_types::duration_text;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
pub(crate) fn serialize<S: Serializer>(
    ttl: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    ttl.map(duration_text::write).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let parse = |text: String| duration_text::parse(&text).map_err(de::Error::custom);
    text.map(parse).transpose()
}
