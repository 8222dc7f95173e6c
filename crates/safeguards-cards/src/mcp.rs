//! [`McpServer`]: a server of the Model Context Protocol, as registries describe it, and its tools.

use std::{collections::BTreeSet, time::Duration};

use safeguards_discovery::{Capability, CapabilityName, Registration};
use safeguards_types::AgentId;
use serde_json::{Map, Value};

use crate::{
    CardError,
    json::{kind, text, text_if_any},
    naming,
};

/// The description of an MCP server: the `server.json` of the
/// [official registry](https://github.com/modelcontextprotocol/registry), as it is now and as its seed was; or what a
/// server answers to `tools/list`. All of it is kept, also what nobody knows.
#[derive(Clone, Debug, PartialEq)]
pub struct McpServer {
    name: String,
    fields: Map<String, Value>,
    /// As it came, with what stood around it.
    document: Value,
    is_tools: bool,
}

impl McpServer {
    /// Under this kind a registration keeps the description among its documents.
    pub const KIND: &'static str = "mcp-server";
    /// Under this kind it keeps a list of tools.
    pub const TOOLS_KIND: &'static str = "mcp-tools";

    /// Takes a value for the description of a server. An object with `server` in it, as registries answer, means
    /// that server.
    ///
    /// # Errors
    ///
    /// Where it is none: `name` is a text, and what else is known of has the form that it must have.
    pub fn from_value(value: Value) -> Result<Self, CardError> {
        let document = value.clone();
        let Value::Object(mut fields) = value else {
            return Err(CardError::field("server", kind(Some(&value)), "an object"));
        };
        if !fields.contains_key("name")
            && let Some(Value::Object(server)) = fields.remove("server")
        {
            fields = server;
        }
        let name = text(&fields, "name")?.to_owned();
        for field in ["description", "version"] {
            text_if_any(&fields, field)?;
        }
        let server = Self { name, fields, document, is_tools: false };
        server.packages()?;
        Ok(server)
    }

    /// Takes a server's answer to `tools/list`, with or without the envelope of JSON-RPC around it, for a server of
    /// this name.
    ///
    /// # Errors
    ///
    /// Where it is none: `tools` is a list of objects with a `name`.
    pub fn of_tools(name: &str, value: Value) -> Result<Self, CardError> {
        let document = value.clone();
        let Value::Object(mut fields) = value else {
            return Err(CardError::field("tools", kind(Some(&value)), "an object with `tools`"));
        };
        if let Some(Value::Object(result)) = fields.remove("result") {
            fields = result;
        }
        let server = Self { name: name.to_owned(), fields, document, is_tools: true };
        server.tools()?;
        Ok(server)
    }

    /// Its name, such as `io.github.apache/iotdb`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The agent as a registration: [lasting](Registration::lasting), or for as long as `ttl` says, named as the
    /// server is. Its capability is `mcp.` and the last part of its name (`mcp.iotdb`), with its version and
    /// description, and in the metadata its `namespace`, `packages`, `package_kinds`, the names of the environment
    /// variables (`env`) and the kinds of its `remotes`; never a variable's value. A tool is a capability below that:
    /// `mcp.iotdb.select_query`, with its `input_schema` where that is no larger than metadata may be.
    ///
    /// The description itself is kept among the [documents](Registration::documents).
    ///
    /// # Errors
    ///
    /// Never for what was read.
    pub fn to_registration(
        &self,
        agent: Option<AgentId>,
        ttl: Option<Duration>,
    ) -> Result<Registration, CardError> {
        let agent = agent.unwrap_or_else(|| naming::agent(&self.name).into());
        let mut registration = Registration::lasting(agent);
        registration.ttl = ttl;
        let document = self.document.clone();
        if self.is_tools {
            registration.capabilities = self.tools()?;
            return Ok(registration.document(Self::TOOLS_KIND, document));
        }
        registration.capabilities = vec![self.capability()?];
        let description = text_if_any(&self.fields, "description")?.unwrap_or_default();
        Ok(registration.describe(description).document(Self::KIND, document))
    }

