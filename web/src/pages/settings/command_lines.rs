//! Command lines that the person has signed in, and ending one.

use super::SectionHead;
use crate::api::accounts;
use crate::components::{Age, Button, EmptyState, Icon, show, toast, toast_error};
use crate::load::{Loaded, load};
use api_types::accounts::CommandLine;
use leptos::prelude::*;

#[component]
pub fn CommandLines() -> impl IntoView {
    let lines = load(|| Some(()), |()| accounts::command_lines());
    view! {
        <section class="section">
            <SectionHead title="Command lines" text="Terminals that were signed in with cordwood login."/>
            <div class="card">
                {show(lines, move |list| {
                    if list.is_empty() {
                        return view! { <EmptyState icon=Icon::Key title="None" text="cordwood login signs a terminal in."/> }.into_any();
                    }
                    let rows = list.into_iter().map(|line| view! { <CommandLineRow line lines/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Command lines">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Name"</th><th scope="col">"Signed in to"</th><th scope="col">"Last used"</th>
                                    <th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>{rows.collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any()
                })}
            </div>
        </section>
    }
}

#[component]
fn CommandLineRow(line: CommandLine, lines: Loaded<Vec<CommandLine>>) -> impl IntoView {
    let id = StoredValue::new(line.id);
    let end = move |_| {
        leptos::task::spawn_local(async move {
            match accounts::end_command_line(id.get_value()).await {
                Ok(_) => {
                    toast("Signed out there");
                    lines.refetch();
                }
                Err(error) => toast_error(error.message()),
            }
        });
    };
    let last_used = match line.last_used_at {
        Some(at) => view! { <Age at/> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <tr>
            <td>{line.name}</td>
            <td class="soft">{format!("{}, project {}", line.organization, line.project)}</td>
            <td class="soft">{last_used}</td>
            <td class="actions"><Button small=true on_click=end>"Sign out"</Button></td>
        </tr>
    }
}
