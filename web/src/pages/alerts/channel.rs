//! Channels that carry notifications: making one of any kind, and changing it.

use crate::api::alerts;
use crate::components::{
    Button, ButtonKind, CodeBlock, Dialog, FormError, Notice, NoticeKind, SelectField, TextArea, TextField,
    toast,
};
use crate::load::Submit;
use crate::session::session;
use api_types::alerts::{Channel, ChannelKind, ChannelRequest};
use leptos::prelude::*;
use serde_json::{Map, Value, json};

const KINDS: [(&str, ChannelKind); 4] = [
    ("email", ChannelKind::Email),
    ("slack", ChannelKind::Slack),
    ("pagerduty", ChannelKind::Pagerduty),
    ("webhook", ChannelKind::Webhook),
];

pub fn channel_kind(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "E-mail",
        ChannelKind::Slack => "Slack",
        ChannelKind::Pagerduty => "PagerDuty",
        ChannelKind::Webhook => "Webhook",
    }
}

/// Where a channel leads, as far as that is no secret.
pub fn channel_target(channel: &Channel) -> String {
    let config = &channel.config;
    if config["unreadable"] == json!(true) {
        return "its settings cannot be read: enter them again".into();
    }
    match channel.kind {
        ChannelKind::Email => addresses_of(config).join(", "),
        ChannelKind::Slack => config["host"].as_str().unwrap_or("–").to_owned(),
        ChannelKind::Pagerduty => "integration key set".into(),
        ChannelKind::Webhook => config["url"].as_str().unwrap_or("–").to_owned(),
    }
}

fn addresses_of(config: &Value) -> Vec<&str> {
    config["to"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[component]
pub fn NewChannel(open: RwSignal<bool>, created: Callback<Channel>) -> impl IntoView {
    view! { <Dialog open title="New channel"><ChannelForm open known=None done=created/></Dialog> }
}

/// Open while there is a channel to change.
#[component]
pub fn EditChannel(editing: RwSignal<Option<Channel>>, changed: Callback<Channel>) -> impl IntoView {
    let open = crate::components::open_while(editing);
    view! {
        <Dialog open title="Edit channel">
            {move || editing.get().map(|channel| view! { <ChannelForm open known=Some(channel) done=changed/> })}
        </Dialog>
    }
}

/// The fields of every kind; each kind shows its own.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    kind: RwSignal<String>,
    addresses: RwSignal<String>,
    url: RwSignal<String>,
    routing_key: RwSignal<String>,
    secret: RwSignal<String>,
    body: RwSignal<String>,
}

impl Fields {
    fn of(known: Option<&Channel>) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let Some(channel) = known else {
            let own = untrack(|| session().me().user.email);
            return Self {
                name: text(""),
                kind: text("email"),
                addresses: RwSignal::new(own),
                url: text(""),
                routing_key: text(""),
                secret: text(""),
                body: text(""),
            };
        };
        let config = &channel.config;
        let kind = KINDS.iter().find(|(_, kind)| *kind == channel.kind).map_or("email", |(name, _)| name);
        let body = match &config["body"] {
            Value::Null => String::new(),
            body => serde_json::to_string_pretty(body).unwrap_or_default(),
        };
        Self {
            name: text(&channel.name),
            kind: text(kind),
            addresses: RwSignal::new(addresses_of(config).join("\n")),
            url: text(config["url"].as_str().unwrap_or_default()),
            routing_key: text(""),
            secret: text(""),
            body: RwSignal::new(body),
        }
    }

    fn kind(self) -> ChannelKind {
        self.kind.with(|name| {
            KINDS.iter().find(|(known, _)| known == name).map_or(ChannelKind::Email, |(_, kind)| *kind)
        })
    }

    /// What is left empty is not sent: a secret that is there stays.
    fn request(self) -> Result<ChannelRequest, String> {
        let mut config = Map::new();
        let mut set = |name: &str, text: String| {
            if !text.trim().is_empty() {
                config.insert(name.into(), text.trim().into());
            }
        };
        match self.kind() {
            ChannelKind::Email => {
                config.insert("to".into(), json!(split_addresses(&self.addresses.get())));
            }
            ChannelKind::Slack => set("url", self.url.get()),
            ChannelKind::Pagerduty => set("routing_key", self.routing_key.get()),
            ChannelKind::Webhook => {
                set("url", self.url.get());
                set("secret", self.secret.get());
                config.insert("body".into(), parsed_body(&self.body.get())?);
            }
        }
        Ok(ChannelRequest { name: self.name.get().trim().into(), kind: self.kind(), config: config.into() })
    }
}

fn parsed_body(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|error| format!("This is not JSON: {error}"))
}

