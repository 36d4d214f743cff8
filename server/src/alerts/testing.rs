//! A metadata database with an organization in it, and a whole alert pipeline over it, for tests.

use super::channel_config::ChannelConfig;
use super::channels::{Channels, StoredChannel};
use super::clock::Clock;
use super::definition::Definition;
use super::evaluate::Sample;
use super::evaluate::fake::Table;
use super::history::RecipientKind;
use super::notice::{GroupLine, Notice};
use super::notify::{Job, Notifier};
use super::outbox::Outbox;
use super::policy::Policies;
use super::scheduler::Scheduler;
use super::store::{AlertStore, StoredRule};
use super::waiting::Waiting;
use crate::config::Settings;
use crate::db::Db;
use crate::email::Mailer;
use crate::on;
use crate::outbound::Outbound;
use crate::sealing::Sealer;
use crate::sight::Sight;
use crate::tenant::TenantScope;
use crate::time::{MINUTE_US, Micros, now_us};
use alert_rules::{Kind, State};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const START: Micros = 1_700_000_000_000_000;

/// A SQLite file, and a database on the Postgres of `CORDWOOD_TEST_POSTGRES_URL` where one is given.
pub async fn databases() -> Vec<Db> {
    let folder = tempfile::tempdir().unwrap().keep();
    let url = format!("sqlite://{}", folder.join("cordwood.db").display());
    let mut databases = vec![Db::connect(&url, 4).await.unwrap()];
    if let Ok(server) = std::env::var("CORDWOOD_TEST_POSTGRES_URL") {
        let name = format!("alerts_{}", Uuid::now_v7().simple());
        let admin = sqlx::PgPool::connect(&server).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&admin).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        databases.push(Db::connect(&format!("{base}/{name}"), 8).await.unwrap());
    }
    databases
}

/// One node of an installation with one organization: its owner is `ann@acme.example`, confirmed.
pub struct World {
    pub db: Db,
    pub scope: TenantScope,
    pub project_id: Uuid,
    pub owner: Uuid,
    pub folder: PathBuf,
    pub search: Arc<Table>,
    pub channels: Channels,
    pub outbox: Outbox,
    pub scheduler: Scheduler,
    pub clock: Clock,
    /// When it was made; `minute` counts from here.
    pub start: Micros,
    backlog: Arc<AtomicI64>,
}

impl World {
    pub async fn new(db: Db) -> Self {
        Self::with_mail_server(db, "").await
    }

