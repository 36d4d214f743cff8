//! Expressions of `where`, `eval`, aggregate arguments and group keys, and the functions they may call.

use super::{CompareOp, Field, Kind, Literal, Predicate, Query};
use crate::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub node: ExprNode,
    /// *Checked*: what values it gives.
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprNode {
    Literal(Literal),
    Field(Field),
    Negate(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Flat, two or more; so is `Or`.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// `field:value`, and after `check` every comparison of a field with literals.
    Predicate(Box<Predicate>),
    In {
        value: Box<Expr>,
        negated: bool,
        list: Vec<Expr>,
    },
    InQuery {
        value: Box<Expr>,
        negated: bool,
        query: Box<Query>,
    },
    Regex {
        value: Box<Expr>,
        negated: bool,
        pattern: Literal,
    },
    Call {
        function: Function,
        name: Span,
        arguments: Vec<Expr>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Compare(CompareOp),
}

impl BinaryOp {
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Compare(op) => op.text(),
        }
    }

    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Compare(_))
    }
}

/// What people see of a function in completion and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionDoc {
    pub name: &'static str,
    /// `round(x, digits?)`
    pub signature: &'static str,
    pub doc: &'static str,
    pub least_arguments: usize,
    /// `usize::MAX` for any number.
    pub most_arguments: usize,
}

const ANY: usize = usize::MAX;

macro_rules! functions {
    ($(#[$doc:meta])* $kind:ident, $list:ident: $($variant:ident $name:literal ($least:expr, $most:expr) $signature:literal $about:literal;)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind { $(#[doc = $about] $variant,)+ }

        impl $kind {
            /// By canonical name, in any letter case.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                let name = name.to_ascii_lowercase();
                match name.as_str() { $($name => Some(Self::$variant),)+ _ => None }
            }

            #[must_use]
            pub fn doc(self) -> &'static FunctionDoc {
                &$list()[self as usize]
            }

            #[must_use]
            pub fn name(self) -> &'static str {
                self.doc().name
            }
        }

        /// Every function of this family, in documentation order.
        #[must_use]
        pub fn $list() -> &'static [FunctionDoc] {
            &[$(FunctionDoc { name: $name, signature: $signature, doc: $about, least_arguments: $least, most_arguments: $most },)+]
        }
    };
}

functions! {
    /// A function of an expression.
    Function, function_docs:
    Abs "abs" (1, 1) "abs(x)" "the number without its sign";
    Ceil "ceil" (1, 1) "ceil(x)" "rounded up";
    Floor "floor" (1, 1) "floor(x)" "rounded down";
    Round "round" (1, 2) "round(x, digits?)" "rounded, halves away from zero";
    Sqrt "sqrt" (1, 1) "sqrt(x)" "square root";
    Pow "pow" (2, 2) "pow(x, y)" "x to the power of y";
    Ln "ln" (1, 1) "ln(x)" "natural logarithm";
    Log10 "log10" (1, 1) "log10(x)" "decimal logarithm";
    Exp "exp" (1, 1) "exp(x)" "e to the power of x";
    Least "least" (1, ANY) "least(a, b, …)" "the smallest";
    Greatest "greatest" (1, ANY) "greatest(a, b, …)" "the largest";
    Lower "lower" (1, 1) "lower(s)" "in lower case";
    Upper "upper" (1, 1) "upper(s)" "in upper case";
    Length "length" (1, 1) "length(s)" "number of characters";
    Substr "substr" (2, 3) "substr(s, from, count?)" "part of a text, counted from 1";
    Trim "trim" (1, 1) "trim(s)" "without blanks at both ends";
    Replace "replace" (3, 3) "replace(s, old, new)" "every old replaced by new";
    ReplaceRe "replace_re" (3, 3) "replace_re(s, \"re\", to)" "every match replaced";
    SplitPart "split_part" (3, 3) "split_part(s, separator, n)" "the n-th part, counted from 1";
    Concat "concat" (1, ANY) "concat(a, b, …)" "joined; null counts as empty";
    Contains "contains" (2, 2) "contains(s, \"part\")" "holds the part, letter case counts";
    StartsWith "startswith" (2, 2) "startswith(s, \"start\")" "begins with it, letter case counts";
    EndsWith "endswith" (2, 2) "endswith(s, \"end\")" "ends with it, letter case counts";
    Phrase "phrase" (2, 2) "phrase(s, \"a b\")" "holds the words side by side, in any letter case";
    Extract "extract" (2, 2) "extract(s, \"re\")" "the first group of the first match";
    ToString "to_string" (1, 1) "to_string(x)" "as text";
    ToNumber "to_number" (1, 1) "to_number(x)" "as a number, or null";
    ToBool "to_bool" (1, 1) "to_bool(x)" "as true or false, or null";
    TypeOf "typeof" (1, 1) "typeof(x)" "null, bool, number, string, time or array";
    If "if" (3, 3) "if(condition, then, else)" "one of two values";
    Case "case" (2, ANY) "case(condition, value, …, else?)" "the value of the first condition that holds";
    Coalesce "coalesce" (1, ANY) "coalesce(a, b, …)" "the first that is not null";
    Exists "exists" (1, 1) "exists(field)" "the field is present";
    Missing "missing" (1, 1) "missing(field)" "the field is absent";
    Now "now" (0, 0) "now()" "the time of the request";
    Bin "bin" (1, 2) "bin(5m), bin(time, 5m) or bin(number, 100)" "the start of the interval it falls in";
    Hour "hour" (1, 1) "hour(t)" "hour of the day, 0 to 23, in the request's time zone";
    FormatTime "format_time" (2, 2) "format_time(t, \"%Y-%m-%d\")" "a time as text, in the request's time zone";
    Cidr "cidr" (2, ANY) "cidr(ip, \"10.0.0.0/8\", …)" "the address lies in one of the networks";
    Json "json" (2, 2) "json(s, \"path\")" "a value inside JSON text";
}

