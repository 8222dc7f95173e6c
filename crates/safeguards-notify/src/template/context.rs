//! [`NotificationValue`]: a notification as a template sees it.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind,
    value::{Enumerator, Object, Value},
};
use safeguards_types::Timestamp;
use serde_json::Value as Json;

use super::fields::{ALERT, Shape};
use crate::{Alert, Notification, text::one_line};

/// A notification as a template sees it. Fields are made when they are asked for.
#[derive(Debug)]
pub(super) struct NotificationValue(pub(super) Notification);

/// An alert as a template sees it.
#[derive(Debug)]
struct AlertValue(Arc<Alert>);

/// Labels in the order of the route's rule.
#[derive(Debug)]
struct Labels(Vec<(String, Value)>);

/// What templates may call. The engine looks here only for what the notification does not have.
pub(super) const FUNCTIONS: [&str; 2] = ["dict", "range"];

impl Object for NotificationValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let Self(notification) = &**self;
        let value = match key {
            "id" => Value::from(notification.id().to_string()),
            "channel" => text(notification.channel()),
            "at" => time(notification.at()),
            "severity" => Value::from(notification.severity().as_str()),
            "count" => Value::from(notification.count()),
            "more" => Value::from(notification.more()),
            "repeats" => Value::from(notification.repeats()),
            "escalation" => notification.escalation().map_or(Value::UNDEFINED, Value::from),
            "group" => labels(notification.group()),
            "text" => text(&notification.to_string()),
            "alerts" => notification.alerts().map(alert).collect(),
            "first" => alert(notification.first()),
            "latest" => alert(notification.latest()),
            _ if FUNCTIONS.contains(&key) => return None,
            _ => no_field(Shape::Notification, key),
        };
        Some(value)
    }
}

impl Object for AlertValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let Self(alert) = &**self;
        let value = match key {
            "id" => alert.id().map_or(Value::UNDEFINED, |id| Value::from(id.to_string())),
            "at" => alert.at().map_or(Value::UNDEFINED, time),
            "severity" => Value::from(alert.severity().as_str()),
            "topic" => Value::from(alert.topic().as_str()),
            "agent" => alert.agent().map_or(Value::UNDEFINED, |agent| text(agent.as_str())),
            "key" => alert.key().map_or(Value::UNDEFINED, text),
            "message" => text(alert.message()),
            "metadata" => {
                let pairs = alert.metadata().iter();
                Value::from_pairs(pairs.map(|(key, value)| (one_line(key), json(value))))
            }
            _ => no_field(Shape::Alert, key),
        };
        Some(value)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        const NAMES: [&str; ALERT.len()] = {
            let [a, b, c, d, e, f, g, h] = ALERT;
            [a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]
        };
        Enumerator::Str(&NAMES)
    }
}

impl Object for Labels {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.0.iter().find(|(label, _)| label == key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names: Vec<Value> = self.0.iter().map(|(label, _)| text(label)).collect();
        Enumerator::RevIter(Box::new(names.into_iter()))
    }
}

/// A value that fails wherever it is used, and says why.
fn no_field(shape: Shape, name: &str) -> Value {
    match shape.field(name) {
        Ok(_) => Value::UNDEFINED,
        Err(no_field) => {
            let error = Error::new(ErrorKind::InvalidOperation, no_field.to_string());
            Value::from(error.with_source(no_field))
        }
    }
}

fn alert(alert: &Arc<Alert>) -> Value {
    Value::from_object(AlertValue(Arc::clone(alert)))
}

fn time(at: Timestamp) -> Value {
    Value::from(at.to_string())
}

fn text(text: &str) -> Value {
    Value::from(one_line(text))
}

fn labels(group: &[(String, String)]) -> Value {
    let pair = |(label, value): &(String, String)| (label.clone(), text(value));
    Value::from_object(Labels(group.iter().map(pair).collect()))
}

/// Metadata. What is `null` is as good as absent.
fn json(value: &Json) -> Value {
    match value {
        Json::Null => Value::UNDEFINED,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => {
            let whole =
                number.as_u64().map(Value::from).or_else(|| number.as_i64().map(Value::from));
            whole.or_else(|| number.as_f64().map(Value::from)).unwrap_or_default()
        }
        Json::String(value) => text(value),
        Json::Array(values) => values.iter().map(json).collect(),
        Json::Object(map) => {
            Value::from_pairs(map.iter().map(|(key, value)| (one_line(key), json(value))))
        }
    }
}
