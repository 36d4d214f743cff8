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
  ["explore-stacked", `/explore?q=*%20%7C%20timechart%20count()%20by%20level&${RANGE}`, async (at) => {
    await at.getByRole("button", { name: "Stacked bars" }).click();
    await at.locator(".stats-chart canvas").waitFor();
  }],
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
  ["settings-profile", "/settings/profile"],
  ["settings-organization", "/settings/organization"],
  ["settings-audit-log", "/settings/audit-log"],
  ["settings-erasure", "/settings/erasure"],
  ["settings-masking", "/settings/masking"],
  ["ingest-dead-letters", "/ingest/dead-letters"],
  ["api-docs", "/api/docs", null, "outside"],
  ["components", "/dev/components", null, "outside"],
];

async function fill(app, key) {
  const made = spawnSync(
    path.join(programs, "cordwood"),
    ["generate", "--server", app.url, "--key", key, "--start", "4h", "--rate", "4", "--count", "57000"],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`generate failed: ${made.stderr}`);
}

/** What an organization has after some weeks, so that no page is shown empty. */
async function furnish(app, { token, project, key, email }) {
  const call = async (method, address, body, as = token) => {
    const answer = await app.call(method, `/api/v1${address}`, { token: as, body });
    if (answer.status >= 300) throw new Error(`${method} ${address} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await app.confirm(email);
  for (const [kind, title, at] of [["deployment", "checkout v42", "now-150m"], ["note", "line to Frankfurt cut", "now-80m"]]) {
    await call("POST", "/annotations", { kind, title, at, project_id: project });
  }
  await call("POST", "/projects", { name: "staging", retention_days: 7 });
  await call("POST", "/api-keys", { name: "web servers", project_id: project, scopes: ["ingest"] });
  await call("POST", "/invitations", { email: "grace@shop.example", role: "editor" });
  await call("POST", "/invitations", { email: "alan@shop.example", role: "viewer" });
  const channel = (name, to) => call("POST", "/notification-channels", { name, kind: "email", config: { to } });
  const onCall = await channel("On call", [email]);
  const shop = await channel("Shop team", [email]);
  const alert = (rule) => call("POST", "/alert-rules", { project_id: project, every: "10s", channel_ids: [onCall.id], ...rule });
  const above = (threshold) => ({ op: ">", threshold });
  await alert({ name: "Login failures by user", query: 'source:auth "login failed" | stats count() by user.id', condition: above(500), window: "1h" });
  await alert({ name: "Payments are slow", query: "source:payments | stats p95(duration_ms)", value: "p95_duration_ms", condition: above(800), window: "3h", severity: "critical" });
  await alert({ name: "Searches take long", query: "source:search | stats p95(duration_ms)", value: "p95_duration_ms", condition: above(100), window: "15m", for: "30m" });
  await alert({ name: "Checkout errors", query: "source:api http.status>=500", condition: above(5), window: "1h", severity: "critical" });
  await alert({ name: "Worker is silent", query: "source:worker", condition: { op: "<", threshold: 1 }, window: "15m" });
  const muted = await alert({ name: "Disk warnings of staging", query: "env:staging disk", condition: above(0) });
  await call("POST", `/alert-rules/${muted.id}/mute`, { until: "now+2h" });
  await call("PUT", "/notification-policy", {
    routes: [{ severities: ["critical"], channel_ids: [shop.id] }],
    quiet_hours: [{ channel_ids: [shop.id], days: [], from: "22:00", to: "07:00", time_zone: "Europe/Berlin" }],
    maintenance: [], digest_after: 5,
  });
  await call("PUT", `/projects/${project}/masking`, { rules: [{ detector: "email", action: "hash" }, { detector: "card", action: "mask" }] });
  const late = (message) => ({ timestamp: "2019-07-01T10:00:00Z", level: "info", source: "till-7", message });
  await call("POST", "/logs/ingest", [late("receipt 1201 printed"), late("drawer opened"), { source: "till-7", message: "clock was set" }], key);
  await call("POST", "/logs/delete", { project_id: project, query: "user.id:u-4169", from: "now-30d", to: "now", reason: "ticket 1870" });
  await eventually("alerts fire", async () => {
    const rules = await call("GET", "/alert-rules");
    return rules.items.filter((rule) => rule.state === "firing").length >= 2;
  }, 90_000);
  await eventually("mails were sent", async () => (await call("GET", "/notifications?state=sent")).items.length > 0, 90_000);
}

const app = await App.start();
const chromium = await browser();
try {
  const account = await app.account("ada");
  await fill(app, account.key);
  await eventually("the logs are found", async () => {
    const found = await app.search(account.token, "* | stats count() as n", { from: "now-1d", to: "now+1h" });
    return found.rows[0].n === 57_000;
  });
  await furnish(app, account);
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
