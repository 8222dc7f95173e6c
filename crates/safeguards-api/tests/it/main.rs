//! The crate from outside: both versions of the API, alerts, and teams that are run from their files.

mod alerting_ledger;
mod alerts;
mod api;
mod blocking;
mod building;
mod changes;
mod discovery;
mod golden;
mod lost_answers;
mod observed;
mod pages;
mod retries;
mod running;
#[cfg(unix)]
mod team;
mod text_call;
mod v1;
mod v1_golden;
mod v2;
mod v2_golden;
