//! Events with every kind of value that ingest lets through, few enough that values repeat.

use super::Dice;
use query_lang::ast::Level;
use query_lang::eval::Event;
use serde_json::{Map, Value, json};

#[derive(Clone, Debug)]
pub struct RandomEvent {
    pub timestamp_ns: i64,
    pub level: Option<Level>,
    pub source: String,
    pub host: String,
    pub message: String,
    pub trace_id: String,
    pub span_id: String,
    pub attributes: Map<String, Value>,
}

impl RandomEvent {
    pub fn event<'a>(&'a self, id: &'a str) -> Event<'a> {
        Event {
            id,
            timestamp_ns: self.timestamp_ns,
            level: self.level,
            source: &self.source,
            host: &self.host,
            message: &self.message,
            trace_id: &self.trace_id,
            span_id: &self.span_id,
            attributes: &self.attributes,
        }
    }
}

/// Attribute names: nested, with the names of core fields, with characters that need quotes.
pub const PATHS: &[&str] = &[
    "status",
    "http.status",
    "http.method",
    "user.name",
    "user",
    "user.id",
    "duration_ms",
    "size_kb",
    "wait",
    "tags",
    "a",
    "a.b",
    "a.b.c",
    "order-id",
    "weird key",
    "größe",
    "level",
    "message",
    "k8s.io/name",
    "tick`ed",
    "id",
    "x",
    "paren)",
    "n",
];

/// Texts that are numbers, amounts, addresses, times, and such that somebody may have forgotten to quote or to fold.
pub const TEXTS: &[&str] = &[
    "",
    "500",
    "500.0",
    "404",
    "007",
    "20.50",
    "1e3",
    " 12",
    "12 ",
    "-5",
    "+5",
    ".5",
    "5.",
    "9007199254740993",
    "18446744073709551616",
    "1e400",
    "inf",
    "-inf",
    "nan",
    "0x1F",
    "1_000",
    "true",
    "TRUE",
    "false",
    "null",
    "1.5s",
    "1500ms",
    "2 h",
    "10MiB",
    "10 MB",
    "1h30m",
    "3kb",
    "10.0.0.7",
    "192.168.1.255",
    "::1",
    "2001:db8::1",
    "::ffff:10.0.0.7",
    "10.0.0.7:80",
    "10.0.0",
    "2026-03-10",
    "2026-03-10T10:15:30Z",
    "alice",
    "Alice",
    "ALICE",
    "bob@example.com",
    "GET /api/v1/cart?id=7",
    "a b  c",
    "user_id",
    "größe",
    "GRÖSSE",
    "straße",
    "STRASSE",
    "İstanbul",
    "ıstanbul",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "кириллица",
    "КИРИЛЛИЦА",
    "日本語 テスト",
    "😀 ok",
    "e\u{301}clair",
    "éclair",
    "'); DROP TABLE logs --",
    "100%_done",
    "100% done",
    "back\\slash",
    "tab\there",
    "two\nlines",
    "cr\r\nlf",
    "\"quoted\"",
    "{p0:String}",
    "*",
    "?",
    "a*b",
    "a?b",
    "[x]",
    "nul\0byte",
    "\u{7f}",
    "\u{a0}nbsp",
    "Ǆ",
    "ﬁn",
    "…",
    "error",
    "WARN",
    "a,b",
    "a|b",
    "(x)",
    "`y`",
    "$1",
    "\\1",
    "-",
    "=>",
    " ",
    "\u{2003}",
];

const WORDS: &[&str] = &[
    "connection",
    "reset",
    "by",
    "peer",
    "timeout",
    "Timeout",
    "user",
    "login",
    "failed",
    "alice",
    "Größe",
    "ÜBER",
    "order",
    "500",
    "10",
    "7",
    "ok",
    "retry",
    "of",
    "für",
    "Ошибка",
    "日本",
    "a",
    "b",
    "x1",
    "v2",
    "%",
    "😀",
    "ΟΔΟΣ",
];

const SEPARATORS: &[&str] =
    &[" ", " ", " ", "_", "-", "  ", ": ", ",", "/", "\n", ".", "=", "'", "(", ")", "\t", ""];

/// `count` events of the hour that begins at `start_ns`, oldest first.
pub fn events(dice: &mut Dice, count: usize, start_ns: i64) -> Vec<RandomEvent> {
    let mut events: Vec<RandomEvent> = (0..count).map(|_| event(dice, start_ns)).collect();
    events.sort_by_key(|event| event.timestamp_ns);
    events
}

