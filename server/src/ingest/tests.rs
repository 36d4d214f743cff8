//! One node from the request to a log store in memory: what is acknowledged arrives once, through restarts and outages.

mod usage;

use super::accepted::Counts;
use super::delivery::tests::{FakeSink, Fault};
use super::*;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::auth::api_key::NewKey;
use crate::on;
use crate::tenant::TenantScope;
use actix_web::dev::Service;
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use api_types::accounts::KeyScope;
use serde_json::{Value, json};
use std::io::Write;
use uuid::Uuid;

/// A node with one organization and its key. `restart` is what a crash and a new start are.
struct Node {
    folder: Arc<tempfile::TempDir>,
    settings: Settings,
    db: Db,
    auth: Auth,
    sink: Arc<FakeSink>,
    shutdown: Shutdown,
    ingest: Ingest,
    organization_id: Uuid,
    project_id: Uuid,
    key: String,
}

impl Node {
    async fn start() -> Self {
        Self::start_with(crate::config::defaults_for_tests()).await
    }

    async fn start_with(settings: Settings) -> Self {
        crate::runtime::remember_main();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let settings = Settings {
            data_dir: folder.path().to_owned(),
            wal_reserve_bytes: 0,
            wal_reserve_percent: 0,
            ..settings
        };
        let db = database(&folder).await;
        let auth = Auth::new(&settings, db.clone()).unwrap();
        let (sink, shutdown) = (Arc::new(FakeSink::default()), Shutdown::default());
        let ingest = Ingest::start(&settings, db.clone(), sink.clone(), &shutdown).await.unwrap();
        let (organization_id, project_id) = (Uuid::now_v7(), Uuid::now_v7());
        insert_organization(&db, organization_id, project_id).await;
        let key = insert_key(&db, organization_id, project_id, KeyScope::Ingest).await;
        Self { folder, settings, db, auth, sink, shutdown, ingest, organization_id, project_id, key }
    }

    /// Stops and starts again on the same folder; `shutdown` ends what runs, as a crash would, without waiting for the sink.
    async fn restart(self) -> Self {
        let Self { folder, settings, db, auth, sink, shutdown, ingest, organization_id, project_id, key } =
            self;
        shutdown.begin();
        drop(ingest);
        assert!(shutdown.finish(Duration::from_secs(20)).await);
        let shutdown = Shutdown::default();
        let ingest = Ingest::start(&settings, db.clone(), sink.clone(), &shutdown).await.unwrap();
        Self { folder, settings, db, auth, sink, shutdown, ingest, organization_id, project_id, key }
    }

    /// Another key of the organization.
    async fn admin_key(&self) -> String {
        insert_key(&self.db, self.organization_id, self.project_id, KeyScope::Admin).await
    }

    /// A key of another organization.
    async fn stranger_key(&self) -> String {
        let (organization_id, project_id) = (Uuid::now_v7(), Uuid::now_v7());
        insert_organization(&self.db, organization_id, project_id).await;
        insert_key(&self.db, organization_id, project_id, KeyScope::Admin).await
    }

    fn scope(&self) -> TenantScope {
        TenantScope::of_job(self.organization_id)
    }

    fn post(&self, body: impl Into<web::Bytes>) -> TestRequest {
        TestRequest::post()
            .uri("/api/v1/logs/ingest")
            .insert_header(("authorization", format!("Bearer {}", self.key)))
            .set_payload(body.into())
    }

