//! Relations between answers that hold whatever is asked (§15 of the language), over the corpus and random filters.

use super::differential::EventSet;
use super::fixture::{Case, cases, same, scope};
use super::random::{Dice, Queries};
use super::stored::{Fixture, run};
use crate::logstore::testing::TestStore;
use crate::search::newest::Gathered;
use crate::search::respond::{key_of, whole};
use futures::StreamExt;
use query_lang::ast::{Filter, FilterNode, Query, Shape};
use query_lang::sql::{self, Compiled, EventKey, Request, RowShape, compile_count};
use query_lang::{Catalogue, CheckContext, Checked, check, format, parse};
use serde_json::Value;
use std::collections::BTreeMap;

const RANDOM_FILTERS: usize = 60;
/// The engine's own limit is higher; more would only wait for the processor.
const AT_ONCE: usize = 4;

/// Events that stay or go because of others, and some that are several rows.
const CHOSEN_AMONG_OTHERS: &[&str] = &[
    "| dedup host",
    "| dedup 2 level | where level = 'error'",
    "| dedup 2 source | sort message | eval x = 1",
    "level:error | dedup source | limit 2",
    "| limit 7 | dedup level",
    "| sort message | dedup level | limit 3 | where source != 'api'",
    "| union { * }",
    "| union { * } | dedup level",
    "| union { * } | dedup 2 level | where source = 'api'",
    "| union { * } | limit 2",
    "| union { * } | limit 3 | where level = 'error'",
    "| union { * | limit 2 }",
    "| limit 2 | union { * }",
    "| dedup level | union { level:error }",
    "level:error | union { | dedup level }, { level:info }",
    "level:error | union { level:info | eval x = 1 } | sort source",
    "level:error | context before=1 after=1",
    "level:error | context before=1 after=2 within=1h by source | limit 4",
    "level:error | context before=1 after=1 | dedup level | where source = 'api'",
    "level:error | context before=1 after=1 | union { source:api }",
    "| expand tags | dedup level",
    "| expand tags | limit 3 | where level = 'error'",
    "| expand tags | sort tags",
    "| join { | stats count() as n by source } on source | dedup level",
    "| join { level:error | fields source, message as other } on source | limit 3",
    "source in { level:error | fields source | limit 2 } | dedup level",
    "| union { * } | sort message",
    "| union { * }, { level:error }",
    "| expand tags",
    "| expand tags | dedup tags",
    "| union { level:debug | union { level:fatal | context before=1 after=1 } }",
    "| union { level:info | union { level:error | limit 2 } } | where source = 'api'",
];

const WITHOUT_INDEXES: &[(&str, &str)] = &{
    let mut settings = [("use_skip_indexes", "0"); sql::SETTINGS.len() + 1];
    let mut at = 0;
    while at < sql::SETTINGS.len() {
        settings[at] = sql::SETTINGS[at];
        at += 1;
    }
    settings
};

type Rows = Vec<Vec<Value>>;

const PAGE: u64 = 3;
/// Of each query so many are told a page at a time.
const PAGED_ROWS: usize = 12;

#[tokio::test]
async fn relations_between_answers_hold_for_the_corpus() {
    let fixture = Fixture::start().await;
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.kind == "valid").collect();
    let mut questions: Vec<_> = cases.iter().map(|case| (case.query.clone(), case.request())).collect();
    let request = cases[0].request();
    questions.extend(CHOSEN_AMONG_OTHERS.iter().map(|query| ((*query).to_owned(), request.clone())));
    let held = all_hold(&fixture.store, questions).await;
    assert!(held["keys first"] > 18, "{held:?}");
    assert!(held["complement"] > 150 && held["canonical text"] > 250, "{held:?}");
    no_other_tenant(&fixture, &cases).await;
}

#[tokio::test]
async fn relations_between_answers_hold_for_random_filters() {
    let store = TestStore::start().await;
    let set = EventSet::store(&store, Dice::new(7), 0).await;
    let mut queries = Queries::new(set.dice.clone(), &set.events);
    let valid =
        |query: &String| parse(query).is_ok_and(|parsed| checked(&parsed.query, &set.request).is_ok());
    let filters = std::iter::repeat_with(|| queries.filter(3)).filter(valid).take(RANDOM_FILTERS);
    let questions = filters.map(|query| (query, set.request.clone())).collect();
    let held = all_hold(&store, questions).await;
    assert_eq!(held["complement"], RANDOM_FILTERS);
}

