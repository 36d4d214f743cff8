//! Load generator and benchmarks, with the results they gave.

fn main() {}
