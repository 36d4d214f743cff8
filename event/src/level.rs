//! How severe an event is: six levels in order, and `Unknown` for what is missing or cannot be told.
//!
//! Words are read in any letter case. Numbers mean different things to different loggers, so the name of
//! the field decides: syslog counts 0–7 downwards, OpenTelemetry 1–24 upwards, pino and bunyan in tens.

use serde::{Serialize, Serializer};

/// The order is by severity; `Unknown` is below all. The numbers are those of the table's enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Level {
    #[default]
    Unknown = 0,
    Trace = 1,
    Debug = 2,
    Info = 3,
    Warn = 4,
    Error = 5,
    Fatal = 6,
}

impl Level {
    /// All levels that a query can name, by severity.
    pub const KNOWN: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level that answers show: nothing for `Unknown`.
    pub fn name(self) -> Option<&'static str> {
        (self != Self::Unknown).then(|| self.as_str())
    }

    pub fn as_u8(self) -> u8 {
        self as u8
    }

    pub fn from_u8(number: u8) -> Option<Self> {
        [Self::Unknown].into_iter().chain(Self::KNOWN).find(|level| level.as_u8() == number)
    }

    /// A level's name or one of the aliases that queries know, in any letter case.
    pub fn parse(word: &str) -> Option<Self> {
        lowered(word, |word| match word {
            b"trace" | b"verbose" => Some(Self::Trace),
            b"debug" => Some(Self::Debug),
            b"info" | b"notice" | b"information" | b"informational" => Some(Self::Info),
            b"warn" | b"warning" => Some(Self::Warn),
            b"error" | b"err" => Some(Self::Error),
            b"fatal" | b"critical" | b"crit" | b"alert" | b"emerg" | b"emergency" | b"panic" => {
                Some(Self::Fatal)
            }
            _ => None,
        })
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(self.as_str())
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name().serialize(serializer)
    }
}

/// A level that was read, and whether the original says more than the level does (`notice`, `alert`, OTel's 18):
/// then the original stays with the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub level: Level,
    pub exact: bool,
}

/// Which numbers a field counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// `level`: syslog below 8 (as GELF has it), pino and bunyan in tens, else OpenTelemetry.
    Any,
    /// `PRIORITY` and other syslog fields: 0 is the worst, 7 is debug.
    Syslog,
    /// `severity_number`: 1–24, four for each level.
    Otel,
    /// `levelno` of Python's logging: 10 is debug, 50 is critical.
    Python,
}

/// Reads a level from a word or a numeric string.
pub fn read_text(text: &str, scale: Scale) -> Option<Reading> {
    let word = text.trim();
    if let Some(level) = Level::parse(word) {
        return Some(Reading { level, exact: !is_coarser(word) });
    }
    match word.parse() {
        Ok(number) => read_number(number, scale),
        Err(_) => abbreviation(word),
    }
}

/// Reads a level from a number.
pub fn read_number(number: i64, scale: Scale) -> Option<Reading> {
    match scale {
        Scale::Syslog => syslog(number),
        Scale::Otel => otel(number),
        Scale::Python => python(number),
        Scale::Any => match number {
            0..=7 => syslog(number),
            10 | 20 | 25.. => pino(number),
            _ => otel(number),
        },
    }
}

fn syslog(number: i64) -> Option<Reading> {
    let (level, exact) = match number {
        0..=2 => (Level::Fatal, false),
        3 => (Level::Error, true),
        4 => (Level::Warn, true),
        5 => (Level::Info, false),
        6 => (Level::Info, true),
        7 => (Level::Debug, true),
        _ => return None,
    };
    Some(Reading { level, exact })
}

fn otel(number: i64) -> Option<Reading> {
    let place = usize::try_from(number.checked_sub(1)?).ok().filter(|place| *place < 24)?;
    Some(Reading { level: Level::KNOWN[place / 4], exact: place % 4 == 0 })
}

fn pino(number: i64) -> Option<Reading> {
    let level = match number {
        10 => Level::Trace,
        20..=29 => Level::Debug,
        30..=39 => Level::Info,
        40..=49 => Level::Warn,
        50..=59 => Level::Error,
        60..=100 => Level::Fatal,
        _ => return None,
    };
    Some(Reading { level, exact: number % 10 == 0 && number <= 60 })
}

fn python(number: i64) -> Option<Reading> {
    let level = match number {
        1..=9 => Level::Trace,
        10..=19 => Level::Debug,
        20..=29 => Level::Info,
        30..=39 => Level::Warn,
        40..=49 => Level::Error,
        50..=100 => Level::Fatal,
        _ => return None,
    };
    Some(Reading { level, exact: number % 10 == 0 })
}

