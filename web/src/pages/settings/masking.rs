//! Masking: what is taken out of the project's events before they are stored, tried on sample lines before it is saved.

use super::SectionHead;
use crate::api::ingest;
use crate::components::{
    Button, ButtonKind, CheckField, CodeBlock, FormError, Icon, IconButton, SelectField, TextArea, TextField,
    show, toast,
};
use crate::load::{Submit, load};
use crate::session::session;
use api_types::masking::{Masking as Wire, MaskingPreviewRequest, MaskingRule};
use leptos::prelude::*;

const DETECTORS: [(&str, &str); 7] = [
    ("email", "E-mail addresses"),
    ("card", "Payment card numbers"),
    ("token", "Tokens, keys and passwords"),
    ("ipv4", "IPv4 addresses"),
    ("ipv6", "IPv6 addresses"),
    ("iban", "Account numbers (IBAN)"),
    ("phone", "Phone numbers"),
];
const SAMPLE: &str = "login of jane@example.com from 203.0.113.7 with password=hunter22\n\
    {\"message\": \"paid\", \"card\": \"4111 1111 1111 1111\", \"user\": \"jane@example.com\"}";

/// A rule while it is edited.
#[derive(Clone, Copy)]
struct Row {
    /// Tells custom rules apart; built-in ones are known by their name.
    number: usize,
    detector: &'static str,
    on: RwSignal<bool>,
    action: RwSignal<String>,
    name: RwSignal<String>,
    pattern: RwSignal<String>,
}

impl Row {
    fn new(number: usize, detector: &'static str, rule: Option<&MaskingRule>) -> Self {
        let text = |text: Option<&String>| RwSignal::new(text.cloned().unwrap_or_default());
        Self {
            number,
            detector,
            on: RwSignal::new(rule.is_some()),
            action: RwSignal::new(rule.map_or("mask", |rule| rule.action.as_str()).to_owned()),
            name: text(rule.and_then(|rule| rule.name.as_ref())),
            pattern: text(rule.and_then(|rule| rule.pattern.as_ref())),
        }
    }

    /// The rule, when it is on.
    fn rule(self) -> Option<MaskingRule> {
        let is_custom = self.detector == "custom";
        let own = |text: RwSignal<String>| is_custom.then(|| text.get().trim().to_owned());
        self.on.get().then(|| MaskingRule {
            detector: self.detector.to_owned(),
            action: self.action.get(),
            name: own(self.name),
            pattern: own(self.pattern),
        })
    }
}

#[component]
pub fn Masking() -> impl IntoView {
    let project_id = StoredValue::new(untrack(|| session().project_id()));
    let saved = load(|| Some(()), move |()| async move { ingest::masking(&project_id.get_value()).await });
    view! {
        <section class="section">
            <SectionHead title="Masking" text="Personal data and secrets are taken out before anything is stored. Rules count for what arrives from then on."/>
            {show(saved, move |saved| view! { <Editor saved project_id=project_id.get_value()/> }.into_any())}
        </section>
    }
}

