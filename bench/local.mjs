// What `/local` takes for a file of 200 MB, and whether the page stays live meanwhile: `node bench/local.mjs [megabytes]`.
//
// Builds nothing; for figures the web application has to be a release build (`cargo xtask web`).

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { App, browser, eventually, page, programs } from "../e2e/harness.mjs";

const wanted = Number(process.argv[2] ?? 199) * 1e6;
const folder = await mkdtemp(path.join(tmpdir(), "cordwood-local-"));
const file = path.join(folder, "big.ndjson");
// An event is about 350 bytes; what is too much is cut, at worst in the middle of a line.
const made = spawnSync(path.join(programs, "cordwood"), ["generate", "--start", "2026-03-10T10:00:00Z", "--rate", "50000", "--count", String(Math.ceil(wanted / 250)), "-o", file], { encoding: "utf8" });
if (made.status !== 0) throw new Error(`generate failed: ${made.stderr}`);
if ((await stat(file)).size > wanted) await truncate(file, wanted);

const app = await App.start();
const chromium = await browser();
try {
  const at = await page(chromium);
  await at.goto(`${app.url}/local`);
  await at.getByRole("heading", { name: "Search a log file" }).waitFor();
  // The longest time between two frames tells how long the page did not answer.
  await at.evaluate(() => {
    globalThis.longest = 0;
    let last = performance.now();
    const frame = (now) => {
      globalThis.longest = Math.max(globalThis.longest, now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  const timed = async (name, act, done) => {
    await at.evaluate(() => (globalThis.longest = 0));
    const started = performance.now();
    await act();
    await eventually(name, done, 240_000);
    const longest = await at.evaluate(() => globalThis.longest);
    console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s, the page answered at least every ${longest.toFixed(0)} ms`);
  };
  const status = () => at.getByTestId("status").innerText();
  const run = async (query) => {
    await at.getByRole("textbox", { name: "Query" }).waitFor();
    await at.keyboard.press("/");
    await at.keyboard.press("ControlOrMeta+a");
    await at.keyboard.type(query);
    await at.keyboard.press("Enter");
    await at.keyboard.press("Escape");
    await at.keyboard.press("Escape");
  };
  await timed("read and shown", () => at.getByLabel("Log file").setInputFiles(file), async () => /events ·/.test(await status()));
  console.log(`  ${await at.locator(".local-facts").innerText()}`);
  await timed("level:error timeout", () => run("level:error timeout"), async () => /events ·/.test(await status()) && /q=level/.test(at.url()));
  console.log(`  ${await status()}`);
  await timed("stats by source", () => run("* | stats count() as n, p95(duration_ms) by source"), async () => (await at.getByRole("table").count()) > 0);
  console.log(`  ${await status()}`);
} finally {
  await chromium.close();
  await app.stop();
  await rm(folder, { recursive: true, force: true });
}
