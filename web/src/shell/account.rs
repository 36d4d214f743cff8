//! The person's own corner: profile, theme, time zone, keys, signing out.

use super::zone::ZoneChoice;
use crate::app::Go;
use crate::components::{Icon, Menu, MenuItem, MenuSide, toast_error};
use crate::preferences::{Theme, Zone, preferences};
use crate::session::{session, sign_out};
use leptos::prelude::*;

#[component]
pub fn Account() -> impl IntoView {
    let session = session();
    let name = move || session.me().user.name;
    let trigger = ViewFn::from(move || {
        view! {
            <span class="avatar" aria-hidden="true">{move || initials(&name())}</span>
            <span class="account-names">
                <span class="truncate">{name}</span>
                <small class="truncate">{move || session.me().user.email}</small>
            </span>
            <span class="sr-only">": account"</span>
        }
    });
    view! {
        <Menu
            label="Account"
            class="account-button"
            side=MenuSide::Up
            trigger
        >
            <AccountItems/>
        </Menu>
    }
}

#[component]
fn AccountItems() -> impl IntoView {
    let go = Go::here();
    let leave = Callback::new(|()| {
        leptos::task::spawn_local(async {
            if let Err(error) = sign_out().await {
                toast_error(error.message());
            }
        });
    });
    view! {
        <MenuItem icon=Icon::Profile on_choose=Callback::new(move |()| go.to("/settings/profile"))>"Profile"</MenuItem>
        <div class="menu-line"></div>
        <div class="menu-label">"Theme"</div>
        <ThemeItem theme=Theme::System icon=Icon::System name="System"/>
        <ThemeItem theme=Theme::Light icon=Icon::Light name="Light"/>
        <ThemeItem theme=Theme::Dark icon=Icon::Dark name="Dark"/>
        <div class="menu-line"></div>
        <div class="menu-label">"Times"</div>
        <ZoneItem zone=Zone::Local name="Local time"/>
        <ZoneItem zone=Zone::Utc name="UTC"/>
        <OtherZone/>
        <div class="menu-line"></div>
        <MenuItem icon=Icon::SignOut on_choose=leave>"Sign out"</MenuItem>
    }
}

#[component]
fn ThemeItem(theme: Theme, icon: Icon, name: &'static str) -> impl IntoView {
    let chosen = preferences().theme;
    view! {
        <MenuItem
            icon
            checked=Signal::derive(move || chosen.get() == theme)
            on_choose=Callback::new(move |()| chosen.set(theme))
        >
            {name}
        </MenuItem>
    }
}

#[component]
fn ZoneItem(zone: Zone, name: &'static str) -> impl IntoView {
    let chosen = preferences().zone;
    view! {
        <MenuItem
            icon=Icon::Clock
            checked=Signal::derive(move || chosen.get() == zone)
            on_choose=Callback::new(move |()| chosen.set(zone))
        >
            {name}
        </MenuItem>
    }
}

/// Any other zone; named where one is chosen.
#[component]
fn OtherZone() -> impl IntoView {
    let chosen = preferences().zone;
    let choice = expect_context::<ZoneChoice>();
    let other = move || match chosen.get() {
        Zone::Named(name) => name,
        Zone::Local | Zone::Utc => "Other …",
    };
    view! {
        <MenuItem
            icon=Icon::Clock
            checked=Signal::derive(move || matches!(chosen.get(), Zone::Named(_)))
            on_choose=Callback::new(move |()| choice.0.set(true))
        >
            {other}
        </MenuItem>
    }
}

/// The first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials("Ada King of Lovelace"), "AL");
        assert_eq!(initials("  "), "");
    }
}
