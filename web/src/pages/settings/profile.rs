//! The person: name, password, where they are signed in.

use super::SectionHead;
use super::command_lines::CommandLines;
use super::email::EmailAddress;
use super::second_factor::SecondFactorSection;
use super::sessions::SignedIn;
use super::sign_in::SignInSection;
use crate::api::accounts;
use crate::components::{Button, ButtonKind, FormError, Icon, TextField, toast, toast_error};
use crate::load::Submit;
use crate::preferences::{Theme, Zone, preferences};
use crate::session::{session, sign_out};
use api_types::accounts::ProfileChange;
use leptos::prelude::*;

#[component]
pub fn Profile() -> impl IntoView {
    let user = untrack(|| session().me().user);
    let leave = move |_| {
        leptos::task::spawn_local(async {
            if let Err(error) = sign_out().await {
                toast_error(error.message());
            }
        });
    };
    view! {
        <section class="section">
            <SectionHead title="Profile" text="You, in every organization that you are a member of.">
                <Button icon=Icon::SignOut on_click=leave>"Sign out"</Button>
            </SectionHead>
            <div class="card">
                <div class="card-body">
                    <EmailAddress user=user.clone()/>
                    <NameForm name=user.name/>
                </div>
            </div>
        </section>
        <SignInSection/>
        <SecondFactorSection/>
        <section class="section">
            <SectionHead title="Appearance" text="On this browser."/>
            <div class="card">
                <div class="card-body">
                    <Choice label="Theme" options=[(Theme::System, "System"), (Theme::Light, "Light"), (Theme::Dark, "Dark")].to_vec() chosen=preferences().theme/>
                    <Choice label="Times in" options=[(Zone::Local, "Local time"), (Zone::Utc, "UTC")].to_vec() chosen=preferences().zone/>
                </div>
            </div>
        </section>
        <SignedIn/>
        <CommandLines/>
    }
}

/// One of a few, at once.
#[component]
fn Choice<T: Copy + PartialEq + Send + Sync + 'static>(
    label: &'static str,
    options: Vec<(T, &'static str)>,
    chosen: RwSignal<T>,
) -> impl IntoView {
    let buttons = options.into_iter().map(|(option, name)| {
        view! {
            <button type="button" aria-pressed=move || (chosen.get() == option).to_string() on:click=move |_| chosen.set(option)>
                {name}
            </button>
        }
    });
    view! {
        <div class="row">
            <span class="choice-label">{label}</span>
            <div class="segmented" role="group" aria-label=label>{buttons.collect_view()}</div>
        </div>
    }
}

#[component]
fn NameForm(name: String) -> impl IntoView {
    let session = session();
    let name = RwSignal::new(name);
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let change =
            ProfileChange { name: Some(name.get_untracked().trim().into()), ..ProfileChange::default() };
        submit.run(accounts::change_profile(change), move |me| {
            session.set_me(me);
            toast("Your name is saved");
        });
    };
    view! {
        <form class="form form-narrow" on:submit=save>
            <FormError message=submit.general(&["name"])/>
            <TextField label="Name" autocomplete="name" value=name required=true error=submit.field("name")/>
            <div class="form-actions"><Button submit=true busy=submit.busy>"Save name"</Button></div>
        </form>
    }
}

#[component]
pub fn PasswordForm() -> impl IntoView {
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let change = ProfileChange {
            current_password: Some(current.get_untracked()),
            new_password: Some(new.get_untracked()),
            ..ProfileChange::default()
        };
        submit.run(accounts::change_profile(change), move |_| {
            current.set(String::new());
            new.set(String::new());
            toast("Your password is changed");
        });
    };
    view! {
        <form class="form form-narrow" on:submit=save>
            <FormError message=submit.general(&["current_password", "new_password"])/>
            <TextField
                label="Current password"
                kind="password"
                autocomplete="current-password"
                required=true
                value=current
                error=submit.field("current_password")
            />
            <TextField
                label="New password"
                kind="password"
                autocomplete="new-password"
                required=true
                value=new
                hint="At least 12 characters. A few unrelated words are good."
                error=submit.field("new_password")
            />
            <div class="form-actions">
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Change password"</Button>
            </div>
        </form>
    }
}
