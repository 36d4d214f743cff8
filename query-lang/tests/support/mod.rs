//! Random queries: text that the grammar accepts, from every rule.

use proptest::prelude::*;
use proptest::sample::select;

type Text = BoxedStrategy<String>;

fn one_of(texts: &'static [&'static str]) -> Text {
    select(texts).prop_map(str::to_owned).boxed()
}

fn list(item: Text, most: usize) -> Text {
    prop::collection::vec(item, 1..=most).prop_map(|items| items.join(", ")).boxed()
}

fn maybe(text: Text) -> Text {
    prop_oneof![Just(String::new()), text].boxed()
}

fn quoted() -> Text {
    let inside = prop_oneof![
        "[a-z0-9 /:=<>|,.*?()-]{1,12}",
        "\\PC{1,8}",
        one_of(&["it's", "a\"b", "C:\\tmp\\x*", "tab\there", "and", "=>", "'); DROP --", "\u{7}"]),
    ];
    (inside, any::<bool>())
        .prop_map(|(text, single)| match single {
            true => format!("'{}'", text.replace('\'', "''")),
            false => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        })
        .boxed()
}

fn field() -> Text {
    one_of(&[
        "message",
        "source",
        "host",
        "level",
        "http.status",
        "duration_ms",
        "order-id",
        "a/b.c-d",
        "_msg",
        "@timestamp",
        "`weird key`",
        "`a``b`",
        "user.name",
        "attributes.level",
        "größe",
        "tags",
        "`and`",
        "trace_id",
        "x",
        "in",
    ])
}

fn column() -> Text {
    one_of(&[
        "message",
        "source",
        "level",
        "timestamp",
        "http.status",
        "duration_ms",
        "`order-id`",
        "user.name",
        "`by`",
        "größe",
        "`x y`",
        "n",
        "`true`",
    ])
}

fn bare_value() -> Text {
    prop_oneof![
        one_of(&[
            "500",
            "500.0",
            "-5",
            "1.5s",
            "10MiB",
            "true",
            "null",
            "web-1",
            "web*",
            "?x*",
            "a\\*b",
            "http://x/y?z=1",
            "10.0.0.1:80",
            "C++",
            "[",
            "and",
            ":x",
            "a<b",
            "error",
            "07",
            "1e3",
            "it's",
            "µ",
        ])
        .prop_filter("brackets end values", |text| text != "["),
        "[a-z0-9._/*?-]{1,8}".prop_filter(
            "signs are operators in groups, two slashes after a blank begin a comment",
            |text: &String| !text.starts_with('-') && !text.starts_with("//"),
        ),
    ]
    .boxed()
}

/// Behind `=`, `>` and in lists.
fn plain_value() -> Text {
    prop_oneof![quoted(), bare_value(), one_of(&["!x"])].boxed()
}

fn number() -> Text {
    one_of(&["0", "1", "2.5", ".5", "500", "1e3", "100"])
}

fn word() -> Text {
    prop_oneof![
        one_of(&[
            "timeout",
            "conn*",
            "*onnec*",
            "*",
            "re*d",
            "10.0.0.7",
            "12:30:45",
            "http://x/y",
            "std::vector",
            "in",
            "to",
            "limit",
            "can't",
            "C++",
            "50%",
            "=>x",
            "über",
            "a-b_c",
            "x\\*y",
            "stats",
            "//x",
        ])
        .prop_filter("operators and comments are no words", |text| !text.starts_with("=>")
            && !text.starts_with("//")),
        "[a-z][a-z0-9_.]{0,8}"
            .prop_filter("operators", |text: &String| !["and", "or", "not"].contains(&text.as_str())),
    ]
    .boxed()
}

fn range() -> Text {
    let ends = prop_oneof![
        (number(), number()),
        (one_of(&["*", "400", "1.5"]), one_of(&["*", "499", "9"])),
        (quoted(), quoted()),
    ];
    (ends, select(&["[", "{"][..]), select(&["]", "}"][..]), select(&["TO", "to"][..]))
        .prop_map(|((low, high), open, close, to)| format!("{open}{low} {to} {high}{close}"))
        .boxed()
}

fn value_group() -> Text {
    let leaf = prop_oneof![
        4 => bare_value().prop_filter("operators", |text| text != "and"),
        2 => quoted(),
        1 => (select(&[">", ">=", "<", "<="][..]), number()).prop_map(|(op, number)| format!("{op}{number}")),
        1 => range(),
    ];
    let group = leaf.boxed().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} OR {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) {b}")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    });
    group.prop_map(|inside| format!("({inside})")).boxed()
}

