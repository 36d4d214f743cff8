//! Every component in every state, for those who change them. Nothing leads here, and nobody loads it who does not come here.

use crate::api::ApiError;
use crate::components::{
    Age, Badge, BadgeKind, Button, ButtonKind, CheckField, CodeBlock, Confirm, CopyButton, Dialog,
    EmptyState, FormError, Icon, IconButton, LevelTag, LinkButton, LoadError, Loading, Menu, MenuItem,
    Notice, NoticeKind, SecretText, SelectField, Switch, TextArea, TextField, toast, toast_error,
};
use crate::load::Submit;
use leptos::prelude::*;

#[component]
pub fn Components() -> impl IntoView {
    crate::app::set_title("Components");
    view! {
        <main class="page components" id="main">
            <h1>"Components"</h1>
            <Sample name="Buttons"><Buttons/></Sample>
            <Sample name="Fields"><Fields/></Sample>
            <Sample name="Menus and dialogs"><Layers/></Sample>
            <Sample name="Tags"><Tags/></Sample>
            <Sample name="Text to take away"><Texts/></Sample>
            <Sample name="States"><States/></Sample>
            <Sample name="Notices"><Notices/></Sample>
        </main>
    }
}

#[component]
fn Sample(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <section class="section" aria-label=name>
            <h2>{name}</h2>
            <div class="card"><div class="card-body">{children()}</div></div>
        </section>
    }
}

#[component]
fn Buttons() -> impl IntoView {
    let kinds = [ButtonKind::Primary, ButtonKind::Secondary, ButtonKind::Quiet, ButtonKind::Danger];
    let rows = kinds.map(|kind| {
        let name = format!("{kind:?}");
        view! {
            <div class="row">
                <Button kind>{name.clone()}</Button>
                <Button kind icon=Icon::Add>"With icon"</Button>
                <Button kind small=true>"Small"</Button>
                <Button kind busy=Signal::stored(true)>"Busy"</Button>
                <Button kind disabled=Signal::stored(true)>"Disabled"</Button>
                <LinkButton kind href="/dev/components">"Link"</LinkButton>
            </div>
        }
    });
    let on = RwSignal::new(true);
    view! {
        {rows.collect_view()}
        <div class="row">
            <IconButton icon=Icon::Copy label="Icon"/>
            <IconButton icon=Icon::Copy label="Small icon" small=true/>
            <IconButton icon=Icon::Copy label="Disabled icon" disabled=Signal::stored(true)/>
            <IconButton icon=Icon::Fields label="Switched icon" pressed=on on_click=move |_| on.update(|on| *on = !*on)/>
            <Switch on label="Switch" on_change=Callback::new(move |now| on.set(now))/>
        </div>
    }
}

#[component]
fn Fields() -> impl IntoView {
    let text = |text: &str| RwSignal::new(text.to_owned());
    let wrong = Signal::stored(Some("This is no e-mail address.".to_owned()));
    let options = Signal::stored(vec![
        ("a".to_owned(), "The first".to_owned()),
        ("b".to_owned(), "The second".to_owned()),
    ]);
    let checked = RwSignal::new(true);
    view! {
        <div class="form-row">
            <TextField label="Empty" value=text("") placeholder="placeholder"/>
            <TextField label="With a hint" value=text("value") hint="What it is for."/>
            <TextField label="Wrong" value=text("ada@") error=wrong/>
            <TextField label="Disabled" value=text("fixed") disabled=Signal::stored(true)/>
            <TextField label="Fixed-width" value=text("level:error") mono=true/>
            <SelectField label="Choice" value=text("a") options/>
        </div>
        <TextArea label="Several lines" value=text("first\nsecond")/>
        <CheckField checked on_change=Callback::new(move |now| checked.set(now))>"A check box"</CheckField>
    }
}

#[component]
fn Layers() -> impl IntoView {
    let (dialog, confirm) = (RwSignal::new(false), RwSignal::new(false));
    let submit = Submit::new();
    let nothing = Callback::new(|()| {});
    view! {
        <div class="row">
            <Menu label="Choices" trigger=ViewFn::from(|| "Menu")>
                <div class="menu-label">"Label"</div>
                <MenuItem icon=Icon::Edit on_choose=nothing>"With icon"</MenuItem>
                <MenuItem checked=Signal::stored(true) on_choose=nothing>"Chosen"</MenuItem>
                <MenuItem checked=Signal::stored(false) on_choose=nothing>"Not chosen"</MenuItem>
            </Menu>
            <Button on_click=move |_| dialog.set(true)>"Dialog"</Button>
            <Button kind=ButtonKind::Danger on_click=move |_| confirm.set(true)>"Confirm"</Button>
            <Button on_click=|_| toast("It is done")>"Toast"</Button>
            <Button on_click=|_| toast_error("It could not be done")>"Failed toast"</Button>
        </div>
        <Dialog open=dialog title="A dialog"><p>"It keeps the focus and closes on Escape."</p></Dialog>
        <Confirm
            open=confirm
            title="Delete it?"
            message="It will be gone."
            action="Delete"
            submit
            on_confirm=Callback::new(move |()| confirm.set(false))
        />
    }
}

#[component]
fn Tags() -> impl IntoView {
    let none: Option<String> = None;
    let levels = ["fatal", "error", "warn", "info", "debug", "trace"];
    view! {
        <div class="row">
            {levels.map(|level| view! { <LevelTag level=Some(level.to_owned())/> }).collect_view()}
            <LevelTag level=none/>
        </div>
        <div class="row">
            <Badge kind=BadgeKind::Quiet>"quiet"</Badge>
            <Badge kind=BadgeKind::Accent>"accent"</Badge>
            <Badge kind=BadgeKind::Good>"good"</Badge>
            <Badge kind=BadgeKind::Warning>"warning"</Badge>
            <Badge kind=BadgeKind::Bad>"bad"</Badge>
            <Badge kind=BadgeKind::Quiet plain=true>"plain"</Badge>
            <Age at="2026-03-10T10:00:00Z"/>
        </div>
    }
}

#[component]
fn Texts() -> impl IntoView {
    view! {
        <CodeBlock code=Signal::stored("curl http://127.0.0.1:8080/healthz".to_owned()) label="Command"/>
        <SecretText secret=Signal::stored("cwi_example".to_owned()) label="Key"/>
        <div class="row"><CopyButton text=Signal::stored("text".to_owned()) label="Copy text"/></div>
    }
}

#[component]
fn States() -> impl IntoView {
    view! {
        <Loading lines=3/>
        <EmptyState icon=Icon::Explore title="Nothing here" text="What to do about it.">
            <Button kind=ButtonKind::Primary>"Do it"</Button>
        </EmptyState>
        <LoadError error=ApiError::Unreachable on_retry=Callback::new(|()| {})/>
    }
}

#[component]
fn Notices() -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Plain>"Something to know."</Notice>
        <Notice kind=NoticeKind::Good>"It went well."</Notice>
        <Notice kind=NoticeKind::Warning>"It may not be what you want."</Notice>
        <Notice kind=NoticeKind::Bad>"It went wrong."</Notice>
        <FormError message=Signal::stored(Some("The form could not be sent.".to_owned()))/>
    }
}