#[component]
fn ChannelForm(open: RwSignal<bool>, known: Option<Channel>, done: Callback<Channel>) -> impl IntoView {
    let fields = Fields::of(known.as_ref());
    let id = StoredValue::new(known.map(|channel| channel.id));
    let is_new = id.with_value(Option::is_none);
    let submit = Submit::new();
    let body_error = RwSignal::new(None::<String>);
    let secret = RwSignal::new(None::<String>);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = match untrack(|| fields.request()) {
            Ok(request) => request,
            Err(error) => return body_error.set(Some(error)),
        };
        body_error.set(None);
        let work = async move {
            match id.get_value() {
                None => alerts::create_channel(request).await,
                Some(id) => alerts::change_channel(id, request).await,
            }
        };
        submit.run(work, move |channel| {
            toast(format!("{} is saved", channel.name));
            // A secret that was made is shown this once.
            let made = channel.config["secret"].as_str().map(str::to_owned);
            open.set(made.is_some());
            secret.set(made);
            done.run(channel);
        });
    };
    let kinds = KINDS.map(|(name, kind)| (name.to_owned(), channel_kind(kind).to_owned())).to_vec();
    let kinds = Signal::stored(kinds);
    view! {
        {move || match secret.get() {
            Some(secret) => view! { <MadeSecret secret open/> }.into_any(),
            None => view! {
                <form class="form" on:submit=save>
                    <FormError message=submit.general(&["name", "kind", "config", "config.to", "config.url", "config.routing_key", "config.secret", "config.body"])/>
                    <TextField label="Name" value=fields.name required=true autofocus=true placeholder="On-call" error=submit.field("name")/>
                    <Show when=move || is_new><SelectField label="Kind" value=fields.kind options=kinds error=submit.field("kind")/></Show>
                    {move || view! { <KindFields fields kind=fields.kind() is_new submit body_error/> }}
                    <div class="dialog-actions">
                        <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                        <Button kind=ButtonKind::Primary submit=true busy=submit.busy>{if is_new { "Create channel" } else { "Save" }}</Button>
                    </div>
                </form>
            }.into_any(),
        }}
    }
}

#[component]
fn MadeSecret(secret: String, open: RwSignal<bool>) -> impl IntoView {
    view! {
        <div class="form">
            <Notice kind=NoticeKind::Good>"Check the header X-Cordwood-Signature with this secret. It is shown this once."</Notice>
            <CodeBlock code=Signal::stored(secret) label="Secret"/>
            <div class="dialog-actions"><Button kind=ButtonKind::Primary on_click=move |_| open.set(false)>"Done"</Button></div>
        </div>
    }
}

#[component]
fn KindFields(
    fields: Fields,
    kind: ChannelKind,
    is_new: bool,
    submit: Submit,
    body_error: RwSignal<Option<String>>,
) -> impl IntoView {
    let config_error = submit.field("config");
    let error = move |name: &'static str| {
        let own = submit.field(name);
        Signal::derive(move || own.get().or_else(|| config_error.get()))
    };
    let kept = if is_new { "" } else { " Leave it empty to keep the one that is set." };
    match kind {
        ChannelKind::Email => view! {
            <TextArea label="E-mail addresses" value=fields.addresses hint="One a line, or separated by commas. Members of this organization only." error=error("config.to")/>
        }
        .into_any(),
        ChannelKind::Slack => view! {
            <TextField label="Webhook address" kind="url" value=fields.url required=is_new placeholder="https://hooks.slack.com/services/…"
                hint=format!("From “Incoming Webhooks” of your Slack app. It is kept sealed.{kept}") error=error("config.url")/>
        }
        .into_any(),
        ChannelKind::Pagerduty => view! {
            <TextField label="Integration key" value=fields.routing_key required=is_new mono=true
                hint=format!("Of an “Events API v2” integration of the service.{kept}") error=error("config.routing_key")/>
        }
        .into_any(),
        ChannelKind::Webhook => {
            let own_error = error("config.body");
            let body_error = Signal::derive(move || body_error.get().or_else(|| own_error.get()));
            view! {
                <TextField label="Address" kind="url" value=fields.url required=true placeholder="https://example.com/hook" error=error("config.url")/>
                <TextField label="Signing secret" value=fields.secret mono=true
                    hint=if is_new { "At least 16 characters; one is made when it is empty.".to_owned() } else { kept.trim().to_owned() }
                    error=error("config.secret")/>
                <TextArea label="Body" value=fields.body placeholder="{\"text\": \"{{title}}\"}"
                    hint="JSON with {{placeholders}}; our own form when empty. A test shows every placeholder there is." error=body_error/>
            }
            .into_any()
        }
    }
}

fn split_addresses(text: &str) -> Vec<String> {
    text.split([',', ';', '\n', ' '])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_be_written_in_any_usual_way() {
        assert_eq!(
            split_addresses("a@b.example, c@d.example\n\n e@f.example;"),
            ["a@b.example", "c@d.example", "e@f.example"]
        );
    }

    #[test]
    fn a_body_is_json_or_nothing() {
        assert_eq!(parsed_body("  "), Ok(Value::Null));
        assert_eq!(parsed_body(r#"{"a": "{{title}}"}"#), Ok(json!({"a": "{{title}}"})));
        assert!(parsed_body("{").is_err());
    }
}
