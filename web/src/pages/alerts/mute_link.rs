//! The page behind the link in a message: it says what would be silenced, and asks for how long. No account is needed.

use crate::api::alerts;
use crate::components::{Button, ButtonKind, Loading, Notice, NoticeKind};
use crate::format;
use crate::load::{Load, Submit, load};
use crate::pages::auth::AuthFrame;
use crate::preferences::shown_time;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const HOURS: [(u32, &str); 3] = [(1, "For an hour"), (8, "For 8 hours"), (24, "For a day")];

#[component]
pub fn MuteByLink() -> impl IntoView {
    let query = use_query_map();
    let token = StoredValue::new(query.with_untracked(|query| query.get("token")).unwrap_or_default());
    let about = load(move || Some(token.get_value()), |token| alerts::mute_link(token, None));
    let submit = Submit::new();
    let mute = move |hours: u32| {
        submit.run(alerts::mute_link(token.get_value(), Some(hours)), move |changed| {
            about.change(|about| *about = changed);
        });
    };
    view! {
        <AuthFrame title="Mute this alert" text="It is still checked and keeps its history; nobody is told while it is muted.">
            {move || submit.error.get().map(|error| view! { <Notice kind=NoticeKind::Bad>{error.message()}</Notice> })}
            {move || match about.state.get() {
                Load::Waiting => view! { <Loading lines=2/> }.into_any(),
                Load::Failed(error) => view! { <Notice kind=NoticeKind::Bad>{error.message()}</Notice> }.into_any(),
                Load::Ready(about) => {
                    let muted = about.muted_until.is_some();
                    view! {
                        <p><strong>{about.rule_name}</strong>" "{(!about.group.is_empty()).then(|| view! { <code>{about.group}</code> })}</p>
                        {about.muted_until.map(|until| view! {
                            <Notice kind=NoticeKind::Good>"Muted until " {shown_time(&until, format::date_and_time)}</Notice>
                        })}
                        <div class="row">
                            {HOURS.map(|(hours, text)| view! {
                                <Button kind=if hours == 1 && !muted { ButtonKind::Primary } else { ButtonKind::default() } busy=submit.busy on_click=move |_| mute(hours)>{text}</Button>
                            }).collect_view()}
                            {muted.then(|| view! { <Button kind=ButtonKind::Quiet busy=submit.busy on_click=move |_| mute(0)>"End the mute"</Button> })}
                        </div>
                    }.into_any()
                }
            }}
        </AuthFrame>
    }
}
