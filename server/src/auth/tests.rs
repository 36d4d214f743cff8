//! The extractors against a real database: who gets in, who does not, and what happens while the database is away.

use super::*;
use crate::on;
use crate::time::{DAY_US, now_us};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::{App, HttpResponse, web};
use api_types::accounts::KeyScope;
use serde_json::Value;

struct Fixture {
    auth: Auth,
    organization_id: Uuid,
    project_id: Uuid,
    user_id: Uuid,
    session_id: Uuid,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        crate::runtime::remember_main();
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..crate::config::defaults_for_tests() };
        let url = format!("sqlite://{}", folder.path().join("cordwood.db").display());
        let db = Db::connect(&url, 2).await.unwrap();
        let auth = Auth::new(&settings, db).unwrap();
        let [organization_id, project_id, user_id, session_id] = std::array::from_fn(|_| Uuid::now_v7());
        let fixture = Self { auth, organization_id, project_id, user_id, session_id, _folder: folder };
        fixture.insert_rows().await;
        fixture
    }

    async fn insert_rows(&self) {
        let now = now_us();
        let Self { organization_id, project_id, user_id, session_id, .. } = self;
        on!(self.auth.db.write(), pool => {
            sqlx::query("INSERT INTO users (id, email, name, created_at) VALUES ($1, 'ann@acme.example', 'Ann', $2)")
                .bind(user_id).bind(now).execute(pool).await.unwrap();
            sqlx::query("INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, 'Acme', 'acme', $2)")
                .bind(organization_id).bind(now).execute(pool).await.unwrap();
            sqlx::query("INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ($1, $2, 'editor', $3)")
                .bind(organization_id).bind(user_id).bind(now).execute(pool).await.unwrap();
            sqlx::query("INSERT INTO projects (organization_id, id, name, retention_days, created_at) VALUES ($1, $2, 'default', 30, $3)")
                .bind(organization_id).bind(project_id).bind(now).execute(pool).await.unwrap();
            sqlx::query("INSERT INTO sessions (id, user_id, organization_id, refresh_hash, rotated_at, created_at, expires_at, user_agent, address) \
                VALUES ($1, $2, $3, $4, $5, $5, $6, '', '')")
                .bind(session_id).bind(user_id).bind(organization_id).bind(vec![1u8; 32]).bind(now).bind(now + DAY_US)
                .execute(pool).await.unwrap();
        });
    }

    async fn key(&self, scopes: &[KeyScope], words: &str) -> (String, String) {
        let key = api_key::NewKey::generate(scopes);
        on!(self.auth.db.write(), pool => sqlx::query(
            "INSERT INTO api_keys (organization_id, id, project_id, name, lookup, secret_hash, scopes, created_at) \
             VALUES ($1, $2, $3, 'test', $4, $5, $6, $7)")
            .bind(self.organization_id).bind(Uuid::now_v7()).bind(self.project_id).bind(&key.lookup)
            .bind(key.secret_hash.to_vec()).bind(words).bind(now_us()).execute(pool).await.map(|_| ()))
        .unwrap();
        (key.text, key.lookup)
    }

    fn access_token(&self) -> String {
        self.auth.tokens.issue(self.user_id, self.session_id, self.organization_id)
    }

    /// Status and problem code of a call with this header.
    async fn call(&self, path: &str, header: (&str, &str)) -> (StatusCode, String) {
        let app = init_service(
            App::new()
                .wrap(from_fn(caller::identify))
                .app_data(web::Data::new(self.auth.clone()))
                .route("/api/viewer", web::post().to(async |_: Member<Viewer>| HttpResponse::NoContent()))
                .route("/api/admin", web::post().to(async |_: Member<Admin>| HttpResponse::NoContent()))
                .route("/api/owner", web::post().to(async |_: Member<Owner>| HttpResponse::NoContent()))
                .route("/api/search", web::post().to(async |_: Reader| HttpResponse::NoContent()))
                .route("/api/ingest", web::post().to(async |_: IngestKey| HttpResponse::NoContent())),
        )
        .await;
        let answer =
            call_service(&app, TestRequest::post().uri(path).insert_header(header).to_request()).await;
        let status = answer.status();
        if status.is_success() {
            return (status, String::new());
        }
        let body: Value = read_body_json(answer).await;
        (status, body["code"].as_str().unwrap().to_owned())
    }

    async fn bearer(&self, path: &str, credential: &str) -> (u16, String) {
        let (status, code) = self.call(path, ("authorization", &format!("Bearer {credential}"))).await;
        (status.as_u16(), code)
    }
}

#[tokio::test]
async fn a_member_reaches_what_their_role_allows() {
    let fixture = Fixture::new().await;
    let token = fixture.access_token();

    for open in ["/api/viewer", "/api/search", "/api/ingest"] {
        assert_eq!(fixture.bearer(open, &token).await, (204, String::new()), "{open}");
    }
    assert_eq!(fixture.bearer("/api/admin", &token).await, (403, "role_too_small".into()));
    assert_eq!(fixture.bearer("/api/viewer", "rubbish").await, (401, "credentials_invalid".into()));
    let none = fixture.call("/api/viewer", ("accept", "*/*")).await;
    assert_eq!((none.0.as_u16(), none.1.as_str()), (401, "credentials_missing"));
}

