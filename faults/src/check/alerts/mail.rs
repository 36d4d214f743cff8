//! The mail server is away, refuses, hangs, breaks off; and the server dies between its yes and our note of it.

use super::{Noise, Watch, until};
use crate::check::Fault;
use crate::lab::{Lab, Stack};
use crate::mail_server::{MailServer, Mood};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault {
        id: "F17",
        name: "the mail server is away, refuses for now, hangs, breaks off in the middle",
        run: |lab| Box::pin(unreachable(lab)),
    },
    Fault {
        id: "F18",
        name: "killed between the mail server’s yes and our note of it",
        run: |lab| Box::pin(killed(lab)),
    },
];

/// Mails that a node sends at once.
const IN_FLIGHT: usize = 8;

struct Post {
    stack: Stack,
    mails: MailServer,
    watch: Watch,
    noise: Noise,
    rules: u64,
}

impl Post {
    /// Rules that tell their owner by mail, one mail for each transition.
    async fn start(lab: &Lab, rules: u64) -> Result<Self> {
        let mails = MailServer::start().await;
        let smtp = format!("--smtp-url={}", mails.url);
        let stack = lab.stack(&[&smtp]).await?;
        let channel = json!({"name": "mail", "kind": "email", "config": {"to": ["watch@example.org"]}});
        let watch = Watch::by(&stack.server, channel).await?;
        let policy = json!({"digest_after": 0});
        stack.server.put("/api/v1/notification-policy", &watch.organization.key, &policy).await?;
        until("the mail with the link has come", Duration::from_secs(30), async || {
            Ok(verification(&mails.mails()).is_some())
        })
        .await?;
        let token = verification(&mails.mails()).context("a link")?;
        stack.server.post("/api/v1/auth/verify-email", None, &json!({ "token": token })).await?;
        watch.rules(&stack.server, rules).await?;
        let noise = Noise::start(vec![stack.server.url.clone()], watch.organization.key.clone(), rules)?;
        Ok(Self { stack, mails, watch, noise, rules })
    }

    /// Mails about alerts by their Message-ID, in the order in which they came, with how often.
    fn alerts(&self) -> Vec<(String, String, usize)> {
        let (mut found, mut places) = (Vec::new(), BTreeMap::new());
        for mail in self.mails.mails() {
            let subject = header(&mail, "Subject");
            if !subject.starts_with("Firing") && !subject.starts_with("Resolved") {
                continue;
            }
            let id = header(&mail, "Message-ID");
            let place = *places.entry(id.clone()).or_insert_with(|| {
                found.push((id, subject, 0));
                found.len() - 1
            });
            found[place].2 += 1;
        }
        found
    }

    /// How many transitions of a kind there were so far; by the API, as a person sees them.
    async fn transitions(&self, state: &str, round: &str) -> Result<u64> {
        let path = format!("/api/v1/alert-events?state={state}&limit=500");
        let events = self.stack.server.get(&path, &self.watch.organization.key).await?;
        let of_round = |event: &&serde_json::Value| event["group"] == format!("round={round}");
        Ok(events["items"].as_array().context("a list")?.iter().filter(of_round).count() as u64)
    }

    async fn until_all(&self, state: &str, round: &str) -> Result<()> {
        until(&format!("all rules are {state}"), Duration::from_secs(120), async || {
            Ok(self.transitions(state, round).await? == self.rules)
        })
        .await?;
        Ok(())
    }

    async fn by_state(&self, state: &str) -> Result<usize> {
        let path = format!("/api/v1/notifications?state={state}&limit=500");
        let list = self.stack.server.get(&path, &self.watch.organization.key).await?;
        Ok(list["items"].as_array().context("a list")?.len())
    }

    /// Everything fires and is resolved while the mail server is in this mood; then it is well again. Says how long it took until
    /// the last mail was there.
    async fn outage(&self, mood: Mood, round: &str, least: Duration) -> Result<Duration> {
        let before = self.alerts().len();
        let wanted = before + usize::try_from(self.rules)? * 2;
        let begun = Instant::now();
        self.mails.is(mood);
        self.noise.is(Some(round));
        self.until_all("firing", round).await?;
        self.noise.is(None);
        self.until_all("ok", round).await?;
        tokio::time::sleep(least.saturating_sub(begun.elapsed())).await;
        ensure!(mood == Mood::Forgets || self.alerts().len() == before, "a mail got through");
        self.mails.is(Mood::Well);
        until(&format!("all mails have come after {mood:?}"), Duration::from_secs(120), async || {
            Ok(self.alerts().len() >= wanted && self.by_state("queued").await? == 0)
        })
        .await
    }
}

fn header(mail: &str, name: &str) -> String {
    let start = format!("{name}: ");
    mail.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().to_owned()
}

