//! The pipeline from a due rule to a mail, over a real database, with a search that answers from a table.

use super::AlertError;
use super::definition::Definition;
use super::history::{self, EventFilter};
use super::leases::LEASE_US;
use super::testing::{World, databases, header};
use crate::sight::{RowRule, Sight};
use crate::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use serde_json::json;

#[tokio::test]
async fn a_rule_fires_and_resolves_with_a_mail_each() {
    for db in databases().await {
        let world = World::new(db).await;
        let rule = world.rule(json!({"name": "5xx spike"})).await;
        world.search.value(3.0);
        world.minute(0).await;
        assert_eq!(world.state(rule).await, "ok");
        assert_eq!(world.mails().len(), 0);

        world.search.value(12.0);
        world.minute(1).await;
        world.minute(2).await;
        assert_eq!(world.state(rule).await, "firing");
        assert_eq!(world.subjects(), ["Firing: 5xx spike"]);
        assert!(world.mails()[0].contains("upstream *timeout* after 3s"), "{}", world.mails()[0]);

        world.search.value(2.0);
        world.minute(3).await;
        world.minute(4).await;
        assert_eq!(world.state(rule).await, "ok");
        assert_eq!(world.subjects(), ["Firing: 5xx spike", "Resolved: 5xx spike"]);
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_evaluations").await, 5);
    }
}

#[tokio::test]
async fn the_window_ends_before_the_slot_by_the_delay() {
    let world = World::new(databases().await.remove(0)).await;
    world.rule(json!({"window": "5m", "delay": "15s"})).await;
    world.minute(1).await;
    let ask = world.search.asked.lock().unwrap()[0].clone();
    assert_eq!(ask.to_us - ask.from_us, 5 * MINUTE_US);
    assert!(ask.to_us <= world.start + MINUTE_US - 15 * SECOND_US);
    assert_eq!(ask.sight, Sight::whole(world.scope));
}

#[tokio::test]
async fn each_group_has_its_own_mails() {
    for db in databases().await {
        let world = World::new(db).await;
        let rule = world.rule(json!({"name": "by source"})).await;
        world.search.by_source(&[("api", 12.0), ("web", 3.0)]);
        world.minute(0).await;
        world.search.by_source(&[("api", 12.0), ("web", 30.0)]);
        world.minute(1).await;
        world.search.by_source(&[("web", 30.0)]);
        world.minute(2).await;
        assert_eq!(
            world.subjects(),
            [
                "Firing: by source (source=api)",
                "Firing: by source (source=web)",
                "Resolved: by source (source=api)"
            ]
        );
        assert!(world.mails()[1].contains("source=api: 12"), "the other group that fires is in the mail");
        assert_eq!(world.state(rule).await, "firing");
    }
}

#[tokio::test]
async fn many_groups_at_once_make_one_mail() {
    let world = World::new(databases().await.remove(0)).await;
    world.rule(json!({"name": "storm"})).await;
    let names: Vec<String> = (0..30).map(|number| format!("web-{number:02}")).collect();
    world.search.by_source(&names.iter().map(|name| (name.as_str(), 11.0)).collect::<Vec<_>>());
    world.minute(0).await;
    assert_eq!(world.subjects(), ["Firing: storm (30 groups)"]);
    assert_eq!(world.count("SELECT COUNT(*) FROM alert_events").await, 30);
}

#[tokio::test]
async fn every_address_of_a_channel_gets_its_own_mail() {
    let world = World::new(databases().await.remove(0)).await;
    world.execute("INSERT INTO users (id, email, name, email_verified_at, created_at) VALUES (X'01', 'bob@acme.example', 'Bob', 1, 1)").await;
    world.execute("INSERT INTO memberships (organization_id, user_id, role, created_at) SELECT id, X'01', 'viewer', 1 FROM organizations").await;
    let channel = world.email_channel(&["ann@acme.example", "bob@acme.example"]).await;
    world.rule(json!({"channel_ids": [channel.id]})).await;
    world.search.value(12.0);
    world.minute(0).await;
    let mut to: Vec<_> = world.mails().iter().map(|mail| header(mail, "To")).collect();
    to.sort();
    assert_eq!(to, ["ann@acme.example", "bob@acme.example"]);
}

