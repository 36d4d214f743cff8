//! Conditions that look at the past, evaluated by a real engine, and the backtest beside them.

use crate::harness::logs::LogApp;
use crate::harness::{Org, eventually};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many events, that long ago.
fn some(count: usize, seconds_ago: i64, event: &Value) -> Vec<Value> {
    let time = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds_ago)).to_string();
    let mut event = event.clone();
    event["timestamp"] = json!(time);
    vec![event; count]
}

async fn rule(org: &Org, name: &str, changes: Value) -> Value {
    let mut body = json!({"name": name, "window": "5m", "every": "1m", "delay": "0s"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let made = org.post("/api/v1/alert-rules", body).await.expect(201).body;
    let path = format!("/api/v1/alert-rules/{}", made["id"].as_str().unwrap());
    eventually("the rule to be evaluated", async || {
        let rule = org.get(&path).await.expect(200).body;
        (!rule["last_evaluated_at"].is_null()).then_some(rule)
    })
    .await
}

/// State and value of each group.
fn groups(rule: &Value) -> BTreeMap<String, (String, f64)> {
    let group = |group: &Value| {
        let text = |member: &str| group[member].as_str().unwrap().to_owned();
        (text("group"), (text("state"), group["value"].as_f64().unwrap()))
    };
    rule["groups"].as_array().unwrap().iter().map(group).collect()
}

/// A minute's slot lies up to a minute back: these times are within their five minutes wherever it lies.
const NOW: i64 = 90;
const BEFORE: i64 = 400;

#[tokio::test]
async fn rules_compare_with_the_past_as_their_condition_says() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let order = |region: &str| json!({"source": "orders", "region": region, "message": "order placed"});
    let login = json!({"source": "logins", "message": "login"});
    let payment = json!({"source": "payments", "message": "paid"});
    let error = |message: &str| json!({"source": "api", "level": "error", "message": message});
    let mut events = [some(10, BEFORE, &order("eu")), some(10, BEFORE, &order("us"))].concat();
    events.extend([some(2, NOW, &order("eu")), some(38, NOW, &order("us"))].concat());
    for (window, count) in [10, 11, 9, 10, 12, 10, 11, 9, 10, 11, 12, 10].into_iter().enumerate() {
        events.extend(some(count, NOW + 300 * (window as i64 + 1), &login));
        events.extend(some(count, NOW + 300 * (window as i64 + 1), &payment));
    }
    events.extend([some(60, NOW, &login), some(11, NOW, &payment)].concat());
    events
        .extend([some(3, 1_800, &error("disk 1 is full")), some(2, NOW, &error("disk 7 is full"))].concat());
    events.extend(some(4, NOW, &error("cannot reach the payment provider")));
    acme.send(&events).await;

    let condition = json!({"op": "change_pct", "threshold": 90});
    let more = rule(&acme, "more orders", json!({"query": "source:orders", "condition": condition})).await;
    assert_eq!((&more["state"], &more["last_value"]), (&json!("firing"), &json!(100.0)), "{more}");

    let condition = json!({"op": "change_pct", "threshold": 50, "direction": "down"});
    let query = "source:orders | stats count() as n by region";
    let fewer = rule(&acme, "fewer somewhere", json!({"query": query, "condition": condition})).await;
    let expected = [("region=eu", "firing", 80.0), ("region=us", "ok", -280.0)];
    let expected = expected.map(|(group, state, value)| (group.to_owned(), (state.to_owned(), value)));
    assert_eq!(groups(&fewer), expected.into(), "{fewer}");

    let condition = json!({"op": "anomaly", "threshold": 3.5, "direction": "both"});
    let unusual = rule(&acme, "unusual", json!({"query": "source:logins", "condition": condition})).await;
    assert_eq!(unusual["state"], "firing", "{unusual}");
    // median 10, and usually 1 away from it
    assert!((unusual["last_value"].as_f64().unwrap() - 0.6745 * 50.0).abs() < 0.7, "{unusual}");
    let condition = json!({"op": "anomaly", "threshold": 3.5});
    let usual = rule(&acme, "usual", json!({"query": "source:payments", "condition": condition})).await;
    assert_eq!(usual["state"], "ok", "{usual}");
    assert!(usual["last_value"].as_f64().unwrap() < 1.0, "{usual}");

    let condition = json!({"op": "new", "threshold": 0, "baseline": "1h"});
    let patterns = json!({"query": "level>=error | patterns", "value": "count", "condition": condition});
    let new = rule(&acme, "new error", patterns).await;
    let firing: Vec<_> = groups(&new).into_iter().filter(|(_, (state, _))| state == "firing").collect();
    assert_eq!(firing.len(), 1, "{new}");
    assert!(firing[0].0.contains("payment provider") && (firing[0].1).1 == 4.0, "{new}");
    let why = format!("/api/v1/alert-rules/{}/why", new["id"].as_str().unwrap());
    let why = acme.get(&why).await.expect(200).body;
    assert!(why["reasons"][0].as_str().unwrap().contains("meets the condition"), "{why}");
}

/// A series that one search makes from bins, and the same evaluated window by window.
async fn both_series(acme: &Org, query: &str, value: &str, more: Value) -> [Value; 2] {
    let mut series = Vec::new();
    for (query, value) in [(query.to_owned(), value), (format!("{query} | eval again = {value}"), "again")] {
        let mut body = json!({"name": "r", "query": query, "value": value, "every": "1m", "delay": "0s"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        series.push(acme.post("/api/v1/alert-rules/preview", body).await.expect(200).body);
    }
    series.try_into().unwrap()
}

fn at_times(preview: &Value, group: &str) -> BTreeMap<i64, f64> {
    let (first, step) = (preview["first_ms"].as_i64().unwrap(), preview["interval_ms"].as_i64().unwrap());
    let series = preview["series"].as_array().unwrap().iter().find(|series| series["group"] == group);
    let values = series.map_or(&[][..], |series| series["values"].as_array().unwrap());
    let value = |(index, value): (usize, &Value)| Some((first + index as i64 * step, value.as_f64()?));
    values.iter().enumerate().filter_map(value).collect()
}

#[tokio::test]
async fn a_backtest_from_bins_sees_what_each_window_holds() {
    let logs = LogApp::spawn().await;
    let acme = logs.app.org("acme").await;
    let mut events = Vec::new();
    for minute in 0..1_300_i64 {
        let count = (minute * 7 + minute / 60) % 4;
        let group = json!({"source": "a", "region": if minute % 3 == 0 { "eu" } else { "us" }, "ms": minute % 97, "message": "x"});
        events.extend(some(count as usize, minute * 60, &group));
    }
    acme.send(&events).await;
    let by_region = "source:a | stats count() as n by region";
    for (query, value, more) in [
        (by_region, "n", json!({"window": "20m", "condition": {"op": ">", "threshold": 9}})),
        (
            "source:a | stats max(ms) as top",
            "top",
            json!({"window": "5m", "condition": {"op": ">", "threshold": 90}}),
        ),
        (
            by_region,
            "n",
            json!({"window": "30m", "condition": {"op": "change_pct", "threshold": 20, "baseline": "1h", "direction": "both"}}),
        ),
    ] {
        let [bins, single] = both_series(&acme, query, value, more).await;
        assert!(bins["interval_ms"].as_i64() < single["interval_ms"].as_i64(), "they are made differently");
        let groups = if query.contains("by region") { vec!["region=eu", "region=us"] } else { vec![""] };
        for group in groups {
            let (bins, single) = (at_times(&bins, group), at_times(&single, group));
            let common: Vec<_> = single.iter().filter(|(at, _)| bins.contains_key(at)).collect();
            // the newest window may have been counted a moment earlier than in the other answer
            assert!(
                common.len() + 2 >= single.len() && common.len() > 20,
                "{query}: {} of {}",
                common.len(),
                single.len()
            );
            for (at, value) in common {
                assert!((bins[at] - value).abs() < 1e-6, "{query} {group} at {at}: {} and {value}", bins[at]);
            }
        }
    }
}
