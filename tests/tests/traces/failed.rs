//! failed
