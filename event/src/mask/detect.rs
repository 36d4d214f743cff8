//! Where in a text something sensitive stands.
//!
//! A regular expression finds candidates; what has a checksum or a fixed form is checked.

use std::net::Ipv6Addr;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::Detector;

/// A compiled expression of a project may take this many bytes.
const CUSTOM_SIZE: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(super) enum Finder {
    Email,
    Card,
    Token,
    Ipv4,
    Ipv6,
    Iban,
    Phone,
    Custom(Regex),
}

static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| ours(r"[\w.%+\-]+@[\w\-]+(?:\.[\w\-]+)*\.\p{Alphabetic}{2,}"));

/// Group 1 is the secret.
static CREDENTIAL: LazyLock<Regex> = LazyLock::new(|| {
    ours(concat!(
        r"(?i)(?:\b(?:bearer|basic)\s+|",
        r#"(?:password|passwd|pwd|secret|api[_-]?key|(?:access|auth|refresh)?[_-]?token)["']?\s*[=:]\s*["']?)"#,
        r#"([a-z0-9\-._~+/!$%^*#@]{4,}=*)"#,
    ))
});

static KEY: LazyLock<Regex> = LazyLock::new(|| {
    ours(concat!(
        r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|glpat-[\w\-]{20,}|npm_[A-Za-z0-9]{36}",
        r"|sk-[A-Za-z0-9_\-]{20,}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}|xox[abeoprs]-[0-9A-Za-z\-]{10,}|AIza[0-9A-Za-z_\-]{35}",
        r"|cw[iqa]_[A-Za-z0-9_]{20,}|eyJ[A-Za-z0-9_\-]{5,}\.eyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]*)",
        r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)-----END [A-Z ]*PRIVATE KEY-----",
    ))
});

static IPV4: LazyLock<Regex> = LazyLock::new(|| ours(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b"));
static IPV6: LazyLock<Regex> = LazyLock::new(|| ours(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:]"));
static IBAN: LazyLock<Regex> =
    LazyLock::new(|| ours(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"));
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    ours(
        r"(?:\+[1-9][0-9]{0,2}[ .\-]?(?:\(?[0-9]{1,4}\)?[ .\-]?){2,5}[0-9]{2,4}|\(?\b[2-9][0-9]{2}\)?[ .\-][0-9]{3}[.\-][0-9]{4})\b",
    )
});

fn ours(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of our own, tried by the tests")
}

impl Finder {
    pub fn new(detector: &Detector) -> Result<Self, String> {
        Ok(match detector {
            Detector::Email => Self::Email,
            Detector::Card => Self::Card,
            Detector::Token => Self::Token,
            Detector::Ipv4 => Self::Ipv4,
            Detector::Ipv6 => Self::Ipv6,
            Detector::Iban => Self::Iban,
            Detector::Phone => Self::Phone,
            Detector::Custom { pattern, .. } => {
                let built =
                    RegexBuilder::new(pattern).size_limit(CUSTOM_SIZE).dfa_size_limit(CUSTOM_SIZE).build();
                Self::Custom(built.map_err(|error| error.to_string())?)
            }
        })
    }

    /// The places, in order and without overlap.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        match self {
            Self::Email if !bytes.contains(&b'@') => Vec::new(),
            Self::Email => matches(&EMAIL, text, |_| true),
            Self::Card => cards(text),
            Self::Token => tokens(text),
            Self::Ipv4 => matches(&IPV4, text, |range| is_ipv4(text, range)),
            Self::Ipv6 if !bytes.contains(&b':') => Vec::new(),
            Self::Ipv6 => matches(&IPV6, text, |range| is_ipv6(text, range)),
            Self::Iban => matches(&IBAN, text, |range| is_iban(&text[range.clone()])),
            Self::Phone => matches(&PHONE, text, |range| is_phone(text, range)),
            Self::Custom(regex) => matches(regex, text, |range| !range.is_empty()),
        }
    }

    /// Whether this finder takes whatever stands under the name.
    pub fn is_secret_name(&self, name: &str) -> bool {
        const NAMES: [&str; 14] = [
            "password",
            "passwd",
            "pwd",
            "secret",
            "token",
            "apikey",
            "authorization",
            "accesstoken",
            "refreshtoken",
            "authtoken",
            "clientsecret",
            "privatekey",
            "cookie",
            "setcookie",
        ];
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_long = last.len() > 20 || !matches!(self, Self::Token);
        let plain =
            || last.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase());
        !is_long && NAMES.iter().any(|secret| plain().eq(secret.bytes()))
    }
}

fn matches(regex: &Regex, text: &str, holds: impl Fn(&Range<usize>) -> bool) -> Vec<Range<usize>> {
    regex.find_iter(text).map(|found| found.range()).filter(holds).collect()
}

