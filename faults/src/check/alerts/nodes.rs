//! Several nodes evaluate the rules of one database, and one of them is killed, sleeps, or is cut off from the database.

use super::{Noise, SETTINGS, Watch, told, until};
use crate::check::Fault;
use crate::database::{Database, Way};
use crate::lab::{Lab, Server, Stack};
use crate::proxy::Mode;
use crate::receiver::Receiver;
use anyhow::{Result, ensure};
use std::time::Duration;
use tempfile::TempDir;

pub const FAULTS: &[Fault] = &[
    Fault {
        id: "F19",
        name: "two nodes, one of them is killed or sleeps",
        run: |lab| Box::pin(leader_dies(lab)),
    },
    Fault {
        id: "F20",
        name: "a node sleeps past its leases and wakes up in the middle of evaluations",
        run: |lab| Box::pin(zombie(lab)),
    },
    Fault { id: "F21", name: "a node is cut off from the database only", run: |lab| Box::pin(cut_off(lab)) },
];

/// Longer than a lease: whoever is away for so long has lost everything.
const AWAY: Duration = Duration::from_secs(20);
/// Notifications that a node sends at once: so many may be sent again, under the same ids, after it was killed.
const IN_FLIGHT: usize = 8;
const LEASE_S: f64 = 15.0;
const EVERY_S: f64 = 10.0;
/// Evaluations take time, and a node that takes over a lease has looked for it some time after its end.
const SLACK_S: f64 = 5.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    Kill,
    Sleep,
    CutOff,
}

/// Two nodes over one database and one engine.
struct Pair {
    database: Database,
    ways: [Way; 2],
    stack: Stack,
    second: Server,
    _folder: TempDir,
    receiver: Receiver,
    noise: Noise,
    rules: u64,
}

impl Pair {
    async fn start(lab: &Lab, rules: u64) -> Result<Self> {
        let (database, receiver) = (lab.database().await?, Receiver::start().await);
        let ways = [database.way("one").await?, database.way("two").await?];
        let settings = |name: &str, way: &Way| {
            let own = [format!("--node-name={name}"), format!("--database-url={}", way.url)];
            own.into_iter().chain(SETTINGS.map(str::to_owned)).collect::<Vec<String>>()
        };
        let [first, second] = [settings("one", &ways[0]), settings("two", &ways[1])];
        let texts: Vec<&str> = first.iter().map(String::as_str).collect();
        let stack = lab.stack(&texts).await?;
        let folder = tempfile::Builder::new().prefix("cordwood-faults-").tempdir()?;
        let texts: Vec<&str> = second.iter().map(String::as_str).collect();
        let second = lab.server(folder.path(), stack.proxy.address, &texts, &[]).await?;
        let watch = Watch::by_webhook(&stack.server, &receiver).await?;
        watch.rules(&stack.server, rules).await?;
        database.watch_writes().await?;
        let urls = vec![stack.server.url.clone(), second.url.clone()];
        let noise = Noise::start(urls, watch.organization.key.clone(), rules)?;
        let pair = Self { database, ways, stack, second, _folder: folder, receiver, noise, rules };
        pair.until_shared().await?;
        Ok(pair)
    }

    /// Both hold leases before anything begins.
    async fn until_shared(&self) -> Result<()> {
        let owners = "SELECT COUNT(DISTINCT owner) FROM alert_leases WHERE owner <> ''";
        until("both nodes have leases", Duration::from_secs(60), async || {
            Ok(self.database.count(owners).await? == 2)
        })
        .await?;
        Ok(())
    }

    fn node(&mut self, number: usize) -> &mut Server {
        if number == 0 { &mut self.stack.server } else { &mut self.second }
    }

    /// Every rule fires for a new round and is resolved for the one before, while a node is struck.
    async fn round(&mut self, round: u64, blow: Blow) -> Result<()> {
        let victim = (round % 2) as usize;
        self.until_shared().await?;
        self.noise.is(Some(&format!("r{round}")));
        // in the middle of the transitions, which are spread over the interval; each time at another moment
        tokio::time::sleep(Duration::from_millis(3_000 + round * 1_370 % 5_000)).await;
        match blow {
            Blow::Kill => self.node(victim).kill()?,
            Blow::Sleep => {
                self.node(victim).freeze()?;
                tokio::time::sleep(AWAY).await;
                self.node(victim).thaw()?;
            }
            Blow::CutOff => {
                self.ways[victim].proxy.set(Mode::Hold);
                tokio::time::sleep(AWAY).await;
                self.ways[victim].proxy.set(Mode::Pass);
            }
        }
        self.until_round(Some(round), round.checked_sub(1)).await?;
        if blow == Blow::Kill {
            self.node(victim).start_again().await?;
        }
        Ok(())
    }

