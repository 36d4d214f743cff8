//! What stands under the query: what is wrong with it, its conditions, and what the reader may see at all.

use super::explorer::explorer;
use super::pills::Pills;
use crate::components::{Button, Glyph, Icon};
use crate::language::{self, Finding};
use crate::session::session;
use leptos::prelude::*;

#[component]
pub fn UnderQuery(finding: ReadSignal<Option<Finding>>) -> impl IntoView {
    let explorer = explorer();
    view! {
        {move || finding.get().map(|finding| view! { <FindingView finding/> })}
        <Pills/>
        {(!explorer.is_local()).then(|| view! { <RowRule/> })}
    }
}

/// Tells who has a row rule that there is more than they see.
#[component]
fn RowRule() -> impl IntoView {
    let session = session();
    move || {
        session.me().row_rule.map(|rule| {
            view! {
                <div class="finding">
                    <Glyph icon=Icon::Hidden/>
                    <p class="grow">"You see only events that match "<code>{rule}</code></p>
                </div>
            }
        })
    }
}

#[component]
fn FindingView(finding: Finding) -> impl IntoView {
    let explorer = explorer();
    let fixes = finding.fixes.into_iter().map(|fix| {
        let text = fix.text;
        view! {
            <Button small=true icon=Icon::Zap on_click=move |_| explorer.text.set(text.clone())>{language::capital(&fix.title)}</Button>
        }
    });
    view! {
        <div class="finding" class:finding-bad=finding.is_error role="status">
            <Glyph icon=if finding.is_error { Icon::Wrong } else { Icon::Warning }/>
            <p class="grow">
                <strong>{language::sentence(&finding.message)}</strong>
                {finding.hint.map(|hint| format!(" {}", language::sentence(&hint)))}
                " "<span class="faint mono">{finding.code}</span>
            </p>
            <div class="row">{fixes.collect_view()}</div>
        </div>
    }
}
