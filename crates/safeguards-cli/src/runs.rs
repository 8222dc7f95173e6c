//! `safeguards runs`: the runs that a store has, and what became of their steps.

pub(crate) mod store;
