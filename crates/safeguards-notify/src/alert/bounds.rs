//! [`AlertError`]: what is too large about an alert; an alert that is cut so that it fits.

use std::fmt::Write as _;

use safeguards_types::AgentId;
use serde_json::{Map, Value};

use super::Alert;

/// How many bytes a message may have.
const MESSAGE_BYTES_MAX: usize = 16 * 1_024;
/// How many bytes a key may have.
const KEY_BYTES_MAX: usize = 1_024;
/// How many bytes the name of an agent may have.
const AGENT_BYTES_MAX: usize = 1_024;
/// How many bytes the texts of metadata may have, keys and numbers included, punctuation aside.
const METADATA_BYTES_MAX: usize = 64 * 1_024;
/// How deep metadata may be nested: a text stands at depth 1.
const METADATA_DEPTH_MAX: usize = 32;
/// What a number, a truth value or a nothing counts for.
const SCALAR_BYTES: usize = 16;
/// Where an alert that was cut says which values are missing.
const CUT_KEY: &str = "alerts.cut";
/// How many missing values are named, and how many bytes of a name.
const CUT_NAMES_MAX: usize = 16;
const CUT_NAME_CHARS_MAX: usize = 32;
/// Room for saying what was cut.
const CUT_BYTES: usize = 4 * 1_024;

/// What is too large about an alert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// The message.
    #[error("the message has {bytes} bytes; an alert holds {MESSAGE_BYTES_MAX}")]
    MessageTooLong {
        /// How many it has.
        bytes: usize,
    },
    /// The key.
    #[error("the key has {bytes} bytes; an alert holds {KEY_BYTES_MAX}")]
    KeyTooLong {
        /// How many it has.
        bytes: usize,
    },
    /// The name of the agent that it is about.
    #[error("the agent's name has {bytes} bytes; an alert holds {AGENT_BYTES_MAX}")]
    AgentTooLong {
        /// How many it has.
        bytes: usize,
    },
    /// The metadata.
    #[error("the metadata has {bytes} bytes; an alert holds {METADATA_BYTES_MAX}")]
    MetadataTooLarge {
        /// How many it has, counted no further than needed.
        bytes: usize,
    },
    /// One value of the metadata.
    #[error("metadata `{key}` is nested more than {METADATA_DEPTH_MAX} deep")]
    MetadataTooDeep {
        /// The key.
        key: String,
    },
}

impl AlertError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MessageTooLong { .. } => "notify.message_too_long",
            Self::KeyTooLong { .. } => "notify.key_too_long",
            Self::AgentTooLong { .. } => "notify.agent_too_long",
            Self::MetadataTooLarge { .. } => "notify.metadata_too_large",
            Self::MetadataTooDeep { .. } => "notify.metadata_too_deep",
        }
    }
}

impl Alert {
    /// Whether an alert can hold all of it: a message of 16 KiB, a key and an agent's name of 1 KiB each, metadata of
    /// 64 KiB nested 32 deep. What is larger is cut when it is sent.
    ///
    /// # Errors
    ///
    /// The first thing that is too large.
    pub fn check(&self) -> Result<(), AlertError> {
        if self.message.len() > MESSAGE_BYTES_MAX {
            return Err(AlertError::MessageTooLong { bytes: self.message.len() });
        }
        if let Some(key) = self.key.as_ref().filter(|key| key.len() > KEY_BYTES_MAX) {
            return Err(AlertError::KeyTooLong { bytes: key.len() });
        }
        if let Some(agent) =
            self.agent.as_ref().filter(|agent| agent.as_str().len() > AGENT_BYTES_MAX)
        {
            return Err(AlertError::AgentTooLong { bytes: agent.as_str().len() });
        }
        let mut bytes = 0_usize;
        for (key, value) in &self.metadata {
            let Some(of_value) = size(value, METADATA_DEPTH_MAX) else {
                return Err(AlertError::MetadataTooDeep { key: shortened(key) });
            };
            bytes = bytes.saturating_add(key.len()).saturating_add(of_value);
        }
        if bytes > METADATA_BYTES_MAX {
            return Err(AlertError::MetadataTooLarge { bytes });
        }
        Ok(())
    }

    /// The same, cut where it is too large; and the first thing that was.
    pub(crate) fn fitted(mut self) -> (Self, Option<AlertError>) {
        let Err(error) = self.check() else {
            return (self, None);
        };
        if self.message.len() > MESSAGE_BYTES_MAX {
            let all = self.message.len();
            let kept =
                self.message.floor_char_boundary(MESSAGE_BYTES_MAX.saturating_sub(CUT_BYTES));
            self.message.truncate(kept);
            let left = all.saturating_sub(kept);
            // Writing to a text does not fail.
            let _ = write!(self.message, "… ({left} bytes more)");
        }
        if let Some(key) = &mut self.key {
            key.truncate(key.floor_char_boundary(KEY_BYTES_MAX));
        }
        if let Some(agent) = &mut self.agent {
            let name = agent.as_str();
            if let Some((kept, _)) =
                name.split_at_checked(name.floor_char_boundary(AGENT_BYTES_MAX))
            {
                *agent = AgentId::from(kept);
            }
        }
        cut_metadata(&mut self.metadata);
        (self, Some(error))
    }
}

