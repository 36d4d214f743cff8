//! Columns and rows of the same events are the same in the table, types included.

use super::attributes::Attributes;
use super::testing::{TestStore, row, tenant};
use super::{ColumnBlock, LogBlock, LogRow};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// Objects whose members have every type that goes as columns, at paths that meet each other.
fn random_object(dice: &mut StdRng, depth: usize) -> Value {
    let names = ["a", "b", "a.b", "status", "http", "tags", "ünï", "with space", "`q`", "x"];
    let mut object = serde_json::Map::new();
    for _ in 0..dice.random_range(0..6) {
        let name = (*names.choose(dice).unwrap()).to_owned();
        let value = match dice.random_range(0..12) {
            0 => Value::Null,
            1 => json!(dice.random::<bool>()),
            2 => json!(dice.random::<i64>()),
            3 => json!(u64::MAX - u64::from(dice.random::<u32>())),
            4 => json!(dice.random_range(-1e9..1e9)),
            5 => json!(dice.random_range(0..100) as f64),
            6 => json!(
                ["2026-01-01", "12", "", "\u{0}\n\"", "long ".repeat(60).as_str()].choose(dice).unwrap()
            ),
            7 => json!([1, -2, 3]),
            8 => json!(["x", null, ""]),
            9 => json!([0.5, 2.0]),
            10 => json!([[true, false].as_slice(), &[]].choose(dice).unwrap()),
            _ if depth < 3 => random_object(dice, depth + 1),
            _ => json!({}),
        };
        object.insert(name, value);
    }
    Value::Object(object)
}

async fn stored(test: &TestStore, batch_id: u64) -> Vec<(u32, String, String, String)> {
    let sql = "SELECT batch_row, toString(tuple(tenant_id, project_id, timestamp, received_at, level, source, host, message, \
               trace_id, span_id, pattern_id, retention_days)), toJSONString(attributes), \
               toString(JSONAllPathsWithTypes(attributes)) FROM logs WHERE batch_id = {batch:UInt64} ORDER BY batch_row";
    let client = test.store.client().unwrap();
    client.query_raw(sql).param("batch", batch_id).fetch_all().await.unwrap()
}

/// From text, the engine takes a type that the path had before where the value fits it: integers among floats, an empty array of
/// whatever. So numbers and arrays are compared by their values, and not by how they are kept.
fn numbers_alike(row: (u32, String, String, String)) -> (u32, String, String, String) {
    let kinds = ["UInt64", "Int64", "Float64", "Bool", "String"];
    let array = |types: String, kind: &&str| types.replace(&format!("Array(Nullable({kind}))"), "array");
    let arrays = kinds.iter().fold(row.3, array);
    let types = kinds[..3].iter().fold(arrays, |types, kind| types.replace(kind, "number"));
    (row.0, row.1, row.2, types)
}

async fn both_ways_are_the_same(test: &TestStore, batch_id: u64, objects: &[String]) {
    let acme = tenant(1);
    for object in objects {
        assert!(Attributes::default().push(object).is_ok(), "this goes as text: {object}");
    }
    let (mut rows, mut columns) = (LogBlock::default(), ColumnBlock::default());
    for (number, attributes) in (0..).zip(objects) {
        let message = "word ".repeat(number % 40);
        let source = ["", "api", "web"][number % 3];
        let mut event = LogRow { attributes, source, batch_id, ..row(&acme, number as u32, &message) };
        rows.push(&event);
        event.batch_id += 1;
        columns.push(&event);
    }
    assert_eq!((columns.rows(), columns.row_bytes()), (rows.rows(), rows.bytes()));
    let columns = columns.encode().expect("all of this goes as columns");
    test.store.insert(&rows.encode(), &format!("rows {batch_id}")).await.unwrap();
    test.store.insert_columns(&columns, &format!("columns {batch_id}")).await.unwrap();

    let (rows, columns) = (stored(test, batch_id).await, stored(test, batch_id + 1).await);

    assert_eq!(columns.len(), objects.len());
    for (one, other) in rows.into_iter().map(numbers_alike).zip(columns.into_iter().map(numbers_alike)) {
        assert_eq!(one, other);
    }
}

#[tokio::test]
async fn columns_and_rows_of_the_same_events_are_the_same() {
    let test = TestStore::start().await;
    assert!(test.store.takes_columns());
    let mut dice = StdRng::seed_from_u64(2026);
    let random: Vec<String> = (0..400).map(|_| random_object(&mut dice, 0).to_string()).collect();
    both_ways_are_the_same(&test, 10, &random).await;

    let odd = [
        r#"{"a":{"b":1},"a.b":2}"#,
        r#"{"a.b":2,"a":{"b":1}}"#,
        r#"{" ":1,"a b":{"c-d/e":[]}}"#,
        r#"{"u":18446744073709551615,"f":1e308,"neg":-0.0,"e":1e5,"whole":3.0}"#,
        r#"{"`q`":"\u0000","emoji":"😀"}"#,
        "{}",
    ];
    both_ways_are_the_same(&test, 20, &odd.map(str::to_owned)).await;

    // More paths than the column keeps apart.
    let many: Vec<String> = (0..3)
        .map(|row| {
            json!(
                (0..400)
                    .map(|path| (format!("p{path:03}"), json!(path * row)))
                    .collect::<serde_json::Map<_, _>>()
            )
        })
        .map(|object| object.to_string())
        .collect();
    both_ways_are_the_same(&test, 30, &many).await;
}

#[tokio::test]
async fn columns_that_are_sent_again_are_stored_once() {
    let test = TestStore::start().await;
    let mut columns = ColumnBlock::default();
    (0..1000).for_each(|number| columns.push(&row(&tenant(1), number, "line")));
    let columns = columns.encode().unwrap();
    for token in ["a", "a", "b"] {
        test.store.insert_columns(&columns, token).await.unwrap();
    }
    assert_eq!(stored(&test, 1).await.len(), 2000);
}
