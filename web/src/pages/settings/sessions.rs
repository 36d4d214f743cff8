//! Where the person is signed in, and ending that.

use super::SectionHead;
use crate::api::accounts;
use crate::components::{Age, Badge, BadgeKind, Button, EmptyState, Icon, show, toast, toast_error};
use crate::load::{Loaded, load};
use api_types::accounts::SignedInSession;
use leptos::prelude::*;

#[component]
pub fn SignedIn() -> impl IntoView {
    let sessions = load(|| Some(()), |()| accounts::sessions());
    view! {
        <section class="section">
            <SectionHead title="Signed in" text="Browsers and programs that hold a session of yours."/>
            <div class="card">
                {show(sessions, move |list| {
                    if list.is_empty() {
                        return view! { <EmptyState icon=Icon::System title="Nowhere" text="You are signed in nowhere else."/> }.into_any();
                    }
                    let rows = list.into_iter().map(|session| view! { <SessionRow session sessions/> });
                    view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Table">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Browser"</th><th scope="col">"Address"</th><th scope="col">"Last seen"</th>
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
fn SessionRow(session: SignedInSession, sessions: Loaded<Vec<SignedInSession>>) -> impl IntoView {
    let id = StoredValue::new(session.id);
    let end = move |_| {
        leptos::task::spawn_local(async move {
            match accounts::end_session(id.get_value()).await {
                Ok(_) => {
                    toast("Signed out there");
                    sessions.refetch();
                }
                Err(error) => toast_error(error.message()),
            }
        });
    };
    view! {
        <tr>
            <td>
                <span class="row">
                    {browser_name(&session.user_agent)}
                    {session.current.then(|| view! { <Badge kind=BadgeKind::Accent plain=true>"this one"</Badge> })}
                </span>
            </td>
            <td class="soft mono">{session.address}</td>
            <td class="soft"><Age at=session.last_seen_at/></td>
            <td class="actions">
                {(!session.current).then(|| view! { <Button small=true on_click=end>"Sign out"</Button> })}
            </td>
        </tr>
    }
}

/// `Firefox on Linux` of what browsers say of themselves; programs by their own words.
fn browser_name(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    let browser =
        find(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("Windows", "Windows"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if user_agent.is_empty() => "Unknown".into(),
        _ => user_agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::browser_name;

    #[test]
    fn browsers_are_named_as_people_name_them() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36";
        assert_eq!(browser_name(chrome), "Chrome on Linux");
        assert_eq!(browser_name("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(browser_name(""), "Unknown");
    }
}
