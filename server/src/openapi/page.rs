//! The document as one page that needs no script.

use super::operations::Operation;
use super::{described, examples, placeholders, tag, who};
use crate::route_table::ROUTES;
use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Cordwood API</title>\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>\
    :root { color-scheme: light dark; background: light-dark(#fff, #121212); color: light-dark(#1a1a1a, #e8e8e8) } body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }\
    code, pre { font: 14px/1.5 ui-monospace, monospace } pre { overflow: auto; padding: .75rem; border: 1px solid #8886; border-radius: 6px }\
    h2 { margin-top: 2.5rem } h3 { margin-bottom: .25rem } p { margin: .25rem 0 } a { color: light-dark(#0a58ca, #9ec1ff) }</style></head><body><main>\
    <h1>Cordwood API</h1><p>The same for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a>. Send \
    <code>Authorization: Bearer …</code> with an access token or an API key. Errors are problem+json with a stable <code>code</code>.</p>";

pub(super) fn html() -> String {
    let mut by_tag: BTreeMap<&str, String> = BTreeMap::new();
    for (method, path, access) in ROUTES {
        let section = by_tag.entry(tag(path)).or_default();
        let known = described(method, path);
        let _ = write!(section, "<h3><code>{method} {}</code></h3>", escaped(path));
        let _ = write!(
            section,
            "<p>{}</p><p>{}</p>",
            known.map_or("", |known| known.summary),
            escaped(&who(*access))
        );
        section.push_str(&details(path, known));
    }
    let mut page = HEAD.to_owned();
    for (tag, section) in by_tag {
        let _ = write!(page, "<h2>{}</h2>{section}", escaped(tag));
    }
    page.push_str("</main></body></html>");
    page
}

fn details(path: &str, known: Option<&Operation>) -> String {
    let mut text = String::new();
    let names: Vec<String> =
        placeholders(path).map(|name| format!("<code>{}</code>", escaped(name))).collect();
    if !names.is_empty() {
        let _ = write!(text, "<p>In the path: {}</p>", names.join(", "));
    }
    let Some(known) = known else { return text };
    for parameter in known.query {
        let (name, about) = (escaped(parameter.name), escaped(parameter.about));
        let _ = write!(text, "<p><code>?{name}=</code> {about}</p>");
    }
    for (title, shape) in [("Body", known.body), ("Answer", known.answer)] {
        let Some(name) = shape.name() else { continue };
        match examples().get(&name) {
            Some(example) => {
                let example = serde_json::to_string_pretty(example).unwrap_or_default();
                let _ = write!(
                    text,
                    "<p>{title}, for example:</p><pre tabindex=\"0\">{}</pre>",
                    escaped(&example)
                );
            }
            None => {
                let _ = write!(text, "<p>{title}: <code>{}</code></p>", escaped(&name));
            }
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_route() {
        let page = html();
        for (method, path, _) in ROUTES {
            assert!(page.contains(&format!("<code>{method} {}</code>", escaped(path))), "{method} {path}");
        }
    }
}
