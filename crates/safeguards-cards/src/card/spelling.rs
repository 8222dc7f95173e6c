//! Spellings: `defaultInputModes` and `default_input_modes` are the same field.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The field as this object spells it: in camel case if it is there, else in snake case if it is there so.
pub(super) fn spelled<'n>(object: &Map<String, Value>, camel: &'n str) -> &'n str {
    if object.get(camel).is_some_and(|value| !value.is_null()) {
        return camel;
    }
    let snake = KNOWN.iter().find(|(known, _)| *known == camel);
    snake.map_or(camel, |(_, snake)| if object.contains_key(*snake) { snake } else { camel })
}

/// What stands at a field, by its name in camel case.
pub(super) fn get<'v>(object: &'v Map<String, Value>, camel: &str) -> Option<&'v Value> {
    let filled = |name: &str| object.get(name).filter(|value| !value.is_null());
    filled(camel).or_else(|| filled(&snake(camel)))
}

/// Takes a field out, whichever way it is spelled. What is null says nothing.
pub(super) fn take(object: &mut Map<String, Value>, camel: &str) -> Option<Value> {
    let mut filled = |name: &str| object.remove(name).filter(|value| !value.is_null());
    filled(camel).or_else(|| filled(&snake(camel)))
}

/// The same name in snake case.
fn snake(camel: &str) -> Cow<'_, str> {
    match KNOWN.iter().find(|(known, _)| *known == camel) {
        Some((_, snake)) => Cow::Borrowed(snake),
        None => Cow::Borrowed(camel),
    }
}

/// Fields of more than one word that cards of any version have, at any level.
const KNOWN: [(&str, &str); 34] = [
    ("additionalInterfaces", "additional_interfaces"),
    ("apiKeySecurityScheme", "api_key_security_scheme"),
    ("authorizationCode", "authorization_code"),
    ("authorizationUrl", "authorization_url"),
    ("bearerFormat", "bearer_format"),
    ("clientCredentials", "client_credentials"),
    ("defaultInputModes", "default_input_modes"),
    ("defaultOutputModes", "default_output_modes"),
    ("deviceAuthorizationUrl", "device_authorization_url"),
    ("deviceCode", "device_code"),
    ("documentationUrl", "documentation_url"),
    ("extendedAgentCard", "extended_agent_card"),
    ("httpAuthSecurityScheme", "http_auth_security_scheme"),
    ("iconUrl", "icon_url"),
    ("inputModes", "input_modes"),
    ("mtlsSecurityScheme", "mtls_security_scheme"),
    ("oauth2MetadataUrl", "oauth2_metadata_url"),
    ("oauth2SecurityScheme", "oauth2_security_scheme"),
    ("openIdConnectSecurityScheme", "open_id_connect_security_scheme"),
    ("openIdConnectUrl", "open_id_connect_url"),
    ("outputModes", "output_modes"),
    ("pkceRequired", "pkce_required"),
    ("preferredTransport", "preferred_transport"),
    ("protocolBinding", "protocol_binding"),
    ("protocolVersion", "protocol_version"),
    ("pushNotifications", "push_notifications"),
    ("refreshUrl", "refresh_url"),
    ("securityRequirements", "security_requirements"),
    ("securitySchemes", "security_schemes"),
    ("skillQuery", "skill_query"),
    ("stateTransitionHistory", "state_transition_history"),
    ("supportedInterfaces", "supported_interfaces"),
    ("supportsAuthenticatedExtendedCard", "supports_authenticated_extended_card"),
    ("tokenUrl", "token_url"),
];

/// Spells the known fields of an object in camel case. A field that stands there in both spellings stays in both.
pub(super) fn camelize(object: &mut Map<String, Value>) {
    for (camel, snake) in KNOWN {
        if object.get(camel).is_none_or(Value::is_null)
            && let Some(value) = object.remove(snake)
        {
            object.insert(camel.to_owned(), value);
        }
    }
}
