//! Sending logs, and what became of them.

use super::super::shape::{Shape, json_of, list_of};
use super::{Operation, PAGE, Parameter, call, delete, flag, get, post, text, whole};
use api_types::ingest::*;
use api_types::usage::IngestHealth;

const DEFAULTS: &[Parameter] =
    &[text("source", "For events that name none."), text("host", "For events that name none.")];
const LETTERS: &[Parameter] = &[
    text("project_id", "Only this project's."),
    text("code", "Only those rejected for this reason."),
    text("query", "The search language, asked of each letter; `code` and `reason` are fields too."),
    whole("limit", "Most items of a page."),
    text("cursor", "The `next_cursor` of the page before."),
];
const SELECTED: &[Parameter] = &[
    text("ids", "Which ones, with commas between."),
    flag("all", "All of them, or all of `project_id` and `code`."),
    text("project_id", "Only this project's."),
    text("code", "Only those rejected for this reason."),
];
const EVENTS: Shape = Shape::Media(&["application/x-ndjson", "application/json", "text/plain"]);

pub(super) const OPERATIONS: &[Operation] = &[
    post(
        "/api/v1/logs/ingest",
        "Takes events as JSON, NDJSON or lines of text. What is acknowledged is on disk.",
        EVENTS,
    )
    .gives(202, json_of::<IngestAnswer>())
    .refuses(400, json_of::<EventsRejected>())
    .asks(DEFAULTS),
    get("/api/v1/ingest/receipts/{batch}", "What became of a batch.", json_of::<Receipt>()),
    get(
        "/api/v1/ingest/health",
        "What was refused, who sent, and how far behind delivery is.",
        json_of::<IngestHealth>(),
    ),
    get("/api/v1/dead-letters", "Events that could not be stored, with the reason.", list_of::<DeadLetter>())
        .asks(LETTERS),
    delete("/api/v1/dead-letters", "Deletes some of them.")
        .gives(200, json_of::<DeletedAnswer>())
        .asks(SELECTED),
    post(
        "/api/v1/dead-letters/replay",
        "Sends some of them through ingest again.",
        json_of::<DeadLetterSelection>(),
    )
    .gives(200, json_of::<ReplayAnswer>()),
    get("/api/v1/dead-letters/{id}", "One of them.", json_of::<DeadLetter>()),
    delete("/api/v1/dead-letters/{id}", "Deletes one."),
    post("/api/v1/dead-letters/{id}/replay", "Sends one through ingest again.", Shape::Nothing)
        .gives(200, json_of::<ReplayAnswer>()),
    get("/api/v1/syslog-listeners", "Ports that belong to one project each.", list_of::<SyslogListener>())
        .asks(PAGE),
    post("/api/v1/syslog-listeners", "Opens one.", json_of::<NewSyslogListener>())
        .gives(201, json_of::<SyslogListener>())
        .also(&[404, 409]),
    delete("/api/v1/syslog-listeners/{id}", "Closes one."),
    get("/api/v1/validate", "Tells Datadog's clients that their key has a form.", Shape::Object).also(&[403]),
    call("POST", "/api/v2/logs", "Takes events as Datadog's clients send them.")
        .takes(EVENTS)
        .gives(202, Shape::Object),
];
