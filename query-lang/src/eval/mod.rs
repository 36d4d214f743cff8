//! A checked query over one event, without ClickHouse: live tail, previews, and marking what matched.
//!
//! It means exactly what the SQL means (`sql`): the same words, the same folding, the same numbers. What needs more
//! than one event is refused when the query is compiled, never guessed. `run` takes all events of a search one after the
//! other, for the command line over files.

mod event;
mod expression;
mod function;
mod marks;
mod matcher;
mod pattern;
mod regular;
pub mod run;
mod stream;
mod test;
mod value;
mod words;

pub use event::Event;
pub use marks::Mark;
pub use matcher::Matcher;
pub use stream::{Stream, StreamRow};
pub use value::Value;
