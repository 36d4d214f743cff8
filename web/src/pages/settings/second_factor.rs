//! The second factor: switching it on with an app, recovery codes, switching it off.

use super::SectionHead;
use crate::api::accounts;
use crate::components::{
    Badge, BadgeKind, Button, ButtonKind, CodeBlock, Dialog, FormError, Notice, NoticeKind, SecretText,
    TextField, show, toast,
};
use crate::load::{Loaded, Submit, load};
use api_types::accounts::{SecondFactor, SecondFactorSetup};
use leptos::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    SetUp,
    NewCodes,
    SwitchOff,
}

#[component]
pub fn SecondFactorSection() -> impl IntoView {
    let state = load(|| Some(()), |()| accounts::second_factor());
    let doing = RwSignal::new(None::<Doing>);
    view! {
        <section class="section">
            <SectionHead title="Second factor" text="A code from your phone besides the password: who has only one of them does not get in."/>
            <div class="card">
                <div class="card-body">{show(state, move |factor| view! { <State factor doing/> }.into_any())}</div>
            </div>
        </section>
        <DoingDialog doing state/>
    }
}

#[component]
fn State(factor: SecondFactor, doing: RwSignal<Option<Doing>>) -> impl IntoView {
    if !factor.enabled {
        return view! {
            <div class="row">
                <Badge kind=BadgeKind::Quiet>"off"</Badge>
                <Button on_click=move |_| doing.set(Some(Doing::SetUp))>"Set up"</Button>
            </div>
        }
        .into_any();
    }
    let left = match factor.recovery_codes_left {
        1 => "1 recovery code left".to_owned(),
        count => format!("{count} recovery codes left"),
    };
    view! {
        <div class="row">
            <Badge kind=BadgeKind::Good>"on"</Badge>
            <span class="soft">{left}</span>
            <Button on_click=move |_| doing.set(Some(Doing::NewCodes))>"New recovery codes"</Button>
            <Button on_click=move |_| doing.set(Some(Doing::SwitchOff))>"Switch off"</Button>
        </div>
    }
    .into_any()
}

#[component]
fn DoingDialog(doing: RwSignal<Option<Doing>>, state: Loaded<SecondFactor>) -> impl IntoView {
    let open = crate::components::open_while(doing);
    let title = Signal::derive(move || {
        match doing.get() {
            Some(Doing::NewCodes) => "New recovery codes",
            Some(Doing::SwitchOff) => "Switch off the second factor",
            Some(Doing::SetUp) | None => "Set up a second factor",
        }
        .to_owned()
    });
    view! {
        <Dialog open title>
            {move || match doing.get() {
                Some(Doing::SetUp) => view! { <SetUp open state/> }.into_any(),
                Some(doing) => view! { <WithCode doing open state/> }.into_any(),
                None => ().into_any(),
            }}
        </Dialog>
    }
}

/// Password, then the square and a first code, then the recovery codes.
#[component]
fn SetUp(open: RwSignal<bool>, state: Loaded<SecondFactor>) -> impl IntoView {
    let setup = RwSignal::new(None::<SecondFactorSetup>);
    let codes = RwSignal::new(None::<Vec<String>>);
    view! {
        {move || match (codes.get(), setup.get()) {
            (Some(codes), _) => view! { <Codes codes open/> }.into_any(),
            (None, Some(setup)) => view! { <Confirm setup codes state/> }.into_any(),
            (None, None) => view! { <Begin setup open/> }.into_any(),
        }}
    }
}

#[component]
fn Begin(setup: RwSignal<Option<SecondFactorSetup>>, open: RwSignal<bool>) -> impl IntoView {
    let password = RwSignal::new(String::new());
    let submit = Submit::new();
    let begin = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        submit
            .run(accounts::begin_second_factor(password.get_untracked()), move |made| setup.set(Some(made)));
    };
    view! {
        <form class="form" on:submit=begin>
            <FormError message=submit.general(&["password"])/>
            <TextField
                label="Your password"
                kind="password"
                autocomplete="current-password"
                required=true
                autofocus=true
                value=password
                error=submit.field("password")
            />
            <div class="dialog-actions">
                <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Go on"</Button>
            </div>
        </form>
    }
}

