//! Users, organizations, projects, members and API keys.

mod keys;
mod organizations;
mod people;

pub use keys::*;
pub use organizations::*;
pub use people::*;

use serde::Deserialize;

/// `null` is something that was given.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}
