//! Lines that are broken between words where the terminal ends, so that what belongs to one event stands together.

/// Where the rows behind the first one begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indent {
    /// After a break of ours.
    pub broken: usize,
    /// After a line end of the text's own.
    pub own: usize,
}

const TAB: usize = 4;

/// Appends the text, no row wider than `width` columns. Colours take no room.
pub fn write(text: &str, width: usize, indent: Indent, out: &mut Vec<u8>) {
    let mut row = Row { width, column: 0, blanks: 0, indent, is_fresh: true, out };
    let mut word = String::new();
    for character in text.chars() {
        match character {
            ' ' | '\t' | '\n' => {
                row.word(&mut word);
                row.blank(character);
            }
            character => word.push(character),
        }
    }
    row.word(&mut word);
}

struct Row<'o> {
    width: usize,
    column: usize,
    /// Blanks that are written when a word follows in this row.
    blanks: usize,
    indent: Indent,
    /// Nothing but the indent is in it.
    is_fresh: bool,
    out: &'o mut Vec<u8>,
}

impl Row<'_> {
    fn blank(&mut self, character: char) {
        match character {
            '\n' => self.next(self.indent.own),
            '\t' => self.blanks += TAB,
            _ => self.blanks += 1,
        }
    }

    fn next(&mut self, indent: usize) {
        self.out.push(b'\n');
        self.column = 0;
        self.blanks = indent;
        self.is_fresh = true;
    }

    /// Writes a word and empties it.
    fn word(&mut self, word: &mut String) {
        if word.is_empty() {
            return;
        }
        let is_too_wide = self.column + self.blanks + columns(word) > self.width;
        if is_too_wide && !self.is_fresh {
            self.next(self.indent.broken);
        }
        self.out.extend(std::iter::repeat_n(b' ', self.blanks));
        self.column += std::mem::take(&mut self.blanks);
        self.is_fresh = false;
        let mut is_colour = false;
        for character in word.drain(..) {
            let wide = if is_colour || character == '\x1b' { 0 } else { columns_of(character) };
            is_colour = character == '\x1b' || (is_colour && character != 'm');
            // A word that is longer than a row.
            if self.column + wide > self.width && wide > 0 {
                self.next(self.indent.broken);
                self.out.extend(std::iter::repeat_n(b' ', self.blanks));
                self.column = std::mem::take(&mut self.blanks);
                self.is_fresh = false;
            }
            self.column += wide;
            self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The room that a text takes on a terminal.
pub fn columns(text: &str) -> usize {
    let mut is_colour = false;
    let mut sum = 0;
    for character in text.chars() {
        if character == '\x1b' {
            is_colour = true;
        } else if is_colour {
            is_colour = character != 'm';
        } else {
            sum += columns_of(character);
        }
    }
    sum
}

/// Letters of Chinese, Japanese and Korean, and pictures, are two columns wide; marks on letters take none.
fn columns_of(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize, indent: Indent) -> String {
        let mut out = Vec::new();
        write(text, width, indent, &mut out);
        String::from_utf8(out).expect("text")
    }

    const HANGING: Indent = Indent { broken: 4, own: 2 };

    #[test]
    fn rows_are_broken_between_words_and_hang() {
        assert_eq!(wrapped("one two three four", 9, HANGING), "one two\n    three\n    four");
        assert_eq!(wrapped("short", 9, HANGING), "short");
        assert_eq!(wrapped("a\n\tb  c", 20, HANGING), "a\n      b  c");
        assert_eq!(wrapped("abcdefghijklm", 8, HANGING), "abcdefgh\n    ijkl\n    m");
    }

    #[test]
    fn colours_take_no_room_and_wide_letters_take_two_columns() {
        assert_eq!(wrapped("\x1b[1;31mred\x1b[0m blue", 8, HANGING), "\x1b[1;31mred\x1b[0m blue");
        assert_eq!(wrapped("日本 日本", 8, HANGING), "日本\n    日本");
        assert_eq!(columns("\x1b[2mab\x1b[0m日e\u{301}"), 5);
    }

    proptest::proptest! {
        #[test]
        fn no_row_is_too_wide_and_no_letter_is_lost(text in "[a-z日 \n]{0,80}", width in 8..30_usize) {
            let shown = wrapped(&text, width, HANGING);
            for row in shown.split('\n') {
                proptest::prop_assert!(columns(row) <= width, "{row:?}");
            }
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(letters(&shown), letters(&text));
        }
    }
}
