//! The proleptic Gregorian calendar in whole numbers.

use super::SECOND;

/// A day and a time of day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanosecond: i64,
    pub offset_seconds: i64,
}

impl Civil {
    /// The instant, if there is such a day and time. A leap second is the first of the next minute.
    pub fn instant(&self) -> Option<i64> {
        let valid = (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(self.year, self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        if !valid {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day);
        let seconds =
            days * 86_400 + self.hour * 3_600 + self.minute * 60 + self.second - self.offset_seconds;
        let total = i128::from(seconds) * i128::from(SECOND) + i128::from(self.nanosecond);
        Some(total.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// The instant in the latest year that is not ahead of `now` by more than a day.
    pub fn instant_without_year(mut self, now_ns: i64) -> Option<i64> {
        let day_ahead = now_ns.saturating_add(86_400 * SECOND);
        let this_year = civil_from_days(day_ahead.div_euclid(86_400 * SECOND)).0;
        (this_year - 8..=this_year).rev().find_map(|year| {
            self.year = year;
            self.instant().filter(|instant| *instant <= day_ahead)
        })
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; the year is counted from March, so that the leap day is its last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// RFC 3339 in UTC, with as many decimals as the instant needs.
pub fn format_rfc3339(time_ns: i64) -> String {
    let mut out = Vec::with_capacity(30);
    write_rfc3339(time_ns, &mut out);
    String::from_utf8(out).expect("a time is ASCII")
}

pub fn write_rfc3339(time_ns: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(time_ns.div_euclid(86_400 * SECOND));
    let second_of_day = time_ns.rem_euclid(86_400 * SECOND) / SECOND;
    two_digits(year / 100, out);
    two_digits(year % 100, out);
    out.push(b'-');
    two_digits(month, out);
    out.push(b'-');
    two_digits(day, out);
    out.push(b'T');
    two_digits(second_of_day / 3_600, out);
    out.push(b':');
    two_digits(second_of_day / 60 % 60, out);
    out.push(b':');
    two_digits(second_of_day % 60, out);
    write_fraction(time_ns.rem_euclid(SECOND), out);
    out.push(b'Z');
}

fn two_digits(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
}

fn write_fraction(mut nanosecond: i64, out: &mut Vec<u8>) {
    if nanosecond == 0 {
        return;
    }
    out.push(b'.');
    let mut scale = SECOND / 10;
    while nanosecond > 0 {
        out.push(b'0' + (nanosecond / scale) as u8);
        nanosecond %= scale;
        scale /= 10;
    }
}
