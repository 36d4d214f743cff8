// What arrives: its health, its usage, dead letters, and masking, as a person sees them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium, account, at;

before(async () => {
  app = await App.start("--quota-daily-events", "1000");
  chromium = await browser();
  account = await app.account("ines");
  await app.ingest(account.key, [
    { level: "info", source: "checkout", message: "order placed" },
    { level: "error", source: "payments", message: "card refused" },
  ]);
  const old = [{ message: "an old order", timestamp: "1999-01-01T00:00:00Z" }, { message: "a new order", source: "checkout" }];
  const answer = await app.call("POST", "/api/v1/logs/ingest", { token: account.key, body: old });
  assert.deepEqual([answer.status, answer.body.accepted, answer.body.rejected], [202, 1, 1]);
  await eventually("three events are counted", async () => {
    const usage = await app.call("GET", "/api/v1/usage", { token: account.token });
    return usage.body.days[0]?.events === 3;
  });
  at = await page(chromium);
  await logIn(at, app, account);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

test("health tells who sends and what was turned away", async () => {
  await at.goto(`${app.url}/ingest/health`);

  await at.getByText("The event is older than the project keeps logs").waitFor();
  await at.getByRole("row", { name: /checkout 2/ }).waitFor();
  await at.getByRole("row", { name: /e2e 3/ }).waitFor();
  await at.getByText("What was acknowledged can be searched within seconds.").waitFor();
  await at.getByText("1 dead letter waits").waitFor();
});

test("usage is shown by project, key and source, against the quota", async () => {
  await at.goto(`${app.url}/usage`);

  await at.getByText("of 1,000").waitFor();
  assert.equal(new URL(at.url()).pathname, "/ingest/usage");
  await at.getByRole("row", { name: /default 3/ }).waitFor();
  await at.getByRole("row", { name: /payments 1/ }).waitFor();
  await at.getByLabel("Show").selectOption("7");
  await at.getByRole("img", { name: /Bytes by day; at most .* 3 events/ }).waitFor();
});

test("a dead letter is found by the query language, read, and deleted", async () => {
  await at.goto(`${app.url}/ingest/dead-letters`);
  await at.getByText("too_old").first().waitFor();

  await at.getByLabel("Search").fill("nothing of that kind");
  await at.getByRole("button", { name: "Search" }).click();
  await at.getByText("None matches").waitFor();
  await at.getByLabel("Search").fill("code:too_old order");
  await at.getByRole("button", { name: "Search" }).click();
  await at.getByRole("button", { name: /an old order/ }).click();
  await at.getByRole("dialog").getByText("an old order").waitFor();
  await at.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
  await at.getByText("0 replayed, 1 rejected again").waitFor();
  await at.getByRole("button", { name: /an old order/ }).click();
  await at.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await at.getByText("None matches").waitFor();
});

test("masking is tried on samples, saved, and holds for what arrives then", async () => {
  await at.goto(`${app.url}/settings/masking`);
  await at.getByLabel("E-mail addresses", { exact: true }).check();
  await at.getByLabel("What happens to them: E-mail addresses").selectOption("hash");
  await at.getByRole("button", { name: "Add a regular expression" }).click();
  await at.getByLabel("Name").fill("order-id");
  await at.getByLabel("Regular expression").fill("ORD-[0-9]+");
  await at.getByLabel("Sample lines").fill("ORD-17 of jane@example.com");
  await at.getByRole("button", { name: "Show what would be stored" }).click();
  await at.getByText(/^<order-id> of <email:f[0-9a-f]+>$/).waitFor();

  await at.getByRole("button", { name: "Save" }).click();
  await at.getByText("Saved: it counts for what arrives from now on").waitFor();
  await at.reload();
  assert.equal(await at.getByLabel("Regular expression").inputValue(), "ORD-[0-9]+");
  await app.ingest(account.key, [{ message: "ORD-18 of joe@example.com" }]);
  const found = await eventually("the event is found", async () => (await app.search(account.token, "of")).rows[0]);
  assert.match(found.message, /^<order-id> of <email:f[0-9a-f]{15}>$/);
  assert.deepEqual(at.errors, []);
});
