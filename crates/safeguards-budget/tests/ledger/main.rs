//! What the ledger promises, case by case, against a naive model, and under many threads.
//!
//! - `charges`, `holds`, `windows`: what each command counts where.
//! - `operations`, `linked`: once, and all or nothing.
//! - `bounds`, `denials`: what is refused, with which words and numbers.
//! - `ext`: the seam as callers hold it.
//! - `fixtures`: scripts with the answers that are agreed on.
//! - `division`, `allocation`, `approval`, `burn`: what stands beside the ledger and above it.
//! - `properties`: random commands, asked of the book and of a model that scans plain lists.
//! - `compact`: entries in the form that stores keep them in.
//! - `replay`: a snapshot, and entries, make the same book again.
//! - `threads`: many at once; `interleavings`: few, in every order.
//! - `desk`: what the cases stand on.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the cases that it is about")]

mod allocation;
mod approval;
mod bounds;
mod burn;
mod charges;
mod compact;
mod denials;
mod desk;
mod division;
mod ext;
#[cfg(shared_data)]
mod fixtures;
mod holds;
#[cfg(shuttle)]
mod interleavings;
mod linked;
mod operations;
mod properties;
mod replay;
mod threads;
mod windows;
