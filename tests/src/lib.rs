//! Nothing of its own: see `tests/` and `benches/` beside this folder.
