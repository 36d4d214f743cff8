//! Words, phrases and patterns made ready to be looked for.

use regex::Regex;

use super::words::{Folded, find_phrase, has_phrase, tokens};
use crate::ast::{Glob, GlobPart, TextKind, TextMatch};
use crate::sql::word_regex;

/// Text to be found in texts, in any letter case.
#[derive(Clone, Debug)]
pub(super) enum TextPattern {
    Phrase(Vec<String>),
    Substring(String),
    Pattern(Regex),
    /// Only stars: any text that is not empty.
    Anything,
}

impl TextPattern {
    pub(super) fn of(text: &TextMatch) -> Self {
        let folded = text.text.to_lowercase();
        match &text.kind {
            TextKind::Phrase => Self::Phrase(tokens(&folded).map(|(_, token)| token.to_owned()).collect()),
            TextKind::Substring => Self::Substring(folded),
            TextKind::Wildcard(glob) if glob.parts.iter().all(|part| *part == GlobPart::AnyRun) => {
                Self::Anything
            }
            TextKind::Wildcard(glob) => Self::of_glob(glob),
        }
    }

    fn of_glob(glob: &Glob) -> Self {
        if let [GlobPart::AnyRun, GlobPart::Text(inner), GlobPart::AnyRun] = glob.parts.as_slice() {
            return Self::Substring(inner.to_lowercase());
        }
        Self::Pattern(super::regular::compile(&word_regex(glob).to_lowercase()))
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Anything => !text.is_empty(),
            Self::Phrase(words) => has_phrase(&text.to_lowercase(), words),
            Self::Substring(part) => text.to_lowercase().contains(part.as_str()),
            Self::Pattern(regex) => regex.is_match(&text.to_lowercase()),
        }
    }

    /// Where it stands in a text.
    pub(super) fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let folded = Folded::of(text);
        let found: Vec<(usize, usize)> = match self {
            Self::Anything => Vec::new(),
            Self::Phrase(words) => find_phrase(&folded.text, words),
            Self::Substring(part) => folded
                .text
                .match_indices(part.as_str())
                .map(|(start, part)| (start, start + part.len()))
                .collect(),
            Self::Pattern(regex) => regex
                .find_iter(&folded.text)
                .map(|found| trimmed(&folded.text, found.start(), found.end()))
                .collect(),
        };
        found.into_iter().map(|(start, end)| folded.origin(start, end)).collect()
    }
}

/// A pattern's match may begin or end with the separator that borders it.
fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let is_border = |character: char| character.is_ascii_whitespace();
    let Some(found) = text.get(start..end) else { return (start, end) };
    let front = found.len() - found.trim_start_matches(is_border).len();
    let back = found.len() - found.trim_end_matches(is_border).len();
    (start + front, end.saturating_sub(back).max(start + front))
}

/// Whether a whole text fits a glob, ignoring letter case; `*` crosses blanks and lines.
pub(super) fn fits(glob: &Glob, text: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<Piece> = pieces(glob);
    // Positions of the last star and of the text when it was met: the usual linear-space matching.
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some(Piece::Run) => {
                star = Some((next, at));
                next += 1;
            }
            Some(Piece::One) => (at, next) = (at + 1, next + 1),
            Some(Piece::Is(character)) if *character == text[at] => (at, next) = (at + 1, next + 1),
            _ => match star {
                Some((run, from)) => {
                    star = Some((run, from + 1));
                    (at, next) = (from + 1, run + 1);
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|piece| matches!(piece, Piece::Run))
}

enum Piece {
    Is(char),
    One,
    Run,
}

fn pieces(glob: &Glob) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for part in &glob.parts {
        match part {
            GlobPart::Text(text) => pieces.extend(text.to_lowercase().chars().map(Piece::Is)),
            GlobPart::AnyRun => pieces.push(Piece::Run),
            GlobPart::AnyOne => pieces.push(Piece::One),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(source: &str) -> Glob {
        let part = |character| match character {
            '*' => GlobPart::AnyRun,
            '?' => GlobPart::AnyOne,
            other => GlobPart::Text(other.to_string()),
        };
        Glob { parts: source.chars().map(part).collect() }
    }

    #[test]
    fn globs_cover_the_whole_text() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*b*b*", "abab", true),
            ("a?c", "äbc", false),
            ("?bc", "Äbc", true),
            ("*", "", true),
            ("?", "", false),
            ("a*", "a\nb", true),
        ] {
            assert_eq!(fits(&glob(pattern), text), expected, "{pattern} on {text}");
        }
    }
}
