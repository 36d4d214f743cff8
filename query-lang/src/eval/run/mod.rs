//! A whole query over events that are handed in one after the other: what `cordwood query` does with files.
//!
//! `Program::feed` takes events in any order, also on several threads, each with a `Partial` of its own; `merge` puts
//! these together and `finish` gives the answer that the SQL gives for the same events. Stages that need other events
//! than those that passed the filter (join, union, context, compare, lookup, subqueries) are refused.

mod aggregate;
mod chart;
mod groups;
mod histogram;
mod keys;
mod order;
mod rows;
mod table;
mod wanted;
mod window;

use jiff::tz::TimeZone;

use super::event::{Event, Row};
use super::matcher::Condition;
use super::stream::{Step, StreamRow};
use super::value::Value;
use crate::ast::{AggregateFunction, Column, Query, Shape, SortKey, Stage, StageNode};
use crate::limits;
use crate::{Code, Diagnostic};
use groups::{GroupPlan, Groups};
pub use rows::OwnedEvent;
use rows::{OwnedRow, Position};
use table::Op;
pub use wanted::Wanted;

/// Events that are held at once when a stage such as `sort` needs all of them.
pub const MOST_HELD: usize = 2_000_000;

/// The time that a query is about, and the zone of its days.
#[derive(Clone, Debug)]
pub struct Range {
    pub from_ns: i64,
    pub to_ns: i64,
    pub zone: TimeZone,
}

/// A query made ready. The same for all threads.
#[derive(Clone, Debug)]
pub struct Program {
    filter: Condition,
    /// Parts of the filter that all have to hold, and look at no attributes.
    own: Vec<Condition>,
    steps: Vec<Step>,
    gather: Gather,
    after: Vec<Op>,
    output: Shape,
    filter_wanted: Wanted,
    wanted: Wanted,
}

/// The first stage that needs several events.
#[derive(Clone, Debug)]
enum Gather {
    /// Keeps the events; only the first so many in their order, when the next stage wants no more.
    Rows {
        sort: Vec<SortKey>,
        most: Option<usize>,
    },
    Groups(GroupPlan),
}

/// What one thread has found so far.
#[derive(Debug)]
pub enum Partial {
    Rows(Vec<OwnedRow>),
    Groups(Groups),
}

/// An event of the answer, and what the stages made of it.
#[derive(Clone, Debug)]
pub struct AnswerEvent {
    pub event: OwnedEvent,
    pub row: StreamRow<'static>,
}

#[derive(Clone, Debug)]
pub enum Answer {
    Events(Vec<AnswerEvent>),
    Table { columns: Vec<Column>, rows: Vec<Vec<Value<'static>>> },
}

/// Whether the answer depends on the ends of the range, so that somebody has to say or find them.
#[must_use]
pub fn needs_range(query: &Query) -> bool {
    query.stages.iter().any(|stage| match &stage.node {
        StageNode::Timechart { .. } | StageNode::Fill { .. } => true,
        StageNode::Stats { aggregates, .. } => {
            aggregates.iter().any(|aggregate| aggregate.function == AggregateFunction::Rate)
        }
        _ => false,
    })
}

impl Program {
    /// Compiles a checked query.
    ///
    /// # Errors
    /// E025 for a stage that needs other events than those that are handed in.
    pub fn of(query: &Query, range: &Range) -> Result<Self, Diagnostic> {
        let filter = query.filter.as_ref().map_or(Ok(Condition::Always(true)), Condition::of)?;
        let streamed = query.stages.iter().take_while(|stage| is_streamable(&stage.node)).count();
        let (streamable, rest) = query.stages.split_at(streamed);
        let steps = streamable.iter().map(|stage| Step::of(stage, &range.zone)).collect::<Result<_, _>>()?;
        let mut order = Vec::new();
        let (gather, rest) = Gather::of(rest, range, &mut order)?;
        let mut after = Vec::new();
        for (index, stage) in rest.iter().enumerate() {
            let before = query.stages[..query.stages.len() - rest.len() + index].last();
            after.push(Op::of(stage, before.and_then(|stage| stage.output.as_ref()), &mut order, range)?);
        }
        Ok(Self {
            own: parts(&filter).filter(|part| part.is_about_own_fields()).cloned().collect(),
            filter,
            steps,
            gather,
            after,
            output: query.output(),
            filter_wanted: Wanted::of_filter(query.filter.as_ref()),
            wanted: Wanted::of(query),
        })
    }

    /// The attributes that have to be there for `matches`.
    #[must_use]
    pub fn filter_wanted(&self) -> &Wanted {
        &self.filter_wanted
    }

    /// The attributes that have to be there for `feed`.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// False when the event does not pass the filter whatever its attributes are, which need not be there.
    #[must_use]
    pub fn may_match(&self, event: &Event) -> bool {
        let row = Row::new(*event);
        self.own.iter().all(|part| part.holds(&row))
    }

    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.filter.holds(&Row::new(*event))
    }

    #[must_use]
    pub fn start(&self) -> Partial {
        match &self.gather {
            Gather::Rows { .. } => Partial::Rows(Vec::new()),
            Gather::Groups(plan) => Partial::Groups(plan.start()),
        }
    }

