//! What a subscriber and a recorder see of commands, runs and alerts; and the page that says so.

mod capture;
mod commands;
mod deliveries;
mod driving;
mod ends;
mod nesting;
mod office;
mod page;
