//! Every transition as a line of a table: a rule, what was seen minute by minute, and what happened.
//!
//! Seen: `12` a value, `-` none, `a=12,b=3` values of groups, `E` a failure that may pass, `L` a lasting one.
//! Happened: `.` nothing, else transitions joined by `+`; `!` somebody is told, `~` would be but for a mute; a group's name before `:`.

#![allow(clippy::unwrap_used)] // a test may stop right there

use alert_rules::{
    Condition, Kind, Micros, Mutes, NoData, Notify, Observation, Op, Rule, RuleState, Seen, State,
    Transition, Windows, close, replay, step,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MINUTE: Micros = 60_000_000;
const START: Micros = 1_700_000_000_000_000;

fn rule() -> Rule {
    Rule {
        condition: Condition { op: Op::Above, threshold: 10.0 },
        recovery_threshold: None,
        for_us: 0,
        keep_firing_for_us: 0,
        windows: Windows::default(),
        no_data: NoData::Ok,
        renotify_us: None,
        each_match_per_hour: None,
        grouped: false,
        group_cap: 1_000,
    }
}

fn grouped() -> Rule {
    Rule { grouped: true, ..rule() }
}

fn seen(token: &str) -> Observation {
    let value = |text: &str| text.parse::<f64>().unwrap();
    match token {
        "E" => Observation::Failed { reason: "engine away".into(), lasting: false },
        "L" => Observation::Failed { reason: "unknown field".into(), lasting: true },
        "-" => Observation::Values(BTreeMap::new()),
        groups if groups.contains('=') => Observation::Values(
            groups
                .split(',')
                .map(|each| each.split_once('=').unwrap())
                .map(|(k, v)| (k.into(), value(v)))
                .collect(),
        ),
        single => Observation::Values([(String::new(), value(single))].into()),
    }
}

fn told(transition: &Transition) -> String {
    let mark = match transition.notify {
        Notify::No => "",
        Notify::Yes => "!",
        Notify::Muted => "~",
    };
    let group = if transition.group.is_empty() { String::new() } else { format!("{}:", transition.group) };
    format!("{group}{}{mark}", transition.kind.as_str())
}

fn run(rule: &Rule, mutes: &Mutes, tokens: &str) -> (String, RuleState, Vec<Transition>) {
    let (mut state, mut now, mut lines, mut all) = (RuleState::default(), START, Vec::new(), Vec::new());
    for token in tokens.split_whitespace() {
        let (next, transitions) = step(state, seen(token), now, rule, mutes);
        // what is stored is what is read back
        state = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
        assert_eq!(state, next);
        let line = transitions.iter().map(told).collect::<Vec<_>>().join("+");
        lines.push(if line.is_empty() { ".".into() } else { line });
        all.extend(transitions);
        now += MINUTE;
    }
    (lines.join(" "), state, all)
}

#[test]
fn each_transition_is_a_line_of_this_table() {
    let for_2m = Rule { for_us: 2 * MINUTE, ..rule() };
    let keep_2m = Rule { keep_firing_for_us: 2 * MINUTE, ..rule() };
    let recovery_5 = Rule { recovery_threshold: Some(5.0), ..rule() };
    let two_of_three = Rule { windows: Windows { needed: 2, of: 3 }, ..rule() };
    let below = Rule { condition: Condition { op: Op::Below, threshold: 1.0 }, ..rule() };
    let renotify_2m = Rule { renotify_us: Some(2 * MINUTE), ..rule() };
    let each_match = Rule { each_match_per_hour: Some(3), ..rule() };
    let alert = Rule { no_data: NoData::Alert, ..rule() };
    let alert_for_1m = Rule { for_us: MINUTE, ..alert.clone() };
    let keep = Rule { no_data: NoData::Keep, ..rule() };
    let grouped_alert = Rule { no_data: NoData::Alert, ..grouped() };
    let grouped_keep = Rule { no_data: NoData::Keep, ..grouped() };
    let two_groups = Rule { group_cap: 2, ..grouped() };
    #[rustfmt::skip]
    let table: &[(&str, &Rule, &str, &str)] = &[
        ("well stays well",                    &rule(),        "3 10 0",          ". . ."),
        ("fires at once without `for`",        &rule(),        "3 11 12",         ". fired! ."),
        ("resolves at once",                   &rule(),        "11 10",           "fired! resolved!"),
        ("fires again as a new episode",       &rule(),        "11 10 11",        "fired! resolved! fired!"),
        ("below works the other way round",    &below,         "1 0 1",           ". fired! resolved!"),
        ("pending until `for` has passed",     &for_2m,        "11 11 11 11",     "pending . fired! ."),
        ("pending and well again",             &for_2m,        "11 11 3 11",      "pending . cleared pending"),
        ("well for a while before resolved",   &keep_2m,       "11 3 3 3",        "fired! . . resolved!"),
        ("bad again starts the wait anew",     &keep_2m,       "11 3 11 3 3 3",   "fired! . . . . resolved!"),
        ("recovers beyond its own threshold",  &recovery_5,    "11 8 6 5",        "fired! . . resolved!"),
        ("fires at the threshold, not there",  &recovery_5,    "8 10 11",         ". . fired!"),
        ("two of three windows",               &two_of_three,  "11 3 11 11 3 3",  ". . fired! . . resolved!"),
        ("one of three is not enough",         &two_of_three,  "11 3 3 11 3 3",   ". . . . . ."),
        ("says it again after `renotify`",     &renotify_2m,   "11 11 11 11 11 3","fired! . renotified! . renotified! resolved!"),
        ("never again without it",             &rule(),        "11 11 11 11",     "fired! . . ."),
        ("each match is told, up to the cap",  &each_match,    "11 12 3 13 14 15","fired! renotified! resolved fired! . ."),
        ("nothing matches: well",              &rule(),        "- 11 - -",        ". fired! resolved! ."),
        ("no data tells somebody",             &alert,         "3 - - 3",         ". no_data! . resolved!"),
        ("no data from the start",             &alert,         "- 3",             "no_data! resolved!"),
        ("no data waits for `for` too",        &alert_for_1m,  "- - 3",           "pending no_data! resolved!"),
        ("from firing to no data and back",    &alert,         "11 - 11 3",       "fired! no_data! fired! resolved!"),
        ("no data keeps what was",             &keep,          "11 - - 3 - -",    "fired! . . resolved! . ."),
        ("not a number is no value",           &alert,         "NaN inf",         "no_data! ."),
        ("groups go their own ways",           &grouped(),     "a=11,b=3 a=12,b=11 a=3,b=12", "a:fired! b:fired! a:resolved!"),
        ("a group that vanishes is well",      &grouped(),     "a=11,b=3 b=3",    "a:fired! a:resolved!"),
        ("no groups at all are well",          &grouped(),     "- a=11 -",        ". a:fired! a:resolved!"),
        ("a group that vanishes is missed",    &grouped_alert, "a=3,b=3 b=3 a=3,b=3", ". a:no_data! a:resolved!"),
        ("no group ever seen is missed",       &grouped_alert, "- - a=3",         "no_data! . resolved!"),
        ("a vanished group keeps firing",      &grouped_keep,  "a=11 b=3 a=3",    "a:fired! . a:resolved!"),
        ("the cap keeps the bad groups",       &two_groups,    "a=1,b=2,c=11 a=1,b=2,c=11", "c:fired! ."),
        ("a passing failure is told after 3",  &rule(),        "3 E E E E 3",     ". failed . failed! . restored!"),
        ("a lasting failure is told at once",  &rule(),        "3 L L 3",         ". failed! . restored!"),
        ("one failure troubles nobody",        &rule(),        "E 3",             "failed restored"),
        ("a failure resolves nothing",         &rule(),        "11 E 11 3",       "fired! failed restored resolved!"),
        ("resolved right after a failure",     &rule(),        "11 E 3",          "fired! failed restored+resolved!"),
        ("flapping holds it longer",           &rule(),        "11 3 11 3 11 3 11 3 11 3 11 3 3 3 3 3 3",
            "fired! resolved! fired! resolved! fired! resolved! fired! resolved! fired! resolved! fired! . . . . . resolved!"),
    ];
    for (name, rule, tokens, expected) in table {
        let (happened, _, _) = run(rule, &Mutes::default(), tokens);
        assert_eq!(happened, *expected, "{name}");
    }
}

#[test]
fn a_mute_silences_the_messages_and_not_the_states() {
    let until = |minutes: i64| Mutes { rule_until_us: Some(START + minutes * MINUTE), ..Mutes::default() };
    let of_group =
        Mutes { groups_until_us: [("a".to_owned(), START + 9 * MINUTE)].into(), ..Mutes::default() };
    #[rustfmt::skip]
    let table: &[(&str, Rule, Mutes, &str, &str)] = &[
        ("fires silently",                     rule(),    until(9), "3 11 3",            ". fired~ resolved"),
        ("is told when the mute has ended",    rule(),    until(3), "3 11 11 11 11 3",   ". fired~ . renotified! . resolved!"),
        ("one group is muted, not the other",  grouped(), of_group, "a=11,b=11 a=3,b=3", "a:fired~+b:fired! a:resolved+b:resolved!"),
    ];
    for (name, rule, mutes, tokens, expected) in table {
        assert_eq!(run(rule, mutes, tokens).0, *expected, "{name}");
    }
}

#[test]
fn a_mute_in_the_middle_marks_the_resolution_as_muted() {
    let (_, state, _) = run(&rule(), &Mutes::default(), "11");
    let mutes = Mutes { rule_until_us: Some(START + 60 * MINUTE), ..Mutes::default() };
    let (_, transitions) = step(state, seen("3"), START + MINUTE, &rule(), &mutes);
    assert_eq!(transitions.iter().map(told).collect::<Vec<_>>(), ["resolved~"]);
}

#[test]
fn groups_beyond_the_cap_are_counted() {
    let rule = Rule { group_cap: 2, ..grouped() };
    let (_, state, _) = run(&rule, &Mutes::default(), "a=1,b=2,c=3,d=11 a=1,b=2,c=3,d=11");
    assert_eq!(state.groups_left_out, 2);
    assert!(state.groups.len() <= 3 && state.groups["d"].state == State::Firing);
}

#[test]
fn a_missed_group_is_forgotten_after_a_day() {
    let rule = Rule { no_data: NoData::Alert, ..grouped() };
    let (_, state, _) = run(&rule, &Mutes::default(), "a=3,b=3 b=3");
    let later = START + 25 * 60 * MINUTE;
    let (state, transitions) = step(state, seen("b=3"), later, &rule, &Mutes::default());
    assert_eq!(transitions.iter().map(told).collect::<Vec<_>>(), ["a:resolved!"]);
    assert!(!state.groups.contains_key("a"));
}

#[test]
fn a_rule_that_lost_its_groups_resolves_them() {
    let (_, state, _) = run(&grouped(), &Mutes::default(), "a=11,b=11");
    let (state, transitions) = step(state, seen("3"), START + MINUTE, &rule(), &Mutes::default());
    assert_eq!(transitions.iter().map(told).collect::<Vec<_>>(), ["a:resolved!", "b:resolved!"]);
    assert_eq!(state.groups.keys().collect::<Vec<_>>(), [""]);
}

#[test]
fn switching_a_rule_off_resolves_what_was_told() {
    let (_, state, _) = run(&grouped(), &Mutes::default(), "a=11,b=3");
    let (state, transitions) = close(state, "switched off", START + MINUTE, &grouped(), &Mutes::default());
    assert_eq!(transitions.iter().map(told).collect::<Vec<_>>(), ["a:resolved!"]);
    assert_eq!(state.overall(), State::Ok);
    assert_eq!(state.episodes, 1);
}

#[test]
fn reasons_say_value_condition_and_time() {
    let rule = Rule { for_us: MINUTE, windows: Windows { needed: 1, of: 2 }, ..rule() };
    let (_, _, transitions) = run(&rule, &Mutes::default(), "12.5 12.25 3 3");
    let reasons: Vec<_> = transitions.iter().map(|each| each.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "12.5 > 10, in 1 of the last 2 windows",
            "12.25 > 10, in 1 of the last 2 windows, for 1m",
            "3 is no longer > 10"
        ]
    );
}

