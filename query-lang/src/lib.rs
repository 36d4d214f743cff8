//! The search language: text to tree to ClickHouse SQL, and the same tree over one event.
