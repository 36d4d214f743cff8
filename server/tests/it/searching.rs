//! Searching over HTTP, against a real engine: narrowing, checking, empty answers, progress and cancelling.

use crate::harness::logs::LogApp;
use crate::harness::{Org, eventually};
use futures::StreamExt;
use serde_json::{Value, json};

/// Some events of a minute ago.
fn events() -> Vec<Value> {
    let time = |s: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60 - s)).to_string();
    vec![
        json!({"timestamp": time(0), "level": "info", "source": "api", "host": "web-1", "message": "user 1 logged in", "env": "prod"}),
        json!({"timestamp": time(1), "level": "error", "source": "api", "host": "web-2", "message": "connection reset by peer", "env": "prod", "http": {"status": 500}}),
        json!({"timestamp": time(2), "level": "fatal", "source": "db", "host": "db-1", "message": "out of memory", "env": "staging"}),
        json!({"timestamp": time(3), "level": "info", "source": "api", "host": "web-1", "message": "user 22 logged in", "env": "prod"}),
    ]
}

#[tokio::test]
async fn queries_are_narrowed_checked_estimated_and_translated() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    acme.send(&events()).await;

    let get = async |path: &str| acme.get(path).await.expect(200).body["rows"].as_array().unwrap().len();
    assert_eq!(get("/api/v1/logs/search?source=api&level=error,fatal&start=now-1h&end=now").await, 1);
    assert_eq!(get("/api/v1/logs/search?q=user%20OR%20memory&host=web-1&start=now-1h").await, 2);
    let unknown = acme.get("/api/v1/logs/search?level=loud").await;
    unknown.expect_problem(422, "query_invalid");

    let text = "level>=error http.status>=500 connection | stats count() by source";
    let check = acme.post("/api/v1/query/check", json!({"query": text})).await.expect(200).body;
    assert_eq!(check["stages"], json!(["stats"]));
    assert_eq!(check["fields"], json!(["level", "http.status", "message", "source"]));
    assert_eq!((&check["sql"], &check["estimate"]), (&Value::Null, &Value::Null));
    let ranged = json!({"query": text, "from": "now-1h", "to": "now"});
    let check = acme.post("/api/v1/query/check", ranged).await.expect(200).body;
    let sql = check["sql"].as_str().unwrap();
    assert!(sql.contains("FROM logs") && sql.contains("connection") && sql.contains('\n'), "{sql}");
    assert!(!sql.contains("{p"), "{sql}");
    let estimate = &check["estimate"];
    assert!(estimate["rows"].as_u64().unwrap() >= 4 && estimate["bytes"].as_u64().unwrap() > 0, "{estimate}");
    let index = |name: &str| {
        estimate["indexes"].as_array().unwrap().iter().find(|index| index["index"] == name).unwrap().clone()
    };
    assert_eq!(index("message words")["used"], true, "{estimate}");
    assert_eq!(index("trace id")["used"], false, "{estimate}");
    let wrong =
        acme.post("/api/v1/query/check", json!({"query": "level:loud", "from": "now-1h"})).await.expect(200);
    assert_eq!((&wrong.body["valid"], &wrong.body["error"]["code"]), (&json!(false), &json!("E023")));

    let seldom = acme.post("/api/v1/query/check", json!({"query": "htp.status:500"})).await.expect(200).body;
    assert_eq!(
        (&seldom["valid"], &seldom["warnings"][0]["code"]),
        (&json!(true), &json!("W005")),
        "{seldom}"
    );
    assert_eq!(seldom["warnings"][0]["fixes"][0]["edits"][0]["text"], "http.status");

    let spl = json!({"text": "index=main level=error | stats count by host"});
    let translated = acme.post("/api/v1/query/translate", spl).await.expect(200).body;
    assert_eq!(translated["language"], "spl");
    let query = translated["query"].as_str().unwrap();
    acme.search(query).await;
    let nonsense =
        acme.post("/api/v1/query/translate", json!({"text": "hello there", "language": "spq"})).await;
    nonsense.expect_problem(422, "invalid");
}