#[test]
fn a_replay_is_the_steps_one_after_the_other() {
    let tokens = "3 11 12 3 11 -";
    let series: Vec<_> = tokens
        .split(' ')
        .zip(0..)
        .map(|(token, minute)| {
            let Observation::Values(values) = seen(token) else { unreachable!() };
            Seen { at_us: START + minute * MINUTE, values }
        })
        .collect();
    let replayed = replay(&rule(), &series);
    assert_eq!(replayed.transitions, run(&rule(), &Mutes::default(), tokens).2);
    assert_eq!(replayed.firings(), 2);
    assert_eq!(
        replayed.points.iter().map(|point| point.breach).collect::<Vec<_>>(),
        [false, true, true, false, true, false]
    );
}

fn any_seen() -> impl Strategy<Value = Observation> {
    let values = prop::collection::btree_map("[abc]?", prop_oneof![0f64..20.0, Just(f64::NAN)], 0..4);
    prop_oneof![
        8 => values.prop_map(Observation::Values),
        1 => any::<bool>().prop_map(|lasting| Observation::Failed { reason: "away".into(), lasting }),
    ]
}

prop_compose! {
    fn any_rule()(
        for_m in 0i64..3, keep_m in 0i64..3, of in 1u8..4, renotify in prop::option::of(1i64..4),
        no_data in prop_oneof![Just(NoData::Ok), Just(NoData::Alert), Just(NoData::Keep)],
        grouped: bool, group_cap in 1usize..4, recovery in prop::option::of(5f64..10.0),
    ) -> Rule {
        Rule {
            for_us: for_m * MINUTE,
            keep_firing_for_us: keep_m * MINUTE,
            windows: Windows { needed: 1 + of / 2, of },
            renotify_us: renotify.map(|m| m * MINUTE),
            recovery_threshold: recovery,
            no_data, grouped, group_cap, ..rule()
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_history_is_a_chain_and_notices_pair_up(
        rule in any_rule(),
        steps in prop::collection::vec((any_seen(), -3i64..6), 1..60),
    ) {
        let (mut state, mut now) = (RuleState::default(), START);
        let mut names = std::collections::BTreeSet::new();
        let mut current: BTreeMap<String, State> = BTreeMap::new();
        let mut open: BTreeMap<String, bool> = BTreeMap::new();
        for (seen, minutes) in steps {
            now += minutes * MINUTE;
            let (next, transitions) = step(state, seen, now, &rule, &Mutes::default());
            for each in transitions {
                prop_assert!(names.insert((each.episode, each.number)), "a name is used once: {each:?}");
                if matches!(each.kind, Kind::Failed | Kind::Restored) {
                    continue;
                }
                let was = current.insert(each.group.clone(), each.to).unwrap_or_default();
                prop_assert_eq!(was, each.from, "each begins where the last one ended");
                prop_assert!(each.from != each.to || each.kind == Kind::Renotified);
                if each.notify == Notify::Yes {
                    let was_open = open.insert(each.group.clone(), each.to != State::Ok).unwrap_or(false);
                    prop_assert!(was_open || each.to != State::Ok, "nothing is resolved that was not told");
                }
                if each.to == State::Ok {
                    prop_assert!(!open.get(&each.group).copied().unwrap_or(false), "what was told is resolved");
                }
            }
            for (name, group) in &next.groups {
                prop_assert_eq!(current.get(name).copied().unwrap_or_default(), group.state);
                prop_assert!(group.since_us <= now, "nothing lies in the future");
            }
            state = next;
        }
        let (closed, _) = close(state, "switched off", now, &rule, &Mutes::default());
        prop_assert_eq!(closed.overall(), State::Ok);
    }
}
