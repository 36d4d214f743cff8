// Takes a picture of every page, light and dark, into docs/screenshots: `node e2e/screenshots.mjs [word …]`.
// With words, only pages whose name has one of them are taken.
//
// Programs and the browser are found as by the tests (see harness.mjs); the logs are made by `cordwood generate`.

import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { App, browser, eventually, logIn, page, programs, root } from "./harness.mjs";

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const folder = process.env.CORDWOOD_SCREENSHOTS ?? path.join(root, "docs/screenshots");
const widths = process.argv.includes("--narrow") ? [1280, 390] : [1280];

const RANGE = "from=now-4h&to=now";
const rows = (at) => at.locator(".rows-space .line").first().waitFor();

/** Name, address, what to do before the picture. */
const PAGES = [
  ["login", "/login", null, "outside"],
  ["signup", "/signup", null, "outside"],
  ["local", "/local", async (at) => {
    await at.getByRole("button", { name: "Try a sample" }).click();
    await rows(at);
  }, "outside"],
  ["explore", `/explore?q=level%3E%3Dwarn&${RANGE}`, rows],
  ["explore-event", `/explore?q=level%3Aerror%20-source%3Aworker&${RANGE}`, async (at) => {
    await rows(at);
    await at.locator(".rows-space .line").nth(4).click();
    await at.getByRole("region", { name: "Event details" }).waitFor();
  }],
  ["explore-wrapped", `/explore?q=level%3Aerror&${RANGE}`, async (at) => {
    await rows(at);
    await at.keyboard.press("v");
    await at.locator(".rows-tall").waitFor();
  }, "wrapped"],
  ["explore-chart", `/explore?q=*%20%7C%20timechart%20count()%20by%20source&${RANGE}`, (at) => at.locator(".stats-chart canvas").waitFor()],
  ["explore-table", `/explore?q=*%20%7C%20stats%20count()%20as%20events%2C%20p95(duration_ms)%20by%20source%20%7C%20sort%20-events&${RANGE}`, (at) => at.getByRole("table").first().waitFor()],
  ["explore-patterns", `/explore?tab=patterns&${RANGE}`, (at) => at.getByRole("region", { name: "Patterns" }).waitFor()],
  ["explore-context", `/explore?q=level%3Aerror&${RANGE}`, async (at) => {
    await rows(at);
    await at.locator(".rows-space .line").nth(6).click();
    await at.keyboard.press("c");
    await at.getByRole("region", { name: "Lines around" }).waitFor();
  }],
  ["explore-columns", `/explore?q=source%3Aapi&columns=http.status,http.route,duration_ms&${RANGE}`, rows],
  ["explore-export", `/explore?q=level%3Aerror&${RANGE}`, async (at) => {
    await rows(at);
    await at.getByRole("button", { name: "Share" }).click();
    await at.getByRole("menuitem", { name: "Export" }).click();
  }],
  ["explore-help", `/explore?${RANGE}`, async (at) => {
    await rows(at);
    await at.keyboard.press("?");
  }],
  ["commands", `/explore?${RANGE}`, async (at) => {
    await rows(at);
    await at.keyboard.press("Control+k");
  }],
  ["alerts", "/alerts"],
  ["alert-new", "/alerts/new?query=level%3Aerror"],
  ["send", "/send"],
  ["ingest-health", "/ingest/health"],
  ["ingest-usage", "/ingest/usage"],
  ["settings-api-keys", "/settings/api-keys"],
  ["settings-projects", "/settings/projects"],
  ["settings-members", "/settings/members"],
  ["settings-channels", "/settings/channels"],
  ["settings-routing", "/settings/routing"],
];

async function fill(app, key) {
  const made = spawnSync(
    path.join(programs, "cordwood"),
    ["generate", "--server", app.url, "--key", key, "--start", "4h", "--rate", "4", "--count", "57000"],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`generate failed: ${made.stderr}`);
}

const app = await App.start();
const chromium = await browser();
try {
  const account = await app.account("ada");
  await fill(app, account.key);
  await eventually("the logs are found", async () => {
    const found = await app.search(account.token, "* | stats count() as n", { from: "now-1d", to: "now+1h" });
    return found.rows[0].n > 50_000;
  });
  await mkdir(folder, { recursive: true });
  for (const theme of ["light", "dark"]) {
    for (const width of widths) {
      const at = await page(chromium, { theme, width, height: width === 390 ? 844 : 800 });
      await at.addInitScript(() => localStorage.setItem("cordwood.guide-done", "yes"));
      await logIn(at, app, account);
      for (const [name, address, prepare, where] of PAGES) {
        if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
        const shown = where === "outside" ? await page(chromium, { theme, width }) : at;
        await shown.goto(app.url + address);
        await prepare?.(shown);
        await shown.waitForLoadState("networkidle");
        const file = path.join(folder, `${name}-${theme}${width === 390 ? "-narrow" : ""}.png`);
        await writeFile(file, await shown.screenshot());
        console.log(path.relative(process.cwd(), file));
        if (shown !== at) await shown.context().close();
        else await at.evaluate(() => localStorage.removeItem("cordwood.rows"));
      }
      if (at.errors.length > 0) throw new Error(`errors on the pages: ${at.errors.join("; ")}`);
      await at.context().close();
    }
  }
} finally {
  await chromium.close();
  await app.stop();
}
