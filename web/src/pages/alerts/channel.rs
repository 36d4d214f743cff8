//! Channels that carry notifications, and making one for e-mail.

use crate::api::alerts;
use crate::components::{Button, ButtonKind, Dialog, FormError, TextArea, TextField, toast};
use crate::load::Submit;
use crate::session::session;
use api_types::alerts::{Channel, ChannelKind, ChannelRequest};
use leptos::prelude::*;
use serde_json::{Value, json};

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
    match &channel.config {
        Value::Object(config) => match (config.get("to"), config.get("url")) {
            (Some(Value::Array(addresses)), _) => {
                addresses.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            (_, Some(Value::String(url))) => url.clone(),
            _ => "–".into(),
        },
        _ => "–".into(),
    }
}

#[component]
pub fn NewChannel(open: RwSignal<bool>, created: Callback<Channel>) -> impl IntoView {
    view! { <Dialog open title="New e-mail channel"><ChannelForm open created/></Dialog> }
}

#[component]
fn ChannelForm(open: RwSignal<bool>, created: Callback<Channel>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let addresses = RwSignal::new(untrack(|| session().me().user.email));
    let submit = Submit::new();
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let to = split_addresses(&addresses.get_untracked());
        let request = ChannelRequest {
            name: name.get_untracked().trim().into(),
            kind: ChannelKind::Email,
            config: json!({ "to": to }),
        };
        submit.run(alerts::create_channel(request), move |channel| {
            toast(format!("{} is created", channel.name));
            open.set(false);
            created.run(channel);
        });
    };
    let to_error = submit.field("config.to");
    let config_error = submit.field("config");
    view! {
        <form class="form" on:submit=create>
            <FormError message=submit.general(&["name", "config", "config.to"])/>
            <TextField label="Name" value=name required=true autofocus=true placeholder="On-call" error=submit.field("name")/>
            <TextArea
                label="E-mail addresses"
                value=addresses
                hint="One a line, or separated by commas."
                error=Signal::derive(move || to_error.get().or_else(|| config_error.get()))
            />
            <div class="dialog-actions">
                <Button on:click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submit.busy>"Create channel"</Button>
            </div>
        </form>
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
    use super::split_addresses;

    #[test]
    fn addresses_may_be_written_in_any_usual_way() {
        assert_eq!(
            split_addresses("a@b.example, c@d.example\n\n e@f.example;"),
            ["a@b.example", "c@d.example", "e@f.example"]
        );
    }
}
