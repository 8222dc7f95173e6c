//! [`Mistake`]: something in what was read that cannot be used, and where it stands.

use std::{fmt, io};

use safeguards_cards::{CardError, CardMistake};
use safeguards_discovery::InvalidField;
use serde::Serialize;

/// Something that cannot be used. What stands beside it can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mistake {
    pub(crate) code: &'static str,
    pub(crate) file: String,
    /// Where in the file, counted as its form counts: a line from 1, or an element from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// What is wrong and what is allowed, with the field and the value.
    pub(crate) message: String,
}

impl Mistake {
    /// In a file as a whole.
    pub(super) fn of_file(file: &str, fault: &Fault) -> Self {
        let place = Place { file: file.to_owned(), line: None, index: None };
        Self::at(fault.code(), &place, fault)
    }

    /// In a line of a catalog.
    pub(super) fn of_line(place: &Place, fault: &Fault) -> Self {
        Self::at(fault.code(), place, fault)
    }

    /// A field of what stands at this place cannot be used.
    pub(super) fn invalid(place: &Place, agent: &str, error: &InvalidField) -> Self {
        Self {
            agent: Some(agent.to_owned()),
            field: Some(error.field().to_owned()),
            value: Some(error.value().to_owned()),
            ..Self::at(error.code(), place, error)
        }
    }

    /// At this place.
    pub(super) fn at(code: &'static str, place: &Place, message: impl fmt::Display) -> Self {
        Self {
            code,
            file: place.file.clone(),
            line: place.line,
            index: place.index,
            agent: None,
            field: None,
            value: None,
            message: message.to_string(),
        }
    }
}

impl From<CardMistake> for Mistake {
    fn from(mistake: CardMistake) -> Self {
        let CardMistake { place, error, .. } = mistake;
        let mut told = Self::at(error.code(), &place.into(), &error);
        if let CardError::Field { field, value, .. } = error {
            (told.field, told.value) = (Some(field), Some(value));
        }
        told
    }
}

impl From<safeguards_cards::Place> for Place {
    fn from(place: safeguards_cards::Place) -> Self {
        Self { line: place.line, index: place.index, file: place.file }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, index, agent, message, .. } = self;
        out.write_str(file)?;
        if let Some(line) = line {
            write!(out, ":{line}")?;
        }
        if let Some(index) = index {
            write!(out, "[{index}]")?;
        }
        match agent {
            Some(agent) if !message.contains(&**agent) => {
                write!(out, ": agent `{agent}`: {message}")
            }
            Some(_) | None => write!(out, ": {message}"),
        }
    }
}

/// What is wrong with a file or a line of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot be read: {0}")]
    Unread(io::Error),
    #[error("{0}")]
    Line(String),
    #[error("the agent has a line before; each stands in a catalog once")]
    Twice,
}

impl Fault {
    /// The stable code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unread(_) => "agents.unreadable",
            Self::Line(_) | Self::Twice => "agents.bad_line",
        }
    }
}

/// Where something was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: Option<u64>,
    pub(super) index: Option<u64>,
}

impl Place {
    /// A line of a file, from 1.
    pub(super) fn line(file: &str, line: u64) -> Self {
        Self { file: file.to_owned(), line: Some(line), index: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_its_place() {
        let place = Place { index: Some(2), ..Place::line("a.jsonl", 3) };
        let mistake = Mistake::at("agents.bad_line", &place, "`x` is none");
        assert_eq!(mistake.to_string(), "a.jsonl:3[2]: `x` is none");
        let of_agent = Mistake { agent: Some("reader".to_owned()), ..mistake };
        assert_eq!(of_agent.to_string(), "a.jsonl:3[2]: agent `reader`: `x` is none");
    }
}
