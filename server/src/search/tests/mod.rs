//! What searches mean, against the real engine.

mod corpus;
mod stored;

#[path = "../../../../query-lang/tests/fixture/mod.rs"]
mod fixture;
