//! What each call is for, and the names of what goes in and comes out.

pub(super) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    /// A schema of `schemas.json`, or a media type.
    pub body: Option<&'static str>,
    pub answer: Option<&'static str>,
    /// Parameters of the address, and what they are.
    pub query: &'static [(&'static str, &'static str)],
}

const PAGE: &[(&str, &str)] =
    &[("limit", "Most items of a page."), ("cursor", "The `next_cursor` of the page before.")];
const RANGE: &[(&str, &str)] = &[
    ("q", "The query; also `query`."),
    ("from", "RFC 3339, a number since 1970, or relative such as now-15m; also `start`."),
    ("to", "Exclusive; also `end`."),
    ("source", "Only events of this source."),
    ("level", "Only these levels, with commas between them."),
    ("host", "Only events of this host."),
    ("limit", "Rows of a page: 100, at most 10000."),
    ("cursor", "The `next_cursor` of the page before."),
    ("tz", "An IANA time zone."),
    ("project_id", "The API key's project, or the first one, when absent."),
];
const CONTEXT: &[(&str, &str)] = &[
    ("before", "How many older events: 50, at most 1000."),
    ("after", "How many newer events."),
    ("same", "Fields that they must have in common: source, host, level, trace_id, span_id."),
    ("project_id", "The API key's project, or the first one, when absent."),
];

const SSO_START: &[(&str, &str)] = &[("next", "The page of ours to go to afterwards.")];
const SSO_BACK: &[(&str, &str)] = &[
    ("code", "What the provider gives for the login."),
    ("state", "What the login began with."),
    ("error", "Why there is no code."),
    ("iss", "Who answers."),
];

const fn call(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    body: Option<&'static str>,
    answer: Option<&'static str>,
) -> Operation {
    Operation { method, path, summary, body, answer, query: &[] }
}

const fn get(
    path: &'static str,
    summary: &'static str,
    answer: Option<&'static str>,
    query: &'static [(&'static str, &'static str)],
) -> Operation {
    Operation { method: "GET", path, summary, body: None, answer, query }
}

