//! Context, patterns, exports and differences over HTTP, against a real engine.

use crate::harness::logs::LogApp;
use serde_json::{Value, json};

fn seconds_ago(s: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(s)).to_string()
}

fn names(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_event_has_a_context_and_messages_have_patterns() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let events: Vec<Value> = (0..20)
        .map(|n| {
            let (source, level) = if n % 2 == 0 { ("even", "info") } else { ("odd", "error") };
            json!({"timestamp": seconds_ago(100 - n), "source": source, "level": level, "message": format!("job {n} done")})
        })
        .collect();
    acme.send(&events).await;
    acme.send(&[json!({"message": "something else", "source": "even"})]).await;
    let id = acme.search("\"job 10 done\"").await["rows"][0]["id"].as_str().unwrap().to_owned();

    let context = acme.get(&format!("/api/v1/logs/{id}/context?before=3&after=2")).await.expect(200).body;
    assert_eq!(context["event"]["message"], "job 10 done");
    assert_eq!(names(&context["before"]), ["job 7 done", "job 8 done", "job 9 done"]);
    assert_eq!(names(&context["after"]), ["job 11 done", "job 12 done"]);
    assert_eq!((&context["more_before"], &context["more_after"]), (&json!(true), &json!(true)));
    let same =
        acme.get(&format!("/api/v1/logs/{id}/context?before=100&after=2&same=source,host")).await.expect(200);
    assert_eq!(
        names(&same.body["before"]),
        ["job 0 done", "job 2 done", "job 4 done", "job 6 done", "job 8 done"]
    );
    assert_eq!(names(&same.body["after"]), ["job 12 done", "job 14 done"]);
    assert_eq!(same.body["more_before"], false);
    acme.get(&format!("/api/v1/logs/{id}/context?same=message")).await.expect_problem(422, "invalid");
    let globex = logs.app.org("globex").await;
    globex.get(&format!("/api/v1/logs/{id}/context")).await.expect_problem(404, "not_found");

    let range = json!({"query": "*", "from": "now-10m", "to": "now+1m", "buckets": 20});
    let found = acme.post("/api/v1/logs/patterns", range).await.expect(200).body;
    let first = &found["patterns"][0];
    assert_eq!((&first["pattern"], &first["count"]), (&json!("job <num> done"), &json!(20)), "{found}");
    assert_eq!(first["by_level"], json!({"info": 10, "error": 10}));
    let line: u64 = first["sparkline"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(line, 20, "{found}");
    assert_eq!((&found["events"], &found["distinct"]), (&json!(21), &json!(2)));
    let sample =
        acme.get(&format!("/api/v1/logs/{}", first["sample_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(sample.body["message"], first["sample"]);
}

#[tokio::test]
async fn everything_can_be_exported_in_three_formats() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let mut events: Vec<Value> = (0..2_500)
        .map(|n| json!({"timestamp": seconds_ago(300), "source": "api", "level": "warn", "message": format!("line {n}"), "n": n}))
        .collect();
    events.push(json!({"source": "=1+1", "message": "a \"quoted\", \nbroken line"}));
    acme.send(&events).await;
    let export = |query: &str, format: &str| json!({"query": query, "from": "now-1h", "to": "now+1m", "format": format});

    let file = acme.post("/api/v1/logs/export", export("*", "ndjson")).await.expect(200);
    assert_eq!(
        (file.header("content-type"), file.header("x-cordwood-rows")),
        ("application/x-ndjson", "2501")
    );
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"logs-"));
    let rows: Vec<Value> = file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2_501);
    assert_eq!(rows[0]["source"], "=1+1");
    let sum: u64 = rows.iter().filter_map(|row| row["attributes"]["n"].as_u64()).sum();
    assert_eq!(sum, 2_499 * 2_500 / 2);

    let file = acme.post("/api/v1/logs/export", export("source:\"=1+1\"", "csv")).await.expect(200);
    let header = "id,timestamp,level,source,host,message,trace_id,span_id,attributes\r\n";
    let (first, rest) = file.text.split_once("\r\n").unwrap();
    assert_eq!(format!("{first}\r\n"), header);
    assert!(rest.contains(",'=1+1,,\"a \"\"quoted\"\", \nbroken line\",,,{}"), "{rest}");
    let table =
        acme.post("/api/v1/logs/export", export("* | stats count() as n by level", "csv")).await.expect(200);
    assert_eq!(table.text, "level,n\r\nwarn,2500\r\n,1\r\n");

    for query in [
        "*",
        "* | stats count() as `a \"b\"` by bin(1h), level, n",
        "* | fields n, message, level, timestamp",
    ] {
        let file = acme.post("/api/v1/logs/export", export(query, "parquet")).await.expect(200);
        let bytes =
            acme.send_raw("/api/v1/logs/export", export(query, "parquet")).await.bytes().await.unwrap();
        assert_eq!(file.header("content-type"), "application/vnd.apache.parquet");
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{query}: {} bytes", bytes.len());
    }
    let limited = json!({"query": "*", "from": "now-1h", "to": "now+1m", "format": "ndjson", "limit": 7});
    assert_eq!(acme.post("/api/v1/logs/export", limited).await.expect(200).text.lines().count(), 7);
    acme.post("/api/v1/logs/export", export("* | drop n", "parquet")).await.expect_problem(422, "invalid");
    acme.post("/api/v1/logs/export", export("level:loud", "csv")).await.expect_problem(422, "query_invalid");
}

