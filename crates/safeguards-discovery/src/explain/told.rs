//! Explanations for people: a line for each mismatch.

use std::fmt;

use super::{Explanation, Mismatch};
use crate::{CapabilityName, Health, Status, query::Shown};

/// How much of a value is told, in letters.
const VALUE_CHARS: usize = 120;

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agent, mismatches } = self;
        if mismatches.is_empty() {
            return write!(out, "agent `{agent}` is found");
        }
        write!(out, "agent `{agent}` is not found:")?;
        mismatches.iter().try_for_each(|mismatch| write!(out, "\n- {mismatch}"))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHere => out.write_str("no agent of this name is here"),
            Self::LeaseExpired { expired_at } => write!(out, "its lease ran out at {expired_at}"),
            Self::NotAmong => out.write_str("the query is confined to other agents"),
            Self::NotHealthy { status } => {
                out.write_str("it may not be given work: ")?;
                write_status(out, status)
            }
            Self::NoSuchCapability { asked, has } => {
                write!(out, "it has no capability {asked}, nor one below it; it has ")?;
                if has.is_empty() {
                    return out.write_str("none");
                }
                let names: Vec<&str> = has.iter().map(CapabilityName::as_str).collect();
                out.write_str(&names.join(", "))
            }
            Self::NoCapability => out.write_str("it has no capability"),
            Self::Version { capability, asked, has: Some(has) } => {
                write!(out, "{capability} {has} is outside {asked}")
            }
            Self::Version { capability, asked, has: None } => {
                write!(out, "{capability} has no version; asked: {asked}")
            }
            Self::Condition { capability, asked, has } => {
                write!(out, "{capability}: {} ", asked.path)?;
                match has {
                    Some(value) => {
                        let shown = Shown(value).to_string();
                        let mut told: String = shown.chars().take(VALUE_CHARS).collect();
                        if told.len() < shown.len() {
                            told.push('…');
                        }
                        write!(out, "is {told}")?;
                    }
                    None => out.write_str("is not there")?,
                }
                write!(out, "; asked: {}", asked.test)
            }
            Self::Tag { capability, asked } => write!(out, "{capability} has no tag `{asked}`"),
            Self::Text { asked } => {
                write!(out, "none of these words stands in its texts: {asked}")
            }
        }
    }
}

/// How it stands: its health, where that is not well, and what keeps it from working.
fn write_status(out: &mut fmt::Formatter<'_>, status: &Status) -> fmt::Result {
    let health = (status.health != Health::Healthy).then(|| status.health.to_string());
    let blocks = status.blocks.iter().map(ToString::to_string);
    let told: Vec<String> = health.into_iter().chain(blocks).collect();
    out.write_str(&told.join(", "))
}
