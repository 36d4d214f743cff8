//! Tells a stream of syslog into its messages: octet-counted (`123 <34>1 …`), or ended by a line feed or a NUL, message by message.
//!
//! A message that is longer than the cap ends there and the rest of it is passed over, so that a sender cannot fill the memory.

/// A little more than an event may have: what is beyond that is cut and marked like any event.
pub const LONGEST: usize = 300 * 1024;
/// A count has at most this many digits.
const COUNT_DIGITS: usize = 9;

#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// What is before is read.
    at: usize,
    skip: Skip,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Skip {
    #[default]
    Nothing,
    Bytes(usize),
    ToLineEnd,
}

impl Framer {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message that is there as a whole.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        loop {
            self.pass_over();
            let rest = &self.buffer[self.at..];
            if rest.is_empty() || self.skip != Skip::Nothing {
                return None;
            }
            let (start, end, next) = match count(rest) {
                Count::Unfinished => return None,
                Count::Of { start, length } => {
                    let end = start + length.min(LONGEST);
                    if rest.len() < end {
                        return None;
                    }
                    if length > LONGEST {
                        self.skip = Skip::Bytes(length - LONGEST);
                    }
                    (start, end, end)
                }
                Count::None => match rest.iter().position(ends_line) {
                    Some(end) if end <= LONGEST => (0, end, end + 1),
                    None if rest.len() <= LONGEST => return None,
                    _ => {
                        self.skip = Skip::ToLineEnd;
                        (0, LONGEST, LONGEST)
                    }
                },
            };
            let message = rest[start..end].to_vec();
            self.at += next;
            if !is_blank(&message) {
                return Some(message);
            }
        }
    }

    /// What was left when the stream ended: a last line without its end.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        self.pass_over();
        let rest = match count(&self.buffer[self.at..]) {
            Count::Of { start, .. } => &self.buffer[self.at + start..],
            _ => &self.buffer[self.at..],
        };
        (self.skip == Skip::Nothing && !is_blank(rest)).then(|| rest.to_vec())
    }

    fn pass_over(&mut self) {
        let rest = &self.buffer[self.at..];
        match self.skip {
            Skip::Nothing => {}
            Skip::Bytes(count) if rest.len() < count => {
                self.skip = Skip::Bytes(count - rest.len());
                self.at = self.buffer.len();
            }
            Skip::Bytes(count) => {
                self.at += count;
                self.skip = Skip::Nothing;
            }
            Skip::ToLineEnd => match rest.iter().position(ends_line) {
                Some(end) => {
                    self.at += end + 1;
                    self.skip = Skip::Nothing;
                }
                None => self.at = self.buffer.len(),
            },
        }
    }
}

/// Python's handler, and others, end messages with a NUL.
fn ends_line(byte: &u8) -> bool {
    matches!(byte, b'\n' | 0)
}

fn is_blank(message: &[u8]) -> bool {
    message.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

enum Count {
    None,
    /// It may become one.
    Unfinished,
    Of {
        start: usize,
        length: usize,
    },
}

/// `123 <`: a line that only begins with a number is a line.
fn count(bytes: &[u8]) -> Count {
    let digits = bytes.iter().take(COUNT_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > COUNT_DIGITS || bytes[0] == b'0' {
        return Count::None;
    }
    match (bytes.get(digits), bytes.get(digits + 1)) {
        (None, _) | (Some(b' '), None) => Count::Unfinished,
        (Some(b' '), Some(b'<')) => {
            let length = bytes[..digits].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            Count::Of { start: digits + 1, length }
        }
        _ => Count::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The messages of a stream that comes in pieces of this size.
    fn messages(stream: &[u8], piece: usize) -> Vec<String> {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for piece in stream.chunks(piece.max(1)) {
            framer.push(piece);
            found.extend(std::iter::from_fn(|| framer.next_message()));
        }
        found.extend(framer.finish());
        found.into_iter().map(|message| String::from_utf8_lossy(&message).into_owned()).collect()
    }

    #[test]
    fn counted_messages_and_lines_are_told_apart_one_by_one() {
        let stream = b"<14>line one\r\n\n<14>ends with NUL\0\n21 <14>counted\nof 2 lines<14>line two\n8 <14>abcd9 <14>abcd\n404 not found\n<14>cut off";
        for piece in [1, 3, 1000] {
            assert_eq!(
                messages(stream, piece),
                [
                    "<14>line one\r",
                    "<14>ends with NUL",
                    "<14>counted\nof 2 line",
                    "s<14>line two",
                    "<14>abcd",
                    "<14>abcd\n",
                    "404 not found",
                    "<14>cut off"
                ],
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn what_is_too_long_ends_at_the_cap_and_the_next_message_is_read() {
        let long = "x".repeat(LONGEST + 500);
        let line = format!("<14>{long}\n<14>next\n");
        let counted = format!("{} <14>{long}<14>next\n", long.len() + 4);
        for stream in [line, counted] {
            for piece in [1000, LONGEST * 3] {
                let found = messages(stream.as_bytes(), piece);
                assert_eq!(found.len(), 2);
                assert_eq!((found[0].len(), &*found[1]), (LONGEST, "<14>next"));
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_messages(stream in "([0-9]{1,2} )?(<14>)?[a-c\\n 0-9<]{0,30}", piece in 1_usize..20) {
            prop_assert_eq!(messages(stream.as_bytes(), piece), messages(stream.as_bytes(), 10_000));
        }

        #[test]
        fn counted_messages_come_back_as_they_were(sent in proptest::collection::vec("<14>[a-z\\n0-9 ]{0,20}", 0..10), piece in 1_usize..50) {
            let stream: String = sent.iter().map(|message| format!("{} {message}", message.len())).collect();
            prop_assert_eq!(messages(stream.as_bytes(), piece), sent);
        }
    }
}
