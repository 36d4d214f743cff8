//! The one HTML page: the template with the hashed names and the icons put in, and the files that are copied as they are.

use super::inputs::files_below;
use super::{Places, bundle::Scripts};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

pub fn write(places: &Places, output: &Path, scripts: &Scripts, styles: &str) -> Result<()> {
    let template = fs::read_to_string(places.web("index.html")).context("failed to read web/index.html")?;
    let page = template
        .replace("{{boot}}", &format!("/assets/{}", scripts.boot))
        .replace("{{theme}}", &format!("/assets/{}", scripts.theme))
        .replace("{{wasm}}", &format!("/assets/{}", scripts.wasm))
        .replace("{{styles}}", &format!("/assets/{styles}"))
        .replace("{{icons}}", &sprite(places)?);
    ensure!(!page.contains("{{"), "web/index.html has a placeholder that nothing fills");
    fs::write(output.join("index.html"), page).context("failed to write index.html")?;
    for file in files_below(&places.web("static"))? {
        let name = file.file_name().context("a file has a name")?;
        fs::copy(&file, output.join(name)).with_context(|| format!("failed to copy {}", file.display()))?;
    }
    Ok(())
}

/// The icons named in `web/icons.txt`, as symbols that `<use href="#i-…">` refers to.
fn sprite(places: &Places) -> Result<String> {
    let names = fs::read_to_string(places.web("icons.txt")).context("failed to read web/icons.txt")?;
    let mut sprite = String::new();
    for name in names.lines().filter(|name| !name.is_empty()) {
        let file = places.node_module(&format!("lucide-static/icons/{name}.svg"));
        let svg = fs::read_to_string(&file).with_context(|| format!("there is no icon `{name}`"))?;
        let start = svg
            .find("<svg")
            .and_then(|at| svg[at..].find('>').map(|end| at + end + 1))
            .context("an icon begins with <svg>")?;
        let end = svg.rfind("</svg>").context("an icon ends with </svg>")?;
        let shapes: String = svg[start..end].lines().map(str::trim).collect();
        sprite.push_str(&format!("<symbol id=\"i-{name}\" viewBox=\"0 0 24 24\">{shapes}</symbol>"));
    }
    Ok(sprite)
}
