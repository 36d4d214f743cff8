//! What these pages look like: the form on one side, a glimpse of the product on the other.

use crate::components::{Glyph, Icon};
use crate::shell::Brand;
use leptos::prelude::*;

#[component]
pub fn AuthFrame(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    children: Children,
) -> impl IntoView {
    crate::app::set_title(&title);
    view! {
        <div class="auth">
            <main class="auth-side">
                <Brand/>
                <div class="auth-form">
                    <header>
                        <h1>{title}</h1>
                        <p>{text}</p>
                    </header>
                    {children()}
                </div>
            </main>
            <aside class="auth-show" aria-label="About Cordwood"><Showcase/></aside>
        </div>
    }
}

/// A drawing, not data: it says what the product is in one look.
#[component]
fn Showcase() -> impl IntoView {
    let line = |time, level: &'static str, text| {
        view! {
            <li>
                <time>{time}</time>
                <span class=format!("level level-{level}")>{level}</span>
                <span>{text}</span>
            </li>
        }
    };
    view! {
        <p class="auth-quote">"Every line kept. Any line found."</p>
        <div class="auth-sample" aria-hidden="true">
            <div class="auth-sample-bar">
                <Glyph icon=Icon::Explore/>
                <span><span class="q-field">"source"</span>":shop "<span class="q-field">"level"</span>">=info"</span>
                <span class="q-stage">"| sort"</span>
                <span>"-timestamp"</span>
            </div>
            <div class="auth-bars">{(0..28).map(|_| view! { <i></i> }).collect_view()}</div>
            <ol>
                {line("02:13:07.412", "error", "upstream timeout after 5000 ms, order 81274")}
                {line("02:13:07.398", "warn", "retry 3 of 3 for payment 4f1c")}
                {line("02:13:06.951", "info", "GET /cart 200 in 12 ms")}
                {line("02:13:06.820", "error", "connection reset by peer")}
                {line("02:13:06.544", "info", "session renewed for user 5521")}
            </ol>
        </div>
        <ul class="auth-points">
            <li><Glyph icon=Icon::Check/>"What is acknowledged is on disk, and stays"</li>
            <li><Glyph icon=Icon::Check/>"One query language for search, alerts and the command line"</li>
            <li><Glyph icon=Icon::Check/>"Takes what you run already: OpenTelemetry, Loki, Elastic, Splunk, Datadog, syslog"</li>
        </ul>
    }
}

/// Where to go after signing in: a page of ours that was asked for before.
pub fn next_address(search: &str) -> String {
    let asked = search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("next="));
    let address = asked.map(crate::url::unescape).unwrap_or_default();
    let ours = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
    if ours { address } else { "/explore".into() }
}

#[cfg(test)]
mod tests {
    use super::next_address;

    #[test]
    fn only_pages_of_ours_are_gone_to() {
        assert_eq!(next_address("?next=%2Falerts%2F7%3Ftab%3D1"), "/alerts/7?tab=1");
        for elsewhere in [
            "",
            "?next=",
            "?next=https%3A%2F%2Fevil.example",
            "?next=%2F%2Fevil.example",
            "?next=/%5Cevil.example",
        ] {
            assert_eq!(next_address(elsewhere), "/explore", "{elsewhere}");
        }
    }
}
