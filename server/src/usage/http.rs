//! `GET /api/v1/usage`.

use super::quota::Quota;
use super::store::{self, Days};
use super::{day_of, day_text, overview, plan};
use crate::auth::{Member, Viewer};
use crate::config::Settings;
use crate::db::Db;
use crate::error::{ApiError, InvalidFields};
use crate::runtime::on_main;
use crate::time::{DAY_US, now_us};
use actix_web::web;
use api_types::usage::{Rates, Usage};
use serde::Deserialize;

/// Days that are shown when no range is asked for.
const DEFAULT_DAYS: i64 = 30;
const MOST_DAYS: i64 = 366;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/api/v1/usage").get(on_main(usage)));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    from: Option<String>,
    to: Option<String>,
}

/// Events and bytes per day and project, per key and per source, against the plan's quota.
///
/// # Errors
/// 422 `invalid`: `from` or `to` is no date, or they are not in order.
async fn usage(
    member: Member<Viewer>,
    wanted: web::Query<Wanted>,
    db: web::Data<Db>,
    quota: web::Data<Quota>,
    settings: web::Data<Settings>,
) -> Result<web::Json<Usage>, ApiError> {
    let days = range(&wanted)?;
    let (scope, today) = (member.scope(), day_of(now_us()));
    let by_day = store::by_day(&db, scope, days).await?;
    let stored_today = store::by_day(&db, scope, (today, today))
        .await?
        .iter()
        .fold((0, 0), |(events, bytes), row| (events + row.events as u64, bytes + row.bytes as u64));
    let (keys, sources) = if member.sight().is_narrowed() {
        // Names of senders tell of logs that a row rule may hide.
        (Vec::new(), Vec::new())
    } else {
        (store::by_key(&db, scope, days).await?, store::by_source(&db, scope, days).await?)
    };
    let limits = plan::limits(&db, &settings, scope).await?;
    Ok(web::Json(Usage {
        from: day_text(days.0),
        to: day_text(days.1),
        quota: overview::quota(&quota, scope, limits, stored_today, plan::members(&db, scope).await?),
        rates: Rates {
            events_per_second: settings.ingest_events_per_second,
            bytes_per_second: settings.ingest_bytes_per_second,
        },
        days: by_day.iter().map(overview::day).collect(),
        keys: keys.into_iter().map(overview::key).collect(),
        sources: sources.into_iter().map(overview::source).collect(),
    }))
}

fn range(wanted: &Wanted) -> Result<Days, InvalidFields> {
    let day = |field: &str, text: &Option<String>, default: i64| match text {
        None => Ok(default),
        Some(text) => parse_day(text)
            .ok_or_else(|| InvalidFields::one(field, "not_a_date", "Give a date such as 2026-03-10.")),
    };
    let to = day("to", &wanted.to, day_of(now_us()))?;
    let from = day("from", &wanted.from, to - DEFAULT_DAYS + 1)?;
    if from > to || to - from >= MOST_DAYS {
        return Err(InvalidFields::one(
            "from",
            "out_of_range",
            "Ask for 1 to 366 days, the earlier one first.",
        ));
    }
    Ok((from, to))
}

fn parse_day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(start.timestamp().as_microsecond().div_euclid(DAY_US))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(from: &str, to: &str) -> Wanted {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Wanted { from: text(from), to: text(to) }
    }

    #[test]
    fn ranges_are_dates_in_order() {
        assert_eq!(range(&wanted("1970-01-02", "1970-01-03")).unwrap(), (1, 2));
        let (from, to) = range(&wanted("", "")).unwrap();
        assert_eq!((to - from, to), (29, day_of(now_us())));
        for (from, to) in [("1970-01-03", "1970-01-02"), ("yesterday", ""), ("1970-01-01", "1999-01-01")] {
            assert!(range(&wanted(from, to)).is_err(), "{from} {to}");
        }
        assert_eq!(day_text(parse_day("2026-03-10").unwrap()), "2026-03-10");
    }
}
