//! The alert state machine and schedule arithmetic. Pure: no clock, no I/O, so the server and the browser agree.
//!
//! ```text
//! Schedule::new(every_us, delay_us, seed)          when a rule is evaluated, spread stably over its interval
//!     .due(last_slot, now) -> Option<slot>         one catch-up after a gap
//!     .window(slot, window_us) -> (from, to)       what that evaluation looks at
//! step(state, observation, now, &rule, &mutes) -> (state, transitions)
//! close(state, reason, now, &rule, &mutes)         when a rule is switched off or deleted
//! replay(&rule, &series) -> Replay                 what it would have done over a series that is known
//! ```
//!
//! A rule watches one value per group; a rule without groups has the one group `""`. Each group is `ok`, `pending`, `firing` or
//! `no_data`; a rule that cannot be evaluated is in `error` as a whole, and its groups wait. An *episode* runs from the moment
//! that a group turns bad until it is well again; `(episode, number)` names each transition of a rule for ever, so that a
//! notification can be told from its repeat. A clock that jumps backwards never panics and never holds a group for ever.

pub mod baseline;
mod condition;
pub mod duration;
mod reason;
mod replay;
mod rule;
mod schedule;
mod state;
mod step;
mod wire;

pub use baseline::{Basis, Comparison, Direction};
pub use condition::{Condition, Op};
pub use replay::{Point, Replay, Seen, replay};
pub use rule::{Mutes, NoData, Rule, Windows};
pub use schedule::{CATCH_UP_US, Schedule};
pub use state::{Failing, GroupState, RuleState, State};
pub use step::{Kind, Notify, Observation, Transition, close, step};
pub use wire::{GROUP_CAP, comparison_of, rule_of};

/// Microseconds since the epoch, or of a duration.
pub type Micros = i64;
