//! Words in texts (§5 of the language): tokens, phrases, and where they stand.

use crate::sql::is_token_character;

/// A text in lower case that remembers where each piece came from.
pub(super) struct Folded {
    pub text: String,
    /// (offset in the folded text, offset in the original), one for each character.
    origins: Vec<(usize, usize)>,
    original_length: usize,
}

impl Folded {
    pub(super) fn of(original: &str) -> Self {
        let text = original.to_lowercase();
        let mut origins = Vec::new();
        let mut offset = 0;
        for (start, character) in original.char_indices() {
            origins.push((offset, start));
            offset += character.to_lowercase().map(char::len_utf8).sum::<usize>();
        }
        Self { text, origins, original_length: original.len() }
    }

    /// A stretch of the folded text, in the original.
    pub(super) fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        let before = self.origins.partition_point(|(folded, _)| *folded <= start).saturating_sub(1);
        let first = self.origins.get(before).map_or(0, |(_, original)| *original);
        let after = self.origins.partition_point(|(folded, _)| *folded < end);
        let last = self.origins.get(after).map_or(self.original_length, |(_, original)| *original);
        (first, last)
    }
}

/// The tokens of a folded text, each with its place.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split(|character| !is_token_character(character)).filter_map(move |token| {
        let start = offset;
        // Separators are single ASCII characters.
        offset += token.len() + 1;
        (!token.is_empty()).then_some((start, token))
    })
}

/// Where the words stand side by side in a folded text.
pub(super) fn find_phrase(text: &str, words: &[String]) -> Vec<(usize, usize)> {
    let tokens: Vec<(usize, &str)> = tokens(text).collect();
    let place = |window: &[(usize, &str)]| {
        let (last, word) = window[window.len() - 1];
        (window[0].0, last + word.len())
    };
    let fits = |window: &&[(usize, &str)]| window.iter().zip(words).all(|((_, token), word)| token == word);
    tokens.windows(words.len().max(1)).filter(fits).map(place).collect()
}

pub(super) fn has_phrase(text: &str, words: &[String]) -> bool {
    if let [word] = words {
        return tokens(text).any(|(_, token)| token == word);
    }
    let mut places = tokens(text).map(|(_, token)| token).collect::<Vec<_>>();
    places.truncate(usize::MAX);
    places
        .windows(words.len().max(1))
        .any(|window| window.iter().zip(words).all(|(token, word)| token == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).map(|(_, token)| token.to_owned()).collect()
    }

    #[test]
    fn underscores_separate_and_letters_beyond_ascii_do_not() {
        assert_eq!(words("user_id=7 größe—x, “q”"), ["user", "id", "7", "größe—x", "“q”"]);
        assert_eq!(words(" -- "), [""; 0]);
    }

    #[test]
    fn a_phrase_is_found_across_separators_and_only_in_order() {
        let text = "connection reset by_peer";
        assert_eq!(find_phrase(text, &words("reset by")), [(11, 19)]);
        assert!(has_phrase(text, &words("by peer")));
        assert!(!has_phrase(text, &words("reset connection")));
        assert!(!has_phrase(text, &words("connection re")));
    }

    #[test]
    fn places_are_found_again_in_the_original() {
        let original = "İX Größe";
        let folded = Folded::of(original);
        let places = find_phrase(&folded.text, &words("größe"));
        let (start, end) = folded.origin(places[0].0, places[0].1);
        assert_eq!(&original[start..end], "Größe");
    }
}
