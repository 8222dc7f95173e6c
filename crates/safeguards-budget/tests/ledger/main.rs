//! What the ledger promises, case by case, against a naive model, and under many threads.
//!
//! - `charges`, `holds`, `windows`: what each command counts where.
//! - `operations`, `linked`: once, and all or nothing.
//! - `bounds`, `denials`: what is refused, with which words and numbers.
//! - `ext`: the seam as callers hold it.
//! - `fixtures`: scripts with the answers that are agreed on.
//! - `division`, `allocation`, `approval`, `burn`: what stands beside the ledger and above it.
//! - `model`, `asks`, `properties`: a book that scans plain lists, and random commands asked of both.
//! - `threads`: many at once.
//! - `desk`: what the cases stand on.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the cases that it is about")]

mod allocation;
mod approval;
mod bounds;
mod burn;
mod charges;
mod denials;
mod desk;
mod division;
mod ext;
#[cfg(shared_data)]
mod fixtures;
mod holds;
mod linked;
mod operations;
mod windows;
