//! Icons, drawn from the sprite that the build puts into the page.

use leptos::prelude::*;

macro_rules! icons {
    ($($variant:ident = $name:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Icon { $($variant),* }

        impl Icon {
            #[cfg(test)]
            const ALL: &[Icon] = &[$(Icon::$variant),*];

            fn name(self) -> &'static str {
                match self { $(Icon::$variant => $name),* }
            }
        }
    };
}

icons! {
    Activity = "activity",
    Add = "plus",
    Alert = "bell",
    Back = "arrow-left",
    Book = "book-open",
    Calendar = "calendar",
    Chart = "chart-no-axes-column",
    Check = "check",
    ChevronDown = "chevron-down",
    ChevronRight = "chevron-right",
    ChevronUp = "chevron-up",
    ChevronsUpDown = "chevrons-up-down",
    Clock = "clock",
    Close = "x",
    Columns = "columns-3",
    Compare = "git-compare-arrows",
    Copy = "copy",
    Dark = "moon",
    Deployment = "rocket",
    Done = "circle-check",
    Download = "download",
    Edit = "pencil",
    Exclude = "circle-minus",
    Explore = "search",
    Favourite = "star",
    Fields = "list-filter",
    File = "file-text",
    Help = "circle-question-mark",
    Hidden = "eye-off",
    History = "history",
    Inbox = "inbox",
    Include = "circle-plus",
    Info = "info",
    Key = "key-round",
    Light = "sun",
    Link = "link",
    Live = "radio",
    Mail = "mail",
    Members = "users",
    Mute = "bell-off",
    Newer = "arrow-up",
    Note = "flag",
    Pattern = "shapes",
    Pause = "pause",
    Pin = "pin",
    Play = "play",
    Profile = "circle-user-round",
    Project = "folder",
    Refresh = "refresh-cw",
    ResetZoom = "zoom-out",
    Right = "arrow-right",
    Rows = "rows-3",
    Save = "bookmark",
    Send = "radio-tower",
    Settings = "settings",
    Share = "share-2",
    SignOut = "log-out",
    Stop = "circle-stop",
    System = "monitor",
    Table = "table",
    Terminal = "terminal",
    Trash = "trash-2",
    Turn = "diff",
    Warning = "triangle-alert",
    Wrong = "circle-alert",
    Zap = "zap",
}

/// An icon beside words; what it means is said by the words or by the control's label.
#[component]
pub fn Glyph(
    icon: Icon,
    /// `icon-small`, `icon-large`
    #[prop(optional)]
    size: &'static str,
) -> impl IntoView {
    view! {
        <svg class=format!("icon {size}") aria-hidden="true">
            <use href=format!("#i-{}", icon.name())></use>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sprite_is_made_of_exactly_the_icons_used() {
        let mut used: Vec<&str> = Icon::ALL.iter().map(|icon| icon.name()).collect();
        used.sort_unstable();
        let built: Vec<&str> = include_str!("../../icons.txt").lines().collect();
        assert_eq!(built, used);
    }
}