#[component]
fn Confirm(
    setup: SecondFactorSetup,
    codes: RwSignal<Option<Vec<String>>>,
    state: Loaded<SecondFactor>,
) -> impl IntoView {
    let code = RwSignal::new(String::new());
    let submit = Submit::new();
    let confirm = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = code.get_untracked().trim().to_owned();
        submit.run(accounts::confirm_second_factor(typed), move |made| {
            codes.set(Some(made.recovery_codes));
            state.refetch();
        });
    };
    view! {
        <form class="form" on:submit=confirm>
            <p class="soft">"Scan this with an authenticator app, or type the key into it."</p>
            <Square rows=setup.qr/>
            <SecretText secret=Signal::stored(setup.secret) label="Key for the app"/>
            <FormError message=submit.general(&["code"])/>
            <TextField
                label="Code that the app shows"
                autocomplete="one-time-code"
                required=true
                autofocus=true
                mono=true
                value=code
                error=submit.field("code")
            />
            <div class="dialog-actions">
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Switch on"</Button>
            </div>
        </form>
    }
}

/// The square for a camera: dark on light in either theme, with the margin that cameras need.
#[component]
fn Square(rows: Vec<String>) -> impl IntoView {
    let side = rows.len() + 8;
    view! {
        <svg class="qr" role="img" aria-label="The key as a QR code" viewBox=format!("0 0 {side} {side}")>
            <path d=modules(&rows)></path>
        </svg>
    }
}

/// One step for each run of dark modules.
fn modules(rows: &[String]) -> String {
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        let mut x = 0;
        for run in row.as_bytes().chunk_by(|left, right| left == right) {
            if run[0] == b'1' {
                path.push_str(&format!("M{} {}h{}v1h-{}z", x + 4, y + 4, run.len(), run.len()));
            }
            x += run.len();
        }
    }
    path
}

#[component]
fn Codes(codes: Vec<String>, open: RwSignal<bool>) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Warning>
            "Keep these where you find them without your phone. Each works once, and they are not shown again."
        </Notice>
        <CodeBlock code=Signal::stored(codes.join("\n")) label="Recovery codes"/>
        <div class="dialog-actions">
            <Button kind=ButtonKind::Primary on_click=move |_| open.set(false)>"I have kept them"</Button>
        </div>
    }
}

/// What needs the password and a code.
#[component]
fn WithCode(doing: Doing, open: RwSignal<bool>, state: Loaded<SecondFactor>) -> impl IntoView {
    let (password, code) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let codes = RwSignal::new(None::<Vec<String>>);
    let submit = Submit::new();
    let go = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (password, code) = (password.get_untracked(), code.get_untracked().trim().to_owned());
        if doing == Doing::NewCodes {
            submit.run(accounts::new_recovery_codes(password, code), move |made| {
                codes.set(Some(made.recovery_codes));
                state.refetch();
            });
        } else {
            submit.run(accounts::disable_second_factor(password, code), move |_| {
                toast("The second factor is off");
                open.set(false);
                state.refetch();
            });
        }
    };
    view! {
        {move || match codes.get() {
            Some(codes) => view! { <Codes codes open/> }.into_any(),
            None => view! {
                <form class="form" on:submit=go>
                    <FormError message=submit.general(&["password"])/>
                    <TextField
                        label="Your password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                        autofocus=true
                        value=password
                        error=submit.field("password")
                    />
                    <TextField
                        label="Code"
                        autocomplete="one-time-code"
                        required=true
                        mono=true
                        value=code
                        hint="The six digits of the app, or a recovery code."
                    />
                    <div class="dialog-actions">
                        <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                        <Button
                            kind=if doing == Doing::SwitchOff { ButtonKind::Danger } else { ButtonKind::Primary }
                            submit=true
                            busy=submit.busy
                        >
                            {if doing == Doing::SwitchOff { "Switch off" } else { "Make new codes" }}
                        </Button>
                    </div>
                </form>
            }.into_any(),
        }}
    }
}

#[cfg(test)]
mod tests {
    use super::modules;

    #[test]
    fn dark_modules_are_drawn_in_runs() {
        assert_eq!(modules(&["110".into(), "001".into()]), "M4 4h2v1h-2zM6 5h1v1h-1z");
    }
}
