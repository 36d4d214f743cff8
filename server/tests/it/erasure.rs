//! What is erased, kept too long or pseudonymised, counted in ClickHouse before and after.

use crate::harness::logs::LogApp;
use crate::harness::{Org, eventually};
use serde_json::{Value, json};

const QUICK: &[&str] = &["--erasure-delay-s", "1", "--retention-sweep-s", "1", "--deletion-grace-days", "0"];

impl LogApp {
    /// Rows of `logs`, whatever any server says.
    async fn rows(&self, condition: &str) -> u64 {
        let found = self.engine.column(&format!("SELECT count() FROM logs WHERE {condition}")).await;
        found[0].parse().unwrap()
    }

    async fn rows_of(&self, org: &Org) -> u64 {
        self.rows(&format!("tenant_id = '{}'", org.id)).await
    }
}

/// The job once it is done.
async fn done(org: &Org, started: &Value) -> Value {
    let path = format!("/api/v1/jobs/{}", started["job_id"].as_str().unwrap());
    eventually("the job to be done", async || {
        let job = org.get(&path).await.expect(200).body;
        assert_eq!(job["last_error"], Value::Null, "{job}");
        (job["state"] == "done").then_some(job)
    })
    .await
}

fn numbered(count: usize, message: &str) -> Vec<Value> {
    (0..count).map(|n| json!({"message": format!("{message} {n}"), "n": n, "source": "api"})).collect()
}

#[tokio::test]
async fn erased_rows_are_gone_from_clickhouse_and_nothing_else_is() {
    let logs = LogApp::spawn_with(QUICK).await;
    let (acme, globex) = (logs.app.org("acme").await, logs.app.org("globex").await);
    acme.send(&[numbered(30, "personal"), numbered(20, "other")].concat()).await;
    globex.send(&numbered(10, "personal")).await;
    assert_eq!((logs.rows_of(&acme).await, logs.rows_of(&globex).await), (50, 10));

    let ask = |preview: bool| json!({"query": "personal", "from": "now-1h", "to": "now+1h", "reason": "asked to", "preview": preview});
    let preview = acme.post("/api/v1/logs/delete", ask(true)).await.expect(200).body;
    assert_eq!(preview["rows_expected"], 30);
    assert_eq!(logs.rows_of(&acme).await, 50, "a preview takes nothing");
    let started = acme.post("/api/v1/logs/delete", ask(false)).await.expect(202).body;
    let job = done(&acme, &started).await;

    assert_eq!(job["certificate"]["rows_erased"], 30);
    assert_eq!((logs.rows_of(&acme).await, logs.rows_of(&globex).await), (20, 10));
    assert_eq!(logs.rows("message LIKE 'personal%'").await, 10, "only the other organization's");
}

#[tokio::test]
async fn a_shorter_retention_and_a_deleted_project_take_their_rows_along() {
    let logs = LogApp::spawn_with(QUICK).await;
    let acme = logs.app.org("acme").await;
    let days_ago = |days: i64| {
        let time = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        json!({"timestamp": time.to_string(), "message": format!("{days} days old")})
    };
    acme.send(&[days_ago(0), days_ago(2), days_ago(5), days_ago(10), days_ago(20)]).await;
    assert_eq!(logs.rows_of(&acme).await, 5);

    let project = format!("/api/v1/projects/{}", acme.project_id);
    acme.patch(&project, json!({"retention_days": 7})).await.expect(200);
    eventually("the sweep", async || (logs.rows_of(&acme).await == 3).then_some(())).await;
    let audit = eventually("the audit log to tell it", async || {
        let log = acme.get("/api/v1/audit-log?q=action:retention.applied").await.expect(200).body;
        log["items"].get(0).cloned()
    })
    .await;
    assert_eq!((&audit["detail"]["rows"], &audit["detail"]["days"]), (&json!(2), &json!(7)));

    let second = acme.post("/api/v1/projects", json!({"name": "second"})).await.expect(201).body;
    let second = second["id"].as_str().unwrap();
    let key = json!({"name": "k", "project_id": second, "scopes": ["ingest"]});
    let key = acme.post("/api/v1/api-keys", key).await.expect(201).body;
    let sender = logs.app.with_credential(key["secret"].as_str().unwrap());
    sender.post("/api/v1/logs/ingest", json!(numbered(7, "of the second"))).await.expect(202);
    let of_second = format!("project_id = '{second}'");
    eventually("the rows", async || (logs.rows(&of_second).await == 7).then_some(())).await;
    let started = acme
        .call(reqwest::Method::DELETE, &format!("/api/v1/projects/{second}"), Some(json!({"name": "second"})))
        .await
        .expect(202)
        .body;
    let job = done(&acme, &started).await;
    assert_eq!(job["certificate"]["rows_erased"], 7);
    assert_eq!((logs.rows(&of_second).await, logs.rows_of(&acme).await), (0, 3));
}

