//! [`CardError`]: why a text describes no agent.

use std::fmt;

/// Why a text describes no agent, or an agent cannot be described. It names the field, the value and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// It is not JSON, or has one key twice.
    #[error("no JSON: {message}")]
    NotJson {
        /// What is wrong, and where.
        message: String,
    },
    /// It is JSON, or text, of no form that is known.
    #[error(
        "`{value}` describes no agent: expected an agent card (with `name` and `skills`), an MCP server (with `name` \
         and `packages` or `remotes`), a list of MCP `tools`, or a sub-agent (front matter, or `name` and `tools`)"
    )]
    UnknownForm {
        /// How it begins.
        value: String,
    },
    /// A field is not there, or is not what it must be.
    #[error("{field}: `{value}`: {allowed}")]
    Field {
        /// Which field.
        field: String,
        /// What stands there, perhaps cut; `nothing` where it is missing.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// It is too large.
    #[error("{bytes} bytes are too much: at most {max}")]
    TooLarge {
        /// How much it is.
        bytes: usize,
        /// How much it may be.
        max: usize,
    },
    /// The front matter cannot be read.
    #[error("no front matter: {message}")]
    FrontMatter {
        /// What is wrong, and where.
        message: String,
    },
    /// Another in the same file, or an argument, has this name already, with other content.
    #[error("agent `{agent}` stands there twice, with other content; the first was taken")]
    Duplicate {
        /// Who.
        agent: String,
    },
}

/// How much of a value is told.
const VALUE_CHARS: usize = 120;

impl CardError {
    /// `value` stands at `field`, where `allowed` is expected.
    pub(crate) fn field(
        field: impl Into<String>,
        value: impl fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Field { field: field.into(), value: cut(&value.to_string()), allowed: allowed.into() }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "cards.not_json",
            Self::UnknownForm { .. } => "cards.unknown_form",
            Self::Field { .. } => "cards.invalid_field",
            Self::TooLarge { .. } => "cards.too_large",
            Self::FrontMatter { .. } => "cards.front_matter",
            Self::Duplicate { .. } => "cards.duplicate",
        }
    }
}

/// The beginning of a text, in one line.
pub(crate) fn cut(text: &str) -> String {
    let mut told: String = text.chars().take(VALUE_CHARS).collect();
    if told.len() < text.len() {
        told.push('…');
    }
    told.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}