fn predicate() -> Text {
    let comparison = select(&["=", "==", "!=", ">", ">=", "<", "<=", " = ", " > "][..]);
    prop_oneof![
        3 => (field(), bare_value()).prop_map(|(field, value)| format!("{field}:{value}"))
            .prop_filter("these are text, not values", |text| !text.contains("::") && !text.contains("://") && !text.contains(":!")),
        2 => (field(), quoted()).prop_map(|(field, value)| format!("{field}:{value}")),
        2 => (field(), value_group()).prop_map(|(field, group)| format!("{field}:{group}")),
        1 => (field(), range()).prop_map(|(field, range)| format!("{field}:{range}")),
        1 => (field(), select(&[">", ">=", "<", "<="][..]), number()).prop_map(|(f, op, n)| format!("{f}:{op}{n}")),
        3 => (field(), comparison, plain_value()).prop_map(|(field, op, value)| format!("{field}{op}{value}"))
            .prop_filter("one operator too many", |text| !text.contains("=!") || !text.contains("!x")),
        1 => (field(), select(&["=~", "!~", " =~ "][..])).prop_map(|(field, op)| format!("{field}{op}'^a\\d+$'")),
        2 => (field(), select(&["in", "not in", "NOT IN"][..]), list(plain_value(), 3))
            .prop_map(|(field, op, values)| format!("{field} {op} ({values})")),
        1 => field().prop_map(|field| format!("{field}:*")),
        1 => (select(&["exists", "missing", "EXISTS"][..]), field()).prop_map(|(name, field)| format!("{name}({field})")),
        1 => field().prop_map(|field| format!("cidr({field}, 10.0.0.0/8, \"::1\")")),
        1 => (select(&["contains", "startswith", "endswith", "phrase"][..]), field(), quoted())
            .prop_map(|(name, field, value)| format!("{name}({field}, {value})")),
    ]
    .boxed()
}

pub fn filter() -> Text {
    let term = prop_oneof![
        4 => word(),
        3 => quoted(),
        6 => predicate(),
        1 => (word()).prop_filter("no text", |text| text != "*").prop_map(|word| format!("*:{word}")),
        1 => quoted().prop_map(|text| format!("*:{text}")),
    ];
    term.boxed()
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} {b}")),
                2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} AND {b}")),
                3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} OR {b}")),
                2 => inner.clone().prop_map(|a| format!("({a})")),
                1 => inner.clone().prop_map(|a| format!("-({a})")),
                1 => inner.clone().prop_map(|a| format!("NOT {a}")),
                1 => inner.prop_map(|a| format!("!({a}) // note\n")),
            ]
        })
        .prop_filter("`a in (` reads as a list", |text| !text.contains(" in (") || !text.contains("in (("))
        .boxed()
}

fn call(argument: Text) -> Text {
    prop_oneof![
        (select(&["abs", "lower", "length", "Round", "typeof", "trim"][..]), argument.clone())
            .prop_map(|(name, a)| format!("{name}({a})")),
        (argument.clone(), argument.clone(), argument.clone())
            .prop_map(|(a, b, c)| format!("if({a}, {b}, {c})")),
        (argument.clone(), argument).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
        one_of(&[
            "now()",
            "bin(timestamp, 5m)",
            "bin(15m)",
            "exists(user.name)",
            "extract(message, '(\\d+)')"
        ]),
    ]
    .boxed()
}

pub fn expression() -> Text {
    let atom = prop_oneof![
        3 => column(),
        2 => number(),
        2 => quoted(),
        1 => one_of(&["true", "null", "1.5s", "10MB", "-5", "- 5", "--5"]),
        1 => (column(), bare_value()).prop_map(|(column, value)| format!("({column}:{value})"))
            .prop_filter("these are text, not values", |text| !text.contains("::") && !text.contains("://") && !text.contains(":!")),
        1 => (column(), value_group()).prop_map(|(column, group)| format!("({column}:{group})")),
    ];
    atom.boxed()
        .prop_recursive(3, 14, 3, |inner| {
            let inside = inner.clone().prop_map(|a| format!("({a})")).boxed();
            prop_oneof![
                2 => call(inner.clone()),
                3 => (inside.clone(), select(&["+", "-", "*", "/", "%"][..]), inside.clone())
                    .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
                3 => (inside.clone(), select(&["=", "==", "!=", "<", ">="][..]), inside.clone())
                    .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
                2 => (inside.clone(), select(&["and", "or", "AND"][..]), inside.clone())
                    .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
                1 => inside.clone().prop_map(|a| format!("not {a}")),
                1 => inside.clone().prop_map(|a| format!("!{a}")),
                1 => inside.clone().prop_map(|a| format!("-{a}")),
                1 => (inside.clone(), list(inside.clone(), 3)).prop_map(|(a, list)| format!("{a} not in ({list})")),
                1 => inside.prop_map(|a| format!("{a} =~ '^x'")),
            ]
        })
        .boxed()
}