/// Tries every relation on every question; gives how often each was tried and held.
async fn all_hold(store: &TestStore, questions: Vec<(String, Request)>) -> BTreeMap<&'static str, usize> {
    let asked = questions.len();
    let tried = futures::stream::iter(questions)
        .map(|(query, request)| async move {
            let outcome = Question { store, request }.relations(&query).await;
            outcome.map_err(|problem| format!("{query}\n    {problem}"))
        })
        .buffer_unordered(AT_ONCE);
    let outcomes: Vec<Result<Vec<&'static str>, String>> = tried.collect().await;
    let mut held = BTreeMap::new();
    let mut problems = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(relations) => relations.into_iter().for_each(|name| *held.entry(name).or_insert(0) += 1),
            Err(problem) => problems.push(problem),
        }
    }
    eprintln!("relations that hold, of {asked} queries: {held:?}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    held
}

struct Question<'s> {
    store: &'s TestStore,
    request: Request,
}

impl Question<'_> {
    /// The names of the relations that make sense for the query; the first that does not hold is an error.
    async fn relations(&self, text: &str) -> Result<Vec<&'static str>, String> {
        let query = parse(text).map_err(|error| error.to_string())?.query;
        let answer = self.rows(&query, sql::SETTINGS).await?;
        let canonical = parse(&format(&query)).map_err(|error| error.to_string())?.query;
        equal("canonical text", &answer, &self.rows(&canonical, sql::SETTINGS).await?)?;
        equal("without indexes", &answer, &self.rows(&query, WITHOUT_INDEXES).await?)?;
        let mut held = vec!["canonical text", "without indexes"];
        if let Some(newest) = compiled(&query, &self.request)?.newest_first() {
            let mut gathered = Gathered::default();
            for index in 0..newest.pieces.len() {
                let piece = newest.piece(index, gathered.rows());
                gathered.add(run(self.store, piece, sql::SETTINGS).await.map_err(|error| error.chain())?);
            }
            equal("newest first", &answer, &gathered.answer(newest.rows).rows)?;
            held.push("newest first");
        }
        let page = Request { limit: PAGE, ..self.request.clone() };
        if matches!(query.output(), Shape::Events { .. }) && !query.stages.is_empty() {
            let keys_first = compiled(&query, &page)?.keys_first.is_some();
            let at_once = Request { limit: 20_000, ..self.request.clone() };
            let [page, whole] = [page, at_once].map(|request| Question { store: self.store, request });
            let mut all = whole.rows(&query, sql::SETTINGS).await?;
            all.truncate(PAGED_ROWS);
            equal("page by page", &all, &page.page_by_page(&query).await?)?;
            held.push("page by page");
            if keys_first {
                held.push("keys first");
            }
        }
        if query.stages.is_empty() && query.filter.is_some() {
            let found = keys(&answer);
            self.filter_relations(&format(&query), &query, &found).await?;
            held.extend(["complement", "and everything", "operands swapped", "two halves"]);
        }
        Ok(held)
    }

    async fn filter_relations(&self, text: &str, query: &Query, found: &[EventKey]) -> Result<(), String> {
        let other = self.keys_of(&format!("NOT ({text})")).await?;
        let mut both: Vec<EventKey> = found.iter().chain(&other).copied().collect();
        both.sort_by_key(|key| std::cmp::Reverse(*key));
        same_keys("NOT (q) is not the complement", &both, &self.keys_of("*").await?)?;
        same_keys("q AND * differs", found, &self.keys_of(&format!("({text}) AND *")).await?)?;
        let swapped = Query { filter: query.filter.as_ref().map(swapped), ..query.clone() };
        same_keys(
            "swapping operands changes the answer",
            found,
            &keys(&self.rows(&swapped, sql::SETTINGS).await?),
        )?;
        let middle = (self.request.from_ns + self.request.to_ns) / 2;
        let older = self.count(query, Request { to_ns: middle, ..self.request.clone() }).await?;
        let newer = self.count(query, Request { from_ns: middle, ..self.request.clone() }).await?;
        if older + newer == found.len() {
            Ok(())
        } else {
            Err(format!("{older} and {newer} are not {}", found.len()))
        }
    }

    async fn rows(
        &self,
        query: &Query,
        settings: &'static [(&'static str, &'static str)],
    ) -> Result<Rows, String> {
        let answer = run(self.store, compiled(query, &self.request)?, settings).await;
        Ok(answer.map_err(|error| error.chain())?.rows)
    }

    /// The first rows, a page at a time.
    async fn page_by_page(&self, query: &Query) -> Result<Rows, String> {
        let (mut rows, mut request) = (Rows::new(), self.request.clone());
        while rows.len() < PAGED_ROWS {
            let compiled = compiled(query, &request)?;
            let keyset = compiled.keyset;
            let mut page =
                run(self.store, compiled, sql::SETTINGS).await.map_err(|error| error.chain())?.rows;
            let more = page.len() as u64 > PAGE;
            page.truncate(PAGE as usize);
            request.offset += page.len() as u64;
            if keyset {
                (request.offset, request.after) = (0, page.last().and_then(|row| key_of(row)));
            }
            rows.append(&mut page);
            if !more {
                break;
            }
        }
        Ok(rows)
    }

    async fn keys_of(&self, text: &str) -> Result<Vec<EventKey>, String> {
        let query = parse(text).map_err(|error| format!("{text}: {error}"))?.query;
        Ok(keys(&self.rows(&query, sql::SETTINGS).await?))
    }

    async fn count(&self, query: &Query, request: Request) -> Result<usize, String> {
        let checked = checked(query, &request)?;
        let request =
            Request { from_ns: checked.from_ns, to_ns: checked.to_ns.max(checked.from_ns), ..request };
        let compiled =
            compile_count(&checked.query, &scope(), &request).map_err(|error| error.to_string())?;
        let answer = run(self.store, compiled, sql::SETTINGS).await.map_err(|error| error.chain())?;
        answer.rows.first().and_then(|row| whole(&row[0])).ok_or_else(|| "no count".to_owned())
    }
}

