//! Who did what in the organization, when and from where.

use super::SectionHead;
use crate::api::accounts;
use crate::components::{
    Age, Badge, BadgeKind, Button, EmptyState, FormError, Glyph, Icon, Notice, NoticeKind, show,
};
use crate::format;
use crate::load::{Load, Submit, load};
use api_types::audit::{AuditCheck, AuditEntry};
use leptos::prelude::*;
use serde_json::Value;

const RANGES: [(&str, &str); 4] = [
    ("now-1d", "Last day"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
    ("now-400d", "All of it"),
];

#[component]
pub fn AuditLog() -> impl IntoView {
    let (typed, query) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let from = RwSignal::new("now-7d".to_owned());
    let entries = load(
        move || Some((query.get(), from.get())),
        |(query, from)| async move { accounts::audit_log(&query, &from, None).await },
    );
    let more = Submit::new();
    let fetch_more = move |_| {
        let known =
            entries.state.with_untracked(|state| state.ready().and_then(|page| page.next_cursor.clone()));
        let Some(cursor) = known else { return };
        let (query, from) = (query.get_untracked(), from.get_untracked());
        let work = async move { accounts::audit_log(&query, &from, Some(&cursor)).await };
        more.run(work, move |page| {
            entries.change(|shown| {
                shown.items.extend(page.items);
                shown.next_cursor = page.next_cursor;
            });
        });
    };
    let search = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        query.set(typed.get_untracked().trim().to_owned());
    };
    let export = Signal::derive(move || accounts::audit_export_address(&query.get(), &from.get()));
    view! {
        <section class="section">
            <SectionHead title="Audit log" text="Changes, logins and who searched for what. Each entry is chained to the one before it.">
                <a class="button button-secondary" download="audit-log.ndjson" href=move || export.get()><Glyph icon=Icon::Share/>"Export"</a>
            </SectionHead>
            <Chain/>
            <form class="audit-search" role="search" on:submit=search>
                <input
                    class="input input-mono"
                    type="search"
                    aria-label="Search the audit log"
                    placeholder="action:api_key.* OR actor:ann@example.com"
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
                <select class="select select-inline" aria-label="Range" on:change=move |event| from.set(event_target_value(&event))>
                    {RANGES.map(|(value, text)| view! {
                        <option value=value prop:selected=move || from.with(|from| from == value)>{text}</option>
                    }).collect_view()}
                </select>
                <Button submit=true icon=Icon::Explore>"Search"</Button>
            </form>
            <div class="card">
                {show(entries, move |page| {
                    if page.items.is_empty() {
                        return view! { <EmptyState icon=Icon::History title="Nothing found" text="Nothing was done in this range that the search describes."/> }.into_any();
                    }
                    let has_more = page.next_cursor.is_some();
                    let rows = page.items.into_iter().map(|entry| view! { <EntryRow entry/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Audit log">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"When"</th><th scope="col">"Who"</th><th scope="col">"Did"</th>
                                    <th scope="col">"To"</th><th scope="col">"Details"</th><th scope="col">"From"</th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                        {has_more.then(|| view! {
                            <div class="card-body"><Button busy=more.busy on_click=fetch_more>"Show older"</Button></div>
                        })}
                    }.into_any()
                })}
            </div>
            <FormError message=more.general(&[])/>
        </section>
    }
}

/// Whether the chain is whole, looked at when asked.
#[component]
fn Chain() -> impl IntoView {
    let asked = RwSignal::new(false);
    let check = load(move || asked.get().then_some(()), |()| accounts::audit_check());
    view! {
        {move || match (asked.get(), check.state.get()) {
            (false, _) => view! {
                <div><Button small=true icon=Icon::Check on_click=move |_| asked.set(true)>"Check the chain"</Button></div>
            }.into_any(),
            (true, Load::Waiting) => view! { <p class="soft" role="status">"Checking…"</p> }.into_any(),
            (true, Load::Failed(error)) => view! { <Notice kind=NoticeKind::Bad>{error.message()}</Notice> }.into_any(),
            (true, Load::Ready(check)) => view! { <Verdict check/> }.into_any(),
        }}
    }
}

#[component]
fn Verdict(check: AuditCheck) -> impl IntoView {
    match check.broken_at {
        None => view! {
            <Notice kind=NoticeKind::Good>
                {format!("All {} entries are as they were written. Newest hash: ", check.entries)}
                <code class="wrap">{check.newest_hash}</code>
            </Notice>
        }
        .into_any(),
        Some(number) => view! {
            <Notice kind=NoticeKind::Bad>
                {format!("Entry {number} was changed, or one before it was taken out.")}
            </Notice>
        }
        .into_any(),
    }
}

#[component]
fn EntryRow(entry: AuditEntry) -> impl IntoView {
    let is_person = entry.actor.kind == "person";
    view! {
        <tr>
            <td class="soft"><Age at=entry.at/></td>
            <td>
                <span class="row">
                    {(entry.actor.kind == "key").then(|| view! { <Glyph icon=Icon::Key size="icon-small"/> })}
                    {if is_person || entry.actor.kind == "key" { entry.actor.name.into_any() } else {
                        view! { <span class="soft">"Cordwood"</span> }.into_any()
                    }}
                </span>
            </td>
            <td><Badge kind=BadgeKind::Quiet plain=true>{entry.action}</Badge></td>
            <td>{entry.target}</td>
            <td class="soft wrap audit-details"><Details detail=entry.detail/></td>
            <td class="soft mono">{entry.address}</td>
        </tr>
    }
}

/// What was asked for in the query language, and the rest in words.
#[component]
fn Details(detail: Value) -> impl IntoView {
    let query = detail["query"].as_str().map(|query| if query.is_empty() { "*" } else { query }.to_owned());
    view! {
        {query.map(|query| view! { <code>{query}</code> })}
        {details(&detail)}
    }
}

/// What a read was and what it cost, in this order; other details follow by name.
const OF_READS: [&str; 7] = ["kind", "field", "from", "to", "rows_read", "bytes_read", "elapsed_ms"];
/// Shown elsewhere, or of no interest to people.
const UNSHOWN: [&str; 2] = ["query", "reads"];

/// `role: admin, again: true`; amounts with their units.
fn details(detail: &Value) -> String {
    let Value::Object(map) = detail else { return String::new() };
    let known = OF_READS.iter().filter_map(|name| map.get_key_value(*name));
    let others = map
        .iter()
        .filter(|(name, _)| !OF_READS.contains(&name.as_str()) && !UNSHOWN.contains(&name.as_str()));
    let shown =
        known.chain(others).map(|(name, value)| match (name.as_str(), value.as_f64(), value.as_str()) {
            ("rows_read", Some(rows), _) => format!("{} rows read", format::count(rows as u64)),
            ("bytes_read", Some(bytes), _) => format!("{} read", format::bytes(bytes as u64)),
            ("elapsed_ms", Some(ms), _) => format::elapsed(ms),
            ("kind", _, Some(kind)) => kind.to_owned(),
            ("from" | "to", _, Some(time)) => format!("{name} {}", whole_seconds(time)),
            (_, _, Some(text)) => format!("{name}: {text}"),
            _ => format!("{name}: {value}"),
        });
    shown.collect::<Vec<_>>().join(", ")
}

/// `2026-12-01T08:00:36.818Z` without its fraction.
fn whole_seconds(time: &str) -> String {
    match (time.split_once('.'), time.ends_with('Z')) {
        (Some((seconds, _)), true) => format!("{seconds}Z"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::details;
    use serde_json::json;

    #[test]
    fn details_are_named_values() {
        assert_eq!(details(&json!({"again": true, "role": "admin"})), "again: true, role: admin");
        assert_eq!(details(&json!(null)), "");
        let read = json!({"query": "level:error", "kind": "search", "reads": 1, "rows_read": 15075, "bytes_read": 671_796, "elapsed_ms": 77.956,
            "from": "2026-12-01T08:00:36.818Z"});
        assert_eq!(details(&read), "search, from 2026-12-01T08:00:36Z, 15,075 rows read, 672 kB read, 78 ms");
    }
}
