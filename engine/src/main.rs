//! Embedded ClickHouse: libchdb behind ClickHouse HTTP interface.

fn main() {}
