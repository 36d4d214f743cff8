//! The pieces that pages are made of. They draw and know nothing of the server.

mod button;
mod code;
mod dialog;
mod field;
mod icon;
mod menu;
mod states;
mod tags;
mod toast;

pub use button::{Button, ButtonKind, IconButton, LinkButton};
pub use code::{CodeBlock, CopyButton, SecretText};
pub use dialog::{Confirm, Dialog, open_while};
pub use field::{CheckField, SelectField, Switch, TextArea, TextField};
pub use icon::{Glyph, Icon};
pub use menu::{Menu, MenuItem, MenuSide};
pub use states::{EmptyState, FormError, LoadError, Loading, Notice, NoticeKind, show};
pub use tags::{Age, Badge, BadgeKind, LevelTag};
pub use toast::{Toasts, toast, toast_error};