/// Words that several of other systems' levels share one of ours with.
fn is_coarser(word: &str) -> bool {
    lowered(word, |word| {
        Some(matches!(
            word,
            b"notice" | b"critical" | b"crit" | b"alert" | b"emerg" | b"emergency" | b"panic" | b"verbose"
        ))
    })
    .unwrap_or(false)
}

/// Short forms and the names of single loggers (Serilog, java.util.logging, zap, npm). They are understood at
/// ingest only; queries know the aliases of `parse`.
fn abbreviation(word: &str) -> Option<Reading> {
    let (level, exact) = lowered(word, |word| {
        Some(match word {
            b"t" | b"trc" | b"vrb" => (Level::Trace, true),
            b"silly" | b"finest" | b"finer" => (Level::Trace, false),
            b"d" | b"dbg" | b"debg" => (Level::Debug, true),
            b"fine" | b"config" => (Level::Debug, false),
            b"i" | b"inf" => (Level::Info, true),
            b"w" | b"wrn" => (Level::Warn, true),
            b"e" | b"eror" => (Level::Error, true),
            b"severe" => (Level::Error, false),
            b"f" | b"ftl" => (Level::Fatal, true),
            b"dpanic" => (Level::Fatal, false),
            _ => return None,
        })
    })?;
    Some(Reading { level, exact })
}

/// Hands the word over in lower case, without allocating; longer words than any level's are no level.
fn lowered<T>(word: &str, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let mut buffer = [0_u8; 16];
    let buffer = buffer.get_mut(..word.len())?;
    buffer.copy_from_slice(word.as_bytes());
    buffer.make_ascii_lowercase();
    read(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aliases_of_the_query_language_are_read_in_any_case() {
        for (words, level) in [
            ("trace verbose TRACE Verbose", Level::Trace),
            ("debug DEBUG", Level::Debug),
            ("info notice information informational Info", Level::Info),
            ("warn warning WARNING Warn", Level::Warn),
            ("error err ERROR Err", Level::Error),
            ("fatal critical crit alert emerg emergency panic FATAL", Level::Fatal),
        ] {
            for word in words.split(' ') {
                assert_eq!(Level::parse(word), Some(level), "{word}");
            }
        }
        for word in ["", "unknown", "banana", "infos", "a very long word that is no level at all"] {
            assert_eq!(Level::parse(word), None, "{word}");
        }
    }

    #[test]
    fn levels_are_ordered_by_severity() {
        assert!(Level::Unknown < Level::Trace);
        assert!(Level::KNOWN.is_sorted());
    }

    #[test]
    fn numbers_are_read_on_the_scale_of_their_field() {
        let level = |number, scale| read_number(number, scale).map(|reading| reading.level);
        let cases = [
            (Scale::Any, 30, Some(Level::Info)),
            (Scale::Any, 10, Some(Level::Trace)),
            (Scale::Any, 20, Some(Level::Debug)),
            (Scale::Any, 35, Some(Level::Info)),
            (Scale::Any, 60, Some(Level::Fatal)),
            (Scale::Any, 3, Some(Level::Error)),
            (Scale::Any, 7, Some(Level::Debug)),
            (Scale::Any, 9, Some(Level::Info)),
            (Scale::Any, 17, Some(Level::Error)),
            (Scale::Any, 1000, None),
            (Scale::Any, -1, None),
            (Scale::Syslog, 0, Some(Level::Fatal)),
            (Scale::Syslog, 2, Some(Level::Fatal)),
            (Scale::Syslog, 5, Some(Level::Info)),
            (Scale::Syslog, 8, None),
            (Scale::Otel, 1, Some(Level::Trace)),
            (Scale::Otel, 4, Some(Level::Trace)),
            (Scale::Otel, 13, Some(Level::Warn)),
            (Scale::Otel, 24, Some(Level::Fatal)),
            (Scale::Otel, 0, None),
            (Scale::Otel, 25, None),
            (Scale::Python, 20, Some(Level::Info)),
            (Scale::Python, 50, Some(Level::Fatal)),
        ];
        for (scale, number, expected) in cases {
            assert_eq!(level(number, scale), expected, "{number} on {scale:?}");
        }
    }

    #[test]
    fn a_reading_that_loses_meaning_says_so() {
        for (text, exact) in [
            ("WARNING", true),
            ("err", true),
            ("30", true),
            ("notice", false),
            ("alert", false),
            ("35", false),
        ] {
            assert_eq!(read_text(text, Scale::Any).unwrap().exact, exact, "{text}");
        }
    }

    #[test]
    fn short_forms_are_understood() {
        assert_eq!(read_text("WRN", Scale::Any).unwrap().level, Level::Warn);
        assert_eq!(read_text("SEVERE", Scale::Any).unwrap(), Reading { level: Level::Error, exact: false });
        assert_eq!(read_text("banana", Scale::Any), None);
    }
}
