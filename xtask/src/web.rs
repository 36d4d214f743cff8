//! Builds the web application into `web/dist`, ready to be served as it lies there.
//!
//! Rust is compiled to WebAssembly, split into what every page needs and what single pages need, bound by wasm-bindgen (its version
//! is the one in `Cargo.lock`), and bundled with the small scripts; styles become one file. Names under `assets/` carry a hash of their content, and every file has a `.br` and a `.gz`
//! beside it. Nothing is done when no input has changed since the last build.

mod bundle;
mod compile;
mod inputs;
mod page;
mod split;

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Compile fast instead of small: larger files, no size optimisation.
    #[arg(long)]
    pub dev: bool,
    /// Build even when nothing has changed.
    #[arg(long)]
    pub force: bool,
    /// With the pages for developers, such as `/dev/components`; a build with `--dev` has them anyway.
    #[arg(long)]
    pub dev_pages: bool,
}

/// Where the sources are and where results go.
struct Places {
    root: PathBuf,
    /// Intermediate files; apart from the server's, because the flags differ.
    target: PathBuf,
    dist: PathBuf,
}

impl Places {
    fn new() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?.to_owned();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self { target: root.join(target).join("web"), dist: root.join("web/dist"), root })
    }

    fn web(&self, path: &str) -> PathBuf {
        self.root.join("web").join(path)
    }

    fn node_module(&self, path: &str) -> PathBuf {
        self.root.join("node_modules").join(path)
    }
}

/// Builds the application when its inputs have changed; answers the folder to serve.
pub fn build(options: &Options) -> Result<PathBuf> {
    let places = Places::new()?;
    let key = inputs::key(&places.root, options)?;
    if !options.force && inputs::is_fresh(&places.dist, &key) {
        eprintln!("web: up to date");
        return Ok(places.dist);
    }
    install_node_modules(&places.root)?;
    let wasm = compile::application(&places, options)?;
    let output = places.target.join("dist");
    recreate(&output)?;
    let scripts = bundle::scripts(&places, &wasm, &output, options.dev)?;
    let styles = bundle::styles(&places, &output)?;
    page::write(&places, &output, &scripts, &styles)?;
    bundle::compress_all(&output, options.dev)?;
    inputs::mark(&output, &key)?;
    replace(&output, &places.dist)?;
    report(&places.dist)?;
    Ok(places.dist)
}

/// Builds the search language as a module of its own.
pub fn language() -> Result<PathBuf> {
    let places = Places::new()?;
    install_node_modules(&places.root)?;
    compile::language(&places)
}

/// Runs `npm ci` unless the installed packages are the locked ones.
pub fn install_node_modules(root: &Path) -> Result<()> {
    let lock = std::fs::read(root.join("package-lock.json")).context("failed to read package-lock.json")?;
    let stamp = root.join("node_modules/.cordwood-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    eprintln!("web: installing the browser tools (npm ci)");
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(root))
        .context("Node 20 or newer with npm is needed to build the web application")?;
    std::fs::write(stamp, lock).context("failed to remember what is installed")
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to start {:?}", command.get_program()))?;
    ensure!(status.success(), "{:?} failed with {status}", command.get_program());
    Ok(())
}

fn recreate(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("failed to empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder.join("assets"))
        .with_context(|| format!("failed to make {}", folder.display()))
}

/// Copies a finished build into place; the page goes last, so that it never names a file that is not there yet.
fn replace(output: &Path, dist: &Path) -> Result<()> {
    recreate(dist)?;
    let mut files = inputs::files_below(output)?;
    files.sort_by_key(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index.html"))
    });
    for file in files {
        let to = dist.join(file.strip_prefix(output).context("a file of the build")?);
        std::fs::copy(&file, &to).with_context(|| format!("failed to write {}", to.display()))?;
    }
    Ok(())
}

fn report(dist: &Path) -> Result<()> {
    for file in inputs::files_below(dist)? {
        let compressed = PathBuf::from(format!("{}.br", file.display()));
        if let (Ok(plain), Ok(small)) = (file.metadata(), compressed.metadata()) {
            eprintln!(
                "web: {:<44} {:>6} kB, {:>4} kB brotli",
                file.strip_prefix(dist)?.display(),
                plain.len() / 1000,
                small.len() / 1000
            );
        }
    }
    Ok(())
}
