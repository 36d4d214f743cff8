//! What searches mean, against the real engine.

mod columns;
mod corpus;
mod differential;
mod guide;
mod metamorphic;
mod rollups;
mod stored;

#[path = "../../../../query-lang/tests/fixture/mod.rs"]
mod fixture;

#[path = "../../../../query-lang/tests/random/mod.rs"]
mod random;