    async fn send(&self, request: TestRequest) -> (StatusCode, Value) {
        let audit = Audit::start(self.db.clone(), self.settings.audit_retention_days, &self.shutdown);
        let app = init_service(
            App::new()
                .wrap(from_fn(crate::auth::caller::identify))
                .app_data(web::Data::new(audit))
                .app_data(web::Data::new(self.auth.clone()))
                .app_data(web::Data::new(self.ingest.clone()))
                .configure(http::routes),
        )
        .await;
        let answer = match app.call(request.to_request()).await {
            Ok(answer) => answer.map_into_boxed_body().into_parts().1,
            Err(refused) => refused.error_response(), // an extractor refused; the real server answers the same
        };
        let status = answer.status();
        let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn send_text(&self, body: &str) -> (StatusCode, Value) {
        self.send(self.post(body.to_owned())).await
    }

    /// Waits until the log store has exactly these messages, in any order.
    async fn stores(&self, expected: &[&str]) {
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        eventually(async || {
            let mut messages = self.sink.messages();
            messages.sort_unstable();
            messages == expected
        })
        .await;
    }
}

/// SQLite; Postgres where one is given (`cargo xtask test` starts one).
pub(super) async fn database(folder: &tempfile::TempDir) -> Db {
    let Ok(server) = std::env::var("CORDWOOD_TEST_POSTGRES_URL") else {
        return Db::connect(&format!("sqlite://{}", folder.path().join("cordwood.db").display()), 4)
            .await
            .unwrap();
    };
    let name = format!("ingest_{}", Uuid::now_v7().simple());
    let admin = sqlx::PgPool::connect(&server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await.unwrap();
    let (root, _) = server.rsplit_once('/').unwrap();
    Db::connect(&format!("{root}/{name}"), 4).await.unwrap()
}

pub(super) async fn insert_organization(db: &Db, id: Uuid, project_id: Uuid) {
    on!(db.write(), pool => {
        sqlx::query("INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, 'Acme', $2, 0)")
            .bind(id).bind(id.to_string()).execute(pool).await.unwrap();
        sqlx::query("INSERT INTO projects (organization_id, id, name, retention_days, created_at) VALUES ($1, $2, 'default', 30, 0)")
            .bind(id).bind(project_id).execute(pool).await.unwrap();
    });
}

pub(super) async fn insert_key(db: &Db, organization_id: Uuid, project_id: Uuid, scope: KeyScope) -> String {
    let key = NewKey::generate(&[scope]);
    let word = serde_json::to_value(scope).unwrap();
    on!(db.write(), pool => {
        sqlx::query("INSERT INTO api_keys (organization_id, id, project_id, name, lookup, secret_hash, scopes, created_at) \
             VALUES ($1, $2, $3, 'test', $4, $5, $6, 0)")
            .bind(organization_id).bind(Uuid::now_v7()).bind(project_id).bind(&key.lookup)
            .bind(key.secret_hash.to_vec()).bind(word.as_str()).execute(pool).await.unwrap();
    });
    key.text
}

pub(super) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < Duration::from_secs(20), "it did not come true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn every_form_of_body_is_accepted_and_stored() {
    let node = Node::start().await;
    let forms = [
        r#"{"message":"object"}"#,
        r#"[{"message":"first"},{"message":"second"}]"#,
        "{\"message\":\"line one\"}\n{\"message\":\"line two\"}\n",
        "plain text\n",
    ];
    for (form, count) in forms.iter().zip([1, 2, 2, 1]) {
        let (status, answer) = node.send_text(form).await;
        assert_eq!(
            (status, &answer["accepted"], &answer["rejected"]),
            (StatusCode::ACCEPTED, &json!(count), &json!(0))
        );
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(br#"{"message":"gzipped"}"#).unwrap();
    let request = node.post(gzip.finish().unwrap()).insert_header(("content-encoding", "gzip"));
    assert_eq!(node.send(request).await.0, StatusCode::ACCEPTED);
    let zstd = zstd::encode_all(&br#"{"message":"zstandard"}"#[..], 3).unwrap();
    assert_eq!(
        node.send(node.post(zstd).insert_header(("content-encoding", "zstd"))).await.0,
        StatusCode::ACCEPTED
    );

    node.stores(&["object", "first", "second", "line one", "line two", "plain text", "gzipped", "zstandard"])
        .await;
}

#[actix_web::test]
async fn a_broken_line_costs_only_itself_and_is_named() {
    let node = Node::start().await;

    let (status, answer) =
        node.send_text("{\"message\":\"a\"}\n{\"message\": broken\n{\"message\":\"c\"}\n").await;

    assert_eq!(
        (status, &answer["accepted"], &answer["rejected"]),
        (StatusCode::ACCEPTED, &json!(2), &json!(1))
    );
    assert_eq!(
        (&answer["errors"][0]["index"], &answer["errors"][0]["code"]),
        (&json!(1), &json!("invalid_json"))
    );
    node.stores(&["a", "c"]).await;
}

#[actix_web::test]
async fn what_cannot_be_taken_is_refused_with_a_reason() {
    let node = Node::start().await;
    let bad = [
        (node.post(""), 400, "empty_body"),
        (node.post("[{\"message\":1"), 400, "invalid_json"),
        (node.post("{}").insert_header(("content-encoding", "br")), 415, "unknown_encoding"),
        (node.post("{}").insert_header(("content-encoding", "gzip")), 400, "broken_encoding"),
        (node.post("x").insert_header(("content-type", "image/png")), 415, "unknown_content_type"),
        (node.post("{}").insert_header(("idempotency-key", "k".repeat(65))), 400, "invalid_idempotency_key"),
        (node.post(vec![b'x'; (8 << 20) + 1]), 413, "body_too_large"),
        (node.post(r#"{"message":"a","timestamp":"1999-01-01T00:00:00Z"}"#), 400, "all_events_rejected"),
    ];
    for (request, status, code) in bad {
        let (found, answer) = node.send(request).await;
        assert_eq!((found.as_u16(), &answer["code"]), (status, &json!(code)));
    }
}

#[actix_web::test]
async fn an_outage_of_the_store_and_a_restart_lose_nothing_and_double_nothing() {
    let mut node = Node::start().await;
    node.sink.fail_always(Some(Fault::Down));
    let mut expected = Vec::new();
    for round in 0..3 {
        for i in 0..5 {
            expected.push(format!("event {round} {i}"));
            let (status, _) = node.send_text(&json!({ "message": expected.last() }).to_string()).await;
            assert_eq!(status, StatusCode::ACCEPTED);
        }
        node = node.restart().await;
    }
    node.sink.fail_always(None);

    node.stores(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[actix_web::test]
async fn a_batch_whose_answer_was_lost_is_not_doubled_by_a_restart() {
    let node = Node::start().await;
    node.sink.forget_tokens();
    node.sink.fail_always(Some(Fault::AnswerLost));
    node.send_text(r#"[{"message":"a"},{"message":"b"}]"#).await;
    eventually(async || node.sink.inserts() > 0).await;

    let node = node.restart().await;
    node.sink.fail_always(None);
    node.send_text(r#"{"message":"c"}"#).await;

    node.stores(&["a", "b", "c"]).await;
}

#[actix_web::test]
async fn a_repeat_with_the_same_key_is_answered_and_not_stored_even_after_restarts() {
    let mut node = Node::start().await;
    let body = "{\"message\":\"once\"}\nnot json\n";
    let request =
        |node: &Node, body: &str| node.post(body.to_owned()).insert_header(("idempotency-key", "batch-1"));
    let first = node.send(request(&node, body)).await;
    assert_eq!(first.0, StatusCode::ACCEPTED);

    for _ in 0..3 {
        assert_eq!(node.send(request(&node, body)).await, first);
        node = node.restart().await;
    }
    let (status, answer) = node.send(request(&node, r#"{"message":"other"}"#)).await;

    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("idempotency_key_reused")));
    node.stores(&["once"]).await;
}

#[actix_web::test]
async fn a_receipt_tells_what_became_of_a_batch() {
    let node = Node::start().await;
    node.sink.fail_always(Some(Fault::Down));
    let (_, answer) = node.send_text(r#"[{"message":"fine"},{"message":"poison"}]"#).await;
    let batch = answer["batch"].as_str().unwrap().to_owned();
    let receipt = async || {
        let request = TestRequest::get()
            .uri(&format!("/api/v1/ingest/receipts/{batch}"))
            .insert_header(("authorization", format!("Bearer {}", node.key)));
        node.send(request).await.1
    };
    assert_eq!(receipt().await["state"], "queued");

    node.sink.fail_always(None);
    eventually(async || receipt().await["state"] != "queued").await;

    assert_eq!(receipt().await, json!({ "batch": batch, "state": "dead_lettered", "dead_letters": 1 }));
    let other = TenantScope::of_job(Uuid::now_v7());
    assert_eq!(node.ingest.receipt(&other, &batch).await.unwrap(), None);
}

#[actix_web::test]
async fn dead_letters_are_kept_replayed_and_deleted() {
    let node = Node::start().await;
    let (scope, letters) = (node.scope(), node.ingest.dead_letters().clone());
    let in_two_hours = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let body = json!([
        { "message": "good" },
        { "message": "early", "timestamp": in_two_hours.to_string() },
        { "message": "poison", "n": 5 },
    ]);
    node.send_text(&body.to_string()).await;
    let all = async || letters.page(&scope, &dead_letters::Filter::default(), Uuid::max(), 10).await.unwrap();
    eventually(async || all().await.len() == 2).await;
    node.stores(&["good"]).await;

    let kept = all().await;
    let codes: std::collections::BTreeSet<&str> = kept.iter().map(|each| each.code.as_str()).collect();
    assert_eq!(codes, ["in_the_future", "refused_by_store"].into());
    let poison = kept.iter().find(|each| each.code == "refused_by_store").unwrap();
    let original: Value = serde_json::from_slice(&poison.original).unwrap();
    assert_eq!((&original["message"], &original["attributes"]["n"]), (&json!("poison"), &json!(5)));

    // The store learned to take it; the early one is still early.
    on!(node.db.write(), pool => sqlx::query("UPDATE dead_letters SET original = $1 WHERE id = $2")
        .bind(&br#"{"message":"healed"}"#[..]).bind(poison.id).execute(pool).await.map(|_| ()))
    .unwrap();
    let selection = dead_letters::Selection::All(dead_letters::Filter::default());
    let answer = dead_letters::replay::replay(&node.ingest, &scope, &selection).await.unwrap();
    assert_eq!((answer.replayed, answer.rejected), (1, 1));
    node.stores(&["good", "healed"]).await;

    let stranger = TenantScope::of_job(Uuid::now_v7());
    assert_eq!(letters.delete(&stranger, &selection).await.unwrap(), 0);
    assert_eq!(letters.delete(&scope, &selection).await.unwrap(), 1);
    assert!(all().await.is_empty());
}

#[actix_web::test]
async fn dead_letters_over_http_belong_to_their_organization() {
    let node = Node::start().await;
    node.send_text(r#"[{"message":"good"},{"message":"old","timestamp":"1999-01-01T00:00:00Z"}]"#).await;
    let call = async |method: TestRequest, path: &str, key: &str| {
        let request = method.uri(&format!("/api/v1/dead-letters{path}"));
        node.send(request.insert_header(("authorization", format!("Bearer {key}")))).await
    };
    let own = node.admin_key().await;
    let items =
        async |key: &str| call(TestRequest::get(), "", key).await.1["items"].as_array().unwrap().clone();
    eventually(async || items(&own).await.len() == 1).await;
    let letter = items(&own).await.remove(0);
    assert_eq!(
        (&letter["code"], letter["original"].as_str().unwrap().contains("1999")),
        (&json!("too_old"), true)
    );
    let id = format!("/{}", letter["id"].as_str().unwrap());

    let other = node.stranger_key().await;
    assert!(items(&other).await.is_empty());
    let replay = format!("{id}/replay");
    assert_eq!(call(TestRequest::get(), &id, &other).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(TestRequest::post(), &replay, &other).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(TestRequest::delete(), &id, &other).await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(TestRequest::delete(), "?all=true", &other).await.1["deleted"], 0);
    assert_eq!(
        call(TestRequest::get(), "", &node.key).await.0,
        StatusCode::FORBIDDEN,
        "a key for sending only"
    );

    assert_eq!(call(TestRequest::post(), &replay, &own).await.1, json!({ "replayed": 0, "rejected": 1 }));
    assert_eq!(call(TestRequest::delete(), "", &own).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(call(TestRequest::delete(), &id, &own).await.0, StatusCode::NO_CONTENT);
    assert_eq!(call(TestRequest::get(), &id, &own).await.0, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_replay_that_was_cut_off_is_settled_at_the_next_start() {
    let node = Node::start().await;
    node.send_text(r#"[{"message":"poison one"},{"message":"poison two"}]"#).await;
    let (scope, letters) = (node.scope(), node.ingest.dead_letters().clone());
    let all = async || letters.page(&scope, &dead_letters::Filter::default(), Uuid::max(), 10).await.unwrap();
    eventually(async || all().await.len() == 2).await;
    // One was marked and its batch is on disk; the other was marked and nothing more.
    let (stored, unstored) = ([1; 16], [2; 16]);
    let seen = idempotency::Seen {
        organization_id: node.organization_id,
        key: stored,
        body: stored,
        received_at_ms: now_us() / 1000,
        lsn: 0,
    };
    let idempotency::Begin::New(claim) = node.ingest.keys().begin(seen).await else { panic!("a new key") };
    let owner = rows::Owner {
        organization_id: node.organization_id,
        project_id: node.project_id,
        retention_days: 30,
        received_at_ms: now_us() / 1000,
        key_id: Uuid::nil(),
    };
    let mut rows = rows::Rows::default();
    rows.push(&rows::tests::row(now_us() * 1000, "healed one"));
    node.ingest
        .accept(Accepted { owner, rows, rejected: Vec::new(), counts: Counts::default() }, Some(claim))
        .await
        .unwrap();
    let kept = all().await;
    for (each, key) in kept.iter().zip([stored, unstored]) {
        let mark = [node.ingest.log_id(), key].concat();
        on!(node.db.write(), pool => sqlx::query("UPDATE dead_letters SET replay_key = $1 WHERE id = $2")
            .bind(mark).bind(each.id).execute(pool).await.map(|_| ()))
        .unwrap();
    }

    let node = node.restart().await;

    let left = node
        .ingest
        .dead_letters()
        .page(&scope, &dead_letters::Filter::default(), Uuid::max(), 10)
        .await
        .unwrap();
    assert_eq!(left.iter().map(|each| each.id).collect::<Vec<_>>(), [kept[1].id]);
    node.stores(&["healed one"]).await;
}

#[actix_web::test]
async fn a_full_buffer_is_503_and_takes_again_when_it_has_drained() {
    let node = Node::start().await;
    let Node { settings, db, sink, shutdown, .. } = &node;
    shutdown.begin();
    let other = Arc::new(tempfile::tempdir().unwrap());
    let settings = Settings {
        data_dir: other.path().to_owned(),
        wal_capacity_bytes: 64 << 10,
        ingest_bytes_per_second: 0,
        ..settings.clone()
    };
    let shutdown = Shutdown::default();
    let ingest = Ingest::start(&settings, db.clone(), sink.clone(), &shutdown).await.unwrap();
    let node = Node { ingest, ..node };
    node.sink.fail_always(Some(Fault::Down));
    let body = json!({ "message": "x".repeat(8000) }).to_string();
    let mut accepted = 0;
    let refused = loop {
        let (status, answer) = node.send_text(&body).await;
        if status != StatusCode::ACCEPTED {
            break (status.as_u16(), answer["code"].clone());
        }
        accepted += 1;
    };
    assert_eq!(refused, (503, json!("buffer_full")));

    node.sink.fail_always(None);
    eventually(async || node.send_text(r#"{"message":"again"}"#).await.0 == StatusCode::ACCEPTED).await;
    eventually(async || node.sink.messages().len() == accepted + 1).await;
}

#[derive(Default)]
struct Told(std::sync::Mutex<Vec<(u64, Accepted)>>);

impl Follower for Told {
    fn acknowledged(&self, number: u64, accepted: Accepted) {
        self.0.lock().unwrap().push((number, accepted));
    }
}

#[actix_web::test]
async fn a_follower_is_told_what_is_acknowledged_under_the_ids_that_it_will_have() {
    let node = Node::start().await;
    let follower = Arc::new(Told::default());
    node.ingest.follow(follower.clone());

    node.send_text(r#"[{"message":"seen at once"},{"message":"and this"}]"#).await;

    let (number, accepted) = follower.0.lock().unwrap().remove(0);
    let rows: Vec<_> = rows::iterate(accepted.rows.as_bytes()).filter_map(|row| row.decode()).collect();
    assert_eq!(rows.iter().map(|row| row.message).collect::<Vec<_>>(), ["seen at once", "and this"]);
    assert_eq!(accepted.owner.organization_id, node.organization_id);
    node.stores(&["seen at once", "and this"]).await;
    assert_eq!(node.sink.keys(), [(number, 0), (number, 1)]);
}