#[tokio::test]
async fn a_key_reaches_what_its_scopes_allow() {
    let fixture = Fixture::new().await;
    let (ingest, _) = fixture.key(&[KeyScope::Ingest], "ingest").await;
    let (query, _) = fixture.key(&[KeyScope::Query], "query").await;
    let (admin, _) = fixture.key(&[KeyScope::Admin], "admin").await;

    let expected = [
        (&ingest, [403, 403, 403, 403, 204]),
        (&query, [403, 403, 403, 204, 403]),
        (&admin, [204, 204, 403, 204, 204]),
    ];
    for (key, statuses) in expected {
        for (path, status) in
            ["/api/viewer", "/api/admin", "/api/owner", "/api/search", "/api/ingest"].iter().zip(statuses)
        {
            assert_eq!(fixture.bearer(path, key).await.0, status, "{path} with {}", &key[..4]);
        }
    }
}

#[tokio::test]
async fn a_right_lookup_with_a_wrong_secret_is_refused() {
    let fixture = Fixture::new().await;
    let (good, lookup) = fixture.key(&[KeyScope::Ingest], "ingest").await;
    let forged = api_key::with_checksum(&format!("cwi_{lookup}{}", "x".repeat(32)));

    assert_eq!(fixture.bearer("/api/ingest", &forged).await, (401, "credentials_invalid".into()));
    assert_eq!(fixture.bearer("/api/ingest", &good).await.0, 204);
    assert_eq!(fixture.bearer("/api/ingest", &forged).await.0, 401, "also when the good one is remembered");
}

#[tokio::test]
async fn a_cookie_works_from_our_own_pages_and_not_from_others() {
    let fixture = Fixture::new().await;
    let cookie = format!("cw_at={}", fixture.access_token());

    assert_eq!(fixture.call("/api/viewer", ("cookie", &cookie)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(fixture.call("/api/ingest", ("cookie", &cookie)).await.0, StatusCode::UNAUTHORIZED);
    let app = init_service(
        App::new()
            .wrap(from_fn(caller::identify))
            .app_data(web::Data::new(fixture.auth.clone()))
            .route("/api/viewer", web::post().to(async |_: Member<Viewer>| HttpResponse::NoContent())),
    )
    .await;
    let foreign = TestRequest::post()
        .uri("/api/viewer")
        .insert_header(("cookie", cookie))
        .insert_header(("origin", "https://evil.example"))
        .to_request();
    assert_eq!(call_service(&app, foreign).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn while_the_database_is_away_known_keys_work_and_unknown_ones_are_told_to_wait() {
    let fixture = Fixture::new().await;
    let (known, _) = fixture.key(&[KeyScope::Ingest], "ingest").await;
    let (unseen, _) = fixture.key(&[KeyScope::Ingest], "ingest").await;
    assert_eq!(fixture.bearer("/api/ingest", &known).await.0, 204);

    fixture.auth.db.close().await;

    assert_eq!(fixture.bearer("/api/ingest", &known).await.0, 204);
    assert_eq!(fixture.bearer("/api/ingest", &unseen).await, (503, "database_unavailable".into()));
    assert_eq!(
        fixture.bearer("/api/viewer", &fixture.access_token()).await,
        (503, "database_unavailable".into())
    );
    assert_eq!(fixture.bearer("/api/ingest", "cwi_mistyped").await.0, 401, "the checksum needs no database");
}

#[tokio::test]
async fn who_may_not_call_is_told_that_whatever_the_body() {
    let fixture = Fixture::new().await;
    let app = init_service(
        App::new().wrap(from_fn(caller::identify)).app_data(web::Data::new(fixture.auth.clone())).route(
            "/api/admin",
            web::post().to(async |_: Member<Admin>, _: web::Json<Value>| HttpResponse::NoContent()),
        ),
    )
    .await;
    for (credential, status) in [("rubbish", 401), (fixture.access_token().as_str(), 403)] {
        let request = TestRequest::post()
            .uri("/api/admin")
            .insert_header(("authorization", format!("Bearer {credential}")))
            .set_payload("not json")
            .to_request();
        assert_eq!(call_service(&app, request).await.status().as_u16(), status);
    }
}

#[tokio::test]
async fn a_session_that_ended_is_refused() {
    let fixture = Fixture::new().await;
    let token = fixture.access_token();
    assert_eq!(fixture.bearer("/api/viewer", &token).await.0, 204);

    on!(fixture.auth.db.write(), pool => sqlx::query("UPDATE sessions SET revoked_at = 1").execute(pool).await.map(|_| ()))
        .unwrap();
    fixture.auth.forget_sessions();

    assert_eq!(fixture.bearer("/api/viewer", &token).await, (401, "credentials_invalid".into()));
}
