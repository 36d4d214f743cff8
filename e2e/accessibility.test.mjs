// axe finds nothing on any page, in light and dark, wide and narrow.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const OUTSIDE = ["/login", "/signup", "/forgot-password", "/local", "/sso", "/dev/components", "/api/docs", "/no-such-page"];
const INSIDE = ["/explore", "/send", "/alerts", "/alerts/new", "/settings/api-keys", "/settings/projects", "/settings/members", "/settings/channels", "/settings/routing", "/settings/organization", "/settings/audit-log", "/settings/erasure", "/settings/profile", "/settings/masking", "/device", "/ingest/health", "/ingest/usage", "/ingest/dead-letters"];

/** What opens on top of pages: name, page, how. */
const OPENED = [
  ["event", "/explore", (at) => at.getByText("upstream timeout").first().click()],
  ["columns", "/explore?columns=http.status", (at) => at.getByText("upstream timeout").first().waitFor()],
  ["time range", "/explore", (at) => at.getByRole("button", { name: /^Last 15 minutes/ }).click()],
  ["examples", "/explore", (at) => at.getByRole("button", { name: "Syntax and keys (?)" }).click()],
  ["stages", "/explore", async (at) => {
    await at.getByRole("button", { name: "Syntax and keys (?)" }).click();
    await at.getByRole("tab", { name: "Stages" }).click();
  }],
  ["keys", "/explore", async (at) => {
    await at.getByRole("button", { name: "Syntax and keys (?)" }).click();
    await at.getByRole("tab", { name: "Keys" }).click();
  }],
  ["pills", "/explore?q=level%3Aerror%20-source%3Aweb&off=timeout", (at) => at.getByRole("button", { name: "level:error", exact: true }).click()],
  ["patterns", "/explore?tab=patterns", (at) => at.getByRole("region", { name: "Patterns" }).waitFor()],
  ["context", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().click();
    await at.getByRole("button", { name: "Lines around this event (c)" }).click();
    await at.getByRole("region", { name: "Lines around" }).waitFor();
  }],
  ["saved searches", "/explore", async (at) => {
    await at.getByRole("button", { name: "Saved searches (s)" }).click();
    await at.getByText("Nothing saved yet").waitFor();
  }],
  ["export", "/explore", async (at) => {
    await at.getByRole("button", { name: "Share" }).click();
    await at.getByRole("menuitem", { name: "Export" }).click();
  }],
  ["cost", "/explore", async (at) => {
    await at.getByRole("button", { name: "Share" }).click();
    await at.getByRole("menuitem", { name: "Cost and SQL" }).click();
    await at.getByRole("dialog").getByText(/SELECT/).first().waitFor();
  }],
  ["live", "/explore?live=1", (at) => at.getByTestId("live").getByText("Live", { exact: true }).waitFor()],
  ["history", "/explore", (at) => at.getByRole("button", { name: "Query history (h)" }).click()],
  ["commands", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.keyboard.press("ControlOrMeta+k");
    await at.getByRole("combobox", { name: "Command" }).waitFor();
  }],
  ["find", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.keyboard.press("ControlOrMeta+f");
    await at.getByRole("searchbox", { name: "Find in loaded rows" }).waitFor();
  }],
  ["mark a moment", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.keyboard.press("m");
    await at.getByRole("dialog", { name: "Mark a moment" }).waitFor();
  }],
  ["an earlier time", "/explore?before=day", async (at) => {
    await at.getByTestId("before").getByText("0 events").waitFor();
    await at.getByRole("button", { name: "Compare with an earlier time (b)" }).click();
  }],
  ["a mark", "/explore", (at) => at.getByRole("button", { name: "Note: line cut" }).click()],
  ["time zone", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.keyboard.press("ControlOrMeta+k");
    await at.getByRole("combobox", { name: "Command" }).fill("another zone");
    await at.keyboard.press("Enter");
    await at.getByRole("dialog", { name: "Time zone" }).waitFor();
  }],
  ["narrowed while typing", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.getByRole("textbox", { name: "Query" }).waitFor();
    await at.keyboard.press("/");
    await at.keyboard.type("timeout");
    await at.getByTestId("narrowed").waitFor();
  }],
  ["completion", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.getByRole("textbox", { name: "Query" }).waitFor();
    await at.keyboard.press("/");
    await at.keyboard.type("lev");
    await at.getByRole("option").first().waitFor();
  }],
  ["wrapped rows", "/explore", async (at) => {
    await at.getByText("upstream timeout").first().waitFor();
    await at.keyboard.press("v");
    await at.locator(".rows-tall").waitFor();
    await at.keyboard.press("v");
    await at.keyboard.press("v");
  }],
  ["share", "/explore", (at) => at.getByRole("button", { name: "Share" }).click()],
  ["a table", "/explore?q=* | stats count() by level", (at) => at.getByRole("table").first().waitFor()],
  ["a chart", "/explore?q=* | stats count() by bin(1s)", (at) => at.getByRole("table").first().waitFor()],
  ["nothing found", "/explore?q=nowhere", (at) => at.getByText("No event matches").first().waitFor()],
  ["a mistake", "/explore?q=level:eror", (at) => at.getByText("E023").first().waitFor()],
  ["new key", "/settings/api-keys", (at) => at.getByRole("button", { name: "Create API key" }).first().click()],
  ["invite", "/settings/members", (at) => at.getByRole("button", { name: "Invite" }).click()],
  ["erase", "/settings/erasure", (at) => at.getByRole("button", { name: "Erase logs" }).first().click()],
  ["second factor", "/settings/profile", (at) => at.getByRole("button", { name: "Set up" }).click()],
  ["new channel", "/settings/channels", (at) => at.getByRole("button", { name: "Create channel" }).first().click()],
];

