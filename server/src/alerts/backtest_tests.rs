//! A backtest says what the server would have done: both are run over random series, and nothing may differ.

use super::definition::Definition;
use super::evaluate::{Evaluation, GroupValue};
use super::history::{self, EventFilter};
use super::testing::{World, databases};
use crate::sight::Sight;
use crate::time::{MINUTE_US, rfc3339};
use alert_rules::{Seen, Transition, replay};
use api_types::alerts::AlertEvent;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What each minute showed: for each of three groups a value, or that it was not there.
type Minutes = Vec<[Option<u8>; 3]>;

fn minutes() -> impl Strategy<Value = Minutes> {
    let value = prop_oneof![2 => Just(None), 5 => (0_u8..12).prop_map(Some)];
    // long stretches, so that holds, windows and recoveries come to their end
    let stretch = (prop::array::uniform3(value), 1_usize..5).prop_map(|(values, times)| vec![values; times]);
    prop::collection::vec(stretch, 1..14).prop_map(|stretches| stretches.concat())
}

fn rules() -> impl Strategy<Value = Value> {
    let minutes = prop_oneof![Just("0s"), Just("1m"), Just("2m")];
    let condition = prop_oneof![Just((">", 6.0)), Just((">=", 4.0)), Just(("<", 3.0)), Just(("==", 5.0))];
    let no_data = prop_oneof![Just("ok"), Just("alert"), Just("keep")];
    let each = prop_oneof![4 => Just(None), 1 => Just(Some(3))];
    let parts = (condition, minutes.clone(), minutes, no_data, 1_u8..4, each, any::<(bool, bool)>());
    parts.prop_map(|((op, threshold), hold, keep, no_data, of, each, (recovers, repeats))| {
        let mut rule = json!({
            "name": "r", "query": "* | stats count() as n by source", "condition": {"op": op, "threshold": threshold},
            "for": hold, "keep_firing_for": keep, "no_data": no_data, "windows": {"needed": of.div_ceil(2), "of": of},
            "renotify": if repeats { "3m" } else { "0s" }, "channel_ids": [],
        });
        if let Some(each) = each {
            rule["each_match_per_hour"] = json!(each);
        }
        if recovers && op != "==" {
            rule["recovery_threshold"] = json!(threshold);
        }
        rule
    })
}

fn values(minute: &[Option<u8>; 3], grouped: bool) -> BTreeMap<String, f64> {
    let named = minute.iter().enumerate().filter_map(|(group, value)| Some((group, f64::from((*value)?))));
    if grouped {
        named.map(|(group, value)| (format!("source=s{group}"), value)).collect()
    } else {
        named.take(1).map(|(_, value)| (String::new(), value)).collect()
    }
}

fn evaluation(minute: &[Option<u8>; 3], grouped: bool) -> Evaluation {
    let group = |(name, value): (String, f64)| GroupValue {
        labels: name
            .split_once('=')
            .map(|(field, value)| (field.into(), Some(value.into())))
            .into_iter()
            .collect(),
        value: Some(value),
    };
    Evaluation {
        grouped,
        column: "n".into(),
        groups: values(minute, grouped).into_iter().map(group).collect(),
    }
}

/// What both say of a transition.
type Line = (String, String, String, String, Option<f64>, String);

fn of_server(event: AlertEvent) -> Line {
    (event.at, event.group, event.kind, event.from_state + "→" + &event.to_state, event.value, event.reason)
}

fn of_replay(each: &Transition) -> Line {
    let way = format!("{}→{}", each.from.as_str(), each.to.as_str());
    (rfc3339(each.at_us), each.group.clone(), each.kind.as_str().into(), way, each.value, each.reason.clone())
}

async fn compare(rule: Value, minutes: Minutes, grouped: bool) {
    let world = World::new(databases().await.remove(0)).await;
    world.rule(rule.clone()).await;
    let mut series = Vec::new();
    for (minute, shown) in minutes.iter().enumerate() {
        world.search.answers(evaluation(shown, grouped));
        let at_us = world.start + minute as i64 * MINUTE_US;
        world.go_to(at_us);
        world.scheduler.renew().await.unwrap();
        assert_eq!(world.scheduler.run_due(at_us).await.unwrap(), 1, "one evaluation a minute");
        series.push(Seen { at_us, values: values(shown, grouped) });
    }
    let filter = EventFilter { limit: 10_000, ..EventFilter::default() };
    let mut events = history::events(&world.db, &Sight::whole(world.scope), &filter).await.unwrap();
    events.reverse();
    let server: Vec<Line> = events.into_iter().map(of_server).collect();
    let definition = Definition::parse(serde_json::from_value(rule).unwrap()).unwrap();
    let replayed = replay(&definition.rule(grouped), &series);
    let backtest: Vec<Line> = replayed.transitions.iter().map(of_replay).collect();
    assert_eq!(server, backtest);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_backtest_is_what_the_server_would_have_done(rule in rules(), minutes in minutes(), grouped: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(rule, minutes, grouped));
    }
}
