//! One log event: its model, text formats to fields, normalisation, pattern fingerprint.
//!
//! ```text
//! body ─ decode ─▶ RawEvent ─ Intake::normalise ─▶ Event ─ write_json, pattern_id
//!            └─▶ Reject             └─▶ Reject
//! ```
//! Pure: no clock (`now` is a parameter), no I/O, and it runs in the browser too. Every item of a body becomes an
//! event or a reject with a reason. Texts borrow from the body wherever they can.

mod alias;
pub mod ansi;
mod decode;
mod event;
mod glance;
pub mod json;
pub mod level;
pub mod limits;
mod lines;
pub mod mask;
mod normalise;
pub mod pattern;
mod raw;
mod stated;
pub mod text;
pub mod time;
mod value;

pub use decode::{Content, Item, Items, decode, object};
pub use event::{Event, Marks};
pub use glance::{Glance, glance};
pub use level::Level;
pub use limits::Limits;
pub use lines::Groups;
pub use mask::{MaskRule, Masker};
pub use normalise::{AHEAD_NS, Intake};
pub use raw::{BodyError, RawEvent, Reject, RejectCode};
pub use value::{Object, Value, write_json_string};