/// Takes out what is too deep, then the largest values until the rest fits, and says which.
fn cut_metadata(metadata: &mut Map<String, Value>) {
    let mut sizes: Vec<(usize, String)> = metadata
        .iter()
        .map(|(key, value)| {
            let of_value = size(value, METADATA_DEPTH_MAX).unwrap_or(usize::MAX);
            (of_value.saturating_add(key.len()), key.clone())
        })
        .collect();
    let all = sizes.iter().fold(0_usize, |sum, (size, _)| sum.saturating_add(*size));
    if all <= METADATA_BYTES_MAX {
        return;
    }
    sizes.sort_unstable();
    // From the smallest on, as long as there is room; what is too deep counts for more than there ever is.
    let mut used = CUT_BYTES;
    let kept = sizes.iter().take_while(|(size, _)| {
        used = used.saturating_add(*size);
        used <= METADATA_BYTES_MAX
    });
    let kept = kept.count();
    let mut cut = Vec::new();
    for (_, key) in sizes.drain(kept..) {
        metadata.remove(&key);
        cut.push(Value::from(shortened(&key)));
    }
    if !cut.is_empty() {
        let others = cut.len().saturating_sub(CUT_NAMES_MAX);
        cut.truncate(CUT_NAMES_MAX);
        if others > 0 {
            cut.push(Value::from(format!("and {others} more")));
        }
        metadata.insert(CUT_KEY.to_owned(), Value::Array(cut));
    }
}

fn shortened(key: &str) -> String {
    key.chars().take(CUT_NAME_CHARS_MAX).collect()
}

/// The bytes of its texts; `None` where it is nested deeper than `depth`.
fn size(value: &Value, depth: usize) -> Option<usize> {
    let inner = depth.checked_sub(1)?;
    Some(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => SCALAR_BYTES,
        Value::String(text) => text.len(),
        Value::Array(values) => values
            .iter()
            .try_fold(SCALAR_BYTES, |sum, value| Some(sum.saturating_add(size(value, inner)?)))?,
        Value::Object(values) => values.iter().try_fold(SCALAR_BYTES, |sum, (key, value)| {
            Some(sum.saturating_add(key.len()).saturating_add(size(value, inner)?))
        })?,
    })
}

#[cfg(test)]
mod tests {
    use safeguards_types::Severity;

    use super::*;
    use crate::topic;

    fn alert(message: &str) -> Alert {
        Alert::new(Severity::Low, topic!("agent.note"), message)
    }

    fn nested(depth: usize) -> Value {
        (1..depth).fold(Value::from("deep"), |inner, _| Value::Array(vec![inner]))
    }

    #[track_caller]
    fn check(alert: &Alert, code: Option<&str>) -> Alert {
        let told = alert.check().err();
        assert_eq!(told.as_ref().map(AlertError::code), code);
        let (fitted, cut) = alert.clone().fitted();
        assert_eq!(cut, told);
        assert_eq!(fitted.check(), Ok(()), "what was cut fits");
        if code.is_none() {
            assert_eq!(&fitted, alert);
        }
        fitted
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        check(&alert("ready").keyed("a").with("left", 1).with("deep", nested(32)), None);
        check(&alert(&"x".repeat(16_384)).with("a", "x".repeat(65_535)), None);
    }

    #[test]
    fn what_is_too_large_is_cut_and_said() {
        let long = alert(&"ü".repeat(10_000)).with("left", "0.1");
        let cut = check(&long, Some("notify.message_too_long"));
        assert!(cut.message().ends_with("… (7712 bytes more)"), "{}", cut.message());
        assert_eq!(cut.metadata()["left"], "0.1");

        check(&alert("ready").keyed("k".repeat(1_025)), Some("notify.key_too_long"));

        let cut = check(&alert("ready").about("ü".repeat(600)), Some("notify.agent_too_long"));
        assert_eq!(cut.agent().map(|agent| agent.as_str().len()), Some(1_024));

        let large = alert("ready").with("log", "x".repeat(70_000)).with("left", "0.1");
        let cut = check(&large, Some("notify.metadata_too_large"));
        assert_eq!(
            Value::Object(cut.metadata().clone()).to_string(),
            r#"{"alerts.cut":["log"],"left":"0.1"}"#
        );

        let deep = alert("ready").with("tree", nested(33)).with("left", "0.1");
        let cut = check(&deep, Some("notify.metadata_too_deep"));
        assert_eq!(cut.metadata().len(), 2);
        assert_eq!(
            deep.check().unwrap_err().to_string(),
            "metadata `tree` is nested more than 32 deep"
        );

        let many =
            (0..20_000).fold(alert("ready"), |alert, number| alert.with(format!("k{number}"), "v"));
        let cut = check(&many, Some("notify.metadata_too_large"));
        assert_eq!(cut.metadata()["alerts.cut"].as_array().map(Vec::len), Some(17));
    }
}
