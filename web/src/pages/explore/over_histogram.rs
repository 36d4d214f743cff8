//! What lies over the histogram: marks, the comparison with an earlier time, and what can be done with a zoom.

use super::difference::DifferenceDialog;
use super::earlier::EarlierMenu;
use super::explorer::explorer;
use super::histogram::Counted;
use super::marks::Marks;
use crate::chart::Series;
use crate::components::{Button, ButtonKind, Icon};
use leptos::prelude::*;

#[component]
pub fn OverHistogram(
    shown: Signal<Option<Counted>>,
    /// Where the line of the earlier time is put.
    before: RwSignal<Option<Series>>,
) -> impl IntoView {
    let explorer = explorer();
    let ends = Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.ends)));
    let difference = RwSignal::new(false);
    view! {
        <Show when=move || !explorer.is_local()>
            <Marks ends/>
            <EarlierMenu shown line=before/>
        </Show>
        <Show when=move || explorer.is_zoomed()>
            <div class="histogram-reset">
                <Show when=move || !explorer.is_local()>
                    <Button small=true icon=Icon::Compare on_click=move |_| difference.set(true)>"What is different here?"</Button>
                </Show>
                <Button small=true kind=ButtonKind::Secondary icon=Icon::ResetZoom on_click=move |_| explorer.reset_zoom()>"Reset zoom"</Button>
            </div>
        </Show>
        <DifferenceDialog open=difference/>
    }
}
