//! The stages as people see them: names, aliases, arguments and options. One table for errors, completion and docs.

/// A stage and what may be typed after its name.
#[derive(Debug)]
pub struct StageDoc {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub usage: &'static str,
    pub doc: &'static str,
    /// What is said when nothing follows the name: `top needs fields`.
    pub(crate) needs: &'static str,
    pub(crate) arguments: &'static [Argument],
    pub options: &'static [OptionDoc],
}

#[derive(Debug)]
pub struct OptionDoc {
    pub name: &'static str,
    pub doc: &'static str,
    /// Worth offering while typing.
    pub values: &'static [&'static str],
}

/// One piece of a stage, in the order of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Expression,
    Filter,
    Column,
    OptionalColumn,
    Columns,
    OptionalColumns,
    /// `a as b, c`
    Projections,
    /// `a as b, …`
    Renamings,
    /// `a = expression, …`
    Assignments,
    Pattern,
    Regex,
    /// `json` or `logfmt`
    Format,
    Aggregates,
    /// `by` keys
    By,
    /// `by` columns
    ByColumns,
    OptionalCount,
    Count,
    Percent,
    /// `(50, 95)`
    Numbers,
    SortKeys,
    Subquery,
    Subqueries,
    /// `on a = b, …`
    On,
    /// `on a`
    OnColumn,
    Table,
    WindowColumns,
    Options,
    /// At least one.
    RequiredOptions,
}

use Argument as A;

const EVERY: OptionDoc =
    OptionDoc { name: "every", doc: "width of a time bin", values: &["1m", "5m", "15m", "1h", "1d"] };
const LIMIT: OptionDoc = OptionDoc { name: "limit", doc: "how many", values: &["10", "20", "100"] };

macro_rules! stages {
    ($($name:literal $aliases:expr, $usage:literal, $doc:literal, $needs:literal, $arguments:expr, $options:expr;)+) => {
        /// Every stage, the most used first.
        pub static STAGES: &[StageDoc] = &[$(StageDoc {
            name: $name, aliases: &$aliases, usage: $usage, doc: $doc, needs: $needs, arguments: &$arguments, options: &$options,
        },)+];
    };
}