fn tokens(text: &str) -> Vec<Range<usize>> {
    let credentials =
        CREDENTIAL.captures_iter(text).filter_map(|captures| captures.get(1)).map(|group| group.range());
    let mut found: Vec<_> = credentials.filter(|range| is_credential(text, range)).collect();
    found.extend(matches(&KEY, text, |_| true));
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|range| {
        let is_free = range.start >= end;
        end = end.max(range.end);
        is_free
    });
    found
}

/// `bearer of this letter` is a sentence: a credential after a blank has eight characters and a digit or a sign.
fn is_credential(text: &str, range: &Range<usize>) -> bool {
    let word = &text[range.clone()];
    let assigned =
        !text[..range.start].ends_with([' ', '\t']) || text[..range.start].trim_end().ends_with([':', '=']);
    let looks_random = word.len() >= 8 && word.bytes().any(|byte| !byte.is_ascii_lowercase());
    // `Authorization: Bearer …` is found at its second word.
    let is_scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
    !is_scheme && (assigned || looks_random)
}

/// Runs of digits with single blanks or dashes between; a card may be a part of the run that ends with a group.
fn cards(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skip) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + skip;
        let (digits, end) = digit_run(bytes, start);
        at = end;
        let touches =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if digits.len() < 13 || touches(start.checked_sub(1).and_then(|before| bytes.get(before))) {
            continue;
        }
        let ends_group = |count: usize| !touches(bytes.get(digits[count - 1] + 1));
        let card = (13..=19.min(digits.len())).rev().find(|count| {
            ends_group(*count)
                && is_card(&digits[..*count].iter().map(|place| bytes[*place] - b'0').collect::<Vec<_>>())
        });
        if let Some(count) = card {
            found.push(start..digits[count - 1] + 1);
            at = digits[count - 1] + 1;
        }
    }
    found
}

/// The places of the digits of a run, and where it ends.
fn digit_run(bytes: &[u8], start: usize) -> (Vec<usize>, usize) {
    let mut digits = Vec::new();
    let mut at = start;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(digit), _) if digit.is_ascii_digit() => digits.push(at),
            (Some(b' ' | b'-'), Some(next)) if next.is_ascii_digit() => {}
            _ => return (digits, at),
        }
        at += 1;
    }
}

fn is_card(digits: &[u8]) -> bool {
    let prefix =
        |length: usize| digits[..length].iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    let of_brand = match (prefix(1), digits.len()) {
        (4, 13 | 16 | 19) => true,
        (5, 16) => (51..=55).contains(&prefix(2)),
        (2, 16) => (2221..=2720).contains(&prefix(4)),
        (3, 15) => matches!(prefix(2), 34 | 37),
        (3, 14..=19) => matches!(prefix(2), 30 | 35 | 36 | 38 | 39),
        (6, 16..=19) => true,
        _ => false,
    };
    of_brand && passes_luhn(digits)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Four parts up to 255, and not a part of a longer number with points.
fn is_ipv4(text: &str, range: &Range<usize>) -> bool {
    let small = text[range.clone()].split('.').all(|part| part.parse::<u16>().is_ok_and(|part| part < 256));
    let before = text[..range.start].ends_with(['.', '-']);
    let mut after = text[range.end..].chars();
    let goes_on = after.next() == Some('.') && after.next().is_some_and(|next| next.is_ascii_digit());
    small && !before && !goes_on
}

fn is_ipv6(text: &str, range: &Range<usize>) -> bool {
    let address = &text[range.clone()];
    let touches = |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    let free =
        !touches(text[..range.start].chars().next_back()) && !touches(text[range.end..].chars().next());
    // `a::b` is a path in many languages.
    let is_path = !address.bytes().any(|byte| byte.is_ascii_digit());
    free && address.len() >= 6 && !is_path && address.parse::<Ipv6Addr>().is_ok()
}

fn is_iban(text: &str) -> bool {
    let characters: Vec<char> = text.chars().filter(|character| *character != ' ').collect();
    if !(15..=34).contains(&characters.len()) {
        return false;
    }
    let (country, account) = characters.split_at(4);
    let rest = account.iter().chain(country).fold(0_u32, |rest, character| {
        let number = character.to_digit(36).unwrap_or(0);
        (if number < 10 { rest * 10 } else { rest * 100 } + number) % 97
    });
    rest == 1
}

fn is_phone(text: &str, range: &Range<usize>) -> bool {
    let digits = text[range.clone()].bytes().filter(u8::is_ascii_digit).count();
    let free = !text[..range.start]
        .ends_with(|before: char| before.is_alphanumeric() || matches!(before, '.' | '-' | ':'));
    free && (9..=15).contains(&digits)
}
