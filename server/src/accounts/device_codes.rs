//! The two codes of a login by device: a long secret one for the program, a short one that a person reads and types.

use rand::distr::{Alphanumeric, SampleString};

/// No vowels, so that no word comes out, and no letters that look like others.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const HALF: usize = 4;

/// The secret that the program keeps: 238 bits.
pub fn device_code() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 40)
}

/// As it is stored: eight letters.
pub fn user_code() -> String {
    (0..2 * HALF).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

/// As it is shown: `BCDF-GHJK`.
pub fn shown(user_code: &str) -> String {
    match user_code.split_at_checked(HALF) {
        Some((first, second)) => format!("{first}-{second}"),
        None => user_code.to_owned(),
    }
}

/// What a person typed, as it is stored: small letters, blanks and hyphens are fine.
pub fn typed(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).take(2 * HALF).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_as_it_is_shown_and_as_people_type_it() {
        let code = user_code();
        assert!(code.len() == 8 && code.bytes().all(|byte| LETTERS.contains(&byte)), "{code}");
        for text in [shown(&code), shown(&code).to_lowercase(), format!(" {} {} ", &code[..4], &code[4..])] {
            assert_eq!(typed(&text), code, "{text}");
        }
        assert_ne!(device_code(), device_code());
    }
}