let app, chromium, account;

before(async () => {
  app = await App.start();
  chromium = await browser();
  account = await app.account("ada");
  await app.ingest(account.key, [
    { level: "error", source: "api", message: "upstream timeout", http: { status: 504 } },
    { level: "info", source: "api", message: "all is well", http: { status: 200 } },
  ]);
  await app.call("POST", "/api/v1/annotations", { token: account.token, body: { title: "line cut", at: "now-5m" } });
  await eventually("the events are found", async () => (await app.search(account.token, "")).rows.length === 2);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

/** In both themes. The document is the same in the second one: there only colours can be wrong. */
async function findings(at) {
  await at.waitForLoadState("networkidle");
  // The policy of the pages forbids scripts of others; the browser's own evaluation is not bound by it.
  await at.evaluate(axe);
  const found = [];
  for (const [theme, rules] of [["light", {}], ["dark", { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }]]) {
    await at.emulateMedia({ colorScheme: theme });
    const { violations } = await at.evaluate((rules) => globalThis.axe.run(document, { resultTypes: ["violations"], ...rules }), rules);
    found.push(...violations.map((each) => `${theme}, ${each.id}: ${each.nodes.map((node) => node.target).join(", ")}`));
  }
  await at.emulateMedia({ colorScheme: "light" });
  return found;
}

for (const width of [1280, 390]) {
  test(`${width} px: no finding on any page`, async () => {
    const at = await page(chromium, { width });
    const found = {};
    const look = async (name) => {
      const violations = await findings(at);
      if (violations.length > 0) found[name] = violations;
    };
    for (const address of OUTSIDE) {
      await at.goto(app.url + address);
      await look(address);
    }
    await logIn(at, app, account);
    for (const address of INSIDE) {
      await at.goto(app.url + address);
      await at.getByRole("heading", { level: 1 }).waitFor();
      await look(address);
    }
    for (const [name, address, open] of OPENED) {
      await at.goto(app.url + address);
      await open(at);
      await look(name);
    }
    assert.deepEqual(found, {});
    assert.deepEqual(at.errors, []);
    await at.context().close();
  });
}
