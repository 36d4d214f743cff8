//! Moves behind a value without making it: as strict as reading it, and several times as fast.

use super::{Fault, MAX_DEPTH, Reader};

impl Reader<'_> {
    /// As `value`, but keeps nothing. Counts the values, those inside included.
    pub(crate) fn pass_value(&mut self, values: &mut usize) -> Result<(), Fault> {
        // The object around it is one level.
        self.pass_at(1, values)
    }

    fn pass_at(&mut self, depth: usize, values: &mut usize) -> Result<(), Fault> {
        *values += 1;
        match self.peek().ok_or(Fault::Unfinished)? {
            b'"' => self.pass_string(),
            b'{' => self.pass_object(depth + 1, values),
            b'[' => self.pass_array(depth + 1, values),
            b'0'..=b'9' => self.pass_number(),
            b'-' if self.bytes.get(self.at + 1) != Some(&b'I') => self.pass_number(),
            // Words are rare, and read without cost.
            _ => self.value_at(depth).map(drop),
        }
    }

    /// Moves behind a string. Its bytes are well-formed, its escapes are checked.
    pub(crate) fn pass_string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            self.run_of_plain_text()?;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(());
            }
            self.at += 1;
            match self.peek().ok_or(Fault::Unfinished)? {
                b'"' | b'\\' | b'/' | b'n' | b't' | b'r' | b'b' | b'f' => self.at += 1,
                b'u' => {
                    self.at += 1;
                    self.hex4()?;
                }
                _ => return Err(Fault::Expected("an escape that JSON knows")),
            }
        }
    }

    fn pass_object(&mut self, depth: usize, values: &mut usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_blanks();
            self.expect(b'"', "a member name in double quotes")?;
            self.pass_string()?;
            self.pass_colon()?;
            self.pass_at(depth, values)?;
            self.skip_blanks();
            self.at += 1;
            match self.bytes.get(self.at - 1) {
                Some(b',') => {}
                Some(b'}') => return Ok(()),
                _ => return Err(Fault::Expected("`,` or `}` after a member")),
            }
        }
    }

    /// Moves from behind a member's name to its value.
    pub(crate) fn pass_colon(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        self.expect(b':', "`:` after a member name")?;
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn pass_array(&mut self, depth: usize, values: &mut usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_blanks();
            self.pass_at(depth, values)?;
            self.skip_blanks();
            self.at += 1;
            match self.bytes.get(self.at - 1) {
                Some(b',') => {}
                Some(b']') => return Ok(()),
                _ => return Err(Fault::Expected("`,` or `]` after an array item")),
            }
        }
    }

    fn pass_number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let start = self.at;
        self.pass_digits()?;
        if self.at - start > 1 && self.bytes[start] == b'0' {
            return Err(Fault::Expected("a number without leading zeros"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.pass_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.pass_digits()?;
        }
        Ok(())
    }

    fn pass_digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Fault::Expected("a digit")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the text is one value and where it ends, read and passed.
    fn both(text: &str) -> [Option<usize>; 2] {
        let mut read = Reader::new(text.as_bytes());
        let read = read.value().ok().map(|_| read.position());
        let mut pass = Reader::new(text.as_bytes());
        let pass = pass.pass_value(&mut 0).ok().map(|()| pass.position());
        [read, pass]
    }

    #[test]
    fn a_value_is_passed_when_it_can_be_read() {
        for text in [
            "1",
            "-0",
            "01",
            "1.",
            "1.5e",
            "1.5e+3",
            "-",
            "-Infinity",
            "-Inf",
            "NaN",
            "nul",
            "null",
            "true",
            "\"a",
            "\"a\\\"b\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\uD800\"",
            "[1,2",
            "[1,2]",
            "[]",
            "{}",
            "{\"a\":1,}",
            "{\"a\" : [ ] }",
            "[1,]",
            "{a:1}",
            "\"two\nlines\"",
        ] {
            let [read, passed] = both(text);
            assert_eq!(read, passed, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn passing_ends_where_reading_does(text in "[\\[\\]{}\":,a\\\\u0-9.eE+\\- tnf]{0,24}") {
            let [read, passed] = both(&text);
            proptest::prop_assert_eq!(read, passed);
        }
    }
}
