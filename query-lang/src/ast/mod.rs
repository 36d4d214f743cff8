//! The tree of a query: one for SQL, evaluation, formatting, editing and explaining.
//!
//! `parse` builds it from text and knows nothing but the text; every node keeps its span. `check` returns a copy in
//! which the slots marked *checked* are filled. What `check` guarantees to whoever compiles or evaluates:
//!
//! - every [`Field::target`] and [`Field::kind`] is right for its place in the pipe: `Column` once a name is computed
//!   or the schema is closed, `Nothing` for what was dropped (always null), else core field or attribute path
//!   (validated: ≤ 256 bytes, ≤ 16 segments, no control characters);
//! - every [`Predicate::meaning`] is `Some`: levels, times, units, numbers and quotes are resolved there, so nobody has
//!   to look at [`Predicate::test`] again, except for the subquery of `Test::InQuery`;
//! - in expressions, a comparison of a field with a literal, `field in (literals)` and `field =~ "re"` have become
//!   [`ExprNode::Predicate`], `now()` has become a literal of class `Time`, bare level names and text compared with a
//!   level or time have become literals of class `Level` and `Time`; [`Expr::kind`] is set everywhere;
//! - argument counts and kinds fit [`Function`], [`AggregateFunction`] and [`WindowFunction`]; literal arguments stand
//!   where constants are needed (`bin`, `round`, `cidr`, regular expressions, percentiles, counts);
//! - every [`Stage::output`] is `Some`, and the stage is possible at its place; options are inside their limits;
//! - regular expressions compile, networks are networks, output columns have distinct names;
//! - subqueries are checked in the same way, with the same time range.

mod expression;
mod filter;
mod literal;
mod stage;

pub use expression::{
    AggregateFunction, BinaryOp, Expr, ExprNode, Function, FunctionDoc, WindowFunction, aggregate_docs,
    function_docs, window_docs,
};
pub use filter::{
    Amounts, Bound, CompareOp, Filter, FilterNode, Interval, LevelSet, Limit, Meaning, Predicate, Presence,
    Spelling, Test, TimeSpan,
};
pub use literal::{
    Amount, Bin, BinUnit, Dimension, Glob, GlobPart, Literal, LiteralClass, Number, TextKind, TextMatch,
};
pub use stage::{
    Absent, Aggregate, AnomalyMethod, Assignment, Column, FillValue, HistogramBuckets, JoinKey, JoinKind,
    Key, ParsePart, Projection, Role, Shape, SortKey, Stage, StageNode, UnpackFormat, UnpackNames,
    WindowColumn, bin_of,
};

use serde::{Deserialize, Serialize};

use crate::Span;

/// A whole query, or a subquery in `{ }`. No filter means every event.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub filter: Option<Filter>,
    pub stages: Vec<Stage>,
    /// Without the blanks and comments around it; for a subquery with its braces.
    pub span: Span,
}

impl Query {
    /// What comes out at the end (*checked*): plain events when there is no stage.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.stages.last().and_then(|stage| stage.output.clone()).unwrap_or_default()
    }
}

/// A name for something new: `as total`, `eval total = …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// A name that is read: a core field, an attribute path, or a column made by an earlier stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// As typed, without backticks; aliases such as `_msg` are already their canonical name.
    pub path: String,
    pub target: Target,
    /// *Checked*: what values it holds.
    pub kind: Kind,
    pub span: Span,
}

/// Where a field's value lives. `parse` gives `Core` or `Attribute`; `check` knows about columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Core(Core),
    /// The dotted path below `attributes`, without that prefix. Right after `unpack`, unpacked names come first.
    Attribute(String),
    /// Computed by `eval`, `parse`, `extract`, `expand`, `join` …, or a column of a table.
    Column(String),
    /// Dropped or renamed away: always null.
    Nothing,
}

/// The fields that every event has a column for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Core {
    Timestamp,
    Level,
    Source,
    Host,
    Message,
    TraceId,
    SpanId,
    Id,
}

impl Core {
    pub const ALL: [Self; 8] = [
        Self::Timestamp,
        Self::Level,
        Self::Source,
        Self::Host,
        Self::Message,
        Self::TraceId,
        Self::SpanId,
        Self::Id,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Level => "level",
            Self::Source => "source",
            Self::Host => "host",
            Self::Message => "message",
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::Id => "id",
        }
    }

    /// Core fields by name or alias (`_time`, `@timestamp`, `_msg`, `@message`); case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "_time" | "@timestamp" => Some(Self::Timestamp),
            "_msg" | "@message" => Some(Self::Message),
            _ => Self::ALL.into_iter().find(|core| core.name() == name),
        }
    }

    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Timestamp => Kind::Time,
            Self::Level => Kind::Level,
            _ => Kind::Text,
        }
    }
}

/// Severity, in order. A missing level is no level at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Trace = 1,
    Debug = 2,
    Info = 3,
    Warn = 4,
    Error = 5,
    Fatal = 6,
}

impl Level {
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// A level by name or by one of the aliases that ingest normalises, in any letter case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "trace" | "verbose" => Self::Trace,
            "debug" => Self::Debug,
            "info" | "notice" | "information" | "informational" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "err" => Self::Error,
            "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" => Self::Fatal,
            _ => return None,
        })
    }
}

/// What values an expression or a column holds. `Any` is decided per row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Any,
    Null,
    Bool,
    Number,
    Text,
    Time,
    Level,
    Array,
}

impl Field {
    /// The field that `path` names in an event, before any stage.
    #[must_use]
    pub fn of_event(path: &str, span: Span) -> Self {
        let (path, target) = match (Core::from_name(path), path.strip_prefix("attributes.")) {
            (Some(core), _) => (core.name().to_owned(), Target::Core(core)),
            (None, Some(below)) if !below.is_empty() => {
                (path.to_owned(), Target::Attribute(below.to_owned()))
            }
            (None, _) => (path.to_owned(), Target::Attribute(path.to_owned())),
        };
        let kind = match target {
            Target::Core(core) => core.kind(),
            _ => Kind::Any,
        };
        Self { path, target, kind, span }
    }

    #[must_use]
    pub fn core(&self) -> Option<Core> {
        match self.target {
            Target::Core(core) => Some(core),
            _ => None,
        }
    }
}