    pub async fn with_mail_server(db: Db, smtp_url: &str) -> Self {
        let (organization, owner, project_id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        insert_organization(&db, organization, owner, project_id).await;
        let folder = tempfile::tempdir().unwrap().keep();
        let (search, scope) = (Arc::new(Table::default()), TenantScope::of_job(organization));
        let outbox = outbox(&db, &folder, smtp_url);
        // a moment later than whatever is made from now on
        let (clock, start) = (Clock::default(), now_us() + MINUTE_US);
        clock.stop_at(start);
        let backlog = Arc::<AtomicI64>::default();
        let scheduler = scheduler(&db, &search, &outbox, &backlog, &clock, "one");
        let channels = channels(&db);
        Self {
            channels,
            db,
            scope,
            project_id,
            owner,
            folder,
            search,
            outbox,
            scheduler,
            clock,
            start,
            backlog,
        }
    }

    pub fn store(&self) -> AlertStore {
        AlertStore::new(self.db.clone())
    }

    /// Another node over the same database, with the same search and mail folder.
    pub fn another_node(&self, name: &str) -> Scheduler {
        scheduler(&self.db, &self.search, &self.another_outbox(), &self.backlog, &self.clock, name)
    }

    /// The outbox of another node.
    pub fn another_outbox(&self) -> Outbox {
        outbox(&self.db, &self.folder, "")
    }

    pub async fn email_channel(&self, to: &[&str]) -> StoredChannel {
        let to = to.iter().map(|each| (*each).to_owned()).collect();
        let name = format!("mail {}", Uuid::now_v7());
        self.channels.insert(&self.scope, name, ChannelConfig::Email { to }).await.unwrap()
    }

    pub async fn channel(&self, config: ChannelConfig) -> StoredChannel {
        self.channels.insert(&self.scope, format!("channel {}", Uuid::now_v7()), config).await.unwrap()
    }

    /// `level:error`, every minute, more than 10, told by mail to the owner; changed by `changes`.
    pub async fn rule(&self, changes: Value) -> Uuid {
        let channel = self.email_channel(&["ann@acme.example"]).await;
        let mut body = json!({
            "name": format!("rule {}", Uuid::now_v7()), "query": "level:error", "condition": {"op": ">", "threshold": 10},
            "every": "1m", "channel_ids": [channel.id],
        });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let definition = Definition::parse(serde_json::from_value(body).unwrap()).unwrap();
        self.rule_through(Sight::whole(self.scope), &definition).await
    }

    /// A rule of the owner, made while they looked through `sight`.
    pub async fn rule_through(&self, sight: Sight, definition: &Definition) -> Uuid {
        self.store().insert(&sight, self.project_id, definition, Some(self.owner)).await.unwrap()
    }

    /// Since when events wait to be stored.
    pub fn backlog_since(&self, since: Option<Micros>) {
        self.backlog.store(since.unwrap_or(0), Ordering::Relaxed);
    }

    pub async fn stored(&self, rule: Uuid) -> StoredRule {
        self.store().get(&Sight::whole(self.scope), rule).await.unwrap()
    }

    pub async fn state(&self, rule: Uuid) -> String {
        self.stored(rule).await.state
    }

    /// Goes to a minute after the start, evaluates what is due, and sends what follows.
    pub async fn minute(&self, minute: i64) {
        self.go_to(self.start + minute * MINUTE_US);
        self.scheduler.renew().await.unwrap();
        self.scheduler.run_due(self.clock.now()).await.unwrap();
        self.send().await;
    }

    pub fn go_to(&self, now: Micros) {
        self.clock.stop_at(now);
    }

    /// Sends everything that is due now.
    pub async fn send(&self) {
        let now = self.clock.now();
        while self.outbox.send_due(&|| now, &CancellationToken::new()).await.unwrap() > 0 {}
    }

    /// The mails in the folder, oldest first.
    pub fn mails(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.join("mail"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    pub fn subjects(&self) -> Vec<String> {
        self.mails().iter().map(|mail| header(mail, "Subject")).collect()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        on!(self.db.read(), pool => sqlx::query_scalar(sql).fetch_one(pool).await).unwrap()
    }

    pub async fn execute_text(&self, sql: String) {
        let sql = sqlx::AssertSqlSafe(sql);
        on!(self.db.write(), pool => sqlx::query(sql).execute(pool).await.map(|_| ())).unwrap();
    }

    pub async fn execute(&self, sql: &'static str) {
        on!(self.db.write(), pool => sqlx::query(sql).execute(pool).await.map(|_| ())).unwrap();
    }
}

pub fn header(mail: &str, name: &str) -> String {
    let start = format!("{name}: ");
    mail.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().to_owned()
}

fn sealer() -> Sealer {
    Sealer::with_secret(b"a secret of the tests, 32 letters")
}

fn channels(db: &Db) -> Channels {
    Channels::new(db.clone(), sealer())
}

fn outbox(db: &Db, folder: &std::path::Path, smtp_url: &str) -> Outbox {
    let settings = Settings {
        data_dir: folder.to_owned(),
        smtp_url: smtp_url.to_owned().into(),
        ..crate::config::defaults_for_tests()
    };
    let notifier = Notifier::new(
        channels(db),
        sealer(),
        Mailer::of(&settings).unwrap(),
        Outbound::new("127.0.0.0/8").unwrap(),
        "https://logs.example".into(),
        "http://127.0.0.1:1/".parse().unwrap(),
    );
    Outbox::new(db.clone(), notifier, Policies::new(db.clone()))
}

fn scheduler(
    db: &Db,
    search: &Arc<Table>,
    outbox: &Outbox,
    backlog: &Arc<AtomicI64>,
    clock: &Clock,
    node: &str,
) -> Scheduler {
    let (store, policies) = (AlertStore::new(db.clone()), Policies::new(db.clone()));
    let backlog = backlog.clone();
    let own = move || Some(backlog.load(Ordering::Relaxed)).filter(|since| *since > 0);
    let waiting = Waiting::new(db.clone(), own);
    let (search, outbox, clock) = (search.clone(), outbox.clone(), clock.clone());
    Scheduler::new(store, channels(db), policies, search, outbox, waiting, clock, node)
}

async fn insert_organization(db: &Db, organization: Uuid, owner: Uuid, project: Uuid) {
    let now = now_us();
    on!(db.write(), pool => {
        let email = "ann@acme.example";
        sqlx::query("INSERT INTO users (id, email, name, email_verified_at, created_at) VALUES ($1, $2, 'Ann', $3, $3)")
            .bind(owner).bind(email).bind(now).execute(pool).await.unwrap();
        sqlx::query("INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, 'Acme', 'acme', $2)")
            .bind(organization).bind(now).execute(pool).await.unwrap();
        sqlx::query("INSERT INTO memberships (organization_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)")
            .bind(organization).bind(owner).bind(now).execute(pool).await.unwrap();
        sqlx::query("INSERT INTO projects (organization_id, id, name, retention_days, created_at) VALUES ($1, $2, 'default', 30, $3)")
            .bind(organization).bind(project).bind(now).execute(pool).await.unwrap();
    });
}

/// A notice about `source=api` with 12, while `source=web` is bad too.
pub fn notice(kind: Kind) -> Notice {
    let group = |name: &str, value| GroupLine {
        group: name.into(),
        state: State::Firing,
        value: Some(value),
        since_us: START,
        episode: 1,
    };
    Notice {
        kind,
        rule_id: Uuid::from_u128(7),
        rule_name: "5xx spike".into(),
        organization: "Acme".into(),
        severity: api_types::alerts::Severity::Critical,
        labels: [("team".to_owned(), "shop".to_owned())].into(),
        query: "level:error | stats count() as n by source".into(),
        lines_query: "level:error source:api".into(),
        column: "n".into(),
        condition: "> 10".into(),
        window: "5m".into(),
        reason: "12 > 10".into(),
        at_us: START + 15_000_000,
        from_us: START - 5 * MINUTE_US,
        to_us: START,
        about: vec![group("source=api", 12.0)],
        others: vec![group("source=web", 11.0)],
        others_more: 3,
        samples: vec![Sample {
            timestamp: "2023-11-14T22:13:19Z".into(),
            level: Some("error".into()),
            source: Some("api".into()),
            message: "upstream timeout after 3s".into(),
            marks: vec![(9, 16)],
        }],
        recent: [1.0, 2.0, 6.0, 12.0].map(Some).to_vec(),
        bad: Some(alert_rules::Condition { op: alert_rules::Op::Above, threshold: 10.0 }),
        runbook_url: Some("https://wiki.example/5xx".into()),
        message: None,
    }
}

pub fn job(notice: Notice) -> Job {
    Job {
        scope: TenantScope::of_job(Uuid::from_u128(1)),
        id: Uuid::from_u128(2),
        recipient_kind: RecipientKind::Channel,
        recipient_id: Uuid::from_u128(3),
        address: "ann@acme.example".into(),
        notice,
    }
}
