//! [`Protocol`]: versions of the protocol, and a card of one as a card of another.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{
    AgentCard, Interface,
    spelling::{camelize, get, take},
};
use crate::{
    CardError,
    json::{kind, text, text_if_any},
};

/// A version of the A2A protocol, as far as it matters for cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Protocol {
    /// 0.2 and 0.3: `url` and `preferredTransport` stand on the card, others in `additionalInterfaces`.
    V0_3,
    /// 1.0: all stand in `supportedInterfaces`, and security schemes and requirements have other forms.
    V1_0,
}

impl Protocol {
    /// The current one.
    pub const LATEST: Self = Self::V1_0;

    /// `0.3` or `1.0`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_3 => "0.3",
            Self::V1_0 => "1.0",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// How cards of before 1.0 say which version they are of, where they say nothing.
const BEFORE: &str = "0.3.0";
const DEFAULT_BINDING: &str = "JSONRPC";

/// Where an agent is spoken to, the preferred first.
pub(super) fn interfaces(card: &Map<String, Value>) -> Result<Vec<Interface>, CardError> {
    let mut all = Vec::new();
    let version = text_if_any(card, super::spelling::spelled(card, "protocolVersion"))?;
    if let Some(url) = text_if_any(card, "url")? {
        let binding = text_if_any(card, super::spelling::spelled(card, "preferredTransport"))?;
        all.push(Interface {
            url: url.to_owned(),
            binding: binding.unwrap_or(DEFAULT_BINDING).to_owned(),
            version: version.map(ToOwned::to_owned),
        });
    }
    for (field, how) in
        [("additionalInterfaces", "transport"), ("supportedInterfaces", "protocolBinding")]
    {
        let list = match get(card, field) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list,
            value => return Err(CardError::field(field, kind(value), "a list of interfaces")),
        };
        for (place, value) in list.iter().enumerate() {
            let at = format!("{field}[{place}]");
            let Value::Object(one) = value else {
                return Err(CardError::field(at, kind(Some(value)), "an object"));
            };
            let read = |name| {
                let name = super::spelling::spelled(one, name);
                text_if_any(one, name).map_err(|error| super::within(&at, error))
            };
            let interface = Interface {
                url: read("url")?.unwrap_or_default().to_owned(),
                binding: read(how)?.unwrap_or(DEFAULT_BINDING).to_owned(),
                version: read("protocolVersion")?.or(version).map(ToOwned::to_owned),
            };
            if !all.contains(&interface) {
                all.push(interface);
            }
        }
    }
    Ok(all)
}

impl AgentCard {
    /// Which version of the protocol the card is spelled for.
    pub fn protocol(&self) -> Protocol {
        let is_new = get(&self.0, "supportedInterfaces").is_some();
        if is_new { Protocol::V1_0 } else { Protocol::V0_3 }
    }

    /// The same agent on a card of this version, spelled as that version spells. What nobody knows stays where it is.
    /// Signatures of a card that changes by this are left out, since they are of the other.
    ///
    /// # Errors
    ///
    /// Where something must be said that the card does not say: 0.3 needs a `url`.
    pub fn in_protocol(&self, protocol: Protocol) -> Result<Self, CardError> {
        let mut card = self.0.clone();
        card.remove("signatures");
        let unsigned = card.clone();
        camelize(&mut card);
        for list in ["supportedInterfaces", "additionalInterfaces", "skills"] {
            each_object(&mut card, list, &mut camelize);
        }
        if let Some(Value::Object(capabilities)) = card.get_mut("capabilities") {
            camelize(capabilities);
        }
        match protocol {
            Protocol::V1_0 => to_1_0(&mut card),
            Protocol::V0_3 => to_0_3(&mut card)?,
        }
        if card == unsigned {
            return Ok(self.clone());
        }
        Self::from_value(Value::Object(card))
    }
}

/// Changes each object in the list at a field.
fn each_object(
    object: &mut Map<String, Value>,
    field: &str,
    change: &mut dyn FnMut(&mut Map<String, Value>),
) {
    let Some(Value::Array(list)) = object.get_mut(field) else { return };
    list.iter_mut().filter_map(Value::as_object_mut).for_each(change);
}

