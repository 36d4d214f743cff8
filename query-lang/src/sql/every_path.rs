//! `*:word` among the attributes: in the paths that can hold the word, where all paths of the range are known.
//!
//! The engine writes every value of an event out as text otherwise, which takes some forty times as long as reading a path.

use super::aggregate::Grouping;
use super::compiler::{Compiler, Range, attribute_source};
use super::condition::Condition;
use super::overview::statement;
use super::request::{Compiled, Request, Scope, StoredPath};
use super::rollup::Step;
use super::rows::Rows;
use super::select::{Source, TableColumn};
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use super::words::TextTest;
use crate::ast::{Filter, FilterNode, GlobPart, Query, StageNode, TextKind, TextMatch};

/// Of more paths everything is read at once.
const MOST_PATHS: usize = 100;

/// Whether an answer depends on all attributes of an event.
#[must_use]
pub fn looks_everywhere(query: &Query) -> bool {
    let in_stages = query.stages.iter().any(|stage| match &stage.node {
        StageNode::Search(filter) => is_anywhere(filter),
        _ => false,
    });
    in_stages || query.filter.as_ref().is_some_and(is_anywhere)
}

fn is_anywhere(filter: &Filter) -> bool {
    match &filter.node {
        FilterNode::And(terms) | FilterNode::Or(terms) => terms.iter().any(is_anywhere),
        FilterNode::Not(inner) => is_anywhere(inner),
        FilterNode::AnyText(_) => true,
        FilterNode::All | FilterNode::Text(_) | FilterNode::Predicate(_) => false,
    }
}

/// All paths of the request's range and a little around it: one row with a map from path to types.
#[must_use]
pub fn compile_paths(scope: &Scope, request: &Request) -> Option<Compiled> {
    let mut compiler = Compiler::new(scope, request);
    let around = Step::FiveMinutes.around(&compiler.range)?;
    let mut rows = Rows::events(compiler.scan_steps(Step::FiveMinutes, &around));
    let attributes = rows.select.column(&Source::Table(TableColumn::Attributes), &mut compiler);
    let mut grouping = Grouping::of(rows);
    let types = Value::new(sql!("distinctJSONPathsAndTypes({})", attributes), Repr::Array);
    grouping.measure("types", types, &mut compiler);
    let rows = grouping.finish(&mut compiler);
    Some(statement(rows, &["types"], None, compiler))
}

impl Rows {
    /// Whether any attribute of an event passes the test.
    pub(super) fn any_attribute(
        &mut self,
        text: &TextMatch,
        test: &TextTest,
        compiler: &mut Compiler,
    ) -> Condition {
        if let Some(paths) = known_paths(compiler) {
            let may_be_number = may_be_number(text);
            let able =
                paths.iter().filter(|path| may_be_number || !path.types.iter().all(|kind| is_number(kind)));
            let conditions = able.map(|path| self.in_path(path, test, compiler)).collect();
            return Condition::any(conditions);
        }
        let attributes = self.select.column(&Source::Table(TableColumn::Attributes), compiler);
        let in_value = test.on(&Sql::new("v"));
        Condition::exact(sql!("arrayExists(v -> ifNull({}, 0), JSONAllValues({}))", in_value, attributes))
    }

    fn in_path(&mut self, path: &StoredPath, test: &TextTest, compiler: &mut Compiler) -> Condition {
        let is_text = path.types.iter().all(|kind| kind == "String");
        let whole = format!("attributes.{}", path.path);
        let text = if is_text {
            self.select.column(&Source::Path(format!("{whole}.:`String`")), compiler)
        } else {
            Value::atom(self.select.column(&Source::Path(whole), compiler), Repr::Dynamic).text()
        };
        Condition::nullable(test.on(&text))
    }
}

/// The paths, if the scan reads the range that they are of, and the engine takes each for a path.
fn known_paths(compiler: &Compiler) -> Option<Vec<StoredPath>> {
    let Range { from_ns, to_ns, moved } = &compiler.range;
    let is_their_range =
        moved.is_none() && *from_ns >= compiler.request.from_ns && *to_ns <= compiler.request.to_ns;
    let is_plain = |path: &StoredPath| attribute_source(&path.path).is_some() && !path.path.contains('`');
    let paths = compiler.request.paths.as_ref()?;
    (is_their_range && paths.len() <= MOST_PATHS && paths.iter().all(is_plain)).then(|| paths.clone())
}

fn is_number(kind: &str) -> bool {
    ["Int64", "UInt64", "Float64"].contains(&kind)
}

/// Numbers are written with digits, signs, a point and an `e`.
fn may_be_number(text: &TextMatch) -> bool {
    let is_of_number = |text: &str| !text.chars().any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
    match &text.kind {
        TextKind::Phrase | TextKind::Substring => is_of_number(&text.text),
        TextKind::Wildcard(glob) => glob.parts.iter().all(|part| match part {
            GlobPart::Text(text) => is_of_number(text),
            _ => true,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn anywhere(source: &str) -> bool {
        looks_everywhere(&parse(source).expect("a query").query)
    }

    #[test]
    fn words_anywhere_are_seen_in_every_filter() {
        assert!(anywhere("*:a"));
        assert!(anywhere("level:error -(b *:\"c d\")"));
        assert!(anywhere("x | limit 5 | search a OR *:b*"));
        assert!(!anywhere("a b:* | where c == 1"));
    }

    #[test]
    fn a_text_with_letters_is_no_number() {
        let may_be = |source: &str| {
            let query = parse(source).expect("a query").query;
            match query.filter.map(|filter| filter.node) {
                Some(FilterNode::AnyText(text)) => may_be_number(&text),
                other => panic!("{other:?}"),
            }
        };
        assert!(may_be("*:500") && may_be("*:1e21") && may_be("*:5*") && may_be("*:\"-\""));
        assert!(!may_be("*:u-17") && !may_be("*:stripe") && !may_be("*:5x*"));
    }
}
