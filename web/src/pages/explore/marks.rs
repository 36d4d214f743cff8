//! Marks over the histogram: deployments, notes, and alerts that fired.

use super::explorer::{Explorer, explorer};
use crate::api::annotations;
use crate::app::Go;
use crate::components::{
    Button, ButtonKind, Dialog, FormError, Glyph, Icon, Menu, MenuItem, MenuSide, SelectField, TextField,
    toast, toast_error,
};
use crate::format;
use crate::load::{Loaded, Submit, load};
use crate::preferences::preferences;
use crate::time_range::TimeRange;
use api_types::annotations::{Annotation, AnnotationKind, AnnotationRequest};
use api_types::search::TimeInput;
use leptos::prelude::*;

/// Marks nearer to each other than this share of the width are one.
const APART: f64 = 0.02;
/// Shown around a mark when one goes there.
const AROUND_MS: i64 = 5 * 60_000;

/// Marks that stand in one place.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    /// Of the width, 0 to 1.
    at: f64,
    marks: Vec<Annotation>,
}

impl Place {
    /// The same as long as the same marks stand there, wherever that is.
    fn key(&self) -> Vec<(String, String)> {
        self.marks.iter().map(|mark| (mark.id.clone(), mark.title.clone())).collect()
    }
}

/// `ends` are those of the picture.
#[component]
pub fn Marks(#[prop(into)] ends: Signal<Option<(i64, i64)>>) -> impl IntoView {
    let explorer = explorer();
    let found = load(
        move || Some(explorer.run.get()),
        |run| annotations::list(run.project_id, run.range.from, run.range.to, run.now_ms),
    );
    // The former ones stay until others have come, so that a menu that is open stays open.
    let marks = Memo::new(move |before: Option<&Vec<Annotation>>| {
        let fresh = found.state.with(|state| state.ready().cloned());
        fresh.or_else(|| before.cloned()).unwrap_or_default()
    });
    let places = Memo::new(move |_| {
        ends.get().map(|ends| marks.with(|marks| places(marks.clone(), ends))).unwrap_or_default()
    });
    let place = move |place: Place| {
        let (key, first) = (place.key(), place.at);
        let at = Memo::new(move |_| {
            let now =
                places.with(|places| places.iter().find(|place| place.key() == key).map(|place| place.at));
            now.unwrap_or(first)
        });
        view! { <Mark marks=place.marks at found/> }
    };
    view! {
        <div class="marks" role="group" aria-label="Deployments, notes and alerts">
            <For each=move || places.get() key=Place::key children=place/>
        </div>
        <NoteDialog found/>
    }
}

#[component]
fn Mark(marks: Vec<Annotation>, at: Memo<f64>, found: Loaded<Vec<Annotation>>) -> impl IntoView {
    let (kind, icon) = look(&marks);
    let title = match marks.as_slice() {
        [one] => format!("{}: {}", kind_name(one.kind), one.title),
        many => format!("{} marks", many.len()),
    };
    let (label, tip) = (title.clone(), title.clone());
    let trigger = ViewFn::from(move || {
        let label = label.clone();
        view! { <Glyph icon size="icon-small"/><span class="sr-only">{label}</span> }
    });
    let side = if at.get_untracked() > 0.5 { MenuSide::End } else { MenuSide::Start };
    let count = marks.len();
    let items = StoredValue::new(marks);
    view! {
        <div class=format!("mark mark-{kind}") style=("--at", move || format!("{:.2}%", at.get() * 100.0)) title=tip>
            <Menu label=title class="mark-button" side trigger>
                {items.with_value(|marks| marks.iter().map(|mark| view! { <Choices mark=mark.clone() found/> }).collect_view())}
            </Menu>
            {(count > 1).then(|| view! { <span class="mark-count numbers" aria-hidden="true">{count}</span> })}
        </div>
    }
}

/// What can be done with one of the marks of a place.
#[component]
fn Choices(mark: Annotation, found: Loaded<Vec<Annotation>>) -> impl IntoView {
    let explorer = explorer();
    let go = Go::here();
    let at_ms = format::parse_ms(&mark.at).unwrap_or_default();
    let zone = preferences().zone;
    let time = move || format::row_time(at_ms, zone.get().minutes(at_ms));
    let around = Callback::new(move |()| {
        explorer.remember_zoom();
        explorer.zoom(TimeRange::between(at_ms - AROUND_MS, at_ms + AROUND_MS));
    });
    let rule = mark.alert_rule_id.clone().map(|id| {
        let open = Callback::new(move |()| go.to(format!("/alerts/{id}")));
        view! { <MenuItem icon=Icon::Alert on_choose=open>"Open the alert"</MenuItem> }
    });
    let id = mark.id.clone();
    let remove = Callback::new(move |()| {
        // The menu, and what it stores, is gone before the task begins.
        let id = id.clone();
        leptos::task::spawn_local(async move {
            match annotations::delete(id).await {
                Ok(_) => found.refetch(),
                Err(error) => toast_error(error.message()),
            }
        });
    });
    view! {
        <div class="menu-note"><span class="menu-note-title">{mark.title.clone()}</span><span class="faint numbers">{time}</span></div>
        <MenuItem icon=Icon::Clock on_choose=around>"Show the time around it"</MenuItem>
        {rule}
        {mark.editable.then(|| view! { <MenuItem icon=Icon::Trash on_choose=remove>"Delete"</MenuItem> })}
    }
}