#[tokio::test]
async fn what_is_different_about_some_events_is_exact_on_few() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let events: Vec<Value> = (0..400)
        .map(|n| {
            let bad = n % 4 == 0;
            json!({
                "timestamp": seconds_ago(600 - n),
                "level": if bad { "error" } else { "info" },
                "message": if bad { format!("payment {n} refused") } else { format!("payment {n} taken") },
                "bank": if bad && n % 8 == 0 { "slow" } else { "fast" },
                "shard": n % 2 == 0,
            })
        })
        .collect();
    acme.send(&events).await;

    let question =
        json!({"query": "level:error", "from": "now-1h", "to": "now+1m", "baseline": {"query": "*"}});
    let found = acme.post("/api/v1/logs/difference", question).await.expect(200).body;
    assert_eq!(
        (&found["target"]["events"], &found["baseline"]["events"]),
        (&json!(100), &json!(300)),
        "{found}"
    );
    assert_eq!(found["sampled_percent"], 100.0);
    let value = |field: &str, value: &str| {
        let values = found["values"].as_array().unwrap();
        values
            .iter()
            .find(|each| each["field"] == field && each["value"] == value)
            .cloned()
            .unwrap_or_else(|| panic!("{field} {value}: {found}"))
    };
    assert_eq!(value("bank", "slow")["target_count"], 50);
    assert_eq!(value("bank", "slow")["baseline_count"], 0);
    assert_eq!(value("bank", "slow")["target_percent"], 50.0);
    assert_eq!(value("pattern", "payment <num> refused")["target_percent"], 100.0);
    assert_eq!(value("shard", "true")["baseline_count"], 100);
    assert_eq!(
        found["values"][0]["target_percent"].as_f64().unwrap()
            - found["values"][0]["baseline_percent"].as_f64().unwrap(),
        100.0
    );

    // A stretch of time against the rest of it: the target's own events are not in the baseline.
    let question =
        json!({"query": "*", "from": seconds_ago(300), "to": "now+1m", "baseline": {"from": "now-1h"}});
    let found = acme.post("/api/v1/logs/difference", question).await.expect(200).body;
    let count = |side: &str| found[side]["events"].as_u64().unwrap();
    assert_eq!(count("target") + count("baseline"), 400, "{found}");
    let wrong = json!({"query": "* | eval x = 1 | where x > 0", "from": "now-1h"});
    acme.post("/api/v1/logs/difference", wrong).await.expect_problem(422, "query_invalid");
}
