// Pictures of numbers over time: uPlot on a canvas, in the page's colours. What they show is also there as text for those who
// do not see them; that is Rust's part.
import uPlot from "uplot";

const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);
let known = new Map();

// A token's colour as the canvas needs it: the browser resolves `light-dark()` only on real properties.
function colour(token) {
  if (!known.has(token)) {
    probe.style.color = `var(--${token})`;
    known.set(token, getComputedStyle(probe).color);
  }
  return known.get(token);
}

const faint = (token) => colour(token).replace("rgb(", "rgba(").replace(")", ", 0.1)");
const font = () => `11px ${getComputedStyle(document.body).fontFamily}`;
// The zone of times on charts; nothing for the browser's own.
const zoneOf = (utc) => (utc ? "Etc/UTC" : globalThis.cordwood.zone);
const zoneDate = (utc) => (ms) => (zoneOf(utc()) ? uPlot.tzDate(new Date(ms), zoneOf(utc())) : new Date(ms));
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

// Times on the axis in one line: the day where the day is what changes, seconds only when they matter.
function timeLabels(utc) {
  const shapes = [{ month: "short", day: "numeric" }, { hour: "2-digit", minute: "2-digit" }, { hour: "2-digit", minute: "2-digit", second: "2-digit" }];
  return (plot, splits, _, __, step) => {
    const [day, minute, second] = shapes.map((shape) => new Intl.DateTimeFormat("en-GB", { ...shape, timeZone: zoneOf(utc()) }));
    return splits.map((ms) => {
      // At the very left a label would be cut.
      if (ms == null || plot.valToPos(ms, "x") < 18) return "";
      const midnight = minute.format(ms) === "00:00";
      if (step >= 864e5 || (midnight && step >= 36e5)) return day.format(ms);
      return step < 6e4 ? second.format(ms) : minute.format(ms);
    });
  };
}

function axes(utc) {
  const shared = { stroke: () => colour("text-faint"), font: font(), ticks: { show: false } };
  return [
    { ...shared, grid: { show: false }, size: 22, gap: 4, space: 80, values: timeLabels(utc) },
    { ...shared, side: 1, size: 44, gap: 6, space: 26, grid: { stroke: () => colour("line"), width: 1 }, values: (_, all) => all.map((value) => compact.format(value)) },
  ];
}

// A box that follows the pointer and says what is under it.
function tip(host, describe) {
  const box = document.createElement("div");
  box.className = "chart-tip";
  box.hidden = true;
  host.append(box);
  return {
    hooks: {
      setCursor: (plot) => {
        const index = plot.cursor.idx;
        const content = index == null || plot.cursor.left < 0 ? null : describe(index);
        box.hidden = !content;
        if (!content) return;
        box.replaceChildren(...content);
        const left = plot.over.offsetLeft + plot.cursor.left;
        const flip = left > plot.width / 2;
        box.style.left = flip ? "auto" : `${left + 14}px`;
        box.style.right = flip ? `${host.clientWidth - left + 14}px` : "auto";
      },
    },
    remove: () => box.remove(),
  };
}

function line(text, value, token) {
  const row = document.createElement("div");
  row.className = token ? "chart-tip-line" : "chart-tip-title";
  if (token) {
    const dot = document.createElement("i");
    dot.style.background = colour(token);
    row.append(dot);
  }
  const name = document.createElement("span");
  name.textContent = text;
  row.append(name);
  if (value !== undefined) {
    const number = document.createElement("b");
    number.textContent = plain.format(value);
    row.append(number);
  }
  return row;
}

function timeText(ms, utc) {
  return new Date(ms).toLocaleString("en-GB", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zoneOf(utc) });
}

// Keeps a plot as wide as its place, in the colours of the theme, until it is destroyed.
function mount(host, options, data, extra) {
  const size = () => ({ width: Math.max(host.clientWidth, 60), height: Math.max(host.clientHeight, 60) });
  const plot = new uPlot({ ...size(), ...options }, data, host);
  const observer = new ResizeObserver(() => plot.setSize(size()));
  observer.observe(host);
  const repaint = () => {
    known = new Map();
    plot.redraw(false, true);
  };
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", repaint);
  const themes = new MutationObserver(repaint);
  themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return {
    plot,
    destroy() {
      observer.disconnect();
      themes.disconnect();
      scheme.removeEventListener("change", repaint);
      extra.remove();
      plot.destroy();
    },
  };
}