    /// Takes one event. `sequence` orders events of the same time: the later one is larger.
    ///
    /// # Errors
    /// E026 when there are more groups or events than can be held.
    pub fn feed(&self, partial: &mut Partial, event: &Event, sequence: u64) -> Result<(), Diagnostic> {
        let mut row = Row::new(*event);
        if !self.filter.holds(&row) {
            return Ok(());
        }
        if !self.steps.iter().all(|step| step.apply(&mut row)) {
            return Ok(());
        }
        let position = Position { time_ns: event.timestamp_ns, sequence };
        match (&self.gather, partial) {
            (Gather::Groups(plan), Partial::Groups(groups)) => plan.feed(groups, &row, position),
            (Gather::Rows { sort, most }, Partial::Rows(rows)) => {
                rows.push(OwnedRow::of(row, position));
                hold(rows, sort, *most)
            }
            _ => unreachable!("a partial comes from `start` of the same program"),
        }
    }

    /// Adds what another thread has found.
    ///
    /// # Errors
    /// As `feed`.
    pub fn merge(&self, into: &mut Partial, other: Partial) -> Result<(), Diagnostic> {
        match (&self.gather, into, other) {
            (Gather::Groups(plan), Partial::Groups(groups), Partial::Groups(other)) => {
                plan.merge(groups, other)
            }
            (Gather::Rows { sort, most }, Partial::Rows(rows), Partial::Rows(other)) => {
                rows.extend(other);
                hold(rows, sort, *most)
            }
            _ => unreachable!("partials come from `start` of the same program"),
        }
    }

    /// # Errors
    /// E026 when a later stage makes too many groups.
    pub fn finish(&self, partial: Partial) -> Result<Answer, Diagnostic> {
        let mut rows = match (&self.gather, partial) {
            (Gather::Groups(plan), Partial::Groups(groups)) => plan.finish(groups),
            (Gather::Rows { sort, most }, Partial::Rows(mut rows)) => {
                table::canonical(&mut rows, sort);
                rows.truncate(most.unwrap_or(usize::MAX));
                rows
            }
            _ => unreachable!("a partial comes from `start` of the same program"),
        };
        for op in &self.after {
            rows = op.run(rows)?;
        }
        Ok(match &self.output {
            Shape::Events { .. } => Answer::Events(rows.into_iter().map(OwnedRow::into_answer).collect()),
            Shape::Table { columns } => Answer::Table {
                rows: rows.iter().map(|row| row.cells(columns)).collect(),
                columns: columns.clone(),
            },
        })
    }
}

impl Gather {
    /// The first gathering, and the stages behind it.
    fn of<'q>(
        stages: &'q [Stage],
        range: &Range,
        order: &mut Vec<(String, bool)>,
    ) -> Result<(Self, &'q [Stage]), Diagnostic> {
        if let Some((first, rest)) = stages.split_first()
            && let Some(plan) = GroupPlan::of(first, range, order)?
        {
            return Ok((Self::Groups(plan), rest));
        }
        let most = |stage: Option<&Stage>| match stage.map(|stage| &stage.node) {
            Some(StageNode::Limit(count)) => usize::try_from(*count).ok(),
            _ => None,
        };
        Ok(match stages {
            [Stage { node: StageNode::Sort(keys), .. }, rest @ ..] => {
                order.extend(keys.iter().map(|key| (key.field.path.clone(), key.descending)));
                (Self::Rows { sort: keys.clone(), most: most(rest.first()) }, rest)
            }
            rest => (Self::Rows { sort: Vec::new(), most: most(rest.first()) }, rest),
        })
    }
}

/// What has to hold together.
fn parts(filter: &Condition) -> std::slice::Iter<'_, Condition> {
    match filter {
        Condition::And(terms) => terms.iter(),
        other => std::slice::from_ref(other).iter(),
    }
}

fn is_streamable(node: &StageNode) -> bool {
    matches!(
        node,
        StageNode::Where(_)
            | StageNode::Search(_)
            | StageNode::Fields(_)
            | StageNode::Drop(_)
            | StageNode::Rename(_)
            | StageNode::Eval(_)
            | StageNode::Parse { .. }
            | StageNode::Extract { .. }
            | StageNode::Unpack { .. }
            | StageNode::Sample { .. }
    )
}

/// Lets go of rows that cannot be in the answer any more.
fn hold(rows: &mut Vec<OwnedRow>, sort: &[SortKey], most: Option<usize>) -> Result<(), Diagnostic> {
    if let Some(most) = most
        && rows.len() >= 2 * most + 1_000
    {
        table::canonical(rows, sort);
        rows.truncate(most);
    }
    if rows.len() < MOST_HELD {
        return Ok(());
    }
    let span = sort.first().map_or(crate::Span::default(), |key| key.field.span);
    Err(Diagnostic::error(
        Code::E026,
        span,
        format!("more than {MOST_HELD} events would have to be held at once"),
    )
    .hint("filter more, or put a limit behind the sort"))
}

fn too_many_groups(span: crate::Span) -> Diagnostic {
    let message = format!("this makes more than {} groups", limits::GROUPS);
    Diagnostic::error(Code::E026, span, message).hint("group by something that has fewer values")
}

fn needs_a_server(stage: &Stage) -> Diagnostic {
    Diagnostic::error(
        Code::E025,
        stage.name,
        "this stage needs other stored events, and files are read once, event by event",
    )
    .hint("send the files to a server with `cordwood ingest` and ask it, or leave the stage out")
}
