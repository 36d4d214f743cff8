//! Cuts the compiled application into a main module and parts that are fetched when a page first needs them.
//!
//! Where to cut is marked in Rust (`web/src/later.rs`). Code that several parts share, and that the main module does without, becomes
//! a part of its own, fetched with the first of them.

use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};

/// The module that loads the parts; the bound application imports it by this name.
const LOADER: &str = "./__wasm_split.js";

pub struct Split {
    /// Still to be bound.
    pub main: PathBuf,
    pub parts: Vec<Part>,
}

pub struct Part {
    pub file: PathBuf,
}

/// Writes the main module, the parts and their loader into `folder`, which is emptied before.
pub fn split(compiled: &Path, folder: &Path) -> Result<Split> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    let input = fs::read(compiled).with_context(|| format!("failed to read {}", compiled.display()))?;
    // Not in `folder`, where binding writes a module of the same name.
    let main = folder.with_extension("main").join("web.wasm");
    fs::create_dir_all(main.parent().context("a file lies in a folder")?)?;
    let mut options = wasm_split_cli_support::Options::new(&input);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.link_name = LOADER;
    options.main_module = "./web.js";
    let done = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("the application could not be split: {error:#}"))?;
    let parts: Vec<Part> = done.split_modules.into_iter().map(|file| Part { file }).collect();
    name_for_bundler(&folder.join(LOADER), &parts)?;
    Ok(Split { main, parts })
}

/// Lets the bundler see which files the loader fetches, so that it gives them names with a hash.
fn name_for_bundler(loader: &Path, parts: &[Part]) -> Result<()> {
    let mut script = fs::read_to_string(loader).context("failed to read the loader of the parts")?;
    for (number, part) in parts.iter().enumerate() {
        let name = part.file.file_name().context("a part has a name")?.to_string_lossy();
        let address = format!("new URL(\"./{name}\", import.meta.url)");
        let named = script.replace(&address, &format!("part{number}"));
        anyhow::ensure!(named != script, "the loader does not fetch {name} as expected");
        script = format!("import part{number} from \"./{name}\";\n{named}");
    }
    fs::write(loader, script).context("failed to write the loader of the parts")
}
