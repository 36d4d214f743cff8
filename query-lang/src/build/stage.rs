//! Stages: aliases become one stage, options become typed fields.

use pest::iterators::Pair;

use super::options::{Options, is_positive, whole_number};
use super::{Builder, Built, Rule, expected, span_of};
use crate::ast::{
    AnomalyMethod, Assignment, Core, ExprNode, Field, FillValue, HistogramBuckets, JoinKey, JoinKind, Key,
    Literal, LiteralClass, Projection, SortKey, Stage, StageNode, Target, UnpackFormat, UnpackNames,
    WindowColumn, WindowFunction,
};
use crate::{Code, Diagnostic, Span, lexical, limits};

/// The parts of a stage, sorted by what they are.
#[derive(Default)]
struct Parts<'p> {
    name: String,
    columns: Vec<Pair<'p, Rule>>,
    others: Vec<Pair<'p, Rule>>,
    keys: Option<Pair<'p, Rule>>,
    by: Option<Pair<'p, Rule>>,
    options: Options,
}

impl Builder<'_> {
    pub(super) fn stage(&mut self, pair: Pair<'_, Rule>) -> Built<Stage> {
        let span = span_of(&pair);
        let part = expected(pair.into_inner().next(), span)?;
        let word = lexical::ident(span.text(self.source));
        let name = Span::new(span.start, span.start + word);
        let node = self.stage_node(part, name)?;
        Ok(Stage { node, name, span, output: None })
    }

    fn stage_node(&mut self, pair: Pair<'_, Rule>, name: Span) -> Built<StageNode> {
        let span = span_of(&pair);
        let rule = pair.as_rule();
        match rule {
            Rule::fields_s => return Ok(StageNode::Fields(self.projections(pair)?)),
            Rule::rename_s => return Ok(StageNode::Rename(self.projections(pair)?)),
            _ => {}
        }
        let mut parts = self.parts(pair, name)?;
        let first = parts.others.first().cloned();
        Ok(match rule {
            Rule::where_s => StageNode::Where(self.expression(expected(first, span)?)?),
            Rule::search_s => StageNode::Search(self.filter(expected(first, span)?)?),
            Rule::drop_s => StageNode::Drop(self.columns(&parts.columns)?),
            Rule::eval_s => StageNode::Eval(
                parts.others.into_iter().map(|part| self.assignment(part)).collect::<Built<_>>()?,
            ),
            Rule::parse_s => self.parse_pattern(&parts, span)?,
            Rule::extract_s => self.extract(&parts, span)?,
            Rule::unpack_s => self.unpack(parts, span)?,
            Rule::expand_s => StageNode::Expand(self.one_column(&parts, span)?),
            Rule::stats_s => StageNode::Stats {
                aggregates: self.aggregates(expected(first, span)?)?,
                keys: self.keys_of(parts.keys)?,
            },
            Rule::chart_s => self.timechart(parts, name, span)?,
            Rule::top_s => StageNode::Top {
                rare: parts.name == "rare",
                count: self.leading_count(first.as_ref(), "top", 10)?,
                fields: self.columns(&parts.columns)?,
            },
            Rule::pct_s => self.percentiles(parts, span)?,
            Rule::sort_s => StageNode::Sort(
                parts.others.into_iter().map(|part| self.sort_key(part)).collect::<Built<_>>()?,
            ),
            Rule::count_s => self.limit_or_offset(&parts.name, &expected(first, span)?)?,
            Rule::dedup_s => StageNode::Dedup {
                count: self.leading_count(first.as_ref(), "dedup", 1)?,
                fields: self.columns(&parts.columns)?,
            },
            Rule::uniq_s => StageNode::Uniq(self.columns(&parts.columns)?),
            Rule::sample_s => self.sample(&expected(first, span)?)?,
            Rule::fill_s => StageNode::Fill {
                every: parts.options.duration("every")?,
                value: parts.options.choice("value", &FILL_VALUES)?,
                step: None,
            },
            Rule::join_s => self.join(parts, span)?,
            Rule::lookup_s => {
                let table = self.name(&expected(first, span)?)?;
                StageNode::Lookup { table, key: self.one_column(&parts, span)? }
            }
            Rule::union_s => StageNode::Union(
                parts.others.into_iter().map(|part| self.subquery(part)).collect::<Built<_>>()?,
            ),
            Rule::context_s => StageNode::Context {
                before: parts.options.count("before", 5, 0, limits::ROWS)?,
                after: parts.options.count("after", 5, 0, limits::ROWS)?,
                within: parts.options.duration("within")?,
                by: self.by_columns(parts.by)?,
            },
            Rule::patterns_s => StageNode::Patterns {
                field: self.column_or_message(&parts, name)?,
                limit: parts.options.count("limit", 100, 1, limits::ROWS)?,
                keys: self.keys_of(parts.keys)?,
            },
            Rule::compare_s => {
                let shift = parts.options.duration("shift")?;
                StageNode::Compare { shift: expected(shift, span)? }
            }
            Rule::window_s => StageNode::Window {
                columns: parts
                    .others
                    .into_iter()
                    .map(|part| self.window_column(part))
                    .collect::<Built<_>>()?,
                by: self.by_columns(parts.by)?,
            },
            Rule::anomaly_s => StageNode::Anomaly {
                field: self.one_column(&parts, span)?,
                method: parts
                    .options
                    .choice("method", &[("mad", AnomalyMethod::Mad), ("zscore", AnomalyMethod::Zscore)])?,
                threshold: parts.options.number("threshold")?,
                by: self.by_columns(parts.by)?,
            },
            Rule::histogram_s => self.histogram(parts, span)?,
            Rule::facets_s => StageNode::Facets {
                fields: self.columns(&parts.columns)?,
                limit: parts.options.count("limit", 10, 1, limits::ROWS)?,
            },
            _ => StageNode::Describe,
        })
    }

    fn parts<'p>(&mut self, pair: Pair<'p, Rule>, name: Span) -> Built<Parts<'p>> {
        let mut parts = Parts { name: name.text(self.source).to_ascii_lowercase(), ..Parts::default() };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::col => parts.columns.push(part),
                Rule::cols => parts.columns.extend(part.into_inner()),
                Rule::by => parts.keys = Some(part),
                Rule::by_c => parts.by = Some(part),
                Rule::opt => {
                    let span = span_of(&part);
                    let mut inner = part.into_inner();
                    let option = expected(inner.next(), span)?;
                    let value = self.literal(&expected(inner.next(), span)?);
                    parts.options.add(option.as_str(), span_of(&option).to(value.span), value)?;
                }
                _ => parts.others.push(part),
            }
        }
        Ok(parts)
    }

    fn columns(&mut self, pairs: &[Pair<'_, Rule>]) -> Built<Vec<Field>> {
        pairs.iter().map(|pair| self.field(pair)).collect()
    }

    fn one_column(&mut self, parts: &Parts<'_>, span: Span) -> Built<Field> {
        self.field(expected(parts.columns.first(), span)?)
    }

    /// The field that `parse`, `extract`, `unpack` and `patterns` read when none is named.
    fn column_or_message(&mut self, parts: &Parts<'_>, name: Span) -> Built<Field> {
        match parts.columns.first() {
            Some(pair) => self.field(pair),
            None => Ok(Field {
                path: Core::Message.name().to_owned(),
                target: Target::Core(Core::Message),
                kind: Core::Message.kind(),
                span: name,
            }),
        }
    }

    fn by_columns(&mut self, pair: Option<Pair<'_, Rule>>) -> Built<Vec<Field>> {
        let columns: Vec<_> =
            pair.into_iter().flat_map(|by| by.into_inner()).flat_map(|cols| cols.into_inner()).collect();
        if let Some(extra) = columns.get(limits::KEYS) {
            let message = format!("at most {} keys", limits::KEYS);
            return Err(Diagnostic::error(Code::E026, span_of(extra), message));
        }
        self.columns(&columns)
    }

    fn keys_of(&mut self, pair: Option<Pair<'_, Rule>>) -> Built<Vec<Key>> {
        pair.map_or_else(|| Ok(Vec::new()), |pair| self.keys(pair))
    }

    fn projections(&mut self, pair: Pair<'_, Rule>) -> Built<Vec<Projection>> {
        let mut projections: Vec<Projection> = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::col {
                projections.push(Projection { field: self.field(&part)?, new_name: None });
            } else if let (Some(last), Some(name)) = (projections.last_mut(), part.into_inner().next()) {
                last.new_name = Some(self.name(&name)?);
            }
        }
        Ok(projections)
    }

    fn assignment(&mut self, pair: Pair<'_, Rule>) -> Built<Assignment> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let name = self.name(&expected(parts.next(), span)?)?;
        Ok(Assignment { name, value: self.expression(expected(parts.next(), span)?)? })
    }

    fn parse_pattern(&mut self, parts: &Parts<'_>, span: Span) -> Built<StageNode> {
        let pattern = self.literal(expected(parts.others.first(), span)?);
        let field = self.column_or_message(parts, span)?;
        let parts = super::pattern::parts(&pattern)?;
        Ok(StageNode::Parse { field, pattern, parts })
    }

    fn extract(&mut self, parts: &Parts<'_>, span: Span) -> Built<StageNode> {
        let pattern = self.literal(expected(parts.others.first(), span)?);
        let pattern = self.bounded_regex(pattern)?;
        let field = self.column_or_message(parts, span)?;
        Ok(StageNode::Extract { field, pattern, groups: Vec::new() })
    }

    fn unpack(&mut self, mut parts: Parts<'_>, span: Span) -> Built<StageNode> {
        let format = expected(parts.others.first(), span)?.as_str().to_ascii_lowercase();
        let format = if format == "json" { UnpackFormat::Json } else { UnpackFormat::Logfmt };
        let field = self.column_or_message(&parts, span)?;
        Ok(StageNode::Unpack { format, field, prefix: parts.options.text("prefix"), names: UnpackNames::All })
    }

    fn timechart(&mut self, mut parts: Parts<'_>, name: Span, span: Span) -> Built<StageNode> {
        let aggregates = self.aggregates(expected(parts.others.pop(), span)?)?;
        let mut keys = self.keys_of(parts.keys.take())?;
        if keys.len() > 1 {
            return Err(Diagnostic::error(Code::E022, name, "timechart splits by one field")
                .hint("use stats … by bin(5m), a, b for more"));
        }
        let split = keys.pop();
        if let Some(key) = split.as_ref().filter(|key| {
            matches!(key.value.node, ExprNode::Call { function: crate::ast::Function::Bin, .. })
        }) {
            return Err(Diagnostic::error(Code::E022, key.span, "timechart makes its own time bins")
                .hint("write every=5m instead"));
        }
        Ok(StageNode::Timechart {
            aggregates,
            split,
            every: parts.options.duration("every")?,
            limit: parts.options.count("limit", 10, 1, limits::SERIES)?,
            other: parts.options.choice("other", &[("true", true), ("false", false)])?,
            step: None,
        })
    }

    fn leading_count(&mut self, pair: Option<&Pair<'_, Rule>>, name: &str, default: u64) -> Built<u64> {
        match pair {
            Some(pair) => whole_number(&self.literal(pair), name, 1, limits::ROWS),
            None => Ok(default),
        }
    }

    fn limit_or_offset(&mut self, name: &str, pair: &Pair<'_, Rule>) -> Built<StageNode> {
        let value = self.literal(pair);
        Ok(match name {
            "offset" | "skip" => StageNode::Offset(whole_number(&value, name, 0, u64::from(u32::MAX))?),
            _ => StageNode::Limit(whole_number(&value, name, 0, limits::ROWS)?),
        })
    }

    fn percentiles(&mut self, parts: Parts<'_>, span: Span) -> Built<StageNode> {
        let field = self.one_column(&parts, span)?;
        let mut percents = Vec::new();
        for pair in &parts.others {
            let value = self.literal(pair);
            match &value.class {
                LiteralClass::Number(number) if number.value > 0.0 && number.value < 100.0 => {
                    percents.push(value)
                }
                _ => {
                    let message = format!("'{}' is not a number between 0 and 100", value.text);
                    return Err(Diagnostic::error(Code::E021, value.span, message));
                }
            }
        }
        Ok(StageNode::Percentiles { field, percents, keys: self.keys_of(parts.keys)? })
    }

    fn sort_key(&mut self, pair: Pair<'_, Rule>) -> Built<SortKey> {
        let span = span_of(&pair);
        let minus = span.text(self.source).starts_with('-');
        let column = expected(pair.into_inner().next(), span)?;
        let behind = Span::new(span_of(&column).end, span.end).text(self.source);
        let desc = behind.trim_start_matches(lexical::is_blank).to_ascii_lowercase().ends_with("desc");
        Ok(SortKey { field: self.field(&column)?, descending: minus != desc })
    }

    fn sample(&mut self, pair: &Pair<'_, Rule>) -> Built<StageNode> {
        let percent = self.literal(pair);
        match &percent.class {
            LiteralClass::Number(number) if number.value > 0.0 && number.value <= 100.0 => {
                Ok(StageNode::Sample { percent })
            }
            _ => Err(Diagnostic::error(
                Code::E021,
                percent.span,
                "sample needs a percentage above 0, up to 100",
            )
            .hint("write sample 10%")),
        }
    }

    fn join(&mut self, mut parts: Parts<'_>, span: Span) -> Built<StageNode> {
        let mut query = None;
        let mut keys = Vec::new();
        for part in std::mem::take(&mut parts.others) {
            if part.as_rule() == Rule::subquery {
                query = Some(Box::new(self.subquery(part)?));
                continue;
            }
            let fields = self.columns(&part.into_inner().collect::<Vec<_>>())?;
            let left = expected(fields.first(), span)?.clone();
            let right = fields.last().unwrap_or(&left).clone();
            keys.push(JoinKey { left, right });
        }
        Ok(StageNode::Join {
            kind: parts.options.choice("kind", &[("left", JoinKind::Left), ("inner", JoinKind::Inner)])?,
            query: expected(query, span)?,
            keys,
            prefix: parts.options.text("prefix"),
        })
    }

    fn window_column(&mut self, pair: Pair<'_, Rule>) -> Built<WindowColumn> {
        let span = span_of(&pair);
        let mut parts = pair.into_inner();
        let call = expected(parts.next(), span)?;
        let call_span = span_of(&call);
        let name = expected(parts.next().and_then(|part| part.into_inner().next()), span)?;
        let name = self.name(&name)?;
        let mut parts = call.into_inner();
        let ident = expected(parts.next(), span)?;
        let Some(function) = WindowFunction::from_name(ident.as_str()) else {
            let message = format!("unknown window function '{}'", ident.as_str());
            return Err(Diagnostic::error(Code::E017, span_of(&ident), message));
        };
        let arguments = parts.map(|part| self.expression(part)).collect::<Built<Vec<_>>>()?;
        let doc = function.doc();
        if arguments.len() < doc.least_arguments || arguments.len() > doc.most_arguments {
            return Err(super::expression::wrong_count(call_span, doc));
        }
        let mut arguments = arguments.into_iter();
        let column = match arguments.next().map(|argument| (argument.span, argument.node)) {
            None => None,
            Some((_, ExprNode::Field(field))) => Some(field),
            Some((span, _)) => {
                return Err(Diagnostic::error(Code::E022, span, "window functions work on a column")
                    .hint("compute it before, with eval"));
            }
        };
        let rows = match arguments.next().map(|argument| (argument.span, argument.node)) {
            None => None,
            Some((_, ExprNode::Literal(value))) => {
                Some(whole_number(&value, "the number of rows", 1, limits::ROWS)?)
            }
            Some((span, _)) => {
                return Err(Diagnostic::error(Code::E022, span, "the number of rows is a whole number"));
            }
        };
        Ok(WindowColumn { function, column, rows, name, span })
    }

    fn histogram(&mut self, mut parts: Parts<'_>, span: Span) -> Built<StageNode> {
        let field = self.one_column(&parts, span)?;
        let step = parts.options.take("step");
        let bins = parts.options.take("bins");
        let buckets = match (step, bins) {
            (Some(step), None) => HistogramBuckets::Step(bucket_step(step)?),
            (None, Some(bins)) => {
                HistogramBuckets::Bins(whole_number(&bins, "bins", 1, limits::BINS.unsigned_abs())?)
            }
            (_, bins) => {
                let at = bins.map_or(span, |bins| bins.span);
                return Err(Diagnostic::error(Code::E021, at, "histogram takes step= or bins=, not both"));
            }
        };
        Ok(StageNode::Histogram { field, buckets })
    }
}

const FILL_VALUES: [(&str, FillValue); 4] = [
    ("0", FillValue::Zero),
    ("null", FillValue::Null),
    ("prev", FillValue::Previous),
    ("linear", FillValue::Linear),
];

/// A positive number, or a duration or size in the field's unit.
fn bucket_step(step: Literal) -> Built<Literal> {
    let positive = match &step.class {
        LiteralClass::Number(number) => number.value > 0.0,
        LiteralClass::Duration(amount) | LiteralClass::Size(amount) => is_positive(*amount),
        _ => false,
    };
    match positive {
        true => Ok(step),
        false => Err(Diagnostic::error(Code::E021, step.span, "step is a number above 0")),
    }
}
