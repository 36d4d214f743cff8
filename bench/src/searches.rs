//! What is measured: what people ask most, every stage of the language, and what the page for exploring asks.

/// One question.
pub struct Asked {
    pub name: &'static str,
    pub path: &'static str,
    /// `WORD` and `TRACE` stand for values that one event has.
    pub query: &'static str,
    pub hours: i64,
    /// For the values of a field.
    pub field: Option<&'static str>,
    /// What it may take at most, 95 times of 100.
    pub target_ms: Option<f64>,
}

const WEEK: i64 = 7 * 24;
const SEARCH: &str = "/api/v1/logs/search";

const fn newest(name: &'static str, query: &'static str) -> Asked {
    Asked { name, path: SEARCH, query, hours: WEEK, field: None, target_ms: Some(200.0) }
}

const fn stage(name: &'static str, query: &'static str) -> Asked {
    Asked { name, path: SEARCH, query, hours: WEEK, field: None, target_ms: None }
}

const fn page(name: &'static str, path: &'static str, query: &'static str, target_ms: f64) -> Asked {
    Asked { name, path, query, hours: WEEK, field: None, target_ms: Some(target_ms) }
}

pub const NEWEST: &[Asked] = &[
    newest("everything", ""),
    newest("a filter", "level:error"),
    newest("a filter on a number", "http.status:500"),
    newest("a common word", "timeout"),
    newest("a rare word", "WORD"),
    newest("a phrase", "\"connection pool timeout\""),
    newest("a rare phrase", "\"order WORD\""),
    newest("a trace id", "trace_id:TRACE"),
    newest("a negation", "-level:info -level:debug"),
    newest("a negated word", "-get -charged"),
    Asked { hours: 1, ..newest("a number and a source, one hour", "source:api http.status>=500") },
    newest("a number and a source, seven days", "source:api http.status>=500"),
    Asked { target_ms: None, ..newest("a value that 250 of 5,000,000 have", "user.id:u-9973") },
    Asked { target_ms: None, ..newest("a word anywhere", "*:stripe") },
    Asked { target_ms: None, ..newest("a rare word anywhere", "*:WORD") },
    Asked { target_ms: None, ..newest("a part of a word", "*onnec*") },
    Asked { target_ms: None, ..newest("a regular expression", "message=~\"order \\d+7 failed\"") },
];

pub const PAGE: &[Asked] = &[
    page("first rows", SEARCH, "", 300.0),
    page("histogram", "/api/v1/logs/histogram", "", 300.0),
    page("histogram of a level", "/api/v1/logs/histogram", "level>=error", 300.0),
    page("histogram of a word", "/api/v1/logs/histogram", "timeout", 300.0),
    page("histogram of a number", "/api/v1/logs/histogram", "http.status>=500", 300.0),
    page("fields", "/api/v1/logs/fields", "", 500.0),
    page("fields of errors", "/api/v1/logs/fields", "level:error", 500.0),
    page("fields of a word", "/api/v1/logs/fields", "timeout", 500.0),
    Asked { field: Some("source"), ..page("values of source", "/api/v1/logs/field-values", "", 500.0) },
    Asked {
        field: Some("http.status"),
        target_ms: None,
        ..page("values of http.status", "/api/v1/logs/field-values", "", 0.0)
    },
    Asked { target_ms: None, ..page("patterns", "/api/v1/logs/patterns", "", 0.0) },
    Asked { target_ms: None, ..page("patterns of errors", "/api/v1/logs/patterns", "level:error", 0.0) },
];

pub const STAGES: &[Asked] = &[
    stage("where", "| where duration_ms > 2s"),
    stage("search", "level:error | search timeout"),
    stage("fields", "level:error | fields timestamp, source, http.route"),
    stage("drop", "level:error | drop http"),
    stage("rename", "level:error | rename duration_ms as took"),
    stage("eval", "level:error | eval slow = duration_ms > 1000"),
    stage("parse", "charge | parse \"charge of order <order:number> failed\" | where order > 500000"),
    stage("extract", "job | extract \"job (?P<job>[a-z_]+) retried\" | where job == \"send_receipt\""),
    stage("unpack json", "| unpack json | where status >= 400"),
    stage("unpack logfmt", "duration | unpack logfmt | where duration == 1"),
    stage("expand", "level:error | expand http.status"),
    stage("stats", "| stats count() by level, source"),
    stage("stats of a number", "| stats p95(duration_ms) by http.route"),
    stage("stats dcount", "| stats dcount(user.id)"),
    stage("timechart", "| timechart count() by source"),
    stage("timechart of a number", "source:api | timechart p95(duration_ms) every=1h"),
    stage("top", "| top 10 http.route"),
    stage("rare", "| rare 10 error.type"),
    stage("percentiles", "| percentiles duration_ms (50, 95, 99) by source"),
    stage("sort", "level:fatal | sort host, -duration_ms"),
    stage("limit", "level:error | limit 50"),
    stage("offset", "level:error | offset 50"),
    stage("dedup", "level:error | dedup host"),
    stage("uniq", "| uniq source, host"),
    stage("sample", "| sample 1% | stats count()"),
    stage("fill", "level:fatal | stats count() by bin(1h) | fill value=0"),
    stage(
        "join",
        "source:payments level:error | join { source:api level:error | stats count() as calls by trace_id } on trace_id | limit 20",
    ),
    stage("union", "level:fatal | union { source:auth level:warn }"),
    stage("context", "level:fatal | context before=2 after=2 within=1m | limit 100"),
    stage("patterns", "level:error | patterns"),
    stage("compare", "| stats count() by source | compare shift=1d"),
    stage("window", "| timechart count() every=1h | window movavg(count, 6) as mean"),
    stage("anomaly", "| timechart count() every=1h | anomaly count"),
    stage("histogram", "| histogram duration_ms step=100"),
    stage("facets", "| facets source, level"),
    stage("describe", "level:error | describe"),
    stage("in {…}", "user.id in { \"login failed\" | fields user.id | limit 500 } level:error"),
];
