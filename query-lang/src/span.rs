//! Where something stands in the query text: byte offsets, end exclusive.

use serde::{Deserialize, Serialize};

/// A stretch of the source, `[start, end)` in bytes, always on character borders.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }

    #[must_use]
    pub fn holds(self, offset: usize) -> bool {
        (self.start..self.end).contains(&offset)
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The same stretch counted in UTF-16 units, as browsers count.
    #[must_use]
    pub fn utf16(self, source: &str) -> Self {
        let units = |end: usize| source.get(..end).unwrap_or(source).encode_utf16().count();
        Self { start: units(self.start), end: units(self.end) }
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