fn checked(query: &Query, request: &Request) -> Result<Checked, String> {
    let context = CheckContext {
        now_ns: request.now_ns,
        from_ns: request.from_ns,
        to_ns: request.to_ns,
        time_zone: request.tz.clone(),
    };
    check(query, &Catalogue::default(), &context).map_err(|error| error.to_string())
}

fn compiled(query: &Query, request: &Request) -> Result<Compiled, String> {
    let checked = checked(query, request)?;
    super::stored::compiled(&checked, request).map_err(|error| error.to_string())
}

fn keys(rows: &Rows) -> Vec<EventKey> {
    rows.iter().filter_map(|row| key_of(row)).collect()
}

fn equal(relation: &str, a: &Rows, b: &Rows) -> Result<(), String> {
    let value = |rows: &Rows| Value::from_iter(rows.iter().cloned());
    if same(&value(a), &value(b)) { Ok(()) } else { Err(format!("{relation}: {a:?}\n    became {b:?}")) }
}

fn same_keys(problem: &str, a: &[EventKey], b: &[EventKey]) -> Result<(), String> {
    if a == b { Ok(()) } else { Err(format!("{problem}: {a:?}\n    and {b:?}")) }
}

/// The terms of every AND and OR the other way round.
fn swapped(filter: &Filter) -> Filter {
    let reversed = |terms: &[Filter]| terms.iter().rev().map(swapped).collect();
    let node = match &filter.node {
        FilterNode::And(terms) => FilterNode::And(reversed(terms)),
        FilterNode::Or(terms) => FilterNode::Or(reversed(terms)),
        FilterNode::Not(term) => FilterNode::Not(Box::new(swapped(term))),
        node => node.clone(),
    };
    Filter { node, span: filter.span }
}

/// The three events of the other tenant lie in the same hours.
async fn no_other_tenant(fixture: &Fixture, cases: &[Case]) {
    for case in cases {
        let compiled = super::stored::compiled(&case.checked().unwrap(), &case.request()).unwrap();
        if !matches!(compiled.shape, RowShape::Events { .. }) {
            continue;
        }
        let rows = fixture.run(compiled).await.unwrap().rows;
        let foreign = rows.iter().map(|row| fixture.event(row)).find(|event| event.tenant != "t1");
        assert!(foreign.is_none(), "{} {}", case.id, case.query);
    }
}