fn verification(mails: &[String]) -> Option<String> {
    let link = mails.iter().find_map(|mail| mail.split("/verify-email?token=").nth(1))?;
    Some(link.chars().take_while(|each| each.is_ascii_alphanumeric() || "-_".contains(*each)).collect())
}

async fn unreachable(lab: &Lab) -> Result<String> {
    let (rules, least) = (lab.rounds(30, 250), Duration::from_secs(lab.rounds(15, 600)));
    let post = Post::start(lab, rules).await?;
    let mut slowest = Duration::ZERO;
    for (number, mood) in [Mood::Down, Mood::Later, Mood::Hangs, Mood::Breaks].into_iter().enumerate() {
        slowest = slowest.max(post.outage(mood, &format!("r{number}"), least).await?);
    }
    let came = post.alerts();
    let repeats: usize = came.iter().map(|(_, _, times)| times - 1).sum();
    in_order(&came)?;
    ensure!(repeats == 0 && came.len() as u64 == rules * 8, "{} mails, {repeats} repeats", came.len());

    // a server that takes a mail and hangs up before it says so: the one case in which the same mail comes again
    post.mails.is(Mood::Forgets);
    post.noise.is(Some("forgets"));
    post.until_all("firing", "forgets").await?;
    tokio::time::sleep(Duration::from_secs(12)).await;
    post.mails.is(Mood::Well);
    until("all mails have come", Duration::from_secs(120), async || Ok(post.by_state("queued").await? == 0))
        .await?;
    let came = post.alerts();
    let repeated = came.iter().filter(|(_, _, times)| *times > 1).count();
    ensure!(came.len() as u64 == rules * 9, "{} mails by their ids", came.len());

    // refused for good: dead letters that are shown
    post.mails.is(Mood::Never);
    post.noise.is(None);
    post.until_all("ok", "forgets").await?;
    until("the refused ones are given up", Duration::from_secs(60), async || {
        Ok(post.by_state("failed").await? as u64 == rules)
    })
    .await?;
    Ok(format!(
        "{rules} rules fired and were resolved during each of four outages of {} s or more (connections cut, 450, silence, cut within DATA): {} of {} mails arrived, in order for each rule, none twice, the last {:.0} s after the end; \
         when the yes was lost, all arrived, {repeated} of them again under the same Message-ID; {rules} that were refused with 550 are dead letters in the delivery log",
        least.as_secs(),
        rules * 8,
        rules * 8,
        slowest.as_secs_f64()
    ))
}

/// A rule's mails say in turn that it fires and that it is resolved.
fn in_order(came: &[(String, String, usize)]) -> Result<()> {
    let mut last: BTreeMap<String, bool> = BTreeMap::new();
    for (_, subject, _) in came {
        let (word, rule) = subject.split_once(": ").context("a subject")?;
        let is_firing = word == "Firing";
        let before = last.insert(rule.to_owned(), is_firing);
        ensure!(before.unwrap_or(false) != is_firing, "out of order: {subject}");
    }
    Ok(())
}

async fn killed(lab: &Lab) -> Result<String> {
    let (rounds, rules) = (lab.rounds(3, 50), 12);
    let mut post = Post::start(lab, rules).await?;
    for round in 0..rounds {
        post.mails.after_next(post.stack.server.killer());
        post.noise.is(Some(&format!("r{round}")));
        until("the server is killed", Duration::from_secs(60), async || {
            Ok(!post.stack.server.is_running()?)
        })
        .await?;
        post.stack.server.start_again().await?;
        post.until_all("firing", &format!("r{round}")).await?;
    }
    post.noise.is(None);
    post.until_all("ok", &format!("r{}", rounds - 1)).await?;
    // what the killed process had claimed is free after a minute
    until("everything is sent", Duration::from_secs(150), async || Ok(post.by_state("queued").await? == 0))
        .await?;
    let came = post.alerts();
    let (repeated, most) = (
        came.iter().filter(|(_, _, times)| *times > 1).count(),
        came.iter().map(|(_, _, times)| *times).max().unwrap_or(0),
    );
    let wanted = usize::try_from(rounds * rules * 2)?;
    ensure!(came.len() == wanted, "{} of {wanted} mails arrived", came.len());
    ensure!(repeated <= usize::try_from(rounds)? * IN_FLIGHT, "{repeated} mails came again");
    ensure!(repeated > 0, "no kill fell between the yes and the note of it");
    Ok(format!(
        "killed {rounds} times right after the mail server’s 250, with up to {IN_FLIGHT} mails on their way: {wanted} of {wanted} mails arrived, {repeated} of them up to {most} times, each time under the same Message-ID. No design can give 0 here"
    ))
}