    async fn until_round(&self, fired: Option<u64>, resolved: Option<u64>) -> Result<()> {
        for (kind, round) in [("fired", fired), ("resolved", resolved)] {
            let Some(round) = round else { continue };
            let wanted = i64::try_from(self.rules)?;
            let sql = "SELECT COUNT(*) FROM alert_events WHERE kind = $1 AND group_key = $2";
            until(&format!("all rules have {kind} for round {round}"), Duration::from_secs(90), async || {
                let count: i64 = sqlx::query_scalar(sql)
                    .bind(kind)
                    .bind(format!("round=r{round}"))
                    .fetch_one(&self.database.pool)
                    .await?;
                Ok(count >= wanted)
            })
            .await?;
        }
        Ok(())
    }

    /// Ends the last round, waits until everybody is told, and counts.
    async fn settle(&mut self, rounds: u64, blows: &str, killed: usize) -> Result<String> {
        self.noise.is(None);
        self.until_round(None, Some(rounds - 1)).await?;
        // what a killed node had claimed is free after a minute
        until("everything is sent", Duration::from_secs(150), async || {
            Ok(self.database.count("SELECT COUNT(*) FROM alert_outbox WHERE state <> 'sent'").await? == 0)
        })
        .await?;
        let expected = self.rules * rounds * 2;
        // a rule that could not be evaluated for a moment, because its node was struck, says so in its history
        let transitions = "SELECT COUNT(*) FROM alert_events WHERE kind IN ('fired', 'resolved')";
        let transitions = self.database.count(transitions).await?;
        let ids = self.database.count("SELECT COUNT(*) FROM alert_outbox").await?;
        let twice = "SELECT COUNT(*) FROM (SELECT 1 FROM alert_events GROUP BY rule_id, group_key, kind HAVING COUNT(*) > 1) t";
        let twice = self.database.count(twice).await?;
        let told = told(&self.receiver);
        let repeats = told.values().sum::<usize>() - told.len();
        let gap = "SELECT COALESCE(MAX(gap), 0) FROM (SELECT evaluated_at - LAG(evaluated_at) \
            OVER (PARTITION BY rule_id ORDER BY slot) AS gap FROM alert_evaluations) t";
        let gap = self.database.count(gap).await? as f64 / 1e6;
        let (writes, wrong) = self.database.writes().await?;
        let figures = format!(
            "{blows}: {expected} transitions expected, {transitions} made, {twice} of them twice; {ids} notification ids, {} arrived, {repeats} repeats under the same id; \
             {writes} writes of a state, {wrong} by a node without the lease; longest pause of a rule {gap:.1} s",
            told.len()
        );
        let expected = i64::try_from(expected)?;
        ensure!((transitions, twice, ids, wrong) == (expected, 0, expected, 0), "{figures}");
        ensure!(told.len() == usize::try_from(expected)? && repeats <= killed * IN_FLIGHT, "{figures}");
        ensure!(gap <= LEASE_S + EVERY_S + SLACK_S, "{figures}");
        Ok(figures)
    }
}

async fn leader_dies(lab: &Lab) -> Result<String> {
    let (rounds, rules) = (lab.rounds(4, 40), lab.rounds(30, 200));
    let mut pair = Pair::start(lab, rules).await?;
    for round in 0..rounds {
        pair.round(round, if round % 4 < 2 { Blow::Kill } else { Blow::Sleep }).await?;
    }
    let killed = (0..rounds).filter(|round| round % 4 < 2).count();
    let blows = format!(
        "{rules} rules, nodes in turn killed {killed} times and asleep for {} s {} times",
        AWAY.as_secs(),
        rounds as usize - killed
    );
    // one that slept may have sent and not have written it before its claim ended
    pair.settle(rounds, &blows, rounds as usize).await
}

async fn zombie(lab: &Lab) -> Result<String> {
    let (rounds, rules) = (lab.rounds(3, 50), lab.rounds(40, 100));
    let mut pair = Pair::start(lab, rules).await?;
    // answers take longer, so that evaluations are always under way
    pair.stack.proxy.set(Mode::Slow { delay_ms: 300, drop_one_in: u64::MAX });
    for round in 0..rounds {
        pair.round(round, Blow::Sleep).await?;
    }
    pair.stack.proxy.set(Mode::Pass);
    let mut lost = 0.0;
    for number in 0..2 {
        let text = pair.node(number).metrics().await?;
        let lines = text.lines().filter(|line| {
            line.starts_with("cordwood_alert_evaluations_total{") && line.contains("\"lost\"")
        });
        lost += lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>();
    }
    let blows = format!(
        "{rules} rules, every answer of ClickHouse 0.3 s late, a node asleep for {} s {rounds} times; {lost} evaluations of sleepers were refused after they woke up",
        AWAY.as_secs()
    );
    let figures = pair.settle(rounds, &blows, rounds as usize).await?;
    ensure!(lost > 0.0, "no evaluation was under way when a node fell asleep: {figures}");
    Ok(figures)
}

async fn cut_off(lab: &Lab) -> Result<String> {
    let (rounds, rules) = (lab.rounds(3, 20), lab.rounds(30, 100));
    let mut pair = Pair::start(lab, rules).await?;
    for round in 0..rounds {
        pair.round(round, Blow::CutOff).await?;
    }
    let blows =
        format!("{rules} rules, a node’s packets to Postgres held for {} s {rounds} times", AWAY.as_secs());
    pair.settle(rounds, &blows, rounds as usize).await
}
