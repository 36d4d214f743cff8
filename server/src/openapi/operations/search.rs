//! Searching, and everything that looks at events.

use super::super::shape::{Shape, json_of, list_of};
use super::{Operation, PAGE, Parameter, delete, get, patch, post, put, text, whole};
use api_types::annotations::{Annotation, AnnotationRequest, PinnedFields};
use api_types::events::*;
use api_types::saved_searches::{SavedSearch, SavedSearchRequest};
use api_types::search::*;

const PROJECT: &str = "The API key's project, or the first one, when absent.";
const RANGE: &[Parameter] = &[
    text("q", "The query; also `query`."),
    text("from", "RFC 3339, a number since 1970, or relative such as now-15m; also `start`."),
    text("to", "Exclusive; also `end`."),
    text("source", "Only events of this source."),
    text("level", "Only these levels, with commas between them."),
    text("host", "Only events of this host."),
    whole("limit", "Rows of a page: 100, at most 10000."),
    text("cursor", "The `next_cursor` of the page before."),
    text("now", "The instant that relative times mean."),
    text("tz", "An IANA time zone."),
    text("project_id", PROJECT),
];
const CONTEXT: &[Parameter] = &[
    whole("before", "How many older events: 50, at most 1000."),
    whole("after", "How many newer events."),
    text("same", "Fields that they must have in common: source, host, level, trace_id, span_id."),
    text("project_id", PROJECT),
];
const TAIL: &[Parameter] = &[
    text("query", "A filter, and stages that look at one event alone; also `q`."),
    text("project_id", PROJECT),
    text("tz", "An IANA time zone."),
    text("last_event_id", "Goes on behind this event; also the header Last-Event-ID."),
];

const ANNOTATIONS: &[Parameter] = &[
    text("project_id", "Whose alerts; annotations of all projects come too."),
    text("from", "RFC 3339, a number since 1970, or relative to now."),
    text("to", "As `from`; excluded."),
    whole("now", "The instant that relative times mean."),
];

pub(super) const OPERATIONS: &[Operation] = &[
    get("/api/v1/logs/search", "Searches, with everything in the address.", json_of::<SearchAnswer>())
        .asks(RANGE)
        .also(&[404]),
    post(
        "/api/v1/logs/search",
        "Searches: events, or the table of a query with stages.",
        json_of::<SearchRequest>(),
    )
    .gives(200, json_of::<SearchAnswer>())
    .also(&[404]),
    post(
        "/api/v1/logs/search/stream",
        "Searches and tells how far it is: events progress, rows, then result or error.",
        json_of::<SearchRequest>(),
    )
    .gives(200, Shape::Media(&["text/event-stream"]))
    .also(&[404]),
    post("/api/v1/logs/histogram", "Counts matching events over time, by level.", json_of::<SearchRequest>())
        .gives(200, json_of::<Histogram>())
        .also(&[404]),
    post(
        "/api/v1/logs/fields",
        "The fields of the matching events: how many have each, and of which types.",
        json_of::<SearchRequest>(),
    )
    .gives(200, json_of::<Fields>())
    .also(&[404]),
    post("/api/v1/logs/field-values", "The most frequent values of one field.", json_of::<SearchRequest>())
        .gives(200, json_of::<FieldValues>())
        .also(&[404]),
    post(
        "/api/v1/logs/patterns",
        "The shapes of the matching messages, all of them counted.",
        json_of::<SearchRequest>(),
    )
    .gives(200, json_of::<Patterns>())
    .also(&[404]),
    post(
        "/api/v1/logs/difference",
        "What some events have more or less often than others.",
        json_of::<DifferenceRequest>(),
    )
    .gives(200, json_of::<Differences>())
    .also(&[404]),
    post("/api/v1/logs/export", "Every matching row as a file.", json_of::<ExportRequest>())
        .gives(200, Shape::Media(&["application/x-ndjson", "text/csv", "application/vnd.apache.parquet"]))
        .also(&[404]),
    get("/api/v1/logs/{id}", "One event.", json_of::<EventRow>()).asks(&[text("project_id", PROJECT)]),
    get("/api/v1/logs/{id}/context", "The events around one event.", json_of::<Context>()).asks(CONTEXT),
    get("/api/v1/logs/tail", "Events as they come.", Shape::Media(&["text/event-stream"]))
        .asks(TAIL)
        .also(&[404]),
    post(
        "/api/v1/query/check",
        "Whether a query is right, what it reads and what it would cost.",
        json_of::<CheckRequest>(),
    )
    .gives(200, json_of::<CheckAnswer>())
    .also(&[404]),
    post(
        "/api/v1/query/translate",
        "A query of another system in our language.",
        json_of::<TranslateRequest>(),
    )
    .gives(200, json_of::<TranslateAnswer>()),
    get("/api/v1/saved-searches", "The caller's own searches and all shared ones.", list_of::<SavedSearch>())
        .asks(PAGE),
    post("/api/v1/saved-searches", "Keeps a search.", json_of::<SavedSearchRequest>())
        .gives(201, json_of::<SavedSearch>())
        .also(&[404, 409]),
    get("/api/v1/saved-searches/{id}", "One saved search.", json_of::<SavedSearch>()),
    patch("/api/v1/saved-searches/{id}", "Changes what is given.", json_of::<SavedSearchRequest>())
        .gives(200, json_of::<SavedSearch>())
        .also(&[409]),
    delete("/api/v1/saved-searches/{id}", "Deletes a saved search."),
    get(
        "/api/v1/annotations",
        "Deployments, notes, and alerts that fired, in a range.",
        list_of::<Annotation>(),
    )
    .asks(ANNOTATIONS)
    .also(&[404]),
    post("/api/v1/annotations", "Records a deployment or a note.", json_of::<AnnotationRequest>())
        .gives(201, json_of::<Annotation>())
        .also(&[404]),
    delete("/api/v1/annotations/{id}", "Deletes an annotation."),
    get(
        "/api/v1/projects/{id}/pinned-fields",
        "The fields that everybody in the project sees first.",
        json_of::<PinnedFields>(),
    ),
    put("/api/v1/projects/{id}/pinned-fields", "Replaces the pinned fields.", json_of::<PinnedFields>())
        .gives(200, json_of::<PinnedFields>()),
];
