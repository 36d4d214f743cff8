//! How the person signs in: the password, and accounts of other providers.

use super::SectionHead;
use super::profile::PasswordForm;
use crate::api::accounts;
use crate::components::{
    Age, Button, ButtonKind, Confirm, Dialog, FormError, Notice, NoticeKind, TextField, show, toast,
};
use crate::load::{Loaded, Submit, load};
use crate::pages::auth::failure_words;
use crate::session::session;
use api_types::accounts::{LinkedIdentity, SignInMethods, SsoProvider};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

type Known = (SignInMethods, Vec<SsoProvider>);

#[component]
pub fn SignInSection() -> impl IntoView {
    let known = load(
        || Some(()),
        |()| async { Ok((accounts::sign_in_methods().await?, accounts::sso_providers().await?)) },
    );
    let came_back = use_query_map().with_untracked(|query| query.get("sso"));
    let notice = match came_back.as_deref() {
        Some("linked") => {
            Some((NoticeKind::Good, "The account is linked. You can sign in with it from now on."))
        }
        Some(code) => failure_words(code).map(|text| (NoticeKind::Bad, text)),
        None => None,
    };
    view! {
        <section class="section">
            <SectionHead title="Password" text="A new password signs out your other devices."/>
            <div class="card">
                <div class="card-body">
                    {show(known, move |(methods, _)| {
                        if methods.has_password {
                            view! { <PasswordForm/> }.into_any()
                        } else {
                            view! { <NoPassword/> }.into_any()
                        }
                    })}
                </div>
            </div>
        </section>
        {notice.map(|(kind, text)| view! { <Notice kind>{text}</Notice> })}
        {move || known.state.with(|state| state.ready().is_some_and(has_something)).then(|| view! { <Elsewhere known/> })}
    }
}

fn has_something((methods, providers): &Known) -> bool {
    !methods.items.is_empty() || !providers.is_empty()
}

/// For who has never had one: a link by mail sets it.
#[component]
fn NoPassword() -> impl IntoView {
    let email = untrack(|| session().me().user.email);
    let submit = Submit::new();
    let address = StoredValue::new(email.clone());
    let ask = move |_| {
        submit.run(accounts::forgot_password(address.get_value()), move |_| toast("The link is on its way"));
    };
    view! {
        <p class="soft">{format!("You have none: you sign in with another account. A link to {email} lets you choose one.")}</p>
        <FormError message=submit.general(&[])/>
        <div class="form-actions"><Button busy=submit.busy on_click=ask>"Send the link"</Button></div>
    }
}

#[component]
fn Elsewhere(known: Loaded<Known>) -> impl IntoView {
    let linking = RwSignal::new(None::<SsoProvider>);
    let unlinking = RwSignal::new(None::<LinkedIdentity>);
    view! {
        <section class="section">
            <SectionHead title="Other accounts" text="Accounts elsewhere that sign you in here."/>
            <div class="card">
                {show(known, move |(methods, providers)| view! { <Accounts methods providers linking unlinking/> }.into_any())}
            </div>
        </section>
        <LinkDialog linking known/>
        <UnlinkDialog unlinking known/>
    }
}

#[component]
fn Accounts(
    methods: SignInMethods,
    providers: Vec<SsoProvider>,
    linking: RwSignal<Option<SsoProvider>>,
    unlinking: RwSignal<Option<LinkedIdentity>>,
) -> impl IntoView {
    let buttons = providers.into_iter().map(|provider| {
        let name = format!("Link {}", provider.name);
        let provider = StoredValue::new(provider);
        view! { <Button on_click=move |_| linking.set(Some(provider.get_value()))>{name}</Button> }
    });
    let rows = methods.items.clone().into_iter().map(|linked| {
        let shown = linked.clone();
        let linked = StoredValue::new(linked);
        view! {
            <tr>
                <td>{shown.name.clone()}</td>
                <td class="soft">{shown.email.clone()}</td>
                <td class="soft"><Age at=shown.last_used_at/></td>
                <td class="actions">
                    <Button small=true on_click=move |_| unlinking.set(Some(linked.get_value()))>"Remove"</Button>
                </td>
            </tr>
        }
    });
    view! {
        {(!methods.items.is_empty()).then(|| view! {
            <div class="table-scroll" tabindex="0" role="region" aria-label="Other accounts">
                <table class="table">
                    <thead><tr>
                        <th scope="col">"Account"</th><th scope="col">"Address there"</th><th scope="col">"Last used"</th>
                        <th scope="col"><span class="sr-only">"Actions"</span></th>
                    </tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        })}
        <div class="card-body"><div class="row">{buttons.collect_view()}</div></div>
    }
}

/// The password first, where there is one: a link is another way in.
#[component]
fn LinkDialog(linking: RwSignal<Option<SsoProvider>>, known: Loaded<Known>) -> impl IntoView {
    let open = crate::components::open_while(linking);
    let title = Signal::derive(move || {
        linking
            .with(|provider| provider.as_ref().map(|provider| format!("Link {}", provider.name)))
            .unwrap_or_default()
    });
    let password = RwSignal::new(String::new());
    let submit = Submit::new();
    let has_password = Signal::derive(move || {
        known.state.with(|state| state.ready().is_some_and(|(methods, _)| methods.has_password))
    });
    let link = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(provider) = linking.get_untracked() else { return };
        let given = has_password.get_untracked().then(|| password.get_untracked());
        submit
            .run(accounts::begin_link(provider.id, given), |started| crate::browser::leave_to(&started.url));
    };
    view! {
        <Dialog open title>
            <form class="form" on:submit=link>
                <p class="soft">"You go to the provider, sign in there, and come back here."</p>
                <FormError message=submit.general(&["password"])/>
                {move || has_password.get().then(|| view! {
                    <TextField
                        label="Your password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                        autofocus=true
                        value=password
                        error=submit.field("password")
                    />
                })}
                <div class="dialog-actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Go on"</Button>
                </div>
            </form>
        </Dialog>
    }
}

#[component]
fn UnlinkDialog(unlinking: RwSignal<Option<LinkedIdentity>>, known: Loaded<Known>) -> impl IntoView {
    let open = crate::components::open_while(unlinking);
    let submit = Submit::new();
    let message = Signal::derive(move || {
        unlinking
            .with(|linked| {
                linked.as_ref().map(|linked| format!("You cannot sign in with {} any more.", linked.name))
            })
            .unwrap_or_default()
    });
    let remove = Callback::new(move |()| {
        let Some(linked) = unlinking.get_untracked() else { return };
        submit.run(accounts::unlink(linked.id), move |_| {
            unlinking.set(None);
            known.refetch();
            toast("The account is removed");
        });
    });
    view! { <Confirm open title="Remove this account?" message action="Remove" submit on_confirm=remove/> }
}
