//! What describes agents elsewhere, as [registrations](safeguards_discovery::Registration) of capabilities, and back.
//!
//! - [`AgentCard`]: the card of an A2A agent, in any spelling of the protocol from 0.2 to 1.0. Each skill is a
//!   capability. What the card says is kept whole, and comes out again as it went in.
//! - [`McpServer`]: the description of an MCP server, as registries publish it, or the list of its tools.
//! - [`SubAgent`]: a sub-agent's front matter, as coding assistants keep them in Markdown files.
//! - [`read_all`] reads a file of any of these, one or many, tells which it is, and says of each that cannot be
//!   used why, without stopping at it.
//!
//! These forms change fast, and so may this crate; what they mean to a registry stays in `safeguards-discovery`.
//!
//! ```
//! use safeguards_cards::{Importing, read_all};
//!
//! let card = br#"{"name": "Currency Agent", "version": "1.2.0", "skills": [
//!     {"id": "convert_currency", "name": "Convert", "description": "Converts amounts", "tags": ["currency"]}]}"#;
//! let imported = read_all("currency.json", card, &Importing::new());
//! let (_, registration) = &imported.registrations[0];
//! assert_eq!(registration.agent.as_str(), "currency-agent");
//! assert_eq!(registration.capabilities[0].to_string(), "convert_currency 1.2.0");
//! ```

mod card;
mod error;
mod json;
mod mcp;
mod naming;
mod reading;
mod sub_agent;

pub use card::{AgentCard, Exporting, Interface, Protocol, Skill};
pub use error::CardError;
pub use mcp::McpServer;
pub use reading::{CardMistake, Form, Imported, Importing, Place, read_all};
pub use sub_agent::SubAgent;

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_discovery as discovery;
pub use safeguards_types as types;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
