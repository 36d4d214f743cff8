//! The fields that everybody in a project sees first in Explore. What a reader pins for themselves stays in their browser.

pub mod http;
pub mod store;
