//! Cutting time into bins, all bins of a range, and moving times by calendar days.

use super::compiler::{Compiler, Moved};
use super::predicate::instant;
use super::text::{Sql, sql};
use super::value::{Repr, Value};
use crate::ast::{Bin, BinUnit};

/// No bin is shorter than this once it is aligned to local time: daylight saving may take half an hour.
const LOCAL_STEP_NS: i64 = 1_800_000_000_000;

pub(super) fn time_zone(compiler: &mut Compiler) -> Sql {
    let name = compiler.request.tz.iana_name().unwrap_or("UTC").to_owned();
    compiler.parameters.text(&name)
}

/// The start of the bin that a time falls in.
pub(super) fn start(time: &Sql, bin: Bin, compiler: &mut Compiler) -> Value {
    let zone = if is_local(bin) { time_zone(compiler) } else { Sql::new("'UTC'") };
    let start = start_in(time, bin, &zone, compiler);
    Value::new(start, Repr::Time)
}

fn is_local(bin: Bin) -> bool {
    matches!(bin.unit, BinUnit::Hour | BinUnit::Day | BinUnit::Week)
}

/// The largest natural unit: 3600 seconds are not an hour in zones with half hours.
fn start_in(time: &Sql, bin: Bin, zone: &Sql, compiler: &mut Compiler) -> Sql {
    let count = compiler.parameters.integer(bin.count);
    let interval = match bin.unit {
        BinUnit::Millisecond => sql!("toIntervalMillisecond({})", count),
        BinUnit::Second => sql!("toIntervalSecond({})", count),
        BinUnit::Minute => sql!("toIntervalMinute({})", count),
        BinUnit::Hour => sql!("toIntervalHour({})", count),
        BinUnit::Day => sql!("toIntervalDay({})", count),
        BinUnit::Week => sql!("toIntervalWeek({})", count),
    };
    let start = sql!("toStartOfInterval({}, {}, {})", time, interval, zone);
    // Weeks come as dates.
    let start = if bin.unit == BinUnit::Week { sql!("toDateTime({}, {})", start, zone) } else { start };
    sql!("toDateTime64({}, 9, 'UTC')", start)
}

/// Every bin that the range touches, as an array in order of time.
pub(super) fn all(bin: Bin, compiler: &mut Compiler) -> Sql {
    let step = if is_local(bin) { LOCAL_STEP_NS } else { bin.nanos() };
    let (from_ns, to_ns) = (compiler.whole.from_ns, compiler.whole.to_ns);
    let steps = (i128::from(to_ns) - i128::from(from_ns) + i128::from(step) - 1) / i128::from(step);
    let count = compiler.parameters.unsigned(u64::try_from(steps.max(0)).unwrap_or(0));
    let from = compiler.parameters.integer(from_ns);
    let step = compiler.parameters.integer(step);
    let last = instant(to_ns.saturating_sub(1), &mut compiler.parameters);
    let time = sql!("fromUnixTimestamp64Nano({} + toInt64(i) * {}, 'UTC')", from, step);
    let each = start(&time, bin, compiler).sql;
    let of_last = start(&last, bin, compiler).sql;
    sql!("arrayDistinct(arrayPushBack(arrayMap(i -> {}, range({})), {}))", each, count, of_last)
}

/// A time that was read from an earlier range, where it belongs in the present one.
pub(super) fn moved_forward(time: &Sql, moved: Moved, compiler: &mut Compiler) -> Sql {
    let mut time = time.clone();
    if moved.days != 0 {
        let zone = time_zone(compiler);
        let days = compiler.parameters.integer(moved.days);
        time = sql!("toTimeZone(addDays(toTimeZone({}, {}), {}), 'UTC')", time, zone, days);
    }
    if moved.nanos != 0 {
        let nanos = compiler.parameters.integer(moved.nanos);
        time = sql!("addNanoseconds({}, {})", time, nanos);
    }
    time
}