fn to_1_0(card: &mut Map<String, Value>) {
    // Without an address they belong to nothing, and stay where they are.
    let is_placed = ["url", "additionalInterfaces"].iter().any(|field| get(card, field).is_some());
    let mut own = |field| is_placed.then(|| take(card, field)).flatten();
    let version = own("protocolVersion").unwrap_or_else(|| BEFORE.into());
    let binding = own("preferredTransport").unwrap_or_else(|| DEFAULT_BINDING.into());
    let mut interfaces = match card.remove("supportedInterfaces") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    if let Some(url) = take(card, "url") {
        let first = json!({ "url": url, "protocolBinding": binding, "protocolVersion": version });
        if !has(&interfaces, &first) {
            interfaces.insert(0, first);
        }
    }
    if let Some(Value::Array(more)) = card.remove("additionalInterfaces") {
        for mut one in more {
            if let Some(one) = one.as_object_mut() {
                if let Some(transport) = one.remove("transport") {
                    one.insert("protocolBinding".into(), transport);
                }
                one.entry("protocolVersion").or_insert_with(|| version.clone());
            }
            if !interfaces.contains(&one) {
                interfaces.push(one);
            }
        }
    }
    card.insert("supportedInterfaces".into(), interfaces.into());
    if let Some(extended) = card.remove("supportsAuthenticatedExtendedCard") {
        let capabilities = filled(card, "capabilities", json!({})).and_then(Value::as_object_mut);
        match capabilities {
            Some(capabilities) if !capabilities.contains_key("extendedAgentCard") => {
                capabilities.insert("extendedAgentCard".into(), extended);
            }
            // It says otherwise already: both stay.
            _ => _ = card.insert("supportsAuthenticatedExtendedCard".into(), extended),
        }
    }
    requirements(card, &mut |card| {
        rename(card, "security", "securityRequirements", |one| {
            let schemes =
                one.as_object().filter(|schemes| schemes.values().all(Value::is_array))?;
            let listed =
                |(name, scopes): (&String, &Value)| (name.clone(), json!({ "list": scopes }));
            Some(json!({ "schemes": schemes.iter().map(listed).collect::<Map<_, _>>() }))
        });
    });
    each_scheme(card, |scheme| {
        let kind = scheme.get("type").and_then(Value::as_str)?;
        let (_, wrapper) = SCHEMES.iter().find(|(old, _)| *old == kind)?;
        scheme.remove("type");
        if let Some(place) = scheme.remove("in") {
            scheme.insert("location".into(), place);
        }
        Some(Map::from_iter([((*wrapper).to_owned(), Value::Object(std::mem::take(scheme)))]))
    });
}

fn to_0_3(card: &mut Map<String, Value>) -> Result<(), CardError> {
    let mut interfaces = match card.remove("supportedInterfaces") {
        Some(Value::Array(list)) => list.into_iter(),
        _ => Vec::new().into_iter(),
    };
    if !card.contains_key("url") {
        let Some(Value::Object(mut first)) = interfaces.next() else {
            return Err(CardError::field("url", "nothing", "cards of 0.3 say where the agent is"));
        };
        text(&first, "url").map_err(|error| super::within("supportedInterfaces[0]", error))?;
        let moved = [
            ("url", "url"),
            ("protocolBinding", "preferredTransport"),
            ("protocolVersion", "protocolVersion"),
        ];
        for (from, to) in moved {
            if let Some(value) = first.remove(from) {
                card.insert(to.to_owned(), value);
            }
        }
        if !first.is_empty() {
            // Such as its tenant: what has no place in 0.3 stays with the interface.
            let (url, binding) =
                (card.get("url").cloned(), card.get("preferredTransport").cloned());
            first.insert("url".into(), url.unwrap_or_default());
            first.insert("transport".into(), binding.unwrap_or_else(|| DEFAULT_BINDING.into()));
            push(card, "additionalInterfaces", Value::Object(first));
        }
    }
    for mut one in interfaces {
        if let Some(one) = one.as_object_mut()
            && let Some(binding) = one.remove("protocolBinding")
        {
            one.insert("transport".into(), binding);
        }
        push(card, "additionalInterfaces", one);
    }
    card.entry("protocolVersion").or_insert_with(|| BEFORE.into());
    let capabilities = card.get_mut("capabilities").and_then(Value::as_object_mut);
    if let Some(extended) = capabilities.and_then(|it| it.remove("extendedAgentCard")) {
        card.insert("supportsAuthenticatedExtendedCard".into(), extended);
    }
    requirements(card, &mut |card| {
        rename(card, "securityRequirements", "security", |one| {
            let schemes = only(one, "schemes")?.as_object()?;
            let scopes = |(name, listed): (&String, &Value)| match listed.as_object() {
                // A scheme without scopes.
                Some(empty) if empty.is_empty() => Some((name.clone(), json!([]))),
                _ => Some((name.clone(), only(listed, "list")?.clone())),
            };
            schemes.iter().map(scopes).collect::<Option<Map<_, _>>>().map(Value::Object)
        });
    });
    each_scheme(card, |scheme| {
        let known = SCHEMES.iter().find_map(|(kind, wrapper)| Some((*kind, scheme.get(*wrapper)?)));
        let (kind, inner) = known?;
        // What stands beside has no place in the other form.
        let inner = inner.as_object().filter(|_| scheme.len() == 1)?;
        let mut inner = inner.clone();
        if let Some(place) = inner.remove("location") {
            inner.insert("in".into(), place);
        }
        inner.insert("type".into(), kind.into());
        Some(inner)
    });
    Ok(())
}