#[component]
fn Editor(saved: Wire, project_id: String) -> impl IntoView {
    let may = session().is_admin();
    let rule_of = |name: &str| saved.rules.iter().find(|rule| rule.detector == name);
    let built_in: Vec<Row> = DETECTORS
        .iter()
        .enumerate()
        .map(|(number, (name, _))| Row::new(number, name, rule_of(name)))
        .collect();
    let own = saved.rules.iter().filter(|rule| rule.detector == "custom").enumerate();
    let custom =
        RwSignal::new(own.map(|(number, rule)| Row::new(number, "custom", Some(rule))).collect::<Vec<_>>());
    let shown = StoredValue::new(built_in.clone());
    let rules = Signal::derive(move || {
        let rows = shown.get_value().into_iter().chain(custom.get());
        rows.filter_map(Row::rule).collect::<Vec<_>>()
    });
    let keep_colours = RwSignal::new(saved.keep_colours);
    let submit = Submit::new();
    let id = project_id.clone();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let masking = Wire { rules: rules.get_untracked(), keep_colours: keep_colours.get_untracked() };
        submit.run(ingest::save_masking(id.clone(), masking), |_| {
            toast("Saved: it counts for what arrives from now on")
        });
    };
    let add = move |_| {
        custom.update(|rows| {
            let number = rows.iter().map(|row| row.number + 1).max().unwrap_or(0);
            let row = Row::new(number, "custom", None);
            row.on.set(true);
            rows.push(row);
        });
    };
    let lines = built_in.into_iter().zip(DETECTORS).map(|(row, (_, text))| view! { <BuiltIn row text/> });
    view! {
        <form class="card" on:submit=save>
            <div class="card-body">
                <FormError message=submit.general(&[])/>
                <fieldset class="masking-rules" disabled=!may>
                    <legend class="field-label">"Look for"</legend>
                    {lines.collect_view()}
                    <For each=move || custom.get() key=|row| row.number let:row>
                        <Custom row custom/>
                    </For>
                </fieldset>
                <fieldset disabled=!may>
                    <legend class="field-label">"Terminal colours"</legend>
                    <CheckField checked=keep_colours on_change=Callback::new(move |on| keep_colours.set(on))>
                        "Keep colour sequences in messages; without this they are taken out, so that words are found"
                    </CheckField>
                </fieldset>
                {may.then(|| view! { <div><Button icon=Icon::Add on_click=add>"Add a regular expression"</Button></div> })}
            </div>
            {may.then(|| view! {
                <div class="card-foot">
                    <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Save"</Button>
                </div>
            })}
        </form>
        <Preview rules project_id/>
    }
}

fn actions() -> Signal<Vec<(String, String)>> {
    let actions = [
        ("mask", "Mask: show only what it was"),
        ("hash", "Hash: equal stays equal"),
        ("drop", "Drop: leave nothing"),
    ];
    Signal::stored(actions.map(|(value, text)| (value.to_owned(), text.to_owned())).to_vec())
}

#[component]
fn BuiltIn(row: Row, text: &'static str) -> impl IntoView {
    view! {
        <div class="masking-rule">
            <CheckField checked=row.on on_change=Callback::new(move |on| row.on.set(on))>{text}</CheckField>
            <Show when=move || row.on.get()>
                <SelectField label=format!("What happens to them: {text}") value=row.action options=actions()/>
            </Show>
        </div>
    }
}

#[component]
fn Custom(row: Row, custom: RwSignal<Vec<Row>>) -> impl IntoView {
    let remove = move |_| custom.update(|rows| rows.retain(|other| other.number != row.number));
    view! {
        <div class="masking-custom">
            <TextField label="Name" value=row.name mono=true placeholder="order-id" required=true/>
            <TextField label="Regular expression" value=row.pattern mono=true placeholder="ORD-[0-9]+" required=true/>
            <SelectField label="What happens" value=row.action options=actions()/>
            <IconButton icon=Icon::Trash label="Remove this expression" on_click=remove/>
        </div>
    }
}

#[component]
fn Preview(rules: Signal<Vec<MaskingRule>>, project_id: String) -> impl IntoView {
    let text = RwSignal::new(SAMPLE.to_owned());
    let submit = Submit::new();
    let shown = RwSignal::new(None::<(String, u64)>);
    let preview = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = MaskingPreviewRequest { rules: rules.get_untracked(), text: text.get_untracked() };
        submit.run(ingest::preview_masking(project_id.clone(), request), move |preview| {
            shown.set(Some((preview.text, preview.matches.iter().sum())));
        });
    };
    view! {
        <form class="card" on:submit=preview>
            <div class="card-head"><h3>"Try it"</h3></div>
            <div class="card-body">
                <FormError message=submit.general(&[])/>
                <TextArea label="Sample lines" value=text hint="Lines of text, or JSON events one per line. Nothing of it is kept."/>
                <div><Button submit=true busy=submit.busy>"Show what would be stored"</Button></div>
                {move || shown.get().map(|(text, found)| view! {
                    <p class="soft" role="status">{format!("{found} found")}</p>
                    <CodeBlock code=text label="What would be stored"/>
                })}
            </div>
        </form>
    }
}
