//! The document as one page that needs no script.

use super::operations::Operation;
use super::{described, examples, placeholders, tag, who};
use crate::route_table::ROUTES;
use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Cordwood API</title>\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>\
    :root { color-scheme: light dark; background: light-dark(#fff, #191917); color: light-dark(#1c1c1a, #eceae4); scroll-padding-top: 1rem }\
    body { font: 15px/1.55 Inter, system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }\
    .columns { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 3rem }\
    nav { position: sticky; top: 1rem; align-self: start; max-height: calc(100vh - 2rem); overflow: auto; font-size: 14px }\
    nav ul { list-style: none; margin: 0 0 1rem; padding: 0 } nav a { display: block; padding: 2px 0; color: inherit; text-decoration: none } nav a:hover { text-decoration: underline }\
    h1 { font-size: 1.6rem; margin: 0 0 .5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; padding-bottom: .35rem; border-bottom: 1px solid light-dark(#e4e2dc, #33322f) }\
    h3 { font-size: 1rem; font-weight: 500; margin: 1.5rem 0 .25rem } p { margin: .2rem 0 } .who { color: light-dark(#5c5b55, #a5a39b); font-size: 14px }\
    code, pre { font: 13px/1.55 \"JetBrains Mono\", ui-monospace, monospace } pre { overflow: auto; padding: .75rem; border: 1px solid light-dark(#e4e2dc, #33322f); border-radius: 6px; background: light-dark(#faf9f6, #20201d) }\
    .calls { display: grid; gap: 2px; margin: .5rem 0 0; padding: 0; list-style: none } a { color: light-dark(#0b6b5d, #62c9b8) }\
    b { font-weight: 600; color: light-dark(#0b6b5d, #62c9b8) }\
    @media (max-width: 50rem) { .columns { display: block } nav { position: static; max-height: none; columns: 2; margin: 1rem 0 } }\
    </style></head><body><header><h1>Cordwood API</h1><p>The same for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a>. Send \
    <code>Authorization: Bearer …</code> with an access token or an API key. Errors are <code>application/problem+json</code> with a stable <code>code</code>.</p></header>\
    <div class=\"columns\">";

pub(super) fn html() -> String {
    let mut own: BTreeMap<&str, String> = BTreeMap::new();
    let mut of_others: BTreeMap<&str, String> = BTreeMap::new();
    for (method, path, access) in ROUTES {
        let call = format!("<code><b>{method}</b> {}</code>", escaped(path));
        if let Some(product) = product(path) {
            let _ = write!(of_others.entry(product).or_default(), "<li>{call}</li>");
            continue;
        }
        let known = described(method, path);
        let summary = known.map_or("", |known| known.summary);
        let _ = write!(
            own.entry(section(path)).or_default(),
            "<h3>{call}</h3><p>{}</p>{}<p class=\"who\">{}</p>",
            with_code(summary),
            details(path, known),
            with_code(&who(*access))
        );
    }
    let mut page = HEAD.to_owned();
    page.push_str("<nav aria-label=\"Contents\"><ul>");
    for name in own.keys().chain(of_others.keys()) {
        let _ = write!(page, "<li><a href=\"#{}\">{}</a></li>", anchor(name), escaped(name));
    }
    page.push_str("</ul></nav><main>");
    for (name, section) in own {
        let _ = write!(page, "<h2 id=\"{}\">{}</h2>{section}", anchor(name), escaped(name));
    }
    for (product, calls) in of_others {
        let _ = write!(
            page,
            "<h2 id=\"{}\">{product}</h2><p>What its clients call, answered as they expect it. Sending needs an API key with \
            the scope <code>ingest</code>.</p><ul class=\"calls\">{calls}</ul>",
            anchor(product)
        );
    }
    page.push_str("</main></div></body></html>");
    page
}

fn section(path: &str) -> &str {
    if ["/api/docs", "/api/v1/openapi.json"].contains(&path) || !path.starts_with("/api/") {
        "service"
    } else {
        tag(path)
    }
}

/// Whose clients call it, if it is not our own.
fn product(path: &str) -> Option<&'static str> {
    match path {
        "/healthz" | "/readyz" | "/metrics" | "/api/docs" => None,
        "/api/v1/validate" => Some("Datadog clients"),
        path if path.starts_with("/api/v1/") => None,
        path if path.starts_with("/api/v2/") => Some("Datadog clients"),
        path if path.starts_with("/services/") => Some("Splunk clients"),
        path if path.starts_with("/loki/") => Some("Loki clients"),
        "/v1/logs" => Some("OpenTelemetry clients"),
        _ => Some("Elasticsearch clients"),
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

/// Escaped, with what stands in backticks as code.
fn with_code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(at, piece)| match at % 2 {
            0 => escaped(piece),
            _ => format!("<code>{}</code>", escaped(piece)),
        })
        .collect()
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
        let (name, about) = (escaped(parameter.name), with_code(parameter.about));
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
            let call = format!("<code><b>{method}</b> {}</code>", escaped(path));
            assert!(page.contains(&call), "{method} {path}");
        }
    }
}
