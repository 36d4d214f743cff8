//! What travels over HTTP: serde structs by resource, no logic.