fn aggregate() -> Text {
    let call = prop_oneof![
        one_of(&[
            "count()",
            "count(*)",
            "rate()",
            "p95(duration_ms)",
            "median(n)",
            "dcount(user.name)",
            "values(source, 5)",
            "P999(n)"
        ]),
        expression().prop_map(|e| format!("countif({e}) as c1")),
        expression().prop_map(|e| format!("sum({e}) as total")),
        expression().prop_map(|e| format!("count() where {e} as `some of them`")),
    ];
    call.boxed()
}

fn key() -> Text {
    prop_oneof![
        column(),
        one_of(&["bin(5m)", "bin(duration_ms, 100)", "bin (1h)", "bin(timestamp, 1d) as day"]),
        expression().prop_map(|e| format!("({e}) as k")),
    ]
    .boxed()
}

fn by_keys() -> Text {
    maybe(list(key(), 2).prop_map(|keys| format!(" by {keys}")).boxed())
}

fn by_columns() -> Text {
    maybe(list(column(), 2).prop_map(|columns| format!(" by {columns}")).boxed())
}

fn subquery() -> Text {
    prop_oneof![
        Just("{ }".to_owned()),
        filter().prop_map(|filter| format!("{{ {filter} }}")),
        (filter(), column()).prop_map(|(filter, column)| format!("{{{filter} | fields {column}}}")),
    ]
    .boxed()
}

fn stage() -> Text {
    prop_oneof![
        3 => expression().prop_map(|e| format!("where {e}")),
        2 => filter().prop_map(|f| format!("search {f}")),
        1 => (column(), column()).prop_map(|(a, b)| format!("fields {a}, {b} as z")),
        1 => list(column(), 3).prop_map(|columns| format!("drop {columns}")),
        1 => column().prop_map(|a| format!("rename {a} as b")),
        2 => (expression(), expression()).prop_map(|(a, b)| format!("EVAL x = {a}, y = {b}")),
        1 => (maybe(column().prop_map(|c| c + " ").boxed()), quoted()).prop_map(|(column, _)| format!("parse {column}'a<b> <_>'")),
        1 => maybe(column().prop_map(|c| format!(" {c}")).boxed()).prop_map(|column| format!("rex{column} '(?P<n>\\d+)'")),
        1 => one_of(&["unpack json", "unpack logfmt message prefix=\"m.\"", "unpack JSON `x y` prefix=p."]),
        1 => column().prop_map(|column| format!("expand {column}")),
        3 => (list(aggregate(), 3), by_keys()).prop_map(|(aggregates, by)| format!("stats {aggregates}{by}")),
        1 => (aggregate(), one_of(&["", " every=5m", " limit=3 other=false every=1h"]))
            .prop_map(|(aggregate, options)| format!("timechart {aggregate} by source{options}")),
        1 => (one_of(&["top ", "rare 5 ", "top 10 "]), list(column(), 2)).prop_map(|(top, columns)| top + &columns),
        1 => (column(), by_keys()).prop_map(|(column, by)| format!("percentiles {column} (50, 99.9){by}")),
        1 => (column(), column()).prop_map(|(a, b)| format!("sort -{a}, {b} desc")),
        1 => one_of(&["limit 5", "head 10", "offset 3", "sample 2.5%", "describe", "fill", "fill value=prev every=5m"]),
        1 => (one_of(&["dedup ", "dedup 2 ", "uniq "]), list(column(), 2)).prop_map(|(name, columns)| name + &columns),
        1 => (one_of(&["", " kind=inner"]), subquery(), column()).prop_map(|(kind, q, c)| format!("join{kind} {q} on {c} = x prefix='r.'")),
        1 => column().prop_map(|column| format!("lookup owners on {column}")),
        1 => (subquery(), subquery()).prop_map(|(a, b)| format!("union {a}, {b}")),
        1 => by_columns().prop_map(|by| format!("context before=2{by} within=1h")),
        1 => by_keys().prop_map(|by| format!("patterns{by} limit=3")),
        1 => one_of(&["compare shift=1w", "window movavg(n, 3) as m, row_number() as r by x", "anomaly n by x method=zscore threshold=3"]),
        1 => (column(), one_of(&["step=500", "bins=20", "step=1.5s"])).prop_map(|(column, o)| format!("histogram {column} {o}")),
        1 => maybe(list(column(), 2).prop_map(|c| format!(" {c}")).boxed()).prop_map(|columns| format!("facets{columns} limit=5")),
    ]
    .boxed()
}

/// A whole query.
pub fn query() -> impl Strategy<Value = String> {
    (maybe(filter()), prop::collection::vec(stage(), 0..3)).prop_map(|(filter, stages)| {
        let stages: String = stages.iter().map(|stage| format!(" | {stage}")).collect();
        filter + &stages
    })
}
