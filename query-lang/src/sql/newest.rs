//! A statement for the newest events, asked piece by piece: most people want the last lines of a long range, and the
//! newest hours have them. The engine would read the key of the whole range first.
//!
//! Only rows that come from one event each can be asked for so: what `dedup` or `limit` keep depends on other rows.

use super::request::Compiled;
use super::text::Parameter;

/// Shorter ranges are read at once.
const SHORTEST_NS: i64 = 2 * 3_600_000_000_000;
/// Where pieces begin, in parts of the range before its end; each costs a statement.
const PARTS: [i64; 2] = [64, 8];
/// Of the first scan that a statement makes: tenant and project come before.
const FROM: usize = 2;
const TO: usize = 3;

/// The same statement over parts of its range, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct NewestFirst {
    pub pieces: Vec<Compiled>,
    /// Rows that are enough: then later pieces need not be asked.
    pub rows: usize,
}

impl Compiled {
    /// The statement in pieces, where their rows one after the other are the rows of the whole.
    #[must_use]
    pub fn newest_first(&self) -> Option<NewestFirst> {
        let (from_ns, to_ns) = match (self.parameters.get(FROM)?, self.parameters.get(TO)?) {
            ((_, Parameter::Integer(from_ns)), (_, Parameter::Integer(to_ns))) => (*from_ns, *to_ns),
            _ => return None,
        };
        let length_ns = to_ns.checked_sub(from_ns)?;
        if length_ns < SHORTEST_NS || !self.is_of_single_events() {
            return None;
        }
        let starts = PARTS.map(|parts| to_ns - length_ns / parts);
        let ends = [to_ns, starts[0], starts[1]];
        let ranges = [starts[0], starts[1], from_ns].into_iter().zip(ends);
        let pieces = ranges.map(|(from_ns, to_ns)| self.within(from_ns, to_ns)).collect();
        Some(NewestFirst { pieces, rows: self.most_rows()? })
    }

    /// The text is all our own, so it tells what the statement does: one scan, one page, nothing about several rows.
    fn is_of_single_events(&self) -> bool {
        let range = "timestamp >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p3:Int64}, 'UTC')";
        let once = |part: &str| self.sql.matches(part).count() == 1;
        let of_several_rows = [" OVER (", "GROUP BY", " JOIN (", "OFFSET"];
        let is_range_used_once = once("{p2:Int64}") && once("{p3:Int64}") && once(range);
        self.keyset
            && is_range_used_once
            && once("FROM logs")
            && once("LIMIT {")
            && !of_several_rows.iter().any(|part| self.sql.contains(part))
    }

    fn within(&self, from_ns: i64, to_ns: i64) -> Self {
        let mut piece = self.clone();
        piece.parameters[FROM].1 = Parameter::Integer(from_ns);
        piece.parameters[TO].1 = Parameter::Integer(to_ns);
        piece
    }

    fn most_rows(&self) -> Option<usize> {
        let (_, limit) = self.sql.rsplit_once("LIMIT {")?;
        let (name, _) = limit.split_once(':')?;
        match self.parameters.iter().find(|(known, _)| known == name)? {
            (_, Parameter::Unsigned(rows)) => usize::try_from(*rows).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, Scope, compile};
    use super::*;
    use crate::{Catalogue, CheckContext, check, parse};

    const HOUR_NS: i64 = 3_600_000_000_000;

    fn compiled(source: &str, hours: i64) -> Compiled {
        let time_zone = jiff::tz::TimeZone::UTC;
        let to_ns = hours * HOUR_NS;
        let context = CheckContext { now_ns: to_ns, from_ns: 0, to_ns, time_zone: time_zone.clone() };
        let query = parse(source).expect("a query").query;
        let checked = check(&query, &Catalogue::default(), &context).expect("a right one");
        let id = "00000000-0000-0000-0000-0000000000a1".to_owned();
        let scope = Scope { organization_id: id.clone(), project_ids: vec![id], rules: Vec::new() };
        let (now_ns, tz) = (to_ns, time_zone);
        let request =
            Request { from_ns: 0, to_ns, now_ns, tz, limit: 100, offset: 0, after: None, tables: Vec::new() };
        compile(&checked.query, &scope, &request).expect("compiles")
    }

    #[test]
    fn pieces_cover_the_range_newest_first_and_are_the_same_statement() {
        let whole = compiled("level:error | eval x = 1", 64);
        let newest = whole.newest_first().expect("in pieces");
        let range = |piece: &Compiled| (piece.parameters[FROM].1.clone(), piece.parameters[TO].1.clone());
        let hours =
            |from: i64, to: i64| (Parameter::Integer(from * HOUR_NS), Parameter::Integer(to * HOUR_NS));
        let ranges: Vec<_> = newest.pieces.iter().map(range).collect();
        assert_eq!(ranges, [hours(63, 64), hours(56, 63), hours(0, 56)]);
        assert!(newest.pieces.iter().all(|piece| piece.sql == whole.sql));
        assert_eq!(newest.rows, 101);
    }

    #[test]
    fn short_ranges_and_rows_that_depend_on_others_are_asked_for_at_once() {
        assert_eq!(compiled("level:error", 1).newest_first(), None);
        for source in [
            "| dedup host",
            "| limit 5",
            "| sort host",
            "| stats count() by host",
            "| fields host",
            "a in {b | fields a}",
            "x | context before=1",
        ] {
            assert_eq!(compiled(source, 64).newest_first(), None, "{source}");
        }
    }
}
