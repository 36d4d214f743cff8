//! Stages: what happens to the rows after the filter, one after the other.

use serde::{Deserialize, Serialize};

use super::{
    AggregateFunction, Amount, Bin, Core, Expr, Field, Filter, Kind, Literal, Name, Query, WindowFunction,
};
use crate::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub node: StageNode,
    /// The stage's name as typed; aliases are gone from `node`.
    pub name: Span,
    pub span: Span,
    /// *Checked*: the rows behind this stage.
    pub output: Option<Shape>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StageNode {
    Where(Expr),
    Search(Filter),
    Fields(Vec<Projection>),
    Drop(Vec<Field>),
    /// As `Projection`, with `new_name` always there.
    Rename(Vec<Projection>),
    Eval(Vec<Assignment>),
    /// Literal text and placeholders; the field is `message` when none is named.
    Parse {
        field: Field,
        pattern: Literal,
        parts: Vec<ParsePart>,
    },
    /// A regular expression with named groups, in their order.
    Extract {
        field: Field,
        pattern: Literal,
        groups: Vec<String>,
    },
    Unpack {
        format: UnpackFormat,
        field: Field,
        prefix: String,
        names: UnpackNames,
    },
    Expand(Field),
    Stats {
        aggregates: Vec<Aggregate>,
        keys: Vec<Key>,
    },
    /// `step` is *checked*: `every`, or the smallest that gives at most 120 bins.
    Timechart {
        aggregates: Vec<Aggregate>,
        split: Option<Key>,
        every: Option<Literal>,
        limit: u64,
        other: bool,
        step: Option<Bin>,
    },
    Top {
        rare: bool,
        count: u64,
        fields: Vec<Field>,
    },
    Percentiles {
        field: Field,
        percents: Vec<Literal>,
        keys: Vec<Key>,
    },
    Sort(Vec<SortKey>),
    Limit(u64),
    Offset(u64),
    Dedup {
        count: u64,
        fields: Vec<Field>,
    },
    Uniq(Vec<Field>),
    /// Of a hundred; more than 0.
    Sample {
        percent: Literal,
    },
    /// `step` is *checked*: `every`, or the width of the time bin before. Bins of the range that are missing are added.
    Fill {
        every: Option<Literal>,
        value: FillValue,
        step: Option<Bin>,
    },
    Join {
        kind: JoinKind,
        query: Box<Query>,
        keys: Vec<JoinKey>,
        prefix: String,
    },
    Lookup {
        table: Name,
        key: Field,
    },
    Union(Vec<Query>),
    Context {
        before: u64,
        after: u64,
        within: Option<Literal>,
        by: Vec<Field>,
    },
    Patterns {
        field: Field,
        keys: Vec<Key>,
        limit: u64,
    },
    /// `shift` is a duration; whole days are shifted in local time.
    Compare {
        shift: Literal,
    },
    Window {
        columns: Vec<WindowColumn>,
        by: Vec<Field>,
    },
    Anomaly {
        field: Field,
        by: Vec<Field>,
        method: AnomalyMethod,
        threshold: Option<Literal>,
    },
    Histogram {
        field: Field,
        buckets: HistogramBuckets,
    },
    /// *Checked*: never empty; defaults are filled in.
    Facets {
        fields: Vec<Field>,
        limit: u64,
    },
    Describe,
}

/// `a.b` or `a.b as c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    pub field: Field,
    pub new_name: Option<Name>,
}

/// `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub name: Name,
    pub value: Expr,
}

/// A piece of a `parse` pattern. A placeholder takes the shortest run, the last one the rest of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsePart {
    Text(String),
    /// `<name>` or `<name:number>`.
    Capture {
        name: String,
        number: bool,
    },
    /// `<_>`
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpackFormat {
    Json,
    Logfmt,
}

/// *Checked*: which names have to come out of the text. Names are whole, with the prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnpackNames {
    /// The rows stay events to the end, so all of them.
    #[default]
    All,
    /// Only these are used later. A path also stands for everything below it.
    Only(Vec<String>),
}

/// `p95(duration_ms) where source:api as p`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub function: AggregateFunction,
    /// The function's name as typed, such as `p95`.
    pub spelling: Name,
    /// What is aggregated; nothing for `count()` and `rate()`. The condition of `countif`.
    pub argument: Option<Expr>,
    /// The rank of percentiles, 0 to 100; the most values of `values` and `list`.
    pub parameter: Option<Literal>,
    pub condition: Option<Expr>,
    /// The output column, given or made of function and path.
    pub name: Name,
    pub named: bool,
    pub span: Span,
}

/// A group key: a field, `bin(…)`, or an expression with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub value: Expr,
    pub name: Name,
    pub named: bool,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub field: Field,
    pub descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillValue {
    Zero,
    Null,
    Previous,
    Linear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Left,
    Inner,
}

#[derive(Clone, Debug, PartialEq)]
pub struct JoinKey {
    pub left: Field,
    pub right: Field,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WindowColumn {
    pub function: WindowFunction,
    /// Nothing for `row_number()`.
    pub column: Option<Field>,
    /// Of `movavg`, `movsum`, `lag`.
    pub rows: Option<u64>,
    pub name: Name,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnomalyMethod {
    /// Median and median absolute deviation; threshold 3.5 when none is given.
    Mad,
    /// Mean and standard deviation; threshold 3 when none is given.
    Zscore,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HistogramBuckets {
    Step(Literal),
    Bins(u64),
}

/// What rows look like at a place in the pipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "lowercase")]
pub enum Shape {
    /// Whole events, with what the stages changed on them.
    Events {
        /// Computed columns, in the order they appeared. They hide core fields and attributes of the same name.
        computed: Vec<Column>,
        /// Paths taken away, with everything below them.
        dropped: Vec<String>,
        /// Old path and new one.
        renamed: Vec<(String, String)>,
    },
    /// A closed set of columns, in order.
    Table { columns: Vec<Column> },
}

impl Default for Shape {
    fn default() -> Self {
        Self::Events { computed: Vec::new(), dropped: Vec::new(), renamed: Vec::new() }
    }
}

/// A column of the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub role: Role,
    pub absent: Absent,
}

/// What a column holds for a group or time bin without events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    Null,
    /// count, countif, dcount, rate.
    Zero,
    /// Sums: null in an empty time bin, 0 on the missing side of `compare`.
    ZeroWhenCompared,
}

/// What a column is for, so that a picture can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The start of a time bin.
    Time,
    /// A group key.
    Key,
    /// An aggregate, or a number computed from aggregates.
    Measure,
    Plain,
}

impl StageNode {
    /// The stage's canonical name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        crate::check::name_of(self)
    }
}

impl Shape {
    #[must_use]
    pub fn is_events(&self) -> bool {
        matches!(self, Self::Events { .. })
    }

    /// The columns of a table, the computed ones of events.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        match self {
            Self::Events { computed, .. } => computed,
            Self::Table { columns } => columns,
        }
    }
}

impl Column {
    #[must_use]
    pub fn plain(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, role: Role::Plain, absent: Absent::Null }
    }

    /// The column that a core field makes in a table.
    #[must_use]
    pub fn core(core: Core) -> Self {
        Self::plain(core.name(), core.kind())
    }
}

/// The width of a step, for literals that `check` has accepted.
#[must_use]
pub fn bin_of(amount: Amount) -> Option<Bin> {
    Bin::of_nanos(amount.whole()?)
}