functions! {
    /// A function over a group of rows.
    AggregateFunction, aggregate_docs:
    Count "count" (0, 1) "count() or count(x)" "number of rows, or of values that are present";
    CountIf "countif" (1, 1) "countif(condition)" "rows for which the condition holds";
    DistinctCount "dcount" (1, 1) "dcount(x)" "number of different values";
    Sum "sum" (1, 1) "sum(x)" "total of the numbers";
    Average "avg" (1, 1) "avg(x)" "mean of the numbers";
    Min "min" (1, 1) "min(x)" "smallest number or earliest time";
    Max "max" (1, 1) "max(x)" "largest number or latest time";
    Range "range" (1, 1) "range(x)" "largest minus smallest";
    Percentile "percentile" (2, 2) "percentile(x, 99.9)" "the value below which that percentage lies; p50 … p99, p999 and median for short";
    Stddev "stddev" (1, 1) "stddev(x)" "standard deviation of the sample";
    Variance "variance" (1, 1) "variance(x)" "variance of the sample";
    First "first" (1, 1) "first(x)" "the earliest value";
    Last "last" (1, 1) "last(x)" "the latest value";
    Values "values" (1, 2) "values(x, most?)" "the different values, sorted";
    List "list" (1, 2) "list(x, most?)" "all values, by time";
    Mode "mode" (1, 1) "mode(x)" "the most frequent value";
    Rate "rate" (0, 1) "rate() or rate(x)" "events, or the sum of x, per second";
}

functions! {
    /// A function over neighbouring rows of a table.
    WindowFunction, window_docs:
    MovingAverage "movavg" (2, 2) "movavg(x, rows)" "mean of the last rows";
    MovingSum "movsum" (2, 2) "movsum(x, rows)" "sum of the last rows";
    Delta "delta" (1, 1) "delta(x)" "difference to the row before";
    Lag "lag" (2, 2) "lag(x, rows)" "value so many rows before";
    CumulativeSum "cumsum" (1, 1) "cumsum(x)" "sum of all rows up to here";
    RowNumber "row_number" (0, 0) "row_number()" "1, 2, 3, …";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_own_name() {
        for doc in function_docs() {
            let function = Function::from_name(&doc.name.to_uppercase()).expect("listed");
            assert_eq!(function.doc(), doc);
        }
        assert_eq!(AggregateFunction::Rate.name(), "rate");
        assert_eq!(WindowFunction::from_name("avg"), None);
    }
}
