// Around a search: patterns, the lines around an event, what is different in a stretch of time, exports, saved searches, why nothing was
// found, what a query costs, and live tail.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium, at, account;

before(async () => {
  app = await App.start();
  chromium = await browser();
  account = await app.account("ada");
  const now = Date.now();
  const events = Array.from({ length: 300 }, (_, index) => {
    const incident = index >= 200 && index < 240;
    return {
      timestamp: new Date(now - 600_000 + index * 2000).toISOString(),
      level: incident ? "error" : "info",
      source: "api",
      host: incident ? "web-7" : `web-${index % 3}`,
      message: incident ? `upstream timeout after ${3000 + index} ms` : `GET /cart 200 in ${index} ms`,
    };
  });
  const before = { timestamp: new Date(now - 5_400_000).toISOString(), level: "info", source: "api", message: "legacy import done" };
  await app.ingest(account.key, [before, ...events]);
  await eventually("the events are found", async () => (await app.search(account.token, "", { limit: 1000 })).rows.length === 300);
  at = await page(chromium);
  await logIn(at, app, account);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

const status = () => at.getByTestId("status").innerText();
const counted = (count) => eventually(`${count} events are counted`, async () => new RegExp(`\\b${count} events`).test(await status()));
const show = (query = "") => at.goto(`${app.url}/explore?q=${encodeURIComponent(query)}&from=now-1h&to=now`);
const asked = () => new URL(at.url()).searchParams.get("q") ?? "";

test("patterns are counted, and one can be excluded or looked at", async () => {
  await show();
  await counted(300);
  await at.getByRole("button", { name: "Patterns", exact: true }).click();
  const row = at.getByRole("row").filter({ hasText: "upstream timeout after <num>" });
  await row.getByText("40", { exact: false }).first().waitFor();
  assert.match(await row.innerText(), /^40/);
  // The hour before had one other pattern.
  await row.getByText("new", { exact: true }).waitFor();
  await at.getByRole("region", { name: "Gone since the period before" }).getByText("legacy import done").waitFor();
  await row.getByRole("button", { name: "Events" }).click();
  await counted(40);
  assert.ok(asked().startsWith("message=~"));
  await show();
  await counted(300);
  await at.keyboard.press("p");
  await at.getByRole("row").filter({ hasText: "upstream timeout" }).getByRole("button", { name: "Exclude" }).click();
  await counted(260);
});

test("the lines around an event are there whatever the query filters", async () => {
  await show("level:error");
  await counted(40);
  await at.locator(".rows-space .line").last().click();
  await at.getByRole("button", { name: "Lines around this event (c)" }).click();
  const dialog = at.getByRole("dialog", { name: "Lines around this event" });
  await dialog.locator("[aria-current=true]").waitFor();
  assert.equal(await dialog.getByText("GET /cart").count(), 0, "of the same host there are none");
  await dialog.getByRole("checkbox").nth(1).uncheck();
  await dialog.getByText("GET /cart").first().waitFor();
});

test("what is different in a stretch of time is ranked", async () => {
  await show();
  await counted(300);
  const bars = at.locator(".histogram .u-over");
  const box = await bars.boundingBox();
  // The incident: from 200 s to 120 s ago, in an hour that ends about now.
  const x = (secondsAgo) => box.x + box.width * (1 - secondsAgo / 3600);
  await at.mouse.move(x(230), box.y + 30);
  await at.mouse.down();
  await at.mouse.move(x(100), box.y + 30, { steps: 5 });
  await at.mouse.up();
  await at.getByRole("button", { name: "What is different here?" }).click();
  const dialog = at.getByRole("dialog", { name: "What is different here" });
  await dialog.getByRole("rowheader").first().waitFor();
  const text = await dialog.innerText();
  assert.match(text, /web-7/);
  assert.match(text, /error/);
});

test("a moment is marked on the histogram, and the mark taken away", async () => {
  await show();
  await counted(300);
  await at.locator("#rows").focus();
  await at.keyboard.press("m");
  const dialog = at.getByRole("dialog", { name: "Mark a moment" });
  await dialog.getByLabel("What happened").fill("checkout v42");
  await dialog.getByLabel("Kind").selectOption("deployment");
  await dialog.getByLabel("When").fill("now-5m");
  await dialog.getByRole("button", { name: "Mark", exact: true }).click();
  const mark = at.getByRole("group", { name: "Deployments, notes and alerts" }).getByRole("button", { name: "Deployment: checkout v42" });
  await mark.waitFor();
  await mark.click();
  await at.getByRole("menuitem", { name: "Show the time around it" }).click();
  await at.getByRole("button", { name: "Reset zoom" }).click();
  const remove = at.getByRole("menuitem", { name: "Delete" });
  await mark.click();
  await remove.click();
  await mark.waitFor({ state: "detached" });
});

test("what a table says can be lines, stacked bars or the table alone", async () => {
  await show("* | timechart count() by level");
  const shown = at.getByRole("group", { name: "Show as" });
  await shown.getByRole("button", { name: "Stacked bars" }).click();
  await at.getByRole("img", { name: "The table below as bars over time" }).locator("canvas").waitFor();
  await shown.getByRole("button", { name: "Lines" }).click();
  await at.getByRole("img", { name: "The table below as lines over time" }).locator("canvas").waitFor();
  await shown.getByRole("button", { name: "Table" }).click();
  await at.locator(".stats-chart").waitFor({ state: "detached" });
  await at.getByRole("table").waitFor();
});

test("everything found is exported as a file", async () => {
  await show("level:error");
  await counted(40);
  await at.getByRole("button", { name: "Share" }).click();
  await at.getByRole("menuitem", { name: "Export" }).click();
  const [file] = await Promise.all([
    at.waitForEvent("download"),
    at.getByRole("dialog", { name: "Export" }).getByRole("button", { name: "Export" }).click(),
  ]);
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\n");
  assert.equal(lines.length, 40);
  assert.equal(JSON.parse(lines[0]).level, "error");
  await at.getByText(/^Done: \d/).waitFor();
});

test("a search is saved, found, and shown again", async () => {
  await show("level:error timeout");
  await counted(40);
  await at.getByRole("button", { name: "Saved searches (s)" }).click();
  const dialog = at.getByRole("dialog", { name: "Saved searches" });
  await dialog.getByLabel("Save the current search as").fill("Timeouts");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.getByText("Timeouts").waitFor();
  await show();
  await counted(300);
  await at.keyboard.press("s");
  await dialog.getByRole("button", { name: /^Timeouts/ }).click();
  await counted(40);
  assert.equal(asked(), "level:error timeout");
});

test("no result says which condition finds nothing", async () => {
  await show("level:error source:apo");
  const row = at.getByRole("row").filter({ hasText: "source:apo" });
  await row.waitFor();
  assert.match(await row.innerText(), /source:apo\s+0\s+40/);
});

test("what a query costs is said before it runs, and how it runs on request", async () => {
  await show();
  await counted(300);
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await at.keyboard.press("/");
  await at.keyboard.type("level:error");
  await eventually("the estimate is there", async () => /Would read at most/.test(await at.getByTestId("estimate").innerText()));
  await at.keyboard.press("Escape");
  await at.keyboard.press("Escape");
  await at.getByRole("button", { name: "Share" }).click();
  await at.getByRole("menuitem", { name: "Cost and SQL" }).click();
  const dialog = at.getByRole("dialog", { name: "How this query runs" });
  await dialog.getByText(/SELECT/).first().waitFor();
});

test("new events come onto the list by themselves, and wait while one reads", async () => {
  await show("level>=info");
  await counted(300);
  await at.keyboard.press("l");
  const bar = at.getByTestId("live");
  await bar.getByText("Live", { exact: true }).waitFor();
  await app.ingest(account.key, [{ level: "warn", source: "api", message: "brand new line" }]);
  await at.getByText("brand new line").waitFor();
  await at.getByTestId("rows").evaluate((list) => list.scrollTo(0, 400));
  await bar.getByText("Paused", { exact: true }).waitFor();
  await app.ingest(account.key, [{ level: "warn", source: "api", message: "one more line" }]);
  await bar.getByRole("button", { name: "1 new" }).click();
  await at.getByText("one more line").waitFor();
  await bar.getByRole("button", { name: "Stop" }).click();
  await bar.waitFor({ state: "detached" });
});

test("nothing went wrong in the page's scripts", () => {
  assert.deepEqual(at.errors, []);
});
