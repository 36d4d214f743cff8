//! A node for the tests of protocols: requests as a client sends them, and the rows that came of them.

use crate::auth::Auth;
use crate::config::Settings;
use crate::db::Db;
use crate::ingest::dead_letters::Kept;
use crate::ingest::seal::SealedBatch;
use crate::ingest::sink::{LogSink, SinkError};
use crate::ingest::tests::{database, eventually, insert_key, insert_organization};
use crate::ingest::{Ingest, http};
use crate::on;
use crate::shutdown::Shutdown;
use actix_web::dev::Service;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use api_types::accounts::KeyScope;
use event::Level;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub struct Node {
    pub ingest: Ingest,
    pub auth: Auth,
    pub db: Db,
    pub key: String,
    pub project_id: Uuid,
    pub organization_id: Uuid,
    pub shutdown: Shutdown,
    rows: Rows,
    _folder: tempfile::TempDir,
}

/// What a client got.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: web::Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Node {
    pub async fn start() -> Self {
        Self::with_events_per_second(0).await
    }

    pub async fn with_events_per_second(events_per_second: u64) -> Self {
        crate::runtime::remember_main();
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            data_dir: folder.path().to_owned(),
            wal_reserve_bytes: 0,
            wal_reserve_percent: 0,
            ingest_events_per_second: events_per_second,
            ..crate::config::defaults_for_tests()
        };
        let db = database(&folder).await;
        let auth = Auth::new(&settings, db.clone()).unwrap();
        let (rows, shutdown) = (Rows::default(), Shutdown::default());
        let ingest = Ingest::start(&settings, db.clone(), Arc::new(rows.clone()), &shutdown).await.unwrap();
        let (organization_id, project_id) = (Uuid::now_v7(), Uuid::now_v7());
        insert_organization(&db, organization_id, project_id).await;
        let key = insert_key(&db, organization_id, project_id, KeyScope::Ingest).await;
        Self { ingest, auth, db, key, project_id, organization_id, shutdown, rows, _folder: folder }
    }

    /// A key of the organization that may not send.
    pub async fn query_key(&self) -> String {
        insert_key(&self.db, self.organization_id, self.project_id, KeyScope::Query).await
    }

    /// Changes the key, as another node would, and has it looked up anew.
    pub async fn set_of_key(&self, change: &str) {
        let update = sqlx::AssertSqlSafe(format!("UPDATE api_keys SET {change} WHERE lookup = $1"));
        let lookup = &self.key[4..16];
        on!(self.db.write(), pool => sqlx::query(update).bind(lookup).execute(pool).await.map(|_| ()))
            .unwrap();
        self.auth.forget_key(lookup).await;
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    /// A request with these headers.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<web::Bytes>,
    ) -> Answer {
        let app = init_service(
            App::new()
                .wrap(from_fn(crate::auth::caller::identify))
                .app_data(web::Data::new(self.auth.clone()))
                .app_data(web::Data::new(self.ingest.clone()))
                .configure(http::routes),
        )
        .await;
        let mut request = TestRequest::default().method(method).uri(path).set_payload(body.into());
        for header in headers {
            request = request.append_header(*header);
        }
        let answer = match app.call(request.to_request()).await {
            Ok(answer) => answer.map_into_boxed_body().into_parts().1,
            Err(refused) => refused.error_response(),
        };
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, bytes: actix_web::body::to_bytes(answer.into_body()).await.unwrap() }
    }

    /// POST with the key as a bearer token.
    pub async fn post(&self, path: &str, content_type: &str, body: impl Into<web::Bytes>) -> Answer {
        let headers = [("authorization", &*self.bearer()), ("content-type", content_type)];
        self.call(Method::POST, path, &headers, body).await
    }

    /// Waits until the log store has so many rows, and gives them in the order in which they came.
    pub async fn stored(&self, count: usize) -> Vec<Value> {
        eventually(async || self.rows.0.lock().unwrap().len() >= count).await;
        let rows = self.rows.0.lock().unwrap().clone();
        assert_eq!(rows.len(), count, "{rows:#?}");
        rows
    }

    /// Waits until the organization has so many dead letters.
    pub async fn kept(&self, count: usize) -> Vec<Kept> {
        let scope = crate::tenant::TenantScope::of_job(self.organization_id);
        let filter = crate::ingest::dead_letters::Filter::default();
        let letters = || self.ingest.dead_letters().page(&scope, &filter, Uuid::max(), 100);
        eventually(async || letters().await.unwrap().len() >= count).await;
        letters().await.unwrap()
    }

    /// Their codes and originals.
    pub async fn dead_letters(&self, count: usize) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.kept(count).await.iter().map(|kept| (kept.code.clone(), text(&kept.original))).collect()
    }
}

/// A time that is accepted: the last full second, as nanoseconds and as RFC 3339.
pub fn recent() -> (i64, String) {
    let second = jiff::Timestamp::now().as_second() - 60;
    let time_ns = second * 1_000_000_000 + 123_456_789;
    (time_ns, event::time::format_rfc3339(time_ns))
}

/// A log store in memory that keeps rows as JSON.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<Vec<Value>>>);

impl LogSink for Rows {
    fn insert<'a>(
        &'a self,
        batch: &'a SealedBatch,
        rows: Range<u32>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        for row in rows {
            let (_, _, row) = batch.row(row).unwrap();
            self.0.lock().unwrap().push(json!({
                "timestamp": event::time::format_rfc3339(row.timestamp_ns),
                "level": Level::from_u8(row.level).unwrap().as_str(),
                "source": row.source,
                "host": row.host,
                "message": row.message,
                "trace_id": row.trace_id,
                "span_id": row.span_id,
                "attributes": serde_json::from_str::<Value>(row.attributes).unwrap(),
            }));
        }
        Box::pin(async { Ok(()) })
    }

    fn stored<'a>(&'a self, _: &'a SealedBatch, _: Range<u32>) -> BoxFuture<'a, Result<u32, SinkError>> {
        Box::pin(async { Ok(0) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async { Ok(()) })
    }
}
