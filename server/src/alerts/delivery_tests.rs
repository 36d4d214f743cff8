//! From a transition to what a webhook receives: retries, order, dead letters, the breaker, and the links of a message.

use super::channel_config::ChannelConfig;
use super::receiver::Receiver;
use super::testing::{World, databases};
use crate::time::{HOUR_US, MINUTE_US, SECOND_US};
use serde_json::json;

async fn webhook(world: &World, receiver: &Receiver) -> String {
    let config = ChannelConfig::Webhook { url: receiver.url.clone(), secret: "s".repeat(20), body: None };
    world.channel(config).await.id.to_string()
}

#[tokio::test]
async fn a_webhook_hears_of_firing_and_resolution_in_order() {
    for db in databases().await {
        let (world, receiver) = (World::new(db).await, Receiver::start().await);
        let channel = webhook(&world, &receiver).await;
        world.rule(json!({"name": "5xx", "channel_ids": [channel]})).await;
        for (minute, value) in [(0, 12.0), (1, 13.0), (2, 1.0)] {
            world.search.value(value);
            world.minute(minute).await;
        }
        let bodies: Vec<_> = receiver.received().iter().map(|request| request.json()).collect();
        let events: Vec<_> = bodies.iter().map(|body| body["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["fired", "resolved"]);
        assert_eq!(bodies[0]["value"], 12.0);
        assert_eq!(bodies[0]["samples"][0]["marks"], json!([[9, 16]]));
        assert_eq!(
            (&bodies[0]["links"]["mute"].is_string(), &bodies[1]["links"]["mute"].is_null()),
            (&true, &true)
        );
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_with_the_same_id_and_later_news_wait_for_it() {
    for db in databases().await {
        let (world, receiver) = (World::new(db).await, Receiver::start().await);
        let channel = webhook(&world, &receiver).await;
        world.rule(json!({"channel_ids": [channel]})).await;
        receiver.answer([500, 503]);
        world.search.value(12.0);
        world.minute(0).await;
        world.search.value(1.0);
        world.minute(1).await;
        world.minute(2).await;
        let ids: Vec<_> = receiver
            .received()
            .iter()
            .map(|request| request.header("x-notification-id").to_owned())
            .collect();
        let events: Vec<_> = receiver
            .received()
            .iter()
            .map(|request| request.json()["event"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(events, ["fired", "fired", "fired", "resolved"]);
        assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_deliveries WHERE outcome = 'retry'").await, 2);
        assert_eq!(
            world.count("SELECT COUNT(*) FROM alert_outbox WHERE state = 'sent' AND attempts = 3").await,
            1
        );
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_a_dead_letter_and_does_not_block_the_next() {
    let (world, receiver) = (World::new(databases().await.remove(0)).await, Receiver::start().await);
    let channel = webhook(&world, &receiver).await;
    world.rule(json!({"channel_ids": [channel]})).await;
    receiver.answer([410]);
    world.search.value(12.0);
    world.minute(0).await;
    world.search.value(1.0);
    world.minute(1).await;
    assert_eq!(receiver.received().len(), 2);
    let dead = "SELECT COUNT(*) FROM alert_outbox WHERE state = 'failed' AND last_error LIKE '%410%'";
    assert_eq!(world.count(dead).await, 1);
}

#[tokio::test]
async fn a_target_that_is_down_is_only_probed_and_gets_everything_when_it_is_back() {
    let (world, receiver) = (World::new(databases().await.remove(0)).await, Receiver::start().await);
    let channel = webhook(&world, &receiver).await;
    for _ in 0..30 {
        world.rule(json!({"channel_ids": [channel]})).await;
    }
    receiver.answer([503; 40]);
    world.search.value(12.0);
    world.minute(0).await;
    let tried = receiver.received().len();
    assert!(tried < 30, "the breaker opened after some of the {tried} calls");
    // the target is away for an hour, which is tried now and then
    for minute in 1..60 {
        world.go_to(world.start + minute * MINUTE_US);
        world.send().await;
    }
    let during_the_hour = receiver.received().len();
    assert!(during_the_hour < 400, "{during_the_hour} calls to a target that is down");
    world.go_to(world.start + 2 * HOUR_US);
    world.send().await;
    world.go_to(world.start + 2 * HOUR_US + MINUTE_US);
    world.send().await;
    let sent = world.count("SELECT COUNT(*) FROM alert_outbox WHERE state = 'sent'").await;
    assert_eq!(sent, 30, "all are there soon after the target is back");
}

#[tokio::test]
async fn one_target_that_is_down_does_not_hold_up_another() {
    let world = World::new(databases().await.remove(0)).await;
    let (down, up) = (Receiver::start().await, Receiver::start().await);
    let (one, other) = (webhook(&world, &down).await, webhook(&world, &up).await);
    for _ in 0..20 {
        world.rule(json!({"channel_ids": [one, other]})).await;
    }
    down.answer([503; 100]);
    world.search.value(12.0);
    world.minute(0).await;
    assert_eq!(up.received().len(), 20);
}

#[tokio::test]
async fn an_address_in_a_private_network_is_refused_when_the_message_leaves() {
    let world = World::new(databases().await.remove(0)).await;
    // it was public when it was saved, or was saved before the guard
    let config = ChannelConfig::Slack { url: "https://10.0.0.1/services/x".into() };
    let channel = world.channel(config).await;
    world.rule(json!({"channel_ids": [channel.id]})).await;
    world.search.value(12.0);
    world.minute(0).await;
    let refused =
        "SELECT COUNT(*) FROM alert_outbox WHERE state = 'failed' AND last_error LIKE '%private network%'";
    assert_eq!(world.count(refused).await, 1);
}

#[tokio::test]
async fn a_channel_whose_key_is_lost_fails_loudly_and_mails_go_on() {
    let world = World::new(databases().await.remove(0)).await;
    let receiver = Receiver::start().await;
    let channel = webhook(&world, &receiver).await;
    let mail = world.email_channel(&["ann@acme.example"]).await;
    world.rule(json!({"channel_ids": [channel, mail.id]})).await;
    world.execute("UPDATE notification_channels SET config = 's1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' WHERE kind = 'webhook'").await;
    world.search.value(12.0);
    world.minute(0).await;
    assert_eq!((receiver.received().len(), world.mails().len()), (0, 1));
    let told =
        "SELECT COUNT(*) FROM alert_outbox WHERE state = 'failed' AND last_error LIKE '%enter them again%'";
    assert_eq!(world.count(told).await, 1);
}

#[tokio::test]
async fn a_retry_after_a_passing_failure_comes_within_seconds() {
    let (world, receiver) = (World::new(databases().await.remove(0)).await, Receiver::start().await);
    let channel = webhook(&world, &receiver).await;
    world.rule(json!({"channel_ids": [channel]})).await;
    receiver.answer([500]);
    world.search.value(12.0);
    world.minute(0).await;
    world.go_to(world.clock.now() + 5 * SECOND_US);
    world.send().await;
    assert_eq!(receiver.received().len(), 1, "not at once");
    world.go_to(world.clock.now() + 7 * SECOND_US);
    world.send().await;
    assert_eq!(receiver.received().len(), 2);
}
