// A second account sees nothing of the first: not by the API, not by the pages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium, acme, globex;

before(async () => {
  app = await App.start();
  chromium = await browser();
  [acme, globex] = [await app.account("acme"), await app.account("globex")];
  await app.ingest(acme.key, [
    { level: "error", source: "vault", message: "canary of acme", secret: "acme-only" },
    { level: "info", source: "vault", message: "canary of acme again" },
  ]);
  await app.ingest(globex.key, [{ level: "info", source: "shop", message: "hello from globex" }]);
  await eventually("acme finds its events", async () => (await app.search(acme.token, "canary")).rows.length === 2);
  await eventually("globex finds its event", async () => (await app.search(globex.token, "hello")).rows.length === 1);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

test("searches of every shape find only one's own events", async () => {
  const counted = async (query) => Number((await app.search(globex.token, query)).rows[0].n);
  assert.equal((await app.search(globex.token, "canary")).rows.length, 0);
  assert.equal((await app.search(globex.token, "")).rows.length, 1);
  assert.equal(await counted("* | stats count() as n"), 1);
  assert.equal(await counted("NOT nothing | stats count() as n"), 1);
  assert.equal(await counted("-source:shop OR source:* | stats count() as n"), 1);
});

test("histogram, fields and values count only one's own events", async () => {
  const range = { query: "", from: "now-1h", to: "now+1h" };
  const ask = async (what, more = {}) =>
    (await app.call("POST", `/api/v1/logs/${what}`, { token: globex.token, body: { ...range, ...more } })).body;
  assert.equal((await ask("histogram")).buckets.reduce((sum, bucket) => sum + bucket.total, 0), 1);
  assert.ok(!(await ask("fields")).fields.some((field) => field.name === "secret"));
  assert.deepEqual((await ask("field-values", { field: "source" })).values.map((value) => value.value), ["shop"]);
});

test("the other's ids look absent", async () => {
  const event = (await app.search(acme.token, "canary")).rows[0];
  assert.equal((await app.call("GET", `/api/v1/logs/${event.id}`, { token: acme.token })).status, 200);
  assert.equal((await app.call("GET", `/api/v1/logs/${event.id}`, { token: globex.token })).status, 404);
  const inOtherProject = await app.call("POST", "/api/v1/logs/search", {
    token: globex.token,
    body: { query: "", project_id: acme.project },
  });
  assert.equal(inOtherProject.status, 404);
});

test("the pages show only one's own events", async () => {
  const at = await page(chromium);
  await logIn(at, app, globex);
  await at.goto(`${app.url}/explore`);
  await at.getByText("hello from globex").first().waitFor();
  assert.equal(await at.getByText("canary").count(), 0);
  assert.equal(await at.getByText("acme").count(), 0);
  assert.deepEqual(at.errors, []);
});
