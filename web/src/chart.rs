//! The bridge to the charts of `web/js/chart.js`, which are loaded when the first one is drawn.

use crate::browser;
use js_sys::Promise;
use leptos::html;
use leptos::prelude::*;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = cordwood, js_name = chart)]
    fn load_charts() -> Promise;

    #[derive(Clone)]
    type Charts;
    #[wasm_bindgen(method)]
    fn histogram(this: &Charts, host: &web_sys::Element, spec: &str, selected: &JsValue) -> Chart;
    #[wasm_bindgen(method)]
    fn lines(this: &Charts, host: &web_sys::Element, spec: &str, moved: &JsValue) -> Chart;

    type Chart;
    #[wasm_bindgen(method)]
    fn update(this: &Chart, spec: &str);
    #[wasm_bindgen(method)]
    fn destroy(this: &Chart);
}

/// One set of values, parallel to the times. `token` names a colour of `tokens.css`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    pub name: String,
    pub token: String,
    pub values: Vec<Option<f64>>,
    /// Only points, on top of the lines.
    #[serde(default)]
    pub mark: bool,
}

/// Bars by bucket, stacked in the order of the series from the bottom up. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bars {
    pub from: f64,
    pub to: f64,
    pub interval: f64,
    pub times: Vec<f64>,
    pub series: Vec<Series>,
    /// What was before, as a line.
    pub before: Option<Series>,
    pub utc: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lines {
    pub times: Vec<f64>,
    pub series: Vec<Series>,
    pub threshold: Option<f64>,
    pub utc: bool,
}

/// What keeps a drawn chart alive.
struct Drawn {
    chart: Chart,
    _selected: Option<Closure<dyn FnMut(f64, f64)>>,
    _moved: Option<Closure<dyn FnMut(f64)>>,
}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.chart.destroy();
    }
}

/// The colours of the series, in their order: a chart keeps those that it began with.
fn shape(json: &str) -> String {
    json.split("\"token\":").skip(1).filter_map(|rest| rest.split(',').next()).collect()
}

/// Draws once `spec` is there and again on each change of it. A change of shape (`shape`) starts over.
fn draw<S: Serialize + PartialEq + Send + Sync + 'static>(
    host: NodeRef<html::Div>,
    spec: Signal<Option<S>>,
    start: impl Fn(&Charts, &web_sys::Element, &str) -> Drawn + 'static,
) {
    let charts = RwSignal::new_local(None::<Charts>);
    let drawn = StoredValue::new_local(None::<(String, Drawn)>);
    leptos::task::spawn_local(async move {
        if let Ok(module) = JsFuture::from(load_charts()).await {
            charts.try_set(Some(module.unchecked_into()));
        }
    });
    Effect::new(move |_| {
        let (Some(charts), Some(host)) = (charts.get(), host.get()) else { return };
        let Some(json) = spec.with(|spec| spec.as_ref().and_then(|spec| serde_json::to_string(spec).ok()))
        else {
            return;
        };
        let shape = shape(&json);
        drawn.update_value(|drawn| match drawn {
            Some((same, drawn)) if *same == shape => drawn.chart.update(&json),
            _ => {
                *drawn = None;
                *drawn = Some((shape, start(&charts, &host, &json)));
            }
        });
    });
    on_cleanup(move || {
        drawn.try_update_value(|drawn| *drawn = None);
    });
}

/// Bars over time; dragging over them selects a stretch of time.
#[component]
pub fn BarChart(
    #[prop(into)] spec: Signal<Option<Bars>>,
    /// What it shows, in words.
    #[prop(into)]
    summary: Signal<String>,
    on_select: Callback<(i64, i64)>,
) -> impl IntoView {
    let host = NodeRef::new();
    draw(host, spec, move |charts, host, json| {
        let selected: Closure<dyn FnMut(f64, f64)> =
            Closure::new(move |from: f64, to: f64| on_select.run((from as i64, to as i64)));
        Drawn {
            chart: charts.histogram(host, json, selected.as_ref()),
            _selected: Some(selected),
            _moved: None,
        }
    });
    view! { <div class="chart" node_ref=host role="img" aria-label=move || summary.get()></div> }
}

/// Lines over time.
#[component]
pub fn LineChart(
    #[prop(into)] spec: Signal<Option<Lines>>,
    #[prop(into)] summary: Signal<String>,
) -> impl IntoView {
    let host = NodeRef::new();
    draw(host, spec, |charts, host, json| Drawn {
        chart: charts.lines(host, json, &JsValue::NULL),
        _selected: None,
        _moved: None,
    });
    view! { <div class="chart" node_ref=host role="img" aria-label=move || summary.get()></div> }
}

/// Lines over time with a threshold that can be dragged; those who do not drag have its field.
#[component]
pub fn ThresholdChart(
    #[prop(into)] spec: Signal<Option<Lines>>,
    #[prop(into)] summary: Signal<String>,
    /// Told where the line is dragged to.
    moved: Option<Callback<f64>>,
) -> impl IntoView {
    let host = NodeRef::new();
    draw(host, spec, move |charts, host, json| {
        let told: Option<Closure<dyn FnMut(f64)>> = moved.map(|moved| {
            let told: Closure<dyn FnMut(f64)> = Closure::new(move |to: f64| moved.run(to));
            told
        });
        let null = JsValue::NULL;
        let callback = told.as_ref().map_or(&null, |told| told.as_ref());
        Drawn { chart: charts.lines(host, json, callback), _selected: None, _moved: told }
    });
    view! { <div class="chart" node_ref=host role="img" aria-label=move || summary.get()></div> }
}

/// The colours of lines that stand for no level.
pub fn series_token(index: usize) -> String {
    format!("series-{}", index % 8 + 1)
}

/// Whether times on charts are written in UTC.
pub fn is_utc() -> bool {
    crate::preferences::preferences().zone.get() == crate::preferences::Zone::Utc
}

/// Milliseconds of a time, as charts take them.
pub fn chart_time(text: &str) -> f64 {
    crate::format::parse_ms(text).unwrap_or_else(browser::now_ms) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_levels_or_a_line_of_before_are_another_shape() {
        let series = |token: &str| Series {
            name: "\"token\":\"x\"".into(),
            token: token.into(),
            values: vec![Some(1.0)],
            mark: false,
        };
        let shape_of = |tokens: &[&str], before: Option<Series>| {
            let series = tokens.iter().map(|token| series(token)).collect();
            let bars =
                Bars { from: 0.0, to: 1.0, interval: 1.0, times: vec![0.0], series, before, utc: true };
            shape(&serde_json::to_string(&bars).expect("JSON"))
        };
        let plain = shape_of(&["fill-error", "fill-info"], None);
        assert_eq!(plain, r#""fill-error""fill-info""#);
        assert_ne!(plain, shape_of(&["fill-warn", "fill-info"], None));
        assert_ne!(plain, shape_of(&["fill-error"], Some(series("text-soft"))));
    }
}
