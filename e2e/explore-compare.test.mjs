// Against an earlier time, and what fields are made of: the histogram with the period before, the share of events that have a field, and
// the types of a field that has several.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page, root } from "./harness.mjs";

const MINUTE = 60_000;
let app, chromium, at, account;

/** So many events, spread over a stretch that begins so many minutes ago. */
const events = (count, begin, length, more = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({
    timestamp: new Date(Date.now() - begin * MINUTE + (index * length * MINUTE) / count).toISOString(),
    level: index % 5 === 0 ? "warn" : "info",
    source: "api",
    message: `parcel ${index} handled`,
    ...more(index),
  }));

before(async () => {
  app = await App.start();
  chromium = await browser();
  account = await app.account("ada");
  await app.ingest(account.key, [
    ...events(80, 58, 56, (index) => ({ size: index < 72 ? index : "oversized", ...(index < 20 ? { customs: true } : {}) })),
    ...events(40, 118, 56),
    ...events(10, 24 * 60 + 50, 40),
  ]);
  await eventually("the events are found", async () => {
    const found = await app.search(account.token, "* | stats count() as n", { from: "now-2d", to: "now+1h" });
    return found.rows[0]?.n === 130;
  });
  at = await page(chromium);
  await logIn(at, app, account);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

const told = () => at.getByTestId("before").innerText();
const status = () => at.getByTestId("status").innerText();
const show = async (more = "") => {
  await at.goto(`${app.url}/explore?from=now-1h&to=now${more}`);
  await eventually("80 are counted", async () => /\b80 events/.test(await status()));
};

test("the histogram is held against the period before, and the address keeps it", async () => {
  await show();
  await at.getByRole("button", { name: "Compare with an earlier time (b)" }).click();
  await at.getByRole("menuitemradio", { name: "Period before" }).click();
  await eventually("the period before is told", async () => /Period before: 40 events, 100% more now/.test(await told()));
  assert.equal(new URL(at.url()).searchParams.get("before"), "period");
  await at.reload();
  await eventually("it is there again", async () => /40 events, 100% more now/.test(await told()));
  const box = await at.locator(".histogram .u-over").boundingBox();
  await at.mouse.move(box.x + box.width / 2, box.y + 40);
  await at.locator(".chart-tip").getByText("Period before").waitFor();
});

test("keys go through the earlier times, and one step back is one comparison less", async () => {
  await show("&before=period");
  await at.locator("#rows").focus();
  await at.keyboard.press("b");
  await eventually("a day before", async () => /Day before: 10 events, 8 times as many now|Day before: 10 events, 700% more now/.test(await told()));
  await at.keyboard.press("b");
  await eventually("a week before", async () => /Week before: 0 events/.test(await told()));
  await at.goBack();
  await eventually("a day before again", async () => /Day before/.test(await told()));
  await at.getByRole("button", { name: "Compare with nothing" }).click();
  await at.getByTestId("before").waitFor({ state: "detached" });
  assert.equal(new URL(at.url()).searchParams.get("before"), null);
});

test("a table over time gets the figures of the hour before, as quiet lines", async () => {
  await at.goto(`${app.url}/explore?from=now-1h&to=now&q=${encodeURIComponent("* | timechart count() as n")}`);
  await at.getByRole("button", { name: "Compare", exact: true }).click();
  await at.getByRole("menuitem", { name: "Period before" }).click();
  await eventually("the query compares", () => new URL(at.url()).searchParams.get("q").endsWith("| compare shift=1h"));
  await at.locator(".legend").getByText("n_prev").waitFor();
  assert.equal(await at.locator(".legend").getByText("n_pct").count(), 0);
  await at.getByRole("columnheader", { name: "n_pct" }).waitFor();
  assert.equal(await at.getByRole("button", { name: "Compare", exact: true }).count(), 0);
});

test("comparing and opening an event ask for no other search", async () => {
  await show();
  await at.getByRole("complementary", { name: "Fields" }).getByText("size").waitFor();
  await at.waitForLoadState("networkidle");
  const asked = [];
  at.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await at.locator(".rows-space .line").nth(2).click();
  await at.getByRole("region", { name: "Event details" }).waitFor();
  await at.keyboard.press("j");
  await at.keyboard.press("b");
  await eventually("the period before is told", async () => /40 events/.test(await told()));
  const searches = asked.filter((path) => /logs\/(search|histogram|fields)/.test(path));
  assert.deepEqual(searches, ["/api/v1/logs/histogram"]);
});

test("a field tells how many events have it, and of which types it is", async () => {
  await show();
  const fields = at.getByRole("complementary", { name: "Fields" });
  const size = fields.getByRole("button", { name: /size/ }).first();
  assert.match(await size.innerText(), /100%/);
  await fields.getByText("number 90%, text 10%").waitFor();
  const customs = fields.getByRole("button", { name: /customs/ }).first();
  assert.match(await customs.innerText(), /25%/);
  assert.equal(await customs.locator("[title]").last().getAttribute("title"), "20 of 80 events have it");
  // What is a number among other things can be asked for as a range.
  await size.click();
  await fields.getByRole("spinbutton", { name: "size at least" }).fill("70");
  await fields.getByRole("button", { name: "Apply" }).click();
  await eventually("two are counted", async () => /\b2 events/.test(await status()));
});

for (const theme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    test(`${theme}, ${width} px: the comparison has its place`, async () => {
      const shown = await page(chromium, { theme, width, height: width === 390 ? 844 : 800 });
      await shown.addInitScript(() => localStorage.setItem("cordwood.guide-done", "yes"));
      await logIn(shown, app, account);
      await shown.goto(`${app.url}/explore?from=now-1h&to=now&before=period`);
      await eventually("the period before is told", async () => /40 events/.test(await shown.getByTestId("before").innerText()));
      await shown.locator(".histogram canvas").waitFor();
      await shown.waitForLoadState("networkidle");
      const [chart, menu] = await Promise.all([".histogram-chart", ".histogram-menu"].map((each) => shown.locator(each).boundingBox()));
      assert.ok(menu.x >= chart.x + chart.width - 46 && menu.y >= chart.y + chart.height - 24, "the menu stands where the axes meet");
      assert.equal(await shown.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
      await mkdir(path.join(root, "target/e2e"), { recursive: true });
      await writeFile(path.join(root, `target/e2e/explore-before-${theme}-${width}.png`), await shown.screenshot());
      await shown.context().close();
    });
  }
}

test("nothing went wrong in the page's scripts", () => {
  assert.deepEqual(at.errors, []);
});
