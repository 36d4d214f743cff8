//! Alert rules, what they did, and where that is told.

use super::super::shape::{Shape, json_of, list_of};
use super::{Operation, PAGE, Parameter, delete, flag, get, patch, post, put, text, whole};
use api_types::alerts::*;

const YAML: Shape = Shape::Media(&["application/yaml"]);
const DAYS: &[Parameter] = &[whole("days", "How many days to look back: 1, at most 30.")];
const EVENTS: &[Parameter] = &[
    text("rule_id", "Only of this rule."),
    text("state", "Only transitions to this state."),
    whole("limit", "Most items of a page."),
    text("cursor", "The `next_cursor` of the page before."),
];
const DELIVERIES: &[Parameter] = &[
    text("state", "`queued`, `sent` or `failed`."),
    text("channel_id", "Only of this channel."),
    whole("limit", "Most items of a page."),
    text("cursor", "The `next_cursor` of the page before."),
];

pub(super) const OPERATIONS: &[Operation] = &[
    get("/api/v1/alert-rules", "The organization's alert rules.", list_of::<AlertRule>()).asks(PAGE),
    post("/api/v1/alert-rules", "Makes an alert rule.", json_of::<AlertRuleRequest>())
        .gives(201, json_of::<AlertRule>())
        .also(&[409]),
    get("/api/v1/alert-rules/export", "All rules as a file.", YAML),
    post("/api/v1/alert-rules/import", "Applies such a file.", YAML)
        .gives(200, json_of::<AppliedRules>())
        .asks(&[flag("dry_run", "Only tells what would be done.")])
        .also(&[409]),
    post("/api/v1/alert-rules/preview", "What a rule would have done.", json_of::<AlertRuleRequest>())
        .gives(200, json_of::<AlertPreview>())
        .asks(DAYS),
    get("/api/v1/alert-rules/{id}", "One alert rule.", json_of::<AlertRule>()),
    patch("/api/v1/alert-rules/{id}", "Changes what is given.", Shape::Object)
        .gives(200, json_of::<AlertRule>())
        .also(&[409]),
    delete("/api/v1/alert-rules/{id}", "Deletes a rule.").also(&[409]),
    post("/api/v1/alert-rules/{id}/mute", "Silences a rule, or one of its groups.", json_of::<MuteRequest>())
        .gives(200, json_of::<AlertRule>()),
    get(
        "/api/v1/alert-rules/{id}/evaluations",
        "A rule's evaluations, newest first.",
        list_of::<AlertEvaluation>(),
    )
    .asks(PAGE),
    get(
        "/api/v1/alert-rules/{id}/why",
        "Why a rule did, or did not, fire at a time.",
        json_of::<WhyAnswer>(),
    )
    .asks(&[text("at", "RFC 3339, or relative; now when absent.")]),
    get("/api/v1/alert-events", "What alerts did, newest first.", list_of::<AlertEvent>())
        .asks(EVENTS)
        .also(&[404]),
    get("/api/v1/notification-channels", "Where notifications go, without secrets.", list_of::<Channel>())
        .asks(PAGE),
    post("/api/v1/notification-channels", "Makes a channel.", json_of::<ChannelRequest>())
        .gives(201, json_of::<Channel>())
        .also(&[409]),
    get("/api/v1/notification-channels/{id}", "One channel.", json_of::<Channel>()),
    patch("/api/v1/notification-channels/{id}", "Changes what is given.", Shape::Object)
        .gives(200, json_of::<Channel>())
        .also(&[409]),
    delete("/api/v1/notification-channels/{id}", "Deletes a channel.").also(&[409]),
    post("/api/v1/notification-channels/{id}/test", "Sends a test message.", Shape::Nothing)
        .gives(200, Shape::Object),
    get(
        "/api/v1/notification-policy",
        "Routes, quiet hours and maintenance.",
        json_of::<NotificationPolicy>(),
    ),
    put("/api/v1/notification-policy", "Replaces them.", json_of::<NotificationPolicy>())
        .gives(200, json_of::<NotificationPolicy>()),
    get("/api/v1/notifications", "The delivery log, newest first.", list_of::<LoggedNotification>())
        .asks(DELIVERIES)
        .also(&[404]),
    post("/api/v1/notifications/{id}/retry", "Tries a notification again.", Shape::Nothing).also(&[409]),
    post(
        "/api/v1/mute-links",
        "What the link of a message is about; silences when hours are given.",
        json_of::<MuteLinkRequest>(),
    )
    .gives(200, json_of::<MuteLinkView>())
    .also(&[404]),
];
