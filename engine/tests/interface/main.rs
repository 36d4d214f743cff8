//! The engine as its clients see it: the real process, spoken to over HTTP.

#![allow(clippy::unwrap_used)] // a test that cannot go on says so by panicking
mod inserts;
mod lifecycle;
mod statements;
mod support;
