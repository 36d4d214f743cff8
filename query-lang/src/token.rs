//! Colours for the query bar: every byte of the text belongs to exactly one token, also while it is half typed.

use serde::{Deserialize, Serialize};

use crate::walk::Walker;

/// A stretch of the source with one look, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub class: TokenClass,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenClass {
    Blank,
    Comment,
    /// AND, OR, NOT, in, by, as, where …
    Keyword,
    Operator,
    /// Brackets and commas.
    Punctuation,
    Field,
    CoreField,
    /// A free word or an unquoted value.
    Text,
    String,
    Number,
    Wildcard,
    Regex,
    Function,
    Stage,
    Option,
    Level,
    Time,
    Error,
}

/// Reads any text and never fails. The tokens follow each other without gaps, from the first byte to the last.
#[must_use]
pub fn tokens(source: &str) -> Vec<Token> {
    let mut walker = Walker::new(source);
    walker.query();
    cover(source, &walker.tokens)
}

/// Fills what no token claimed: blanks between them, plain text elsewhere.
fn cover(source: &str, claimed: &[Token]) -> Vec<Token> {
    let mut covered = Vec::with_capacity(claimed.len() * 2 + 1);
    let mut at = 0;
    for token in claimed.iter().filter(|token| token.start < token.end) {
        fill(source, at, token.start, &mut covered);
        covered.push(*token);
        at = token.end;
    }
    fill(source, at, source.len(), &mut covered);
    covered
}

fn fill(source: &str, start: usize, end: usize, covered: &mut Vec<Token>) {
    if start < end {
        let blank = source[start..end].chars().all(crate::lexical::is_blank);
        covered.push(Token { class: if blank { TokenClass::Blank } else { TokenClass::Text }, start, end });
    }
}
