//! Agents that do as they are told, for tests of teams: [`ScriptedAgent`], by [`Script`]s.

mod call;
mod script;
mod scripted;

pub use call::{Call, CallEnd};
pub use script::Script;
pub use scripted::ScriptedAgent;
