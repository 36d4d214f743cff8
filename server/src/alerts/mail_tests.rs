//! Mails by SMTP, to a server that is well, away, full, wrong, or gone in the middle.

use super::mail_server::{MailServer, Mood};
use super::testing::{World, databases, header};
use crate::time::{MINUTE_US, SECOND_US};
use serde_json::json;
use std::collections::HashMap;

const RULES: usize = 12;

async fn world() -> (World, MailServer) {
    let server = MailServer::start().await;
    let world = World::with_mail_server(databases().await.remove(0), &server.url).await;
    (world, server)
}

#[tokio::test]
async fn a_mail_arrives_with_text_html_and_picture() {
    let (world, server) = world().await;
    world.rule(json!({"name": "5xx spike"})).await;
    for (minute, value) in [(0, 1.0), (1, 2.0), (2, 3.0), (3, 12.0)] {
        world.search.value(value);
        world.minute(minute).await;
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(header(mail, "To"), "ann@acme.example");
    assert_eq!(header(mail, "Subject"), "Firing: 5xx spike");
    assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
    assert!(header(mail, "Message-ID").starts_with('<'));
    assert!(mail.contains("multipart/alternative") && mail.contains("height:48px"), "{mail}");
}

/// Twelve rules fire while the server has a mood; ten minutes later it is well again.
async fn an_outage(mood: Mood) -> (World, MailServer) {
    let (world, server) = world().await;
    for number in 0..RULES {
        world.rule(json!({"name": format!("rule {number}")})).await;
    }
    server.is(mood);
    world.search.value(12.0);
    world.minute(0).await;
    world.search.value(1.0);
    world.minute(1).await;
    for step in 2..12 {
        world.go_to(world.start + step * MINUTE_US);
        world.send().await;
    }
    server.is(Mood::Well);
    for step in 0..8 {
        world.go_to(world.start + 12 * MINUTE_US + step * 15 * SECOND_US);
        world.send().await;
    }
    (world, server)
}

fn assert_all_are_there_in_order(server: &MailServer) {
    let mut by_rule: HashMap<String, Vec<String>> = HashMap::new();
    for mail in server.mails() {
        let subject = header(&mail, "Subject");
        let (what, rule) = subject.split_once(": ").unwrap();
        by_rule.entry(rule.to_owned()).or_default().push(what.to_owned());
    }
    assert_eq!(by_rule.len(), RULES, "all rules were told of within two minutes after the return");
    for (rule, told) in by_rule {
        assert_eq!(told, ["Firing", "Resolved"], "{rule}");
    }
}

#[tokio::test]
async fn while_the_mail_server_is_away_nothing_is_lost_doubled_or_reordered() {
    for mood in [Mood::Down, Mood::Later, Mood::Breaks] {
        let (world, server) = an_outage(mood).await;
        assert_all_are_there_in_order(&server);
        assert_eq!(
            world.count("SELECT COUNT(*) FROM alert_outbox WHERE state <> 'sent'").await,
            0,
            "{mood:?}"
        );
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_a_dead_letter_that_can_be_sent_again() {
    let (world, server) = world().await;
    world.rule(json!({})).await;
    server.is(Mood::Never);
    world.search.value(12.0);
    world.minute(0).await;
    let dead = "SELECT COUNT(*) FROM alert_outbox WHERE state = 'failed' AND last_error LIKE '%550%'";
    assert_eq!((server.mails().len(), world.count(dead).await), (0, 1));

    server.is(Mood::Well);
    world.execute("UPDATE alert_outbox SET state = 'queued', next_attempt_at = 1, claimed_until = 0 WHERE state = 'failed'").await;
    world.send().await;
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_that_was_taken_without_a_word_is_repeated_under_the_same_id() {
    let (world, server) = world().await;
    world.rule(json!({})).await;
    server.is(Mood::Forgets);
    world.search.value(12.0);
    world.minute(0).await;
    server.is(Mood::Well);
    world.go_to(world.clock.now() + MINUTE_US);
    world.send().await;
    let ids: Vec<_> = server.mails().iter().map(|mail| header(mail, "Message-ID")).collect();
    assert!(ids.len() >= 2 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}