#[tokio::test]
async fn a_longer_retention_keeps_what_is_stored_already() {
    let logs = LogApp::spawn_with(&[QUICK, &["--default-retention-days", "7"]].concat()).await;
    let (acme, globex) = (logs.app.org("acme").await, logs.app.org("globex").await);
    let events = [0, 2, 5].map(|days| {
        let time = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        json!({"timestamp": time.to_string(), "message": format!("{days} days old")})
    });
    acme.send(&events).await;
    globex.send(&events).await;
    let project = format!("/api/v1/projects/{}", acme.project_id);
    acme.patch(&project, json!({"retention_days": 30})).await.expect(200);

    // as if ten days had passed: all of it is older than the seven days that it was stored for
    let ten_days_older =
        "INSERT INTO logs SELECT * REPLACE (timestamp - toIntervalDay(10) AS timestamp) FROM logs";
    logs.engine.execute(ten_days_older).await;

    eventually("what is over to go", async || (logs.rows_of(&globex).await == 3).then_some(())).await;
    assert_eq!(logs.rows_of(&acme).await, 6, "the project keeps its logs for 30 days now");
    assert_eq!(logs.rows("retention_days <> 7").await, 0, "nothing was moved");
    let found = json!({"query": "old", "from": "now-20d", "to": "now-8d"});
    let found = acme.post("/api/v1/logs/search", found).await.expect(200).body;
    assert_eq!(found["rows"].as_array().unwrap().len(), 3);

    logs.engine.execute(&ten_days_older.replace("(10)", "(40)")).await;
    eventually("what is older than 30 days", async || (logs.rows_of(&acme).await == 6).then_some(())).await;
    acme.patch(&project, json!({"retention_days": 7})).await.expect(200);
    eventually("the seven days to hold again", async || (logs.rows_of(&acme).await == 3).then_some(())).await;
}

#[tokio::test]
async fn a_pseudonym_takes_the_place_of_a_person_in_every_event_and_nothing_else_changes() {
    let logs = LogApp::spawn_with(QUICK).await;
    let (acme, globex) = (logs.app.org("acme").await, logs.app.org("globex").await);
    let events = json!([
        {"message": "Ann@Acme.example logged in", "user": "ann@acme.example", "born": "2024-01-01", "n": 500.5, "ok": true},
        {"message": "joann@acme.example logged in", "user": {"mail": "joann@acme.example", "id": 9_007_199_254_740_993_u64}},
        {"message": "a list", "who": ["bob", "ann@acme.example", 7, true], "deep": {"er": {"mail": "<ANN@acme.example>"}}},
        {"message": "by its host", "host": "ann@acme.example", "source": "laptop ann@acme.example"},
        {"message": "nothing of hers", "born": "2024-01-01", "list": [true, 1, "2024-01-02"]},
    ]);
    for org in [&acme, &globex] {
        org.send(events.as_array().unwrap()).await;
    }
    let old = json!([{"timestamp": "2001-01-01T00:00:00Z", "message": "a letter of ann@acme.example"}]);
    acme.post("/api/v1/logs/ingest", old).await;
    eventually("the letter", async || {
        acme.get("/api/v1/dead-letters").await.text.contains("a letter of").then_some(())
    })
    .await;
    let before = acme.search("*").await["rows"].as_array().unwrap().clone();

    let ask =
        |preview: bool| json!({"subject": "ann@acme.example", "reason": "asked to", "preview": preview});
    let preview = acme.post("/api/v1/logs/pseudonymise", ask(true)).await.expect(200).body;
    assert_eq!(preview["rows_expected"], 3);
    let started = acme.post("/api/v1/logs/pseudonymise", ask(false)).await.expect(202).body;
    let pseudonym = started["pseudonym"].as_str().unwrap().to_owned();
    let job = done(&acme, &started).await;

    assert_eq!(job["certificate"]["rows_changed"], 3, "{job}");
    assert_eq!(job["certificate"]["dead_letters_changed"], 1);
    assert!(
        !job.to_string().to_lowercase().contains("ann@acme.example"),
        "the job forgets who it was: {job}"
    );
    let after = acme.search("*").await["rows"].as_array().unwrap().clone();
    assert_eq!(after.len(), 5);
    let expected: Vec<Value> = before.iter().map(|event| replaced(event, &pseudonym)).collect();
    assert_eq!(after, expected, "the same events under the same ids, with the pseudonym");
    assert!(acme.search(&pseudonym).await.to_string().contains("logged in"), "the words can be searched");
    assert!(!acme.get("/api/v1/dead-letters").await.text.contains("ann@acme"));
    let word = "match(concat(message, ' ', source, ' ', host, ' ', toJSONString(attributes)), '(?i)(^|[^o])ann@acme')";
    let of = |org: &Org| format!("tenant_id = '{}' AND {word}", org.id);
    assert_eq!(logs.rows(&of(&acme)).await, 0);
    assert!(logs.rows(&of(&globex)).await >= 3, "another organization's stay");
    let tables =
        logs.engine.column("SELECT name FROM system.tables WHERE database = currentDatabase()").await;
    assert!(!tables.iter().any(|table| table.starts_with("rewrite")), "{tables:?}");
    let wrong = json!({"subject": "no", "reason": "x"});
    acme.post("/api/v1/logs/pseudonymise", wrong).await.expect_problem(422, "invalid");
}

/// What becomes of an event of the test above.
fn replaced(event: &Value, pseudonym: &str) -> Value {
    let text = event.to_string();
    let text = ["Ann@Acme.example", "ANN@acme.example"]
        .iter()
        .fold(text, |text, name| text.replace(name, pseudonym));
    let kept = text.replace("joann@acme.example", "<kept>").replace("ann@acme.example", pseudonym);
    serde_json::from_str(&kept.replace("<kept>", "joann@acme.example")).unwrap()
}
