//! Writes one event as JSON, field by field, without building it first.

use crate::Moment;
use jiff::Timestamp;
use std::io::Write;

/// One JSON object that is being written.
pub struct Event<'a> {
    out: &'a mut Vec<u8>,
    /// Attribute objects that are open and still empty need no comma before their next member.
    comma: bool,
}

impl<'a> Event<'a> {
    pub fn begin(out: &'a mut Vec<u8>, moment: &Moment, level: &str, source: &str, host: &str) -> Self {
        let time = Timestamp::from_nanosecond(i128::from(moment.at_ns)).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut event = Self { out, comma: false };
        event.out.push(b'{');
        event.show("timestamp", format_args!("\"{time:.9}\""));
        event.text("level", level);
        event.text("source", source);
        event.text("host", host);
        event
    }

    pub fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let mut from = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\t' => b"\\t",
                _ => continue,
            };
            self.out.extend_from_slice(&bytes[from..at]);
            self.out.extend_from_slice(escape);
            from = at + 1;
        }
        self.out.extend_from_slice(&bytes[from..]);
        self.out.push(b'"');
    }

    /// A number or boolean, as it prints.
    pub fn value(&mut self, name: &str, value: impl std::fmt::Display) {
        self.show(name, format_args!("{value}"));
    }

    /// A hexadecimal id of `digits` digits.
    pub fn hex(&mut self, name: &str, id: u128, digits: usize) {
        self.name(name);
        self.out.push(b'"');
        let nibbles = (0..digits).rev().map(|place| (id >> (4 * place)) as u8 & 15);
        self.out.extend(nibbles.map(|nibble| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }));
        self.out.push(b'"');
    }

    pub fn object(&mut self, name: &str, members: impl FnOnce(&mut Event)) {
        self.name(name);
        self.out.push(b'{');
        self.comma = false;
        members(self);
        self.out.push(b'}');
        self.comma = true;
    }

    pub fn end(self) {
        self.out.push(b'}');
    }

    fn show(&mut self, name: &str, value: std::fmt::Arguments) {
        self.name(name);
        self.out.write_fmt(value).expect("memory takes every byte");
    }

    fn name(&mut self, name: &str) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}