stages! {
    "where" [], "where status >= 500 and exists(user.id)", "keeps rows for which the condition holds", "a condition",
        [A::Expression], [];
    "stats" ["summarize", "aggregate"], "stats count(), p95(duration_ms) by source, bin(5m)",
        "computes figures over all rows or per group", "an aggregate", [A::Aggregates, A::By], [];
    "timechart" [], "timechart count() by level every=5m", "a figure over time, one series per value", "an aggregate",
        [A::Aggregates, A::By, A::Options], [EVERY, LIMIT,
            OptionDoc { name: "other", doc: "put the remaining series together", values: &["true", "false"] }];
    "top" [], "top 10 http.route", "the most frequent values", "fields", [A::OptionalCount, A::Columns], [];
    "sort" ["order"], "sort -count, source", "orders the rows", "fields", [A::SortKeys], [];
    "limit" ["head", "take"], "limit 100", "keeps the first rows", "a whole number", [A::Count], [];
    "fields" ["project", "keep"], "fields timestamp, source, user.id as user", "keeps exactly these columns", "fields",
        [A::Projections], [];
    "eval" ["extend"], "eval seconds = duration_ms / 1000", "adds computed columns", "name = expression",
        [A::Assignments], [];
    "parse" [], "parse \"user=<user> from <ip>\"", "cuts fields out of text by a pattern", "a quoted pattern",
        [A::OptionalColumn, A::Pattern], [];
    "unpack" [], "unpack json", "reads JSON or logfmt text into fields", "json or logfmt",
        [A::Format, A::OptionalColumn, A::Options],
        [OptionDoc { name: "prefix", doc: "put before every name", values: &["\"msg.\""] }];
    "patterns" [], "patterns by source limit=20", "groups messages of the same shape", "",
        [A::OptionalColumn, A::Options, A::By, A::Options], [LIMIT];
    "context" [], "context before=5 after=5 by source", "adds the lines around each match", "",
        [A::Options, A::ByColumns, A::Options],
        [OptionDoc { name: "before", doc: "lines before each match", values: &["5"] },
         OptionDoc { name: "after", doc: "lines after each match", values: &["5"] },
         OptionDoc { name: "within", doc: "how far away in time", values: &["5m", "1h"] }];
    "compare" [], "compare shift=1w", "the same figures some time earlier", "shift=",
        [A::RequiredOptions], [OptionDoc { name: "shift", doc: "how far back", values: &["1h", "1d", "1w"] }];
    "dedup" [], "dedup host", "keeps the first row of each value", "fields", [A::OptionalCount, A::Columns], [];
    "rare" [], "rare 10 error.type", "the least frequent values", "fields", [A::OptionalCount, A::Columns], [];
    "search" ["filter"], "search timeout -source:web", "filter syntax later in the pipe", "a filter", [A::Filter], [];
    "percentiles" [], "percentiles duration_ms (50, 95, 99) by source", "several percentiles at once", "a field",
        [A::Column, A::Numbers, A::By], [];
    "rename" [], "rename user.id as user", "gives a column another name", "field as name", [A::Renamings], [];
    "drop" [], "drop attributes.debug", "removes columns", "fields", [A::Columns], [];
    "extract" ["rex"], "extract \"took (?P<ms>\\d+)ms\"", "cuts fields out of text by a regular expression",
        "a quoted regular expression", [A::OptionalColumn, A::Regex], [];
    "offset" ["skip"], "offset 100", "leaves out the first rows", "a whole number", [A::Count], [];
    "uniq" ["distinct"], "uniq http.method, http.status", "the different combinations", "fields", [A::Columns], [];
    "histogram" [], "histogram duration_ms step=100", "how values are spread", "a field",
        [A::Column, A::RequiredOptions],
        [OptionDoc { name: "step", doc: "width of a bucket", values: &["100"] },
         OptionDoc { name: "bins", doc: "number of buckets", values: &["20"] }];
    "facets" [], "facets source, level", "value counts of several fields", "", [A::OptionalColumns, A::Options], [LIMIT];
    "join" [], "join { source:db | fields trace_id, message as query } on trace_id", "adds columns of another search",
        "a subquery in { }", [A::Options, A::Subquery, A::On, A::Options],
        [OptionDoc { name: "kind", doc: "what happens to rows without a match", values: &["left", "inner"] },
         OptionDoc { name: "prefix", doc: "put before the added columns", values: &["\"r.\""] }];
    "union" [], "union { source:db level:error }", "appends the rows of another search", "a subquery in { }",
        [A::Subqueries], [];
    "lookup" [], "lookup owners on source", "adds columns of an uploaded table", "a table", [A::Table, A::OnColumn], [];
    "expand" [], "expand tags", "one row per element of an array", "a field", [A::Column], [];
    "fill" [], "fill value=0", "adds the time bins that are missing", "", [A::Options], [EVERY,
        OptionDoc { name: "value", doc: "what stands in the gaps", values: &["0", "null", "prev", "linear"] }];
    "window" [], "window movavg(count, 6) as trend", "figures over neighbouring rows", "a window function",
        [A::WindowColumns, A::ByColumns], [];
    "anomaly" [], "anomaly count by source", "marks unusual values", "a column",
        [A::Column, A::ByColumns, A::Options],
        [OptionDoc { name: "method", doc: "how usual is measured", values: &["mad", "zscore"] },
         OptionDoc { name: "threshold", doc: "how far from usual", values: &["3.5"] }];
    "sample" [], "sample 10%", "a repeatable part of the events", "a percentage", [A::Percent], [];
    "describe" [], "describe", "the fields that occur, with types and examples", "", [], [];
}

impl StageDoc {
    /// By name or alias, in any letter case.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        STAGES.iter().find(|stage| {
            stage.name.eq_ignore_ascii_case(name)
                || stage.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        })
    }

    #[must_use]
    pub fn option(&self, name: &str) -> Option<&'static OptionDoc> {
        self.options.iter().find(|option| option.name.eq_ignore_ascii_case(name))
    }
}