#[tokio::test]
async fn an_empty_answer_says_why() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let never = acme.search("error").await;
    assert_eq!(never["empty"]["reason"], "never_ingested", "{never}");
    acme.send(&events()).await;

    assert_eq!(acme.search("user").await["empty"], Value::Null);
    let found = acme.search("env:prd level:error").await;
    let empty = &found["empty"];
    assert_eq!((&empty["reason"], &empty["events_in_range"]), (&json!("filter"), &json!(4)), "{found}");
    let term = &empty["terms"][0];
    assert_eq!((&term["alone"], &term["without"]), (&json!(0), &json!(1)), "{found}");
    assert_eq!(term["fixes"][0]["edits"][0]["text"], "env:prod", "{found}");
    assert!(empty["message"].as_str().unwrap().contains("`env:prd` matches none of the 4 events"), "{found}");

    let found = acme.search("source:db level:info").await;
    assert_eq!(found["empty"]["terms"][1]["without"], 1, "{found}");
    let found = acme.search("htp.status:500").await;
    assert_eq!(found["empty"]["terms"][0]["fixes"][0]["edits"][0]["text"], "http.status", "{found}");
    let found = acme.search("source:api | where length(message) > 1000").await;
    assert_eq!(found["empty"]["reason"], "stages", "{found}");

    let past = json!({"query": "*", "from": "now-3d", "to": "now-2d"});
    let found = acme.post("/api/v1/logs/search", past).await.expect(200).body;
    assert_eq!(found["empty"]["reason"], "no_data_in_range", "{found}");
    let nearest = &found["empty"]["nearest"];
    let again = json!({"query": "*", "from": nearest["from"], "to": nearest["to"]});
    let again = acme.post("/api/v1/logs/search", again).await.expect(200).body;
    assert!(!again["rows"].as_array().unwrap().is_empty(), "{found}");
}

/// Also across requests of other people of the organization, and never of another one.
#[tokio::test]
async fn an_answer_is_given_again_until_an_event_comes_or_goes() {
    let logs = LogApp::spawn().await;
    let (acme, globex) = (logs.app.org("acme").await, logs.app.org("globex").await);
    acme.send(&events()).await;
    let search = json!({"query": "| stats count() as n", "from": "2020-01-01", "to": "2120-01-01"});
    let ask = async |org: &Org| {
        let answer = org.post("/api/v1/logs/search", search.clone()).await.expect(200).body;
        (answer["rows"][0]["n"].clone(), answer["stats"]["cached"].clone())
    };

    assert_eq!(ask(&acme).await, (json!(4), json!(false)));
    assert_eq!(ask(&acme).await, (json!(4), json!(true)));
    assert_eq!(ask(&globex).await, (json!(0), json!(false)));
    acme.send(&events()).await;
    assert_eq!(ask(&acme).await, (json!(8), json!(false)));
    assert_eq!(ask(&acme).await, (json!(8), json!(true)));
}

#[tokio::test]
async fn fields_tell_of_how_many_events_they_are() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    acme.send(&events()).await;
    let fields = async |query: &str| {
        let ask = json!({"query": query, "from": "now-1h", "to": "now+1m"});
        let answer = acme.post("/api/v1/logs/fields", ask).await.expect(200).body;
        let shown = |field: &Value| format!("{} {} {}", field["name"], field["type"], field["count"]);
        let shown: Vec<String> = answer["fields"].as_array().unwrap().iter().map(shown).collect();
        (answer["events"].clone(), shown.join(", ").replace('"', ""))
    };

    let all = "env string 4, host string 4, level string 4, message string 4, source string 4, http.status number 1";
    assert_eq!(fields("").await, (json!(4), all.to_owned()));
    let words = "env string 2, host string 2, level string 2, message string 2, source string 2";
    assert_eq!(fields("logged").await, (json!(2), words.to_owned()));
    assert_eq!(fields("source:nowhere").await, (json!(0), String::new()));
}

#[tokio::test]
async fn a_field_of_several_types_tells_how_often_it_is_which() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let sizes = [json!(3), json!(4.5), json!("big"), json!(7)];
    let events: Vec<Value> = sizes.iter().map(|size| json!({"message": "a parcel", "size": size})).collect();
    acme.send(&events).await;
    let field = async |query: &str| {
        let ask = json!({"query": query, "from": "now-1h", "to": "now+1m"});
        let answer = acme.post("/api/v1/logs/fields", ask).await.expect(200).body;
        answer["fields"].as_array().unwrap().iter().find(|field| field["name"] == "size").unwrap().clone()
    };

    // Counted by a rollup, by looking at events, and where only one type is left.
    for query in ["", "parcel"] {
        let found = field(query).await;
        assert_eq!((&found["type"], &found["count"]), (&json!("mixed"), &json!(4)), "{query}");
        assert_eq!(found["types"], json!({"number": 3, "string": 1}), "{query}");
    }
    let numbers = field("size>0").await;
    assert_eq!((&numbers["type"], &numbers["types"]), (&json!("number"), &Value::Null));
}

/// Every event with every pair of others: little data, and with `MANY` events nothing that comes to its end while somebody waits.
const LONG: &str = "* | join { * | fields source, message } on source | join { * | fields source, level } on source \
     | stats count() as n, dcount(message) as d";
