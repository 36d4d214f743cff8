//! Text matching (§5 of the language): words, phrases and patterns in a text.
//!
//! ClickHouse folds both sides with `lowerUTF8`, so both fold alike. On `message` the expressions are the ones that
//! the text index knows: `hasAllTokens`, `hasPhrase` and LIKE over `lowerUTF8(message)`.

use super::text::{Parameters, Sql, sql};
use crate::ast::{Glob, GlobPart, TextKind, TextMatch};

/// Runs shorter than this cannot use the index, so they are not worth a test of their own.
const SHORTEST_RUN: usize = 4;

/// The bound parts of a match; `on` writes it over any text.
pub(super) enum TextTest {
    Word(Sql),
    Phrase(Sql),
    Substring(Sql),
    Pattern { like: Option<Sql>, regex: Option<Sql> },
    Anything,
}

impl TextTest {
    pub(super) fn bind(text: &TextMatch, parameters: &mut Parameters) -> Self {
        match &text.kind {
            TextKind::Phrase if is_one_token(&text.text) => Self::Word(parameters.text(&text.text)),
            TextKind::Phrase => Self::Phrase(parameters.text(&text.text)),
            TextKind::Substring => Self::Substring(parameters.text(&text.text)),
            TextKind::Wildcard(glob) => Self::bind_pattern(glob, parameters),
        }
    }

    fn bind_pattern(glob: &Glob, parameters: &mut Parameters) -> Self {
        if let [GlobPart::AnyRun, GlobPart::Text(inner), GlobPart::AnyRun] = glob.parts.as_slice() {
            let like = Some(parameters.text(&format!("%{}%", escape_like(inner))));
            return Self::Pattern { like, regex: None };
        }
        if glob.parts.iter().all(|part| *part == GlobPart::AnyRun) {
            return Self::Anything;
        }
        let run = longest_run(glob).filter(|run| run.len() >= SHORTEST_RUN);
        let like = run.map(|run| parameters.text(&format!("%{run}%")));
        Self::Pattern { like, regex: Some(parameters.text(&word_regex(glob))) }
    }

    /// True, false or null over `text`, which is not folded yet.
    pub(super) fn on(&self, text: &Sql) -> Sql {
        let folded = sql!("lowerUTF8({})", text);
        match self {
            Self::Word(word) => sql!("hasAllTokens({}, lowerUTF8({}))", folded, word),
            Self::Phrase(phrase) => sql!("hasPhrase({}, lowerUTF8({}))", folded, phrase),
            Self::Substring(needle) => sql!("position({}, lowerUTF8({})) > 0", folded, needle),
            Self::Pattern { like, regex } => {
                let like = like.as_ref().map(|like| sql!("{} LIKE lowerUTF8({})", folded, like));
                let regex = regex.as_ref().map(|regex| sql!("match({}, lowerUTF8({}))", folded, regex));
                sql!("({})", Sql::join(like.into_iter().chain(regex), " AND "))
            }
            Self::Anything => sql!("{} != ''", text),
        }
    }
}

pub(crate) fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || !character.is_ascii()
}

fn is_one_token(text: &str) -> bool {
    text.split(|character| !is_token_character(character)).filter(|token| !token.is_empty()).count() == 1
}

/// A pattern in words as a regular expression over folded text. Escapes are lower case, because the whole is folded.
pub(crate) fn word_regex(glob: &Glob) -> String {
    const OUTSIDE: &str = r"[^0-9a-z\x{80}-\x{10ffff}]";
    let mut regex = String::new();
    if let Some(GlobPart::Text(text)) = glob.parts.first()
        && text.starts_with(is_token_character)
    {
        regex.push_str(&format!("(?:^|{OUTSIDE})"));
    }
    for part in &glob.parts {
        match part {
            GlobPart::Text(text) => text.chars().for_each(|character| push_literal(&mut regex, character)),
            GlobPart::AnyRun => regex.push_str(&format!("{NOT_BLANK}*")),
            GlobPart::AnyOne => regex.push_str(NOT_BLANK),
        }
    }
    if let Some(GlobPart::Text(text)) = glob.parts.last()
        && text.ends_with(is_token_character)
    {
        regex.push_str(&format!("(?:$|{OUTSIDE})"));
    }
    regex
}

const NOT_BLANK: &str = r"[^ \t\n\r\x0b\x0c]";

pub(super) fn push_literal(regex: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(character);
}

/// The longest run of ASCII letters and digits that every match holds; folding cannot change its length.
fn longest_run(glob: &Glob) -> Option<&str> {
    let texts = glob.parts.iter().filter_map(|part| match part {
        GlobPart::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts
        .flat_map(|text| text.split(|character: char| !character.is_ascii_alphanumeric()))
        .max_by_key(|run| run.len())
}

/// A glob over a whole value as a LIKE pattern: here `*` crosses blanks and lines.
pub(super) fn like_pattern(glob: &Glob) -> String {
    let parts = glob.parts.iter().map(|part| match part {
        GlobPart::Text(text) => escape_like(text),
        GlobPart::AnyRun => "%".to_owned(),
        GlobPart::AnyOne => "_".to_owned(),
    });
    parts.collect()
}

fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(parts: &[&str]) -> Glob {
        let part = |text: &&str| match *text {
            "*" => GlobPart::AnyRun,
            "?" => GlobPart::AnyOne,
            text => GlobPart::Text(text.to_owned()),
        };
        Glob { parts: parts.iter().map(part).collect() }
    }

    #[test]
    fn wildcards_of_sql_in_a_value_are_literal() {
        assert_eq!(like_pattern(&glob(&["a_b%", "*", "c\\", "?"])), r"a\_b\%%c\\_");
    }

    #[test]
    fn a_pattern_ends_on_a_token_border_only_where_it_ends_with_a_letter_or_digit() {
        assert_eq!(
            word_regex(&glob(&["conn", "*"])),
            r"(?:^|[^0-9a-z\x{80}-\x{10ffff}])conn[^ \t\n\r\x0b\x0c]*"
        );
        assert_eq!(word_regex(&glob(&["/a.", "?", "="])), r"\/a\.[^ \t\n\r\x0b\x0c]\=");
    }

    #[test]
    fn the_longest_run_is_one_that_folding_leaves_alone() {
        assert_eq!(longest_run(&glob(&["/api/v1", "*", "größen"])), Some("api"));
        assert_eq!(longest_run(&glob(&["*"])), None);
    }
}