pub(super) const OPERATIONS: &[Operation] = &[
    get("/healthz", "Says that the process is up.", None, &[]),
    get("/readyz", "Says whether what this node needs is up.", None, &[]),
    get("/metrics", "Figures for Prometheus.", Some("text/plain"), &[]),
    call("POST", "/api/v1/auth/signup", "Makes a user, an organization and its first project.", None, None),
    call("POST", "/api/v1/auth/login", "Signs in.", None, None),
    call("POST", "/api/v1/auth/refresh", "Gives a new access token for the refresh cookie.", None, None),
    call("POST", "/api/v1/auth/logout", "Ends the session.", None, None),
    get("/api/v1/auth/sso", "The providers by which people may sign in.", None, &[]),
    get(
        "/api/v1/auth/sso/pending",
        "Whom a login elsewhere has brought, while something is missing.",
        None,
        &[],
    ),
    call(
        "POST",
        "/api/v1/auth/sso/finish",
        "Gives what a login elsewhere still needs, and signs in.",
        None,
        None,
    ),
    get("/api/v1/auth/sso/{provider}/start", "Sends the browser to the provider.", None, SSO_START),
    get(
        "/api/v1/auth/sso/{provider}/callback",
        "Where the provider sends the browser back to.",
        None,
        SSO_BACK,
    ),
    get("/api/v1/me/identities", "How the caller can sign in.", None, &[]),
    call("POST", "/api/v1/me/identities", "Begins to link an account of a provider.", None, None),
    call("DELETE", "/api/v1/me/identities/{id}", "Takes a link away.", None, None),
    get("/api/v1/me", "The caller with their organizations and projects.", None, &[]),
    get(
        "/api/v1/members/{user_id}/projects",
        "Where a member's role differs from the one in the organization.",
        None,
        &[],
    ),
    call(
        "PUT",
        "/api/v1/members/{user_id}/projects",
        "Replaces a member's roles in single projects.",
        None,
        None,
    ),
    call("POST", "/api/v1/organization/transfer", "Makes another member the owner.", None, None),
    get("/api/v1/projects", "The organization's projects.", None, &[]),
    get("/api/v1/api-keys", "The organization's API keys, without their secrets.", None, &[]),
    call("POST", "/api/v1/api-keys", "Makes an API key; its secret is shown this once.", None, None),
    call(
        "POST",
        "/api/v1/logs/ingest",
        "Takes events as JSON, NDJSON or lines of text. What is acknowledged is on disk.",
        Some("application/x-ndjson"),
        None,
    ),
    get("/api/v1/logs/search", "Searches, with everything in the address.", Some("SearchAnswer"), RANGE),
    call(
        "POST",
        "/api/v1/logs/search",
        "Searches: events, or the table of a query with stages.",
        Some("SearchRequest"),
        Some("SearchAnswer"),
    ),
    call(
        "POST",
        "/api/v1/logs/search/stream",
        "Searches and tells how far it is: events progress, rows, then result or error.",
        Some("SearchRequest"),
        Some("text/event-stream"),
    ),
    call(
        "POST",
        "/api/v1/logs/histogram",
        "Counts matching events over time, by level.",
        Some("SearchRequest"),
        Some("Histogram"),
    ),
    call(
        "POST",
        "/api/v1/logs/fields",
        "The fields of the newest matching events.",
        Some("SearchRequest"),
        Some("Fields"),
    ),
    call(
        "POST",
        "/api/v1/logs/field-values",
        "The most frequent values of one field.",
        Some("SearchRequest"),
        Some("FieldValues"),
    ),
    call(
        "POST",
        "/api/v1/logs/patterns",
        "The shapes of the matching messages, all of them counted.",
        Some("SearchRequest"),
        Some("Patterns"),
    ),
    call(
        "POST",
        "/api/v1/logs/difference",
        "What some events have more or less often than others.",
        Some("DifferenceRequest"),
        Some("Differences"),
    ),
    call(
        "POST",
        "/api/v1/logs/export",
        "Every matching row as a file.",
        Some("ExportRequest"),
        Some("application/x-ndjson"),
    ),
    get(
        "/api/v1/logs/{id}",
        "One event.",
        None,
        &[("project_id", "The API key's project, or the first one, when absent.")],
    ),
    get("/api/v1/logs/{id}/context", "The events around one event.", Some("Context"), CONTEXT),
    call(
        "POST",
        "/api/v1/query/check",
        "Whether a query is right, what it reads and what it would cost.",
        Some("CheckRequest"),
        Some("CheckAnswer"),
    ),
    call(
        "POST",
        "/api/v1/query/translate",
        "A query of another system in our language.",
        Some("TranslateRequest"),
        Some("TranslateAnswer"),
    ),
    get("/api/v1/saved-searches", "The caller's own searches and all shared ones.", None, PAGE),
    call(
        "POST",
        "/api/v1/saved-searches",
        "Keeps a search.",
        Some("SavedSearchRequest"),
        Some("SavedSearch"),
    ),
    get("/api/v1/saved-searches/{id}", "One saved search.", Some("SavedSearch"), &[]),
    call(
        "PATCH",
        "/api/v1/saved-searches/{id}",
        "Changes what is given.",
        Some("SavedSearchRequest"),
        Some("SavedSearch"),
    ),
    call("DELETE", "/api/v1/saved-searches/{id}", "Deletes a saved search.", None, None),
    get("/api/v1/alert-rules", "The organization's alert rules.", None, PAGE),
    call("POST", "/api/v1/alert-rules", "Makes an alert rule.", None, None),
    get("/api/v1/alert-events", "What alerts did, newest first.", None, PAGE),
    get("/api/v1/notification-channels", "Where notifications go, without secrets.", None, PAGE),
    get("/api/v1/dead-letters", "Events that could not be stored, with the reason.", None, PAGE),
    get("/api/v1/openapi.json", "This document.", None, &[]),
    get("/api/docs", "This document as a page.", Some("text/html"), &[]),
];
