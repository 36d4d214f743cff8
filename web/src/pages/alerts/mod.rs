//! Alerts: what watches, what state it is in, and what was told to whom.

mod channel;
mod detail;
mod editor;
mod form;
mod history;
mod list;
mod preview;
mod words;

pub use channel::{NewChannel, channel_kind, channel_target};
pub use detail::AlertPage;
pub use editor::{EditAlert, NewAlert};
pub use list::AlertList;