    /// The namespace and the name within it.
    fn parts(&self) -> (Option<&str>, &str) {
        match self.name.rsplit_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, &self.name),
        }
    }

    fn capability_name(&self) -> CapabilityName {
        // A dot in the name of a server is no level.
        naming::capability(&["mcp"], &self.parts().1.replace('.', "-"), "server")
    }

    fn capability(&self) -> Result<Capability, CardError> {
        let mut capability = named(&self.capability_name())?;
        capability.version = self.version().and_then(naming::version);
        text_if_any(&self.fields, "description")?
            .unwrap_or_default()
            .clone_into(&mut capability.description);
        let packages = self.packages()?;
        if let (Some(namespace), _) = self.parts() {
            capability.metadata.insert("namespace".into(), namespace.into());
        }
        let remotes = match self.fields.get("remotes") {
            Some(Value::Array(remotes)) => kinds_of_remotes(remotes),
            _ => BTreeSet::new(),
        };
        let lists = [
            ("packages", packages.names),
            ("package_kinds", packages.kinds),
            ("env", packages.env),
            ("remotes", remotes),
        ];
        for (key, set) in lists.into_iter().filter(|(_, set)| !set.is_empty()) {
            let list: Vec<Value> = set.into_iter().map(Value::String).collect();
            capability.metadata.insert(key.to_owned(), list.into());
        }
        Ok(capability)
    }

    /// As servers say it now, or said it in `version_detail`.
    fn version(&self) -> Option<&str> {
        let own = self.fields.get("version").and_then(Value::as_str);
        own.or_else(|| self.fields.get("version_detail")?.get("version")?.as_str())
    }

    fn packages(&self) -> Result<Packages, CardError> {
        let mut all = Packages::default();
        let list = match self.fields.get("packages") {
            None | Some(Value::Null) => return Ok(all),
            Some(Value::Array(list)) => list,
            value => return Err(CardError::field("packages", kind(value), "a list of packages")),
        };
        for (place, value) in list.iter().enumerate() {
            let Value::Object(package) = value else {
                let field = format!("packages[{place}]");
                return Err(CardError::field(field, kind(Some(value)), "an object"));
            };
            let first = |fields: &[&str]| {
                fields.iter().find_map(|field| package.get(*field)?.as_str()).map(ToOwned::to_owned)
            };
            all.names.extend(first(&["identifier", "name"]));
            all.kinds.extend(first(&["registryType", "registry_type", "registry_name", "kind"]));
            let variables = ["environmentVariables", "environment_variables", "env"];
            let variables = variables.iter().find_map(|field| package.get(*field)?.as_array());
            for variable in variables.into_iter().flatten() {
                let name = variable.as_str().or_else(|| variable.get("name")?.as_str());
                all.env.extend(name.map(ToOwned::to_owned));
            }
        }
        Ok(all)
    }

    /// Each tool as a capability.
    fn tools(&self) -> Result<Vec<Capability>, CardError> {
        let list = match self.fields.get("tools") {
            Some(Value::Array(list)) => list,
            value => return Err(CardError::field("tools", kind(value), "a list of tools")),
        };
        let mut names = naming::Given::default();
        let server = self.capability_name();
        let tool = |(place, value): (usize, &Value)| {
            let field = format!("tools[{place}]");
            let Value::Object(tool) = value else {
                return Err(CardError::field(field, kind(Some(value)), "an object"));
            };
            let name = text(tool, "name")
                .map_err(|error| CardError::field(field, "", error.to_string()))?;
            let above: Vec<&str> = server.parts().collect();
            let id = name.replace('.', "-");
            let name = naming::capability(&above, &id, "tool");
            let mut capability = named(&names.give_capability(name))?;
            text_if_any(tool, "description")?
                .unwrap_or_default()
                .clone_into(&mut capability.description);
            for (key, field) in [("input_schema", "inputSchema"), ("annotations", "annotations")] {
                if let Some(value @ Value::Object(_)) = tool.get(field) {
                    capability.metadata.insert(key.to_owned(), value.clone());
                    // What is too large or too deep for metadata stands in the document alone.
                    if capability.check().is_err() {
                        capability.metadata.remove(key);
                    }
                }
            }
            Ok(capability)
        };
        list.iter().enumerate().map(tool).collect()
    }
}

/// What packages say, each name once.
#[derive(Debug, Default)]
struct Packages {
    names: BTreeSet<String>,
    kinds: BTreeSet<String>,
    env: BTreeSet<String>,
}

fn kinds_of_remotes(remotes: &[Value]) -> BTreeSet<String> {
    let kind = |remote: &Value| {
        let kind = ["type", "transport_type", "transport"]
            .iter()
            .find_map(|field| remote.get(*field)?.as_str());
        kind.map(ToOwned::to_owned)
    };
    remotes.iter().filter_map(kind).collect()
}

fn named(name: &CapabilityName) -> Result<Capability, CardError> {
    Capability::new(name).map_err(|error| CardError::field("name", name, error.to_string()))
}
