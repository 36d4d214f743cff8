//! The guide for people: every example in it runs, and where the evaluator can run it too, it finds the same events.

use super::fixture::{check_in, request};
use super::stored::{Fixture, compiled};
use query_lang::eval::Stream;
use query_lang::sql::RowShape;

const GUIDE: &str = include_str!("../../../../docs/query-language.md");

#[tokio::test]
async fn every_example_of_the_guide_runs() {
    let fixture = Fixture::start().await;
    let examples = GUIDE.split("```query\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let (mut ran, mut telling) = (0, 0);
    for example in examples {
        let found = rows_of(&fixture, example).await;
        ran += 1;
        telling += usize::from(found > 0);
    }
    eprintln!("guide: {ran} examples ran, {telling} of them found something in the fixture");
    assert!(ran > 40 && telling * 2 > ran, "{telling} of {ran} examples find something");
}

async fn rows_of(fixture: &Fixture, example: &str) -> usize {
    let request = request();
    let checked = check_in(example, &request).unwrap_or_else(|error| panic!("{example}\n{error}"));
    let compiled = compiled(&checked, &request).unwrap_or_else(|error| panic!("{example}\n{error}"));
    let is_events = matches!(compiled.shape, RowShape::Events { .. });
    let answer = fixture.run(compiled).await.unwrap_or_else(|error| panic!("{example}\n{}", error.chain()));
    if let (true, Ok(stream)) = (is_events, Stream::of(&checked.query, &request.tz)) {
        let asked = fixture.events.iter().rev().filter(|it| it.is_asked_for(checked.from_ns, checked.to_ns));
        let evaluated: Vec<&str> =
            asked.filter(|it| stream.apply(&it.event()).is_some()).map(|it| it.name.as_str()).collect();
        let found: Vec<&str> = answer.rows.iter().map(|row| fixture.name(row)).collect();
        assert_eq!(found, evaluated, "{example}");
    }
    answer.rows.len()
}
