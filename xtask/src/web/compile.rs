//! Rust to WebAssembly: by rustup's toolchain, or by Debian's packages where the target cannot be had otherwise.

use super::split::{self, Part};
use super::{Options, Places, run};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's names: a newer compiler, its cargo, the sources of the standard library, and a linker for WebAssembly.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];
const DEBIAN_LINKER: &str = "wasm-ld-19";

/// The bound application: a module of JavaScript, the WebAssembly it loads first, and the parts it loads later.
pub struct Application {
    pub module: PathBuf,
    pub wasm: PathBuf,
    pub parts: Vec<Part>,
}

pub fn application(places: &Places, options: &Options) -> Result<Application> {
    let dev = options.dev;
    let profile = if dev { "web-dev" } else { "web" };
    let mut cargo = toolchain()?;
    cargo
        .args([
            "rustc",
            "--quiet",
            "--package",
            "web",
            "--bin",
            "web",
            "--target",
            TARGET,
            "--profile",
            profile,
        ])
        .args(options.dev_pages.then_some("--features=dev-pages"))
        // Splitting needs the linker's relocations.
        .args(["--", "-Clink-arg=--emit-relocs"])
        .env("CARGO_TARGET_DIR", &places.target)
        // One view type instead of thousands: compiles faster and is smaller.
        .env("RUSTFLAGS", "--cfg erase_components --cfg getrandom_backend=\"wasm_js\"")
        .current_dir(&places.root);
    eprintln!("web: compiling to WebAssembly ({profile})");
    run(&mut cargo)?;
    let compiled = places.target.join(TARGET).join(profile).join("web.wasm");
    bind(&compiled, &places.target.join("bindgen"), places, dev)
}

/// The search language alone, as small as the application is made.
pub fn language(places: &Places) -> Result<PathBuf> {
    let manifest = places.root.join("bench/browser/Cargo.toml");
    let target = places.target.join("language");
    // The versions that the application has.
    std::fs::copy(places.root.join("Cargo.lock"), places.root.join("bench/browser/Cargo.lock"))
        .context("failed to copy Cargo.lock")?;
    run(toolchain()?
        .args(["build", "--quiet", "--target", TARGET, "--profile", "web", "--manifest-path"])
        .arg(&manifest)
        .env("CARGO_TARGET_DIR", &target))?;
    let compiled = target.join(TARGET).join("web/language_in_the_browser.wasm");
    let wasm = target.join("language.wasm");
    std::fs::copy(&compiled, &wasm).with_context(|| format!("failed to copy {}", compiled.display()))?;
    shrink(places, &wasm)?;
    Ok(wasm)
}

/// What the compiler uses and every browser of the last years knows; `--all-features` would bring in proposals.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

fn bind(compiled: &Path, folder: &Path, places: &Places, dev: bool) -> Result<Application> {
    eprintln!("web: splitting");
    let split = split::split(compiled, folder)?;
    eprintln!("web: binding");
    Bindgen::new()
        .input_path(&split.main)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        // The parts find what they share with the main module by its exports.
        .keep_lld_exports(true)
        .demangle(false)
        .debug(dev)
        .keep_debug(false)
        .remove_name_section(!dev)
        .remove_producers_section(true)
        .generate(folder)
        .context("wasm-bindgen failed")?;
    let application =
        Application { module: folder.join("web.js"), wasm: folder.join("web_bg.wasm"), parts: split.parts };
    if !dev {
        eprintln!("web: shrinking");
        shrink(places, &application.wasm)?;
        for part in &application.parts {
            shrink(places, &part.file)?;
        }
    }
    Ok(application)
}

fn shrink(places: &Places, wasm: &Path) -> Result<()> {
    let optimiser = places.node_module(".bin/wasm-opt");
    ensure!(optimiser.exists(), "wasm-opt is missing: run `npm ci`");
    run(Command::new(optimiser)
        .args(["-Oz", "--strip-debug", "--strip-producers", "--quiet"])
        .args(FEATURES)
        .arg("-o")
        .arg(wasm)
        .arg(wasm))
}

/// A cargo that can compile for the browser.
fn toolchain() -> Result<Command> {
    if rustup_has_target() || install_rustup_target() {
        return Ok(Command::new("cargo"));
    }
    if !debian_is_complete() {
        install_debian_packages()?;
    }
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .args(["-Z", "build-std=std,panic_abort"])
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER)
        .env_remove("RUSTUP_TOOLCHAIN");
    Ok(cargo)
}

fn rustup_has_target() -> bool {
    let Ok(output) = Command::new("rustc").args(["--print", "sysroot"]).output() else { return false };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    sysroot.join("lib/rustlib").join(TARGET).join("lib").exists()
}

fn install_rustup_target() -> bool {
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    added.is_ok_and(|status| status.success()) && rustup_has_target()
}

fn debian_is_complete() -> bool {
    let sources = Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml");
    let linker = Path::new("/usr/bin").join(DEBIAN_LINKER);
    Path::new("/usr/bin/cargo").exists() && sources.exists() && linker.exists()
}

fn install_debian_packages() -> Result<()> {
    let advice = format!(
        "the Rust target {TARGET} is not installed. Run `rustup target add {TARGET}`, or on Debian, as root, `apt-get install {}`",
        DEBIAN_PACKAGES.join(" ")
    );
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root || !Path::new("/usr/bin/apt-get").exists() {
        bail!(advice);
    }
    eprintln!("web: installing {}", DEBIAN_PACKAGES.join(" "));
    run(Command::new("apt-get")
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(DEBIAN_PACKAGES))
    .context(advice)
}