fn event(dice: &mut Dice, start_ns: i64) -> RandomEvent {
    let step = dice.pick(&[1_i64, 1_000, 1_000_000, 1_000_000_000, 250_000_000]);
    let within_an_hour = dice.below(3_600) as i64;
    RandomEvent {
        timestamp_ns: start_ns + within_an_hour * step,
        level: dice.pick(&[
            None,
            Some(Level::Trace),
            Some(Level::Info),
            Some(Level::Warn),
            Some(Level::Error),
        ]),
        source: dice.pick(&["", "api", "API", "web-1", "größe", "500"]).to_owned(),
        host: dice.pick(&["", "node-1", "node-2", "10.0.0.7"]).to_owned(),
        message: message(dice),
        trace_id: dice.pick(&["", "4bf92f3577b34da6a3ce929d0e0e4736", "abc"]).to_owned(),
        span_id: dice.pick(&["", "00f067aa0ba902b7"]).to_owned(),
        attributes: attributes(dice),
    }
}

fn message(dice: &mut Dice) -> String {
    match dice.below(10) {
        0 => dice.pick(TEXTS).to_owned(),
        1 => Value::Object(attributes(dice)).to_string(),
        2 => logfmt(dice),
        _ => sentence(dice),
    }
}

fn sentence(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.below(6) {
        text.push_str(dice.pick(WORDS));
        text.push_str(dice.pick(SEPARATORS));
    }
    text
}

fn logfmt(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.below(4) {
        let (key, value) = (dice.pick(&["status", "n", "user", "x", "msg"]), dice.pick(TEXTS));
        text.push_str(&match value.contains([' ', '"', '\\', '\n', '\t']) || dice.chance(10) {
            true => format!("{key}=\"{}\" ", value.replace('\\', "\\\\").replace('"', "\\\"")),
            false => format!("{key}={value} "),
        });
    }
    text
}

fn attributes(dice: &mut Dice) -> Map<String, Value> {
    let mut map = Map::new();
    for _ in 0..dice.below(8) {
        let (path, value) = (dice.pick(PATHS), value(dice));
        if dice.chance(50) { put(&mut map, path, value) } else { put_flat(&mut map, path, value) }
    }
    map
}

/// Nested, unless something else is in the way.
fn put(map: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else { return put_flat(map, path, value) };
    if !map.contains_key(path)
        && let Some(inner) = map.entry(first).or_insert_with(|| json!({})).as_object_mut()
    {
        put(inner, rest, value);
    }
}

/// With dots in the name, unless the path is there already: ingest keeps one value for a path.
fn put_flat(map: &mut Map<String, Value>, path: &str, value: Value) {
    let is_nested = path.split_once('.').is_some_and(|(first, _)| map.contains_key(first));
    if !is_nested && !map.contains_key(path) {
        map.insert(path.to_owned(), value);
    }
}

fn value(dice: &mut Dice) -> Value {
    match dice.below(20) {
        0 => Value::Null,
        1..=2 => array(dice),
        _ => scalar(dice),
    }
}

fn scalar(dice: &mut Dice) -> Value {
    match dice.below(10) {
        0 => dice.chance(50).into(),
        1..=2 => dice
            .pick(&[0_i64, 1, -1, 5, 200, 404, 500, 503, 1_500, i64::MAX, i64::MIN, 9_007_199_254_740_993])
            .into(),
        3 => dice.pick(&[u64::MAX, 10_000_000_000_000_000_000]).into(),
        4 => json!(dice.pick(&[0.5, -0.0, 20.5, 500.0, 1e21, 1e-7, 1.5e300, 0.1, 123_456.789, -2.5])),
        _ => dice.pick(TEXTS).into(),
    }
}

fn array(dice: &mut Dice) -> Value {
    let count = dice.below(4);
    let text = |dice: &mut Dice| {
        // How the engine writes control characters inside arrays is its own.
        let text = dice.pick(TEXTS);
        if text.contains(char::is_control) { "plain" } else { text }
    };
    let item = |dice: &mut Dice, kind: usize| match kind {
        0 => text(dice).into(),
        1 => dice.pick(&[1, 5, 404, 500]).into(),
        2 => json!(dice.pick(&[0.5, 500.0, -2.5])),
        3 => dice.chance(50).into(),
        4 => Value::Null,
        5 => json!([text(dice), 5]),
        _ => json!({"sku": text(dice), "n": 5}),
    };
    let same = dice.pick(&[0, 0, 1, 1, 2, 3, 6]);
    let mixed = dice.chance(30);
    // The engine keeps no null beside arrays.
    let kinds: &[usize] = if dice.chance(50) { &[0, 1, 2, 3, 4] } else { &[0, 1, 2, 3, 5, 6] };
    (0..count)
        .map(|_| {
            let kind = if mixed { dice.pick(kinds) } else { same };
            item(dice, kind)
        })
        .collect()
}
