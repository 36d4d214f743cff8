//! Has a release build embed the web UI as it is now, and remembers when it was built: a clock that says earlier is wrong.
//! Debug builds read the UI from disk, so they need not be built again for it.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rustc-env=BUILT_AT_S={}", built_at_s());
    // Its place is looked up when this is compiled, so it has to be there, with or without the UI in it.
    std::fs::create_dir_all("../web/dist").expect("the workspace can be written to");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../web/dist");
    }
}

/// What a reproducible build says it is, else now.
fn built_at_s() -> u64 {
    let said = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    said.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
