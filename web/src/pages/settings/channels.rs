//! Where notifications of alerts go.

use super::SectionHead;
use super::delivery_log::DeliveryLog;
use crate::api::{ApiError, alerts};
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, Confirm, EmptyState, Icon, IconButton, LoadError, Loading,
    open_while, toast, toast_error,
};
use crate::load::{Load, Submit, load};
use crate::pages::alerts::{EditChannel, NewChannel, channel_kind, channel_target};
use crate::session::session;
use api_types::alerts::Channel;
use leptos::prelude::*;

/// What the page draws; the rows of a full one follow by themselves.
#[derive(Clone, PartialEq)]
enum Progress {
    Waiting,
    Failed(ApiError),
    Empty,
    Full,
}

#[component]
pub fn Channels() -> impl IntoView {
    let channels = load(|| Some(()), |()| alerts::channels());
    let creating = RwSignal::new(false);
    let deleting = RwSignal::new(None::<Channel>);
    let editing = RwSignal::new(None::<Channel>);
    let may = session().can_edit();
    let rows = move || channels.state.with(|state| state.ready().cloned().unwrap_or_default());
    let progress = Memo::new(move |_| {
        channels.state.with(|state| match state {
            Load::Waiting => Progress::Waiting,
            Load::Failed(error) => Progress::Failed(error.clone()),
            Load::Ready(channels) if channels.is_empty() => Progress::Empty,
            Load::Ready(_) => Progress::Full,
        })
    });
    let create_button = move || {
        may.then(|| {
            view! {
                <Button kind=ButtonKind::Primary icon=Icon::Add on_click=move |_| creating.set(true)>"Create channel"</Button>
            }
        })
    };
    view! {
        <section class="section">
            <SectionHead title="Notification channels" text="Alerts choose one or more of these to tell people.">{create_button()}</SectionHead>
            <div class="card">
                {move || match progress.get() {
                    Progress::Waiting => view! { <Loading/> }.into_any(),
                    Progress::Failed(error) => view! { <LoadError error on_retry=Callback::new(move |()| channels.refetch())/> }.into_any(),
                    Progress::Empty => view! {
                        <EmptyState icon=Icon::Mail title="No channels yet" text="Without one, alerts are seen only on their page.">{create_button()}</EmptyState>
                    }.into_any(),
                    Progress::Full => view! {
                        <div class="table-scroll" tabindex="0" role="region" aria-label="Table">
                            <table class="table">
                                <thead><tr>
                                    <th scope="col">"Name"</th><th scope="col">"Kind"</th><th scope="col">"To"</th>
                                    <th scope="col">"Created"</th><th scope="col"><span class="sr-only">"Actions"</span></th>
                                </tr></thead>
                                <tbody>
                                    // By key: a row keeps its buttons while others come and go.
                                    <For each=rows key=|channel| (channel.id.clone(), channel.name.clone(), channel.config.to_string()) let:channel>
                                        <ChannelRow channel deleting editing may/>
                                    </For>
                                </tbody>
                            </table>
                        </div>
                    }.into_any(),
                }}
            </div>
        </section>
        <NewChannel open=creating created=Callback::new(move |channel: Channel| channels.change(|channels| channels.push(channel)))/>
        <EditChannel editing changed=Callback::new(move |changed: Channel| channels.change(|channels| {
            if let Some(known) = channels.iter_mut().find(|known| known.id == changed.id) {
                *known = changed;
            }
        }))/>
        <DeliveryLog/>
        <Delete deleting deleted=Callback::new(move |id: String| channels.change(|channels| channels.retain(|channel| channel.id != id)))/>
    }
}

#[component]
fn ChannelRow(
    channel: Channel,
    deleting: RwSignal<Option<Channel>>,
    editing: RwSignal<Option<Channel>>,
    may: bool,
) -> impl IntoView {
    let known = StoredValue::new(channel.clone());
    let testing = RwSignal::new(false);
    let test = move |_| {
        testing.set(true);
        leptos::task::spawn_local(async move {
            match alerts::test_channel(known.with_value(|channel| channel.id.clone())).await {
                Ok(_) => toast("The test notification was delivered"),
                Err(error) => toast_error(error.message()),
            }
            testing.try_set(false);
        });
    };
    view! {
        <tr>
            <td><strong>{channel.name.clone()}</strong></td>
            <td><Badge kind=BadgeKind::Quiet plain=true>{channel_kind(channel.kind)}</Badge></td>
            <td class="soft">{channel_target(&channel)}</td>
            <td class="soft"><Age at=channel.created_at/></td>
            <td class="actions">
                {may.then(|| view! {
                    <span class="row row-end">
                        <Button small=true busy=testing icon=Icon::Send on_click=test>"Test"</Button>
                        <IconButton icon=Icon::Edit label=format!("Edit {}", channel.name) on_click=move |_| editing.set(Some(known.get_value()))/>
                        <IconButton icon=Icon::Trash label=format!("Delete {}", channel.name) on_click=move |_| deleting.set(Some(known.get_value()))/>
                    </span>
                })}
            </td>
        </tr>
    }
}

#[component]
fn Delete(deleting: RwSignal<Option<Channel>>, deleted: Callback<String>) -> impl IntoView {
    let open = open_while(deleting);
    let submit = Submit::new();
    let name = move || {
        deleting.with(|channel| channel.as_ref().map(|channel| channel.name.clone()).unwrap_or_default())
    };
    let confirm = Callback::new(move |()| {
        let Some(channel) = deleting.get_untracked() else { return };
        let id = channel.id.clone();
        submit.run(alerts::delete_channel(channel.id), move |_| {
            open.set(false);
            deleted.run(id);
            toast(format!("{} is deleted", channel.name));
        });
    });
    view! {
        <Confirm
            open
            title=Signal::derive(move || format!("Delete {}?", name()))
            message="Alerts that use it no longer notify there."
            action="Delete"
            submit
            on_confirm=confirm
        />
    }
}
