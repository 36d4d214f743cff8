//! Has a release build embed the web UI as it is now. Debug builds read it from disk, so they need not be built again for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Its place is looked up when this is compiled, so it has to be there, with or without the UI in it.
    std::fs::create_dir_all("../web/dist").expect("the workspace can be written to");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../web/dist");
    }
}
