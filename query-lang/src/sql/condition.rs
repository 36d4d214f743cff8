//! Conditions: SQL that is true, false or, where nothing is negated, null for false.
//!
//! Negation is two-valued: `NOT ifNull(P, 0)`. Positive conditions stay bare, or they could not use an index.

use super::text::{Sql, sql};

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub sql: Sql,
    /// May be null, which means false.
    nullable: bool,
}

impl Condition {
    pub(super) fn exact(sql: Sql) -> Self {
        Self { sql, nullable: false }
    }

    pub(super) fn nullable(sql: Sql) -> Self {
        Self { sql, nullable: true }
    }

    pub(super) fn always(holds: bool) -> Self {
        Self::exact(Sql::new(if holds { "1" } else { "0" }))
    }

    /// Never null.
    pub(super) fn two_valued(&self) -> Sql {
        if self.nullable { sql!("ifNull({}, 0)", self.sql) } else { self.sql.clone() }
    }

    pub(super) fn negated(self) -> Self {
        Self::exact(sql!("NOT ({})", self.two_valued()))
    }

    pub(super) fn negated_if(self, negated: bool) -> Self {
        if negated { self.negated() } else { self }
    }

    pub(super) fn all(conditions: Vec<Self>) -> Self {
        Self::combine(conditions, " AND ", true)
    }

    pub(super) fn any(conditions: Vec<Self>) -> Self {
        Self::combine(conditions, " OR ", false)
    }

    fn combine(mut conditions: Vec<Self>, operator: &'static str, of_none: bool) -> Self {
        match conditions.len() {
            0 => Self::always(of_none),
            1 => conditions.remove(0),
            _ => {
                let nullable = conditions.iter().any(|condition| condition.nullable);
                let joined = Sql::join(conditions.iter().map(|condition| &condition.sql), operator);
                Self { sql: sql!("({})", joined), nullable }
            }
        }
    }
}