/// Security schemes before 1.0, and the objects that they stand in since.
const SCHEMES: [(&str, &str); 5] = [
    ("apiKey", "apiKeySecurityScheme"),
    ("http", "httpAuthSecurityScheme"),
    ("oauth2", "oauth2SecurityScheme"),
    ("openIdConnect", "openIdConnectSecurityScheme"),
    ("mutualTLS", "mtlsSecurityScheme"),
];

/// Changes each security scheme of which something is known.
fn each_scheme(
    card: &mut Map<String, Value>,
    change: impl Fn(&mut Map<String, Value>) -> Option<Map<String, Value>>,
) {
    let Some(Value::Object(schemes)) = card.get_mut("securitySchemes") else { return };
    for scheme in schemes.values_mut().filter_map(Value::as_object_mut) {
        camelize(scheme);
        if let Some(changed) = change(scheme) {
            *scheme = changed;
        }
    }
}

/// Requirements stand on the card and on its skills.
fn requirements(card: &mut Map<String, Value>, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    change(card);
    each_object(card, "skills", change);
}

/// Moves a list from one field to another and changes each of its elements; where the other is not there already, and
/// all of them can be said the other way.
fn rename(
    object: &mut Map<String, Value>,
    from: &str,
    to: &str,
    change: impl Fn(&Value) -> Option<Value>,
) {
    if object.get(to).is_some_and(|there| !there.is_null()) {
        return;
    }
    let list = object.get(from).and_then(Value::as_array);
    let changed: Option<Vec<Value>> = list.and_then(|list| list.iter().map(change).collect());
    if let Some(changed) = changed {
        object.remove(from);
        object.insert(to.to_owned(), Value::Array(changed));
    }
}

/// What stands at the one field of an object that has no other: what else it said would be lost.
fn only<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(field)
}

/// What stands at a field; what is missing or null becomes `otherwise`.
fn filled<'v>(
    object: &'v mut Map<String, Value>,
    field: &str,
    otherwise: Value,
) -> Option<&'v mut Value> {
    if object.get(field).is_none_or(Value::is_null) {
        object.insert(field.to_owned(), otherwise);
    }
    object.get_mut(field)
}

fn push(object: &mut Map<String, Value>, field: &str, value: Value) {
    if let Some(list) = filled(object, field, json!([])).and_then(Value::as_array_mut) {
        list.push(value);
    }
}

/// Whether the same address stands there by the same binding and version.
fn has(interfaces: &[Value], one: &Value) -> bool {
    let same = |other: &Value, field| other.get(field) == one.get(field);
    let fields = ["url", "protocolBinding", "protocolVersion"];
    interfaces.iter().any(|other| fields.into_iter().all(|field| same(other, field)))
}