const MANY: usize = 30_000;

#[tokio::test]
async fn a_search_tells_its_progress_and_ends_in_the_engine_when_its_client_goes() {
    // Only the client's going away can end the search while the test waits.
    let logs = LogApp::spawn_with(&["--search-timeout-s=600"]).await;
    let acme = logs.app.org("acme").await;
    let events: Vec<Value> =
        (0..MANY).map(|n| json!({"source": "api", "message": format!("event {n}")})).collect();
    acme.send(&events).await;
    let running = async || {
        let sql = "SELECT count() FROM system.processes WHERE query LIKE '%JOIN%' AND query NOT LIKE '%system.processes%'";
        logs.engine.column(sql).await[0].clone()
    };
    let ended = async || (running().await == "0").then_some(());
    let search = json!({"query": LONG, "from": "now-1h", "to": "now+1m"});

    let (caller, body) = (acme.with(&acme.access_token), search.clone());
    let asking = tokio::spawn(async move { caller.post("/api/v1/logs/search", body).await });
    eventually("the search to run", async || (running().await == "1").then_some(())).await;
    asking.abort();
    eventually("the search to end in the engine", ended).await;

    let mut answer = stream(&acme, search).await;
    let mut text = String::new();
    while !text.contains("event: progress") {
        let piece = answer.next().await.expect("progress comes before the end").expect("a piece");
        text.push_str(&String::from_utf8_lossy(&piece));
        assert!(!text.contains("event: result") && !text.contains("event: error"), "{text}");
    }
    drop(answer);
    eventually("the stream to end in the engine", ended).await;

    let short = json!({"query": "event", "from": "now-1h", "to": "now+1m", "limit": 5});
    let whole: Vec<_> = stream(&acme, short).await.map(|piece| piece.expect("a piece")).collect().await;
    let text = String::from_utf8(whole.concat()).unwrap();
    let data = text.split("event: result\ndata: ").nth(1).expect("a result").trim();
    let result: Value = serde_json::from_str(data).unwrap();
    assert_eq!((result["rows"].as_array().unwrap().len(), &result["truncated"]), (5, &json!(true)));
}

async fn stream(
    org: &Org,
    search: Value,
) -> impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin + use<> {
    let answer = org.send_raw("/api/v1/logs/search/stream", search).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    Box::pin(answer.bytes_stream())
}

/// What happened to a user at the beginning of the range decides about events at its end: a part of the range would not tell.
#[tokio::test]
async fn a_stream_gives_the_rows_of_the_whole_range_where_a_query_looks_elsewhere() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let at = |minutes: i64, s: i64| {
        (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(minutes * 60 + s)).to_string()
    };
    let failed = |user: &str| json!({"timestamp": at(110, 0), "source": "auth", "message": "login failed", "user": user});
    let mut events = vec![failed("u1"), failed("u2")];
    for s in 0..40 {
        events.push(json!({"timestamp": at(1, s), "source": "shop", "message": format!("order {s}"),
            "user": format!("u{}", s % 4)}));
    }
    acme.send(&events).await;

    for query in [
        "source:shop user in {source:auth | fields user}",
        "source:shop -user in {source:auth | fields user}",
        "source:shop | join kind=inner { source:auth | fields user, message } on user",
        "source:shop | join { source:auth | stats count() as failures by user } on user",
        "message:\"order 7\" | context before=3 after=3 by source",
        "source:shop",
    ] {
        let ask = json!({"query": query, "from": "now-2h", "to": "now+1m", "limit": 5});
        let plain = acme.post("/api/v1/logs/search", ask.clone()).await.expect(200).body;
        let whole: Vec<_> = stream(&acme, ask).await.map(|piece| piece.expect("a piece")).collect().await;
        let text = String::from_utf8(whole.concat()).unwrap();
        let data = text.split("event: result\ndata: ").nth(1).unwrap_or_else(|| panic!("{query}: {text}"));
        let streamed: Value = serde_json::from_str(data.trim()).unwrap();
        assert!(!plain["rows"].as_array().unwrap().is_empty(), "{query}: {plain}");
        assert_eq!(streamed["rows"], plain["rows"], "{query}");
        let early = text.split("event: rows\ndata: ").nth(1).and_then(|rest| rest.lines().next());
        if let Some(early) = early {
            let early: Value = serde_json::from_str(early).unwrap();
            let all = plain["rows"].as_array().unwrap();
            assert!(
                early["rows"].as_array().unwrap().iter().all(|row| all.contains(row)),
                "{query}: {early}"
            );
        }
    }
}
