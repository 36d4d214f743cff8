//! Taking a search elsewhere: a link with relative or with fixed time, the same as a command.

use super::explorer::{Run, explorer};
use crate::browser;
use crate::components::{Glyph, Icon, Menu, MenuItem, MenuSide, toast, toast_error};
use crate::preferences::preferences;
use crate::time_range::TimeRange;
use crate::url::Exploration;
use leptos::prelude::*;

#[component]
pub fn ShareMenu() -> impl IntoView {
    let explorer = explorer();
    let trigger = ViewFn::from(|| view! { <Glyph icon=Icon::Share/>"Share" });
    let project = move || Some(explorer.run.with_untracked(|run| run.project_id.clone()));
    let relative = Callback::new(move |()| {
        let state = Exploration { project: project(), ..explorer.state.get_untracked() };
        copy(explorer.address(&state), "Link copied");
    });
    let fixed = Callback::new(move |()| {
        let run = explorer.run.get_untracked();
        let zone = preferences().zone.get_untracked().minutes(run.now_ms);
        let Ok((from, to)) = run.range.resolve(run.now_ms, zone) else {
            return toast_error("This time range cannot be fixed.");
        };
        let state = Exploration {
            project: project(),
            range: TimeRange::between(from, to),
            now_ms: None,
            live: false,
            ..explorer.state.get_untracked()
        };
        copy(explorer.address(&state), "Link with fixed time copied");
    });
    let command = Callback::new(move |()| {
        let run = explorer.run.get_untracked();
        let body = serde_json::json!({"project_id": run.project_id, "query": run.query, "from": run.range.from, "to": run.range.to});
        copy(
            curl(&browser::origin(), &body.to_string()),
            "Command copied. Put an API key that may query into it.",
        );
    });
    let terminal = Callback::new(move |()| {
        let run = explorer.run.get_untracked();
        copy(cli(&run), "Command copied. It asks the server of `cordwood login`.");
    });
    view! {
        <Menu label="Share" class="button button-quiet button-small" side=MenuSide::End trigger>
            <MenuItem icon=Icon::Link on_choose=relative>"Copy link"</MenuItem>
            <MenuItem icon=Icon::Calendar on_choose=fixed>"Copy link with fixed time"</MenuItem>
            <div class="menu-line"></div>
            <MenuItem icon=Icon::Terminal on_choose=command>"Copy as curl"</MenuItem>
            <MenuItem icon=Icon::Terminal on_choose=terminal>"Copy for the command line"</MenuItem>
            <div class="menu-line"></div>
            <MenuItem icon=Icon::Download on_choose=Callback::new(move |()| explorer.export_open.set(true))>"Export"</MenuItem>
            <MenuItem icon=Icon::Info on_choose=Callback::new(move |()| explorer.plan_open.set(true))>"Cost and SQL"</MenuItem>
        </Menu>
    }
}

fn copy(text: String, done: &'static str) {
    leptos::task::spawn_local(async move {
        if browser::copy(&text).await {
            toast(done);
        } else {
            toast_error("The browser did not allow copying.");
        }
    });
}

/// As an argument of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn cli(run: &Run) -> String {
    let query = if run.query.is_empty() { "*" } else { &run.query };
    format!(
        "cordwood query {} --from {} --to {} --project {}",
        quoted(query),
        quoted(&run.range.from),
        quoted(&run.range.to),
        run.project_id
    )
}

fn curl(origin: &str, body: &str) -> String {
    let body = quoted(body);
    format!(
        "curl {origin}/api/v1/logs/search \\\n  -H \"Authorization: Bearer YOUR_API_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d {body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_the_query_does_not_end_the_command() {
        let command = curl("http://x", r#"{"query":"it's"}"#);
        assert!(command.ends_with(r#"-d '{"query":"it'\''s"}'"#), "{command}");
    }

    #[test]
    fn the_command_asks_the_same() {
        let run = Run {
            query: "it's level:error".into(),
            range: TimeRange { from: "now-1h".into(), to: "now".into() },
            project_id: "p1".into(),
            now_ms: 0,
        };
        assert_eq!(
            cli(&run),
            r"cordwood query 'it'\''s level:error' --from 'now-1h' --to 'now' --project p1"
        );
        assert!(cli(&Run { query: String::new(), ..run }).starts_with("cordwood query '*' --from"));
    }
}
