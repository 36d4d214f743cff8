//! AND, OR, NOT and parentheses, as every language has them; how tightly OR binds is what differs.

use super::cursor::Cursor;

/// A condition whose leaves are already in our language.
#[derive(Debug)]
pub(super) enum Condition {
    Leaf(String),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

/// How a language reads its conditions.
pub(super) struct Rules<'r> {
    /// SPL binds OR before AND.
    pub(super) or_first: bool,
    /// Terms side by side are ANDed.
    pub(super) implied_and: bool,
    /// `-x` and `!x`.
    pub(super) signs: bool,
    /// One term; `None` refuses the whole query.
    pub(super) leaf: &'r dyn Fn(&mut Cursor<'_>) -> Option<Condition>,
}

const DEEPEST: usize = 16;

/// Reads a whole text as one condition.
pub(super) fn read(text: &str, rules: &Rules<'_>) -> Option<Condition> {
    let mut cursor = Cursor::new(text);
    cursor.blanks();
    if cursor.is_done() {
        return Some(Condition::And(Vec::new()));
    }
    let condition = outer(&mut cursor, rules, 0)?;
    cursor.is_done().then_some(condition)
}

fn outer(cursor: &mut Cursor<'_>, rules: &Rules<'_>, depth: usize) -> Option<Condition> {
    if depth > DEEPEST {
        return None;
    }
    if rules.or_first {
        let all = series(
            cursor,
            rules,
            |cursor| is_and(cursor, rules),
            |cursor| {
                series(cursor, rules, is_or, |cursor| negatable(cursor, rules, depth)).map(Condition::Or)
            },
        )?;
        return Some(Condition::And(all));
    }
    let any = series(cursor, rules, is_or, |cursor| {
        series(cursor, rules, |cursor| is_and(cursor, rules), |cursor| negatable(cursor, rules, depth))
            .map(Condition::And)
    })?;
    Some(Condition::Or(any))
}

fn series(
    cursor: &mut Cursor<'_>,
    _rules: &Rules<'_>,
    goes_on: impl Fn(&mut Cursor<'_>) -> bool,
    item: impl Fn(&mut Cursor<'_>) -> Option<Condition>,
) -> Option<Vec<Condition>> {
    let mut items = vec![item(cursor)?];
    while goes_on(cursor) {
        items.push(item(cursor)?);
    }
    Some(items)
}

fn is_or(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    ahead.blanks();
    let found = ahead.eat_word("or") || ahead.eat("||");
    if found {
        ahead.blanks();
        *cursor = ahead;
    }
    found
}

fn is_and(cursor: &mut Cursor<'_>, rules: &Rules<'_>) -> bool {
    let mut ahead = *cursor;
    let blank = ahead.blanks();
    if ahead.eat_word("and") || ahead.eat("&&") {
        ahead.blanks();
        *cursor = ahead;
        return true;
    }
    let starts_term = ahead.peek().is_some_and(|c| c != ')') && !is_or(&mut ahead.clone());
    if rules.implied_and && starts_term && (blank || ahead.peek() == Some('(')) {
        *cursor = ahead;
        return true;
    }
    false
}

fn negatable(cursor: &mut Cursor<'_>, rules: &Rules<'_>, depth: usize) -> Option<Condition> {
    if depth > DEEPEST {
        return None;
    }
    cursor.blanks();
    let sign = rules.signs
        && (cursor.eat("-")
            || cursor.rest.starts_with('!') && !cursor.rest.starts_with("!=") && cursor.eat("!"));
    if sign || cursor.eat_word("not") {
        return Some(Condition::Not(Box::new(negatable(cursor, rules, depth + 1)?)));
    }
    if cursor.peek() == Some('(') {
        let inside = cursor.bracketed()?;
        let mut inner = Cursor::new(inside);
        inner.blanks();
        let condition = outer(&mut inner, rules, depth + 1)?;
        return inner.is_done().then_some(condition);
    }
    (rules.leaf)(cursor)
}

impl Condition {
    pub(super) fn leaf(text: impl Into<String>) -> Self {
        Self::Leaf(text.into())
    }

    /// In our language, safe to be ANDed with others.
    pub(super) fn text(&self) -> String {
        let (text, is_or) = self.written();
        if is_or { format!("({text})") } else { text }
    }

    fn written(&self) -> (String, bool) {
        match self {
            Self::Leaf(text) => (text.clone(), false),
            Self::Not(inner) => {
                let (text, _) = inner.written();
                (format!("NOT ({text})"), false)
            }
            Self::And(terms) | Self::Or(terms) if terms.len() == 1 => terms[0].written(),
            Self::And(terms) => (
                terms
                    .iter()
                    .map(Self::text)
                    .filter(|text| !text.is_empty())
                    .collect::<Vec<_>>()
                    .join(" AND "),
                false,
            ),
            Self::Or(terms) => (terms.iter().map(Self::grouped).collect::<Vec<_>>().join(" OR "), true),
        }
    }

    fn grouped(&self) -> String {
        match self.written() {
            (text, false) if text.contains(" AND ") => format!("({text})"),
            (text, _) => text,
        }
    }
}
