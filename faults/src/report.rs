//! The table of figures in docs/RESILIENCY.md: a run replaces the rows of what it checked and leaves the others.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

const BEGIN: &str = "<!-- figures: written by `cargo xtask faults` -->";
const END: &str = "<!-- end of figures -->";

/// What one check reached.
pub struct Figure {
    pub id: &'static str,
    pub name: &'static str,
    pub reached: String,
}

/// Writes the figures into the page.
pub fn write(page: &Path, figures: &[Figure]) -> Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    std::fs::write(page, with(&text, figures)?).with_context(|| format!("cannot write {}", page.display()))
}

fn with(page: &str, figures: &[Figure]) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("the page has no place for figures")?;
    let (table, after) = rest.split_once(END).context("the page's figures have no end")?;
    let known = table.lines().filter(|line| line.starts_with("| F"));
    let mut rows: BTreeMap<String, String> = known
        .map(|line| (line.split('|').nth(1).unwrap_or_default().trim().to_owned(), line.to_owned()))
        .collect();
    for Figure { id, name, reached } in figures {
        let reached = reached.replace('|', "\\|").replace('\n', " ");
        rows.insert((*id).to_owned(), format!("| {id} | {name} | {reached} |"));
    }
    let rows: Vec<String> = rows.into_values().collect();
    let table = format!("\n| | fault | what was done and reached |\n|---|---|---|\n{}\n", rows.join("\n"));
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_its_own_rows_and_keeps_the_others_in_order() {
        let page = format!("# Page\n{BEGIN}\n| F08 | old | old |\n| F02 | other | stays |\n{END}\nafter\n");
        let figures = [
            Figure { id: "F08", name: "engine down", reached: "0 lost | 0 double".into() },
            Figure { id: "F01", name: "kill", reached: "fine".into() },
        ];

        let written = with(&page, &figures).unwrap();

        let rows: Vec<&str> = written.lines().filter(|line| line.starts_with("| F")).collect();
        assert_eq!(
            rows,
            [
                "| F01 | kill | fine |",
                "| F02 | other | stays |",
                "| F08 | engine down | 0 lost \\| 0 double |"
            ]
        );
        assert!(written.starts_with("# Page\n") && written.ends_with("\nafter\n"));
    }
}
