//! Amounts over time as bars, with the numbers for those who do not see them.

use leptos::prelude::*;

/// One bar: what stands below it, and how much it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub name: String,
    pub amount: f64,
    /// The amount in words.
    pub text: String,
}

/// A point of the drawing; the browser stretches it.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
/// The part of its place that a bar leaves free.
const GAP: f64 = 0.25;

#[component]
pub fn Bars(#[prop(into)] label: String, bars: Vec<Bar>) -> impl IntoView {
    let highest = bars.iter().map(|bar| bar.amount).fold(0.0, f64::max);
    let (first, last) = (bars.first().map(|bar| bar.name.clone()), bars.last().map(|bar| bar.name.clone()));
    let top =
        bars.iter().max_by(|one, other| one.amount.total_cmp(&other.amount)).map(|bar| bar.text.clone());
    let description = match &top {
        Some(top) if highest > 0.0 => format!("{label}; at most {top}"),
        _ => format!("{label}; nothing"),
    };
    let count = bars.len();
    let drawn = bars.into_iter().enumerate().map(|(place, bar)| {
        let (x, width, height) = extent(place, count, bar.amount, highest);
        view! {
            <rect class="bar" x=x width=width y=HEIGHT - height height=height>
                <title>{format!("{}: {}", bar.name, bar.text)}</title>
            </rect>
        }
    });
    view! {
        <figure class="bars">
            <div class="bars-top soft">{top.filter(|_| highest > 0.0)}</div>
            <svg class="bars-drawing" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=description>
                {drawn.collect_view()}
            </svg>
            <figcaption class="bars-axis soft"><span>{first}</span><span>{last}</span></figcaption>
        </figure>
    }
}

/// Left edge, width and height of a bar. What is there at all is seen.
fn extent(place: usize, count: usize, amount: f64, highest: f64) -> (f64, f64, f64) {
    let step = WIDTH / count.max(1) as f64;
    let height = if amount > 0.0 { (amount / highest * HEIGHT).max(1.5) } else { 0.0 };
    (place as f64 * step + step * GAP / 2.0, step * (1.0 - GAP), height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_width_and_small_ones_are_seen() {
        let (x, width, height) = extent(3, 4, 1.0, 1_000_000.0);
        assert!(x + width < WIDTH && x > 750.0);
        assert_eq!(height, 1.5);
        assert_eq!(extent(0, 4, 0.0, 10.0).2, 0.0);
        assert_eq!(extent(0, 4, 10.0, 10.0).2, HEIGHT);
    }
}
