//! Everything a developer does, in Rust: cargo xtask up, test, web, check, bench.

fn main() {}
