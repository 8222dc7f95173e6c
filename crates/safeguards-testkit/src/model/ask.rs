//! [`Ask`]: a command as the model reads it, in a form in which equal commands are equal.

use safeguards_types::OperationId;
use serde_json::{Map, Value, json};

use super::number;

/// A command in its normal form: defaults filled in, amounts by value, ids in small letters, `at` left out.
///
/// It stays JSON: the model has no types of its own to be wrong about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask(Map<String, Value>);

impl Ask {
    /// Reads a command as it is written in JSON.
    pub(super) fn read(command: &Value) -> Self {
        let mut keys = command.as_object().cloned().unwrap_or_default();
        keys.remove("at");
        let name = keys.get("do").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Value::Object(defaults) = defaults(&name) {
            for (key, default) in defaults {
                keys.entry(key).or_insert(default);
            }
        }
        for (key, value) in &mut keys {
            match key.as_str() {
                "op" | "hold" | "of" => make_small(value),
                "amount" | "at_least" => by_value(value),
                "amounts" | "shares" | "weights" => {
                    value
                        .as_object_mut()
                        .into_iter()
                        .flatten()
                        .for_each(|(_, text)| by_value(text));
                }
                "warn_at" => make_percents(value),
                "limits" => {
                    value.as_array_mut().into_iter().flatten().for_each(make_limit);
                }
                "steps" | "protection" => {
                    for step in value.as_array_mut().into_iter().flatten() {
                        step.get_mut("last_percent").into_iter().for_each(by_value);
                    }
                }
                _ => {}
            }
        }
        Self(keys)
    }

    /// The value of a key; null where it is not there.
    pub(super) fn get(&self, key: &str) -> &Value {
        self.0.get(key).unwrap_or(&Value::Null)
    }

    /// The text of a key, owned; `None` where it is null.
    pub(super) fn maybe(&self, key: &str) -> Option<String> {
        self.get(key).as_str().map(str::to_owned)
    }

    /// The text of a key that every command of this kind has.
    pub(super) fn text(&self, key: &str) -> String {
        self.maybe(key).unwrap_or_default()
    }

    /// The whole number of a key.
    pub(super) fn count(&self, key: &str) -> u64 {
        self.get(key).as_u64().unwrap_or_default()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let list = self.get(key).as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The items of a list.
    pub(super) fn list(&self, key: &str) -> &[Value] {
        self.get(key).as_array().map_or(&[], Vec::as_slice)
    }

    /// The pairs of an object of texts, by their names.
    pub(super) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let pairs = self.get(key).as_object().into_iter().flatten();
        let mut pairs: Vec<_> = pairs
            .map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned()))
            .collect();
        pairs.sort();
        pairs
    }

    /// All keys together: those of `set_limit` are a limit.
    pub(super) fn whole(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// What is asked.
    pub(super) fn name(&self) -> &str {
        self.get("do").as_str().unwrap_or_default()
    }

    /// The operation id.
    pub(super) fn op(&self) -> &str {
        self.get("op").as_str().unwrap_or_default()
    }
}

/// When an operation id was minted, in nanoseconds since 1970.
pub(super) fn minted_at(op: &str) -> i64 {
    OperationId::parse(op).map_or(i64::MAX, |op| op.minted_at().as_nanos())
}

fn defaults(name: &str) -> Value {
    let mut keys = match name {
        "open_account" => json!({"parent": null, "priority": 5, "limits": [], "protection": []}),
        "set_limit" => json!({"mode": "hard", "warn_at": []}),
        "set_remaining" => json!({"window": "lifetime"}),
        "set_parent" => json!({"from": null}),
        "suspend" | "resume" => json!({"reason": null}),
        "charge" | "record" | "place_hold" => json!({"scopes": []}),
        "settle" => json!({"keep_open": false, "attribute_to": null}),
        "divide" => json!({"amount": null, "at_least": "0"}),
        _ => json!({}),
    };
    keys["metadata"] = json!({});
    keys
}

fn make_small(value: &mut Value) {
    if let Value::String(text) = value {
        text.make_ascii_lowercase();
    }
}

/// One text for one value: `0.50` and `0.5` are the same amount. What is no amount stays as it is.
fn by_value(value: &mut Value) {
    if let Some(steps) = value.as_str().and_then(number::read) {
        *value = number::said(steps);
    }
}

/// Repeats and order of percentages do not count.
fn make_percents(value: &mut Value) {
    let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut percents: Vec<_> = texts.filter_map(number::read).collect();
    percents.sort_unstable();
    percents.dedup();
    *value = percents.into_iter().map(number::said).collect();
}

fn make_limit(limit: &mut Value) {
    let Some(keys) = limit.as_object_mut() else { return };
    keys.entry("mode").or_insert_with(|| json!("hard"));
    make_percents(keys.entry("warn_at").or_insert_with(|| json!([])));
    keys.get_mut("amount").into_iter().for_each(by_value);
}
