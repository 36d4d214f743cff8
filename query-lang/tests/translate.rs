//! The intents that people bring from other systems, in each language that can say them.

use proptest::prelude::*;
use query_lang::Language::{KibanaKql, Kusto, LogQl, LogsQl, Lucene, Spl};
use query_lang::{Catalogue, CheckContext, Language, check, parse, translate, translate_from};

/// Number of the intent, language, what was typed, and what it is here.
const ROWS: &[(u8, Language, &str, &str)] = &[
    (1, LogsQl, "level:=error", "level:error"),
    (1, Spl, "index=* level=error", "level:error"),
    (1, Kusto, "Logs | where Level =~ 'error'", "level:error"),
    (1, Lucene, "status:error", "level:error"),
    (1, LogQl, "{level=\"error\"}", "level=error"),
    (2, LogsQl, "level:in(error,fatal)", "level in (error, fatal)"),
    (2, Spl, "level IN (error,fatal)", "level in (error, fatal)"),
    (2, Kusto, "where Severity >= 17", "level>=error"),
    (2, Lucene, "status:(error OR critical)", "level:(error OR fatal)"),
    (3, LogsQl, "i(timeout)", "timeout"),
    (3, Spl, "timeout", "timeout"),
    (3, Kusto, "where Msg has 'timeout'", "timeout"),
    (3, Lucene, "timeout", "timeout"),
    (4, LogsQl, "i(\"connection reset\")", "\"connection reset\""),
    (4, Spl, "\"connection reset\"", "\"connection reset\""),
    (4, Kusto, "where Msg has 'connection reset'", "\"connection reset\""),
    (4, LogQl, "{app=\"api\"} |= \"connection reset\"", "source=api contains(message, \"connection reset\")"),
    (5, LogsQl, "i(conn*)", "conn*"),
    (5, Kusto, "where Msg hasprefix 'conn'", "conn*"),
    (5, Lucene, "conn*", "conn*"),
    (6, LogsQl, "~\"(?i)onnec\"", "message=~\"(?i)onnec\""),
    (6, Kusto, "where Msg contains 'onnec'", "*onnec*"),
    (7, Kusto, "search 'alice'", "*:alice"),
    (7, Lucene, "*:alice", "*:alice"),
    (8, LogsQl, "service:=api", "source=api"),
    (8, Spl, "source=api", "source:api"),
    (8, Kusto, "where Service =~ 'api'", "source:api"),
    (8, Lucene, "service:api", "source:api"),
    (8, KibanaKql, "service.name : \"api\"", "source:api"),
    (9, LogsQl, "-service:=api", "-source=api"),
    (9, Spl, "NOT source=api", "-source:api"),
    (9, Kusto, "where Service !~ 'api'", "-source:api"),
    (9, Lucene, "-service:api", "-source:api"),
    (9, KibanaKql, "not service.name: api", "-source:api"),
    (10, LogsQl, "http.status:>=500", "http.status>=500"),
    (10, Spl, "status>=500", "status>=500"),
    (10, Kusto, "where Status >= 500", "Status>=500"),
    (10, Lucene, "@http.status_code:>=500", "http.status_code>=500"),
    (10, KibanaKql, "http.status >= 500", "http.status>=500"),
    (11, LogsQl, "http.status:range[400, 499]", "http.status:[400 TO 499]"),
    (11, Spl, "status>=400 status<=499", "status>=400 status<=499"),
    (11, Kusto, "where Status between (400 .. 499)", "Status:[400 TO 499]"),
    (11, Lucene, "@http.status_code:[400 TO 499]", "http.status_code:[400 TO 499]"),
    (12, LogsQl, "duration_ms:>1500", "duration_ms>1500"),
    (12, Kusto, "where DurationMs > 1500", "DurationMs>1500"),
    (12, Lucene, "@duration:>1500000000", "duration>1500000000"),
    (13, LogsQl, "http.status:in(500,502,503)", "http.status in (500, 502, 503)"),
    (13, Spl, "status IN (500,502,503)", "status in (500, 502, 503)"),
    (13, Kusto, "where Status in (500,502,503)", "Status in (500, 502, 503)"),
    (13, Lucene, "@http.status_code:(500 OR 502 OR 503)", "http.status_code:(500 OR 502 OR 503)"),
    (14, LogsQl, "error.type:*", "error.type:*"),
    (14, Spl, "error.type=*", "error.type:*"),
    (14, Kusto, "where isnotempty(ErrorType)", "ErrorType:*"),
    (14, Lucene, "_exists_:error.type", "error.type:*"),
    (14, KibanaKql, "error.type: *", "error.type:*"),
    (15, LogsQl, "error.type:\"\"", "-error.type:*"),
    (15, Spl, "NOT error.type=*", "-error.type:*"),
    (15, Kusto, "where isempty(ErrorType)", "-ErrorType:*"),
    (15, Lucene, "-@error.type:*", "-error.type:*"),
    (16, LogsQl, "http.status:* -http.status:=200", "http.status:* -http.status=200"),
    (16, Spl, "status!=200", "status:* -status:200"),
    (16, Kusto, "where isnotnull(Status) and Status != 200", "Status:* Status!=200"),
    (16, Lucene, "@http.status_code:* -@http.status_code:200", "http.status_code:* -http.status_code:200"),
    (17, LogsQl, "client.ip:ipv4_range(\"10.0.0.0/8\")", "cidr(client.ip, 10.0.0.0/8)"),
    (17, Spl, "| where cidrmatch(\"10.0.0.0/8\", ip)", "| where cidr(ip, \"10.0.0.0/8\")"),
    (17, Kusto, "where ipv4_is_in_range(Ip, '10.0.0.0/8')", "cidr(Ip, 10.0.0.0/8)"),
    (17, Lucene, "CIDR(@network.client.ip, 10.0.0.0/8)", "cidr(network.client.ip, 10.0.0.0/8)"),
    (18, LogsQl, "path:~\"^/api/v\\\\d+/\"", "path=~'^/api/v\\d+/'"),
    (18, Spl, "| regex path=\"^/api/v\\d+/\"", "| search path=~'^/api/v\\d+/'"),
    (18, Kusto, "where Path matches regex @'^/api/v\\d+/'", "Path=~'^/api/v\\d+/'"),
    (18, LogQl, "{path=~\"/api/v[0-9]+/.*\"}", "path=~\"^(?:/api/v[0-9]+/.*)$\""),
    (19, LogsQl, "\"k8s.labels.app.kubernetes.io/name\":=web", "k8s.labels.app.kubernetes.io/name=web"),
    (19, Spl, "\"k8s.labels.app.kubernetes.io/name\"=web", "k8s.labels.app.kubernetes.io/name:web"),
    (19, Kusto, "where tostring(Attr['k8s.io/name']) == 'web'", "k8s.io/name=web"),
    (19, Lucene, "@k8s.labels.app.kubernetes.io\\/name:web", "k8s.labels.app.kubernetes.io/name:web"),
    (20, LogsQl, "trace_id:=4bf9 | sort by (_time)", "trace_id=4bf9 | sort timestamp"),
    (20, Spl, "trace_id=4bf9 | sort _time", "trace_id:4bf9 | sort timestamp"),
    (20, Kusto, "where TraceId == '4bf9' | order by Timestamp asc", "trace_id=4bf9 | sort timestamp"),
    (21, LogsQl, "_time:15m error", "timestamp:15m error"),
    (21, Spl, "earliest=-15m error", "timestamp>=now-15m error"),
    (21, Kusto, "where Timestamp > ago(15m)", "timestamp>now-15m"),
    (22, LogsQl, "level:=error | stats count()", "level:error | stats count()"),
    (22, Spl, "level=error | stats count", "level:error | stats count()"),
    (22, Kusto, "Logs | count", "| stats count()"),
    (
        23,
        LogsQl,
        "* | stats by (service) count() n | sort by (n) desc",
        "| stats count() as n by source | sort -n",
    ),
    (
        23,
        Spl,
        "level=error | stats count by source | sort -count",
        "level:error | stats count() by source | sort -count",
    ),
    (
        23,
        Kusto,
        "Logs | summarize n=count() by Service | order by n",
        "| stats count() as n by source | sort -n",
    ),
    (24, LogsQl, "* | stats by (_time:1m, level) count()", "| stats count() by bin(1m), level"),
    (24, Spl, "| timechart span=1m count by level", "| timechart count() by level every=1m"),
    (24, Kusto, "Logs | summarize count() by bin(Timestamp,1m), Level", "| stats count() by bin(1m), level"),
    (
        24,
        LogQl,
        "sum by (level) (count_over_time({app=\"api\"}[1m]))",
        "source=api | stats count() by bin(1m), level",
    ),
    (
        25,
        LogsQl,
        "* | stats by (_time:5m, http.route) quantile(0.95, duration_ms) p95",
        "| stats percentile(duration_ms, 95) as p95 by bin(5m), http.route",
    ),
    (
        25,
        Spl,
        "| bin _time span=5m | stats p95(duration_ms) by _time route",
        "| stats p95(duration_ms) by bin(5m), route",
    ),
    (
        25,
        Kusto,
        "Logs | summarize percentile(DurationMs,95) by bin(Timestamp,5m), Route",
        "| stats p95(DurationMs) by bin(5m), Route",
    ),
    (
        25,
        LogQl,
        "quantile_over_time(0.95, {app=\"api\"} | json | unwrap duration_ms [5m])",
        "source=api | unpack json | stats percentile(duration_ms, 95) by bin(5m)",
    ),
    (
        27,
        LogsQl,
        "| stats by (_time:5m) count() n, count() if (level:=error) bad | math 100*bad/n as pct",
        "| stats count() as n, count() where level:error as bad by bin(5m) | eval pct = 100 * bad / n",
    ),
    (
        27,
        Spl,
        "| timechart span=5m count as n count(eval(level=\"error\")) as bad | eval pct=100*bad/n",
        "| timechart count() as n, count() where level = \"error\" as bad every=5m | eval pct = 100 * bad / n",
    ),
    (
        27,
        Kusto,
        "Logs | summarize n=count(), bad=countif(Level=='error') by bin(Timestamp,5m) | extend pct=100.0*bad/n",
        "| stats count() as n, count() where level = error as bad by bin(5m) | eval pct = 100.0 * bad / n",
    ),
    (28, LogsQl, "* | top 10 by (http.route)", "| top http.route"),
    (28, Spl, "| top limit=10 route", "| top route"),
    (
        28,
        Kusto,
        "Logs | summarize n=count() by Route | top 10 by n",
        "| stats count() as n by Route | sort -n | limit 10",
    ),
    (
        29,
        LogsQl,
        "* | stats by (error.type) count() n | sort by (n) limit 10",
        "| stats count() as n by error.type | sort n | limit 10",
    ),
    (29, Spl, "| rare limit=10 error_type", "| rare error_type"),
    (
        29,
        Kusto,
        "Logs | summarize n=count() by ErrorType | top 10 by n asc",
        "| stats count() as n by ErrorType | sort n | limit 10",
    ),
    (30, LogsQl, "* | stats count_uniq(user.id)", "| stats dcount(user.id)"),
    (30, Spl, "| stats dc(user_id)", "| stats dcount(user_id)"),
    (30, Kusto, "Logs | summarize dcount(UserId)", "| stats dcount(UserId)"),
    (31, LogsQl, "| extract \"user=<user> from <ip>\"", "| parse \"user=<user> from <ip>\""),
    (
        31,
        Spl,
        "| rex \"user=(?<user>\\S+) from (?<ip>\\S+)\"",
        "| extract 'user=(?P<user>\\S+) from (?P<ip>\\S+)'",
    ),
    (31, Kusto, "Logs | parse Msg with * 'user=' user ' from ' ip", "| parse \"user=<user> from <ip>\""),
    (
        31,
        LogQl,
        "{app=\"api\"} | pattern \"user=<user> from <ip>\"",
        "source=api | parse \"user=<user> from <ip>\"",
    ),
    (32, LogsQl, "| unpack_json | filter status:>=400", "| unpack json | where status >= 400"),
    (32, Spl, "| spath | where status>=400", "| unpack json | where status >= 400"),
    (
        32,
        Kusto,
        "Logs | extend j=parse_json(Msg) | where toint(j.status) >= 400",
        "| unpack json | where status >= 400",
    ),
    (32, LogQl, "{app=\"api\"} | json | status >= 400", "source=api | unpack json | where status >= 400"),
    (33, LogsQl, "| unpack_logfmt | stats by (queue) count()", "| unpack logfmt | stats count() by queue"),
    (
        33,
        Spl,
        "| extract kvdelim=\"=\" pairdelim=\" \" | stats count by queue",
        "| unpack logfmt | stats count() by queue",
    ),
    (
        33,
        Kusto,
        "Logs | parse-kv Msg as (queue:string) with (pair_delimiter=' ', kv_delimiter='=')",
        "| unpack logfmt",
    ),
    (34, LogsQl, "* | last 1 by (_time) partition by (host)", "| dedup host"),
    (34, Spl, "| dedup host", "| dedup host"),
    (34, Kusto, "Logs | summarize arg_max(Timestamp, *) by Host", "| dedup host"),
    (
        35,
        LogsQl,
        "deadlock | stream_context before 2 after 3",
        "deadlock | context before=2 after=3 by source, host",
    ),
    (36, LogsQl, "* | collapse_nums prettify | top 10 by (_msg)", "| patterns | limit 10"),
    (36, Spl, "| cluster showcount=t", "| patterns"),
    (36, Kusto, "Logs | reduce by Msg", "| patterns"),
    (
        37,
        LogsQl,
        "user.id:in(\"login failed\" | fields user.id)",
        "user.id in { \"login failed\" | fields user.id }",
    ),
    (
        37,
        Spl,
        "[search \"login failed\" | dedup user_id | fields user_id]",
        "user_id in { \"login failed\" | fields user_id }",
    ),
    (
        38,
        LogsQl,
        "* | join by (trace_id) (service:=db | fields trace_id, _msg)",
        "| join { source=db | fields trace_id, message as joined_message } on trace_id",
    ),
    (
        38,
        Spl,
        "level=error | join trace_id [search source=db]",
        "level:error | join kind=inner { source:db | fields trace_id, message as joined_message } on trace_id",
    ),
    (
        39,
        Spl,
        "| timechart span=5m count | trendline sma6(count)",
        "| timechart count() every=5m | window movavg(count, 6) as sma6_count",
    ),
    (41, LogsQl, "* | stats histogram(duration_ms)", "| histogram duration_ms bins=20"),
    (
        41,
        Spl,
        "| bin duration_ms span=100 | stats count by duration_ms",
        "| stats count() by bin(duration_ms, 100)",
    ),
    (41, Kusto, "Logs | summarize count() by bin(DurationMs,100)", "| stats count() by bin(DurationMs, 100)"),
    (42, LogsQl, "* | facets", "| facets"),
    (42, Spl, "| fieldsummary source level", "| facets source, level"),
    (42, Kusto, "Logs | facet by Service, Level", "| facets source, level"),
];