// Bars stacked by level, with what was before as a line; dragging selects whole buckets.
export function histogram(host, json, selected) {
  let spec = JSON.parse(json);
  const stacked = () => {
    const sums = spec.times.map(() => 0);
    const layers = spec.series.map((series) => series.values.map((value, index) => (sums[index] += value)));
    return [spec.times, ...layers.reverse(), ...(spec.before ? [spec.before.values] : [])];
  };
  const describe = (index) => {
    const rows = spec.series.filter((series) => series.values[index] > 0).reverse();
    if (spec.before?.values[index] != null) rows.push(spec.before);
    if (rows.length === 0) return null;
    return [line(timeText(spec.times[index], spec.utc)), ...rows.map((series) => line(series.name, series.values[index], series.token))];
  };
  const box = tip(host, describe);
  const bars = uPlot.paths.bars({ size: [0.86, 60], align: 1 });
  const before = { paths: uPlot.paths.stepped({ align: 1, extend: true }), points: { show: false }, width: 1.25, stroke: () => colour(spec.before.token) };
  const options = {
    ms: 1,
    tzDate: zoneDate(() => spec.utc),
    padding: [6, 0, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { range: () => [spec.from, spec.to] }, y: { range: (_, __, max) => [0, Math.max(max, 4) * 1.08] } },
    axes: axes(() => spec.utc),
    series: [{}, ...[...spec.series].reverse().map((series) => ({ paths: bars, points: { show: false }, width: 0, fill: () => colour(series.token) })), ...(spec.before ? [before] : [])],
    hooks: {
      setCursor: [box.hooks.setCursor],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const snap = (at, round) => spec.from + round((plot.posToVal(at, "x") - spec.from) / spec.interval) * spec.interval;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          selected(snap(left, Math.floor), snap(left + width, Math.ceil));
        },
      ],
    },
  };
  let mounted = mount(host, options, stacked(), box);
  return {
    update(next) {
      spec = JSON.parse(next);
      mounted.plot.setData(stacked());
    },
    destroy: () => mounted.destroy(),
  };
}

// Lines over time, with an optional threshold and its breaches marked. With `moved` the threshold is dragged.
export function lines(host, json, moved) {
  let spec = JSON.parse(json);
  const data = () => [spec.times, ...spec.series.map((series) => series.values)];
  const describe = (index) => [
    line(timeText(spec.times[index], spec.utc)),
    ...spec.series.filter((series) => series.values[index] != null && !series.mark).map((series) => line(series.name, series.values[index], series.token)),
  ];
  const box = tip(host, describe);
  const threshold = (plot) => {
    if (spec.threshold == null) return;
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(spec.threshold, "y", true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = colour("bad");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  };
  const series = (entry) =>
    entry.mark
      ? { width: 0, paths: () => null, points: { show: true, size: 6, width: 0, fill: () => colour(entry.token) } }
      : {
          width: 1.6,
          stroke: () => colour(entry.token),
          fill: spec.series.filter((other) => !other.mark).length === 1 ? () => faint(entry.token) : undefined,
          points: { show: spec.times.length < 3 },
          spanGaps: false,
        };
  const options = {
    ms: 1,
    tzDate: zoneDate(() => spec.utc),
    padding: [8, 0, 0, 4],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      y: {
        range: (_, low, high) => {
          const top = Math.max(high ?? 1, spec.threshold ?? -Infinity, 0);
          const bottom = Math.min(low ?? 0, spec.threshold ?? Infinity, 0);
          return [bottom, top === bottom ? bottom + 1 : top + (top - bottom) * 0.1];
        },
      },
    },
    axes: axes(() => spec.utc),
    series: [{}, ...spec.series.map(series)],
    hooks: { setCursor: [box.hooks.setCursor], draw: [threshold] },
  };
  const mounted = mount(host, options, data(), box);
  if (moved) dragThreshold(mounted.plot, () => spec.threshold, moved);
  return {
    update(next) {
      spec = JSON.parse(next);
      mounted.plot.setData(data());
    },
    destroy: () => mounted.destroy(),
  };
}

// While the line is held, the scale stays as it is: otherwise it would run away from the pointer.
function dragThreshold(plot, threshold, moved) {
  const { over } = plot;
  const near = (event) => threshold() != null && Math.abs(event.offsetY - plot.valToPos(threshold(), "y")) < 8;
  const range = plot.scales.y.range;
  let held = null;
  over.addEventListener("pointermove", (event) => {
    if (!held) {
      over.style.cursor = near(event) ? "ns-resize" : "";
      return;
    }
    const inside = Math.min(Math.max(event.offsetY, 0), over.clientHeight);
    moved(held.max - (inside / over.clientHeight) * (held.max - held.min));
  });
  over.addEventListener("pointerdown", (event) => {
    if (!near(event)) return;
    held = { min: plot.scales.y.min, max: plot.scales.y.max };
    plot.scales.y.range = () => [held.min, held.max];
    over.setPointerCapture(event.pointerId);
    event.stopPropagation();
  });
  const release = () => {
    if (!held) return;
    held = null;
    plot.scales.y.range = range;
    plot.redraw(true, true);
  };
  over.addEventListener("pointerup", release);
  over.addEventListener("pointercancel", release);
}