#[tokio::test]
async fn an_unconfirmed_address_gets_its_mail_once_it_is_confirmed() {
    let world = World::new(databases().await.remove(0)).await;
    world.execute("UPDATE users SET email_verified_at = NULL").await;
    world.rule(json!({})).await;
    world.search.value(12.0);
    world.minute(0).await;
    world.minute(1).await;
    assert_eq!(world.mails().len(), 0);
    let waiting = "SELECT COUNT(*) FROM alert_outbox WHERE state = 'queued' AND attempts = 0 AND last_error LIKE '%not confirmed%'";
    assert_eq!(world.count(waiting).await, 1);

    world.execute("UPDATE users SET email_verified_at = 1").await;
    world.minute(2).await;
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn somebody_who_left_the_organization_gets_nothing() {
    let world = World::new(databases().await.remove(0)).await;
    world.rule(json!({})).await;
    world.execute("DELETE FROM memberships").await;
    world.search.value(12.0);
    world.minute(0).await;
    assert_eq!(world.mails().len(), 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM alert_outbox WHERE state = 'failed'").await, 1);
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_tells_its_author_once() {
    for db in databases().await {
        let world = World::new(db).await;
        let rule = world.rule(json!({"name": "broken"})).await;
        world.search.fails("There is no column `n`.", true);
        for minute in 0..5 {
            world.minute(minute).await;
        }
        assert_eq!(world.state(rule).await, "error");
        assert_eq!(world.subjects(), ["Cannot be evaluated: broken"]);
        assert!(world.mails()[0].contains("There is no column `n`."));

        world.search.value(1.0);
        world.minute(5).await;
        assert_eq!(world.state(rule).await, "ok");
        assert_eq!(world.subjects().last().unwrap(), "Evaluated again: broken");
    }
}

#[tokio::test]
async fn two_nodes_make_one_notification_of_a_transition() {
    for db in databases().await {
        let world = World::new(db).await;
        let rules = 40;
        for _ in 0..rules {
            world.rule(json!({})).await;
        }
        let other = world.another_node("two");
        for minute in 0..4 {
            world.search.value(if minute % 2 == 0 { 12.0 } else { 1.0 });
            world.go_to(world.start + minute * MINUTE_US);
            let now = world.clock.now();
            world.scheduler.renew().await.unwrap();
            other.renew().await.unwrap();
            let (one, two) = tokio::join!(world.scheduler.run_due(now), other.run_due(now));
            assert_eq!(one.unwrap() + two.unwrap(), rules, "each rule counted once in minute {minute}");
        }
        let transitions = i64::try_from(rules).unwrap() * 4;
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_outbox").await, transitions);
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_events").await, transitions);
    }
}

#[tokio::test]
async fn a_node_that_slept_past_its_lease_writes_nothing() {
    for db in databases().await {
        let world = World::new(db).await;
        let rule = world.rule(json!({})).await;
        world.search.value(12.0);
        world.scheduler.renew().await.unwrap();
        let read_before_the_sleep =
            world.store().due(world.scheduler.owner(), world.start, 10).await.unwrap();
        assert_eq!(read_before_the_sleep.len(), 1);

        let heir = world.another_node("two");
        world.go_to(world.start + LEASE_US + SECOND_US);
        heir.renew().await.unwrap();
        let late = world.scheduler.evaluate(&read_before_the_sleep[0], world.clock.now()).await.unwrap();
        assert!(!late, "the heir has not even looked at the rule yet");
        assert_eq!(heir.run_due(world.clock.now()).await.unwrap(), 1);
        assert_eq!(world.state(rule).await, "firing");
        assert_eq!(world.count("SELECT COUNT(*) FROM alert_outbox").await, 1);
    }
}

#[tokio::test]
async fn a_rule_changed_during_its_evaluation_is_evaluated_anew() {
    let world = World::new(databases().await.remove(0)).await;
    world.rule(json!({})).await;
    world.search.value(12.0);
    world.scheduler.renew().await.unwrap();
    let read = world.store().due(world.scheduler.owner(), world.start, 10).await.unwrap().remove(0);
    let history = super::history::History::default();
    assert!(
        world.store().update(&read, read.project_id, &read.definition, &read.memory, &history).await.unwrap()
    );
    assert!(!world.scheduler.evaluate(&read, world.start).await.unwrap());
    assert_eq!(world.scheduler.run_due(world.clock.now() + SECOND_US).await.unwrap(), 1);
}

#[tokio::test]
async fn a_day_without_the_server_is_made_up_for_by_one_evaluation() {
    let world = World::new(databases().await.remove(0)).await;
    world.rule(json!({})).await;
    world.minute(0).await;
    world.minute(24 * 60).await;
    world.minute(24 * 60).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM alert_evaluations").await, 2);
}

#[tokio::test]
async fn a_clock_set_back_by_a_day_loses_and_doubles_nothing() {
    for db in databases().await {
        let world = World::new(db).await;
        let rule = world.rule(json!({"renotify": "0s"})).await;
        world.search.value(12.0);
        world.minute(0).await;
        for day in [1, 0, -1] {
            world.go_to(world.start + day * DAY_US + HOUR_US);
            world.scheduler.renew().await.unwrap();
            world.scheduler.run_due(world.clock.now()).await.unwrap();
            world.send().await;
        }
        assert_eq!(world.mails().len(), 1, "it fires all the time");
        world.search.value(1.0);
        world.go_to(world.clock.now() + MINUTE_US);
        world.scheduler.renew().await.unwrap();
        world.scheduler.run_due(world.clock.now()).await.unwrap();
        world.send().await;
        assert_eq!(world.state(rule).await, "ok");
        assert_eq!(world.mails().len(), 2);
    }
}

#[tokio::test]
async fn rules_that_ask_the_same_are_answered_by_one_search() {
    let world = World::new(databases().await.remove(0)).await;
    for threshold in 5..15 {
        world.rule(json!({"condition": {"op": ">", "threshold": threshold}})).await;
    }
    world.rule(json!({"query": "level:warn"})).await;
    world.search.value(9.5);
    world.minute(1).await;
    assert_eq!(world.search.asked.lock().unwrap().len(), 2);
    assert_eq!(world.count("SELECT COUNT(*) FROM alert_states WHERE state = 'firing'").await, 5);
    assert_eq!(world.count("SELECT COUNT(*) FROM alert_evaluations").await, 11);
}

/// What a backtest says of a rule is what the scheduler, the store and the state machine do with it, step by step.
#[test]
fn a_backtest_is_what_the_server_would_have_done() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    let value = prop::option::weighted(0.8, 0f64..20.0);
    let series = prop::collection::vec((value.clone(), value), 4..16);
    let rule = (0..3i64, 0..3i64, 1..4u8, 0..3usize, prop::option::of(5f64..10.0), prop::option::of(1..4u32));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 10, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(series, rule), |(series, (hold, keep, of, no_data, recovery, each_match))| {
        let no_data = ["ok", "alert", "keep"][no_data];
        let changes = json!({
            "query": "level:error | stats count() as n by source", "for": format!("{hold}m"), "renotify": "3m",
            "keep_firing_for": format!("{keep}m"), "windows": {"needed": of.div_ceil(2), "of": of},
            "no_data": no_data, "recovery_threshold": recovery, "each_match_per_hour": each_match,
        });
        let (done, told) = runtime.block_on(server_and_backtest(changes, &series));
        prop_assert_eq!(done, told);
        Ok(())
    });
    outcome.unwrap();
}

type Happened = std::collections::BTreeSet<(String, String, String)>;

async fn server_and_backtest(
    changes: serde_json::Value,
    series: &[(Option<f64>, Option<f64>)],
) -> (Happened, Happened) {
    let world = World::new(databases().await.remove(0)).await;
    let rule = world.rule(changes).await;
    let mut seen = Vec::new();
    for ((api, web), minute) in series.iter().zip(0..) {
        let groups = [("api", *api), ("web", *web)];
        let there: Vec<_> = groups.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        world.search.by_source(&there);
        world.minute(minute).await;
        let values = there.iter().map(|(name, value)| (format!("source={name}"), *value)).collect();
        seen.push(alert_rules::Seen { at_us: world.start + minute * MINUTE_US, values });
    }
    let filter = super::history::EventFilter { rule_id: Some(rule), limit: 500, ..Default::default() };
    let events = super::history::events(&world.db, &Sight::whole(world.scope), &filter).await.unwrap();
    let done = events.into_iter().map(|event| (event.group, event.kind, event.at)).collect();
    let machine = world.stored(rule).await.definition.rule(true);
    let told = alert_rules::replay(&machine, &seen).transitions.into_iter();
    let told = told.map(|each| (each.group, each.kind.as_str().to_owned(), crate::time::rfc3339(each.at_us)));
    (done, told.collect())
}

/// The definition of a rule that tells nobody.
fn quiet(name: &str) -> Definition {
    let body = json!({"name": name, "query": "level:error", "condition": {"op": ">", "threshold": 10}, "every": "1m"});
    Definition::parse(serde_json::from_value(body).unwrap()).unwrap()
}

#[tokio::test]
async fn a_rule_looks_through_the_row_rule_of_its_author_and_not_through_another_one() {
    for db in databases().await {
        let world = World::new(db).await;
        world.execute("UPDATE memberships SET row_rule = 'env:dev'").await;
        let through = |rule: &str| Sight::of(world.scope, Some(RowRule::stored(rule.into())));
        let rule = world.rule_through(through("env:dev"), &quiet("mine")).await;
        world.search.value(12.0);
        world.minute(0).await;
        assert_eq!(world.search.asked.lock().unwrap().last().unwrap().sight, through("env:dev"));
        assert_eq!(world.state(rule).await, "firing");

        for (minute, now) in [(1, "'env:prod'"), (3, "NULL")] {
            world.execute_text(format!("UPDATE memberships SET row_rule = {now}")).await;
            world.search.asked.lock().unwrap().clear();
            world.minute(minute).await;
            world.minute(minute + 1).await;
            assert_eq!(world.search.asked.lock().unwrap().len(), 0, "{now}: nothing is searched any more");
            let error = world.stored(rule).await.last_error.unwrap();
            assert!(error.contains("row rule of its author"), "{error}");
            assert_eq!(world.mails().len(), 1, "{now}: the author is told once");
        }
        world.execute("UPDATE memberships SET row_rule = 'env:dev'").await;
        world.minute(5).await;
        assert_eq!(world.search.asked.lock().unwrap().len(), 1, "with the old rule it goes on");
        world.execute("DELETE FROM memberships").await;
        world.minute(6).await;
        assert!(world.stored(rule).await.last_error.unwrap().contains("has left"));
    }
}

#[tokio::test]
async fn who_is_narrowed_later_has_no_rules_that_see_everything() {
    let world = World::new(databases().await.remove(0)).await;
    let rule = world.rule_through(Sight::whole(world.scope), &quiet("old")).await;
    world.search.value(12.0);
    world.minute(0).await;
    assert_eq!(world.state(rule).await, "firing");
    world.execute("UPDATE memberships SET row_rule = 'env:dev'").await;
    world.minute(1).await;
    assert_eq!(world.search.asked.lock().unwrap().len(), 1);
    assert_eq!(world.stored(rule).await.row_rule, None, "an admin still finds it");
}

#[tokio::test]
async fn who_has_a_row_rule_sees_the_rules_that_look_through_the_same() {
    for db in databases().await {
        let world = World::new(db).await;
        let through = |rule: &str| Sight::of(world.scope, Some(RowRule::stored(rule.into())));
        let (dev, prod, whole) = (through("env:dev"), through("env:prod"), Sight::whole(world.scope));
        let mut rules = Vec::new();
        for (name, sight) in [("a", &dev), ("b", &prod), ("c", &whole)] {
            rules.push(world.rule_through(sight.clone(), &quiet(name)).await);
        }
        world.search.value(12.0);
        world.execute("DELETE FROM memberships").await;
        let names = async |sight: &Sight| {
            let rules = world.store().list(sight, None, 10).await.unwrap();
            rules.into_iter().map(|rule| rule.definition.wire.name).collect::<Vec<_>>().join("")
        };
        assert_eq!(
            [names(&dev).await, names(&prod).await, names(&whole).await],
            ["a".to_owned(), "b".into(), "cba".into()]
        );
        assert!(world.store().get(&dev, rules[0]).await.is_ok());
        for (sight, id) in [(&dev, rules[1]), (&dev, rules[2]), (&prod, rules[0])] {
            assert!(matches!(world.store().get(sight, id).await, Err(AlertError::NotFound)));
        }
        world.minute(0).await;
        let filter = EventFilter { limit: 10, ..EventFilter::default() };
        let seen = async |sight: &Sight| history::events(&world.db, sight, &filter).await.unwrap().len();
        assert_eq!((seen(&dev).await, seen(&prod).await, seen(&whole).await), (1, 1, 3));
    }
}