#[test]
fn each_intent_is_translated_from_each_language_that_can_say_it() {
    let hour = 3_600_000_000_000;
    let context = CheckContext { now_ns: hour, from_ns: 0, to_ns: hour, time_zone: jiff::tz::TimeZone::UTC };
    for (row, language, source, expected) in ROWS {
        let made = translate_from(source, *language).map(|translation| translation.query);
        let made = made.map(|query| query.replace("* | ", "| "));
        assert_eq!(made.as_deref(), Some(*expected), "{row} {language:?}: {source}");
        let parsed = parse(expected).expect(expected);
        check(&parsed.query, &Catalogue::default(), &context)
            .unwrap_or_else(|error| panic!("{expected}: {error}"));
    }
}

#[test]
fn languages_are_recognised_by_their_marks() {
    for (source, language) in [
        ("{app=\"api\"} |= \"x\"", LogQl),
        ("rate({app=\"api\"}[5m])", LogQl),
        ("Logs | where Msg has 'x' | take 5", Kusto),
        ("index=main error | stats count by host", Spl),
        ("_time:5m error | stats by (host) count() n", LogsQl),
        ("@http.status_code:>=500 -service:web", Lucene),
        ("service.name : api and not level: debug", KibanaKql),
    ] {
        assert_eq!(translate(source).map(|translation| translation.language), Some(language), "{source}");
    }
}

