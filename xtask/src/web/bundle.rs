//! Scripts by esbuild, styles by lightningcss, and the compressed copy beside each file.

use super::inputs::{files_below, hex};
use super::{Places, compile::Application, run};
use anyhow::{Context, Result, anyhow};
use lightningcss::printer::PrinterOptions;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, StyleSheet};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Names below `assets/`, as the page needs them.
pub struct Scripts {
    pub boot: String,
    pub theme: String,
    pub wasm: String,
}

/// Bundles `web/js`. What `boot.js` imports only when needed becomes a file of its own.
pub fn scripts(places: &Places, application: &Application, output: &Path, dev: bool) -> Result<Scripts> {
    eprintln!("web: bundling");
    let metafile = places.target.join("esbuild.json");
    let mut esbuild = Command::new(places.node_module(".bin/esbuild"));
    esbuild
        .arg(places.web("js/boot.js"))
        .arg(places.web("js/theme.js"))
        .args([
            "--bundle",
            "--splitting",
            "--format=esm",
            "--target=es2022",
            "--log-level=warning",
            "--legal-comments=none",
            // Each function that the parts' loader gives is bound by an import of its own.
            "--log-override:duplicate-object-key=silent",
        ])
        .args([
            "--entry-names=[name]-[hash]",
            "--chunk-names=[name]-[hash]",
            "--asset-names=[name]-[hash]",
            "--loader:.wasm=file",
        ])
        .arg(format!("--alias:cordwood-module={}", application.module.display()))
        .arg(format!("--alias:cordwood-wasm={}", application.wasm.display()))
        .arg("--public-path=/assets")
        .arg(format!("--outdir={}", output.join("assets").display()))
        .arg(format!("--metafile={}", metafile.display()))
        .env("NODE_PATH", places.root.join("node_modules"))
        .current_dir(&places.root);
    if !dev {
        esbuild.arg("--minify");
    }
    run(&mut esbuild)?;
    let made = files_below(&output.join("assets"))?;
    let named = |start: &str, end: &str| {
        made.iter()
            .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
            .find(|name| name.starts_with(start) && name.ends_with(end))
            .ok_or_else(|| anyhow!("esbuild did not write {start}*{end}"))
    };
    Ok(Scripts {
        boot: named("boot-", ".js")?,
        theme: named("theme-", ".js")?,
        wasm: named("web_bg-", ".wasm")?,
    })
}

/// Joins `web/css/*.css` into one minified file. Order does not matter: each file names its layer, and `layers.css` orders them.
pub fn styles(places: &Places, output: &Path) -> Result<String> {
    let mut files = files_below(&places.web("css"))?;
    files.sort_by_key(|file| (file.file_name().is_none_or(|name| name != "layers.css"), file.clone()));
    let mut source = String::new();
    for file in files {
        source.push_str(
            &fs::read_to_string(&file).with_context(|| format!("failed to read {}", file.display()))?,
        );
    }
    let charts = fs::read_to_string(places.node_module("uplot/dist/uPlot.min.css"))
        .context("failed to read uPlot's styles")?;
    source.push_str(&format!("@layer vendor {{ {charts} }}"));
    let source = with_package_files(places, output, &source)?;
    let mut sheet = StyleSheet::parse(&source, ParserOptions::default())
        .map_err(|error| anyhow!("in web/css: {error}"))?;
    sheet.minify(MinifyOptions::default()).map_err(|error| anyhow!("in web/css: {error}"))?;
    let printed = sheet
        .to_css(PrinterOptions { minify: true, ..PrinterOptions::default() })
        .map_err(|error| anyhow!("in web/css: {error}"))?;
    let name = format!("style-{}.css", &hex(&Sha256::digest(&printed.code))[..8]);
    fs::write(output.join("assets").join(&name), printed.code).context("failed to write the styles")?;
    Ok(name)
}

/// Copies each file named as `url("npm:…")` under a hashed name, and names that instead.
fn with_package_files(places: &Places, output: &Path, source: &str) -> Result<String> {
    let mut parts = source.split("\"npm:");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (package_path, rest) = part.split_once('"').context("a url of a package is not closed")?;
        let file = places.node_module(package_path);
        let content = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
        let (stem, ending) = file
            .file_name()
            .and_then(|name| name.to_str()?.split_once('.'))
            .context("a file with an ending")?;
        let name = format!("{stem}-{}.{ending}", &hex(&Sha256::digest(&content))[..8]);
        fs::write(output.join("assets").join(&name), content)
            .with_context(|| format!("failed to write {name}"))?;
        result.push_str(&format!("\"/assets/{name}\"{rest}"));
    }
    Ok(result)
}

/// Writes `.br` and `.gz` beside each file, so that serving never compresses.
pub fn compress_all(output: &Path, dev: bool) -> Result<()> {
    eprintln!("web: compressing");
    for file in files_below(output)?
        .into_iter()
        .filter(|file| file.extension().is_none_or(|ending| ending != "woff2"))
    {
        let content = fs::read(&file)?;
        let beside = |ending: &str| format!("{}.{ending}", file.display());
        fs::write(beside("br"), brotli(&content, if dev { 3 } else { 11 })?)?;
        let mut gzip = flate2::write::GzEncoder::new(
            Vec::new(),
            if dev { flate2::Compression::fast() } else { flate2::Compression::best() },
        );
        gzip.write_all(&content)?;
        fs::write(beside("gz"), gzip.finish()?)?;
    }
    Ok(())
}

fn brotli(content: &[u8], quality: i32) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality, lgwin: 24, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &parameters).context("brotli failed")?;
    Ok(compressed)
}