/// Records a deployment or a note.
#[component]
fn NoteDialog(found: Loaded<Vec<Annotation>>) -> impl IntoView {
    let explorer = explorer();
    view! {
        <Dialog open=explorer.note_open title="Mark a moment">
            <NoteForm explorer found/>
        </Dialog>
    }
}

#[component]
fn NoteForm(explorer: Explorer, found: Loaded<Vec<Annotation>>) -> impl IntoView {
    let (title, kind) = (RwSignal::new(String::new()), RwSignal::new("note".to_owned()));
    let at = RwSignal::new(explorer.moment().unwrap_or_else(|| "now".to_owned()));
    let submit = Submit::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let is_deployment = kind.with_untracked(|kind| kind == "deployment");
        let request = AnnotationRequest {
            title: title.get_untracked(),
            kind: Some(if is_deployment { AnnotationKind::Deployment } else { AnnotationKind::Note }),
            at: Some(TimeInput::Text(at.get_untracked())),
            project_id: Some(explorer.run.with_untracked(|run| run.project_id.clone())),
        };
        submit.run(annotations::create(request), move |_| {
            explorer.note_open.set(false);
            toast("Marked on the histogram");
            found.refetch();
        });
    };
    view! {
        <form class="form" on:submit=save>
            <FormError message=submit.general(&["title", "at"])/>
            <TextField label="What happened" value=title required=true autofocus=true placeholder="checkout v42" error=submit.field("title")/>
            <div class="form-row">
                <SelectField label="Kind" value=kind options=vec![("note".into(), "Note".into()), ("deployment".into(), "Deployment".into())]/>
                <TextField label="When" value=at required=true hint="now, now-10m, or 2026-03-10T10:00:00Z" error=submit.field("at")/>
            </div>
            <p class="faint">"Your pipeline can record deployments too: POST /api/v1/annotations with an admin key."</p>
            <div class="dialog-actions">
                <Button on_click=move |_| explorer.note_open.set(false)>"Cancel"</Button>
                <Button submit=true kind=ButtonKind::Primary busy=submit.busy>"Mark"</Button>
            </div>
        </form>
    }
}

fn kind_name(kind: AnnotationKind) -> &'static str {
    match kind {
        AnnotationKind::Deployment => "Deployment",
        AnnotationKind::Note => "Note",
        AnnotationKind::Alert => "Alert",
    }
}

/// An alert outshines a deployment, and that a note.
fn look(marks: &[Annotation]) -> (&'static str, Icon) {
    let has = |kind| marks.iter().any(|mark| mark.kind == kind);
    if has(AnnotationKind::Alert) {
        ("alert", Icon::Alert)
    } else if has(AnnotationKind::Deployment) {
        ("deployment", Icon::Deployment)
    } else {
        ("note", Icon::Note)
    }
}

/// Where the marks stand, from the left to the right.
fn places(marks: Vec<Annotation>, (from, to): (i64, i64)) -> Vec<Place> {
    let width = (to - from).max(1) as f64;
    let mut placed: Vec<(f64, Annotation)> = marks
        .into_iter()
        .filter_map(|mark| Some(((format::parse_ms(&mark.at)? - from) as f64 / width, mark)))
        .filter(|(at, _)| (0.0..=1.0).contains(at))
        .collect();
    placed.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut places: Vec<Place> = Vec::new();
    for (at, mark) in placed {
        match places.last_mut() {
            Some(place) if at - place.at < APART => place.marks.push(mark),
            _ => places.push(Place { at, marks: vec![mark] }),
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: &str, kind: AnnotationKind) -> Annotation {
        Annotation {
            id: at.into(),
            kind,
            at: at.into(),
            title: "v42".into(),
            project_id: None,
            alert_rule_id: None,
            editable: true,
        }
    }

    #[test]
    fn marks_that_would_cover_each_other_stand_together() {
        let ends = (1_773_136_800_000, 1_773_140_400_000); // 10:00 to 11:00
        let marks = vec![
            mark("2026-03-10T10:45:00Z", AnnotationKind::Note),
            mark("2026-03-10T10:15:30Z", AnnotationKind::Alert),
            mark("2026-03-10T10:15:00Z", AnnotationKind::Deployment),
            mark("2026-03-10T12:00:00Z", AnnotationKind::Note),
        ];
        let found = places(marks, ends);
        assert_eq!(
            found.iter().map(|place| (place.at, place.marks.len())).collect::<Vec<_>>(),
            [(0.25, 2), (0.75, 1)]
        );
        assert_eq!(look(&found[0].marks).0, "alert");
        assert_eq!(look(&found[1].marks).0, "note");
    }
}
