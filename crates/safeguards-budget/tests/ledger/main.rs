//! What the ledger promises, case by case, against a naive model, and under many threads.
//!
//! - `charges`, `holds`, `windows`: what each command counts where.
//! - `operations`, `linked`: once, and all or nothing.
//! - `bounds`, `denials`: what is refused, with which words and numbers.
//! - `ext`: the seam as callers hold it.
//! - `model`, `asks`, `properties`: a book that scans plain lists, and random commands asked of both.
//! - `threads`: many at once.
//! - `desk`: what the cases stand on.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the cases that it is about")]

mod asks;
mod bounds;
mod charges;
mod denials;
mod desk;
mod ext;
mod holds;
mod linked;
mod model;
mod operations;
mod properties;
mod threads;
mod windows;