#[test]
fn what_has_no_equal_here_is_not_guessed() {
    for source in [
        "| anomalydetection",
        "index=main | transaction user_id maxspan=5m",
        "Logs | make-series n=count() on Timestamp step 5m | extend ma=series_fir(n, repeat(1,6))",
        "status:error ▸ count",
        "Logs | evaluate autocluster()",
        "",
        "plain words",
    ] {
        assert_eq!(translate(source), None, "{source}");
    }
}

#[test]
fn splunks_or_binds_tighter_than_its_and() {
    let translation = translate_from("a=1 OR b=2 c=3", Spl).expect("valid SPL");
    assert_eq!(translation.query, "(a:1 OR b:2) c:3");
}

#[test]
fn the_notes_say_what_was_left_out() {
    let translation = translate("index=main level=error").expect("valid SPL");
    assert!(translation.notes.iter().any(|note| note.contains("index=")), "{:?}", translation.notes);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_translation_panic_or_not_parse(
        row in prop::sample::select(ROWS),
        at in any::<prop::sample::Index>(),
        inserted in "[ -~é…]{0,3}",
        removed in 0_usize..3,
    ) {
        let borders: Vec<usize> = row.2.char_indices().map(|(i, _)| i).chain([row.2.len()]).collect();
        let first = at.index(borders.len());
        let last = (first + removed).min(borders.len() - 1);
        let mut source = row.2.to_owned();
        source.replace_range(borders[first]..borders[last], &inserted);
        for translation in [translate(&source), translate_from(&source, row.1)].into_iter().flatten() {
            prop_assert!(parse(&translation.query).is_ok(), "{} became {}", source, translation.query);
        }
    }
}
