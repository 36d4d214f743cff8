//! Takes ANSI colour and cursor sequences (`ESC [ … letter`) out of text, so that words are found.
//!
//! What remains holds no sequence, also where taking one out brings two halves of another together.

use std::borrow::Cow;

const ESCAPE: u8 = 0x1B;

/// The text without its sequences; borrowed when it has none.
pub fn strip(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.as_bytes().contains(&ESCAPE) {
        return text;
    }
    let stripped = strip_bytes(text.as_bytes());
    if stripped.len() == text.len() {
        return text;
    }
    Cow::Owned(String::from_utf8(stripped).expect("only ASCII was taken out"))
}

/// Where a sequence that may still complete begins in the output, and whether its `[` is there.
struct Open {
    start: usize,
    bracket: bool,
}

fn strip_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut open: Vec<Open> = Vec::new();
    for &byte in bytes {
        match (open.last_mut(), byte) {
            (_, ESCAPE) => open.push(Open { start: out.len(), bracket: false }),
            (None, _) => {}
            (Some(last), b'[') if !last.bracket => last.bracket = true,
            (Some(last), 0x20..=0x3F) if last.bracket => {}
            (Some(last), 0x40..=0x7E) if last.bracket => {
                out.truncate(last.start);
                open.pop();
                continue;
            }
            _ => open.clear(),
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> String {
        strip(Cow::Borrowed(text)).into_owned()
    }

    #[test]
    fn colours_go_and_everything_else_stays() {
        assert_eq!(
            stripped("\u{1b}[31mERROR\u{1b}[0m disk \u{1b}[1;38;5;200mfull\u{1b}[K"),
            "ERROR disk full"
        );
        for plain in ["plain", "a \u{1b} alone", "\u{1b}(B", "unfinished \u{1b}[31", "[31m"] {
            assert_eq!(stripped(plain), plain);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_second_pass_finds_nothing(text in "[\u{1b}\\[0-9;mKa\u{e9} ]{0,40}") {
            let once = stripped(&text);
            proptest::prop_assert_eq!(stripped(&once), once);
        }
    }
}
