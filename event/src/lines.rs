//! Splits a text body into events: a line each.
//!
//! Lines that are blank are no events. If the first line ends with CR LF, so do all of them; else a CR is text.

/// The events of a text body, as slices of it.
pub struct Groups<'a> {
    rest: &'a [u8],
    crlf: bool,
}

impl<'a> Groups<'a> {
    pub fn of_body(body: &'a [u8]) -> Self {
        let first_end = body.iter().position(|byte| *byte == b'\n');
        let crlf = first_end.is_some_and(|end| body[..end].ends_with(b"\r"));
        Self { rest: body, crlf }
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(if self.crlf { line.strip_suffix(b"\r").unwrap_or(line) } else { line })
    }
}

impl<'a> Iterator for Groups<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let line = self.line()?;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}
