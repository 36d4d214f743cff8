//! Alerts: what watches, what state it is in, and what was told to whom.

mod channel;
mod detail;
mod editor;
mod evaluations;
mod form;
mod history;
mod list;
mod mute_link;
mod preview;
mod replayed;
mod words;

pub use channel::{EditChannel, NewChannel, channel_kind, channel_target};
pub use detail::AlertPage;
pub use editor::{EditAlert, NewAlert};
pub use form::{read_labels, written_labels};
pub use list::AlertList;
pub use mute_link::MuteByLink;
pub use words::shown_to_rfc3339;
