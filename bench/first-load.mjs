// What a browser loads before a page works, over the wire, and how long that takes: `node bench/first-load.mjs`.
//
// Builds nothing; for figures the web application has to be a release build (`cargo xtask web`). What a page asks for once
// its own part runs (on Explore: the language, and what the first rows do without) is listed apart, and so are CodeMirror and uPlot, which
// come when they are first needed, and fonts.

import { App, browser, eventually, logIn, page } from "../e2e/harness.mjs";

const BUDGET = 450_000;
const LATER = /\/(editor|chart|download)-/;

const app = await App.start();
const chromium = await browser();

/** Bytes as they came over the wire, by kind. */
async function loaded(at, address, part, ready) {
  const session = await at.context().newCDPSession(at);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const addresses = new Map();
  const files = new Map();
  const asked = new Set();
  let needed = asked;
  session.on("Network.requestWillBeSent", ({ request }) => asked.add(new URL(request.url).pathname));
  session.on("Network.responseReceived", ({ requestId, response }) => addresses.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const url = addresses.get(requestId);
    if (url?.startsWith(app.url)) files.set(new URL(url).pathname, encodedDataLength);
    // Before its own part is here, a page has asked for nothing that could wait.
    if (url?.includes(`/split_${part}-`)) needed = new Set(asked);
  });
  const started = performance.now();
  await at.goto(app.url + address);
  await ready(at);
  const took = performance.now() - started;
  await at.waitForLoadState("networkidle");
  await session.detach();
  const sum = (wanted) => [...files].filter(([name]) => wanted(name)).reduce((total, [, bytes]) => total + bytes, 0);
  const isCode = (name) => (/\.(wasm|js|css)$/.test(name) || !name.includes(".")) && !name.startsWith("/api/");
  const isFirst = (name) => isCode(name) && needed.has(name) && !LATER.test(name);
  return {
    files,
    took,
    needed,
    first: sum(isFirst),
    later: sum((name) => isCode(name) && !isFirst(name)),
    fonts: sum((name) => name.endsWith(".woff2")),
  };
}

const kB = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

try {
  const account = await app.account("ada");
  await app.ingest(account.key, [{ level: "info", source: "api", message: "all is well" }]);
  await eventually("the event is found", async () => (await app.search(account.token, "")).rows.length === 1);
  const at = await page(chromium);
  const pages = [
    ["/login", "auth", (page) => page.getByLabel("E-mail").waitFor()],
    ["/explore", "explore", (page) => page.locator(".rows-space .line").first().waitFor()],
    ["/alerts", "rest", (page) => page.getByRole("heading", { level: 1 }).waitFor()],
    ["/settings/api-keys", "rest", (page) => page.getByRole("heading", { level: 1 }).waitFor()],
    ["/local", "explore", (page) => page.getByRole("heading", { level: 1 }).waitFor()],
  ];
  for (const [address, part, ready] of pages) {
    const seen = await loaded(at, address, part, ready);
    const verdict = seen.first <= BUDGET ? "within" : "OVER";
    console.log(`${address}: ${kB(seen.first)} before it works (${verdict} ${kB(BUDGET)}), ${kB(seen.later)} later, fonts ${kB(seen.fonts)}; usable after ${seen.took.toFixed(0)} ms`);
    if (process.argv.includes("--files")) for (const [name, bytes] of seen.files) console.log(`  ${seen.needed.has(name) ? "first" : "later"} ${name} ${kB(bytes)}`);
    if (address === "/login") await logIn(at, app, account);
  }
} finally {
  await chromium.close();
  await app.stop();
}
