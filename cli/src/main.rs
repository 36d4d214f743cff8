//! cordwood: query, tail, ingest, agent, generate.

fn main() {}
