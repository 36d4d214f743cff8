// How far a time zone is ahead of UTC, in minutes: the browser knows all zones, but has no call that says it.
const formats = new Map();
const known = new Map();
const QUARTER = 900_000;

function offset(name, ms) {
  if (!formats.has(name)) {
    const parts = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
    formats.set(name, new Intl.DateTimeFormat("en-US", { ...parts, hourCycle: "h23", timeZone: name }));
  }
  const at = Object.fromEntries(formats.get(name).formatToParts(ms).map((part) => [part.type, Number(part.value)]));
  return (Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - ms) / 60_000;
}

// Zones change their offset only at whole quarters of an hour.
export function zoneOffset(name, ms) {
  const quarter = Math.floor(ms / QUARTER);
  const key = `${name} ${quarter}`;
  if (!known.has(key)) {
    if (known.size > 5_000) known.clear();
    known.set(key, offset(name, quarter * QUARTER));
  }
  return known.get(key);
}

export const zoneNames = () => Intl.supportedValuesOf("timeZone").join("\n");
