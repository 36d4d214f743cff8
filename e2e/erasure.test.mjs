// Data goes for good: logs by a query, a project, an organization, and what outlived a shortened retention. Rows are counted before and after.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium;

before(async () => {
  app = await App.start("--erasure-delay-s", "1", "--deletion-grace-days", "0", "--retention-sweep-s", "1");
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

const DAY_MS = 86_400_000;

async function count(token, query = "*", more = {}) {
  const body = { query: `${query} | stats count() as n`, from: "now-29d", to: "now+1h", ...more };
  const answer = await app.call("POST", "/api/v1/logs/search", { token, body });
  return answer.status === 200 ? Number(answer.body.rows[0]?.n ?? 0) : answer.status;
}

async function done(token, job) {
  return eventually(`job ${job} is done`, async () => {
    const { body } = await app.call("GET", `/api/v1/jobs/${job}`, { token });
    return body.state === "done" && body;
  }, 60_000);
}

test("logs that a query finds are erased, and no others", async () => {
  const [ann, bob] = [await app.account("erase-ann"), await app.account("erase-bob")];
  const events = (user) => Array.from({ length: 30 }, (_, index) => ({ message: `order ${index}`, user: index % 3 ? "other" : user }));
  await app.ingest(ann.key, events("eve"));
  await app.ingest(bob.key, events("eve"));
  await eventually("all are stored", async () => (await count(ann.token)) === 30 && (await count(bob.token)) === 30);

  const request = { query: "user:eve", from: "now-1h", to: "now+1m", reason: "asked by the person" };
  const preview = await app.call("POST", "/api/v1/logs/delete", { token: ann.token, body: { ...request, preview: true } });
  assert.deepEqual([preview.status, preview.body], [200, { rows_expected: 10 }]);
  const asked = await app.call("POST", "/api/v1/logs/delete", { token: ann.token, body: request });
  assert.equal(asked.status, 202);
  const job = await done(ann.token, asked.body.job_id);

  assert.equal(job.rows_erased, 10);
  assert.deepEqual([job.certificate.rows_erased, job.certificate.rows_left, job.certificate.requested_by], [10, 0, ann.email]);
  assert.deepEqual([await count(ann.token), await count(ann.token, "user:eve"), await count(bob.token)], [20, 0, 30]);
  const stages = await app.call("POST", "/api/v1/logs/delete", { token: ann.token, body: { ...request, query: "* | stats count()" } });
  assert.equal(stages.status, 422);
  const noReason = await app.call("POST", "/api/v1/logs/delete", { token: ann.token, body: { ...request, reason: " " } });
  assert.equal(noReason.status, 422);
  const foreign = await app.call("GET", `/api/v1/jobs/${asked.body.job_id}`, { token: bob.token });
  assert.equal(foreign.status, 404);
});

test("a shorter retention erases what is older, and keeps what is not", async () => {
  const cy = await app.account("retention-cy");
  const at = (days) => new Date(Date.now() - days * DAY_MS).toISOString();
  await app.ingest(cy.key, [1, 2, 5, 6, 20].map((days) => ({ timestamp: at(days), message: `of ${days} days ago` })));
  await eventually("all are stored", async () => (await count(cy.token)) === 5);

  const changed = await app.call("PATCH", `/api/v1/projects/${cy.project}`, { token: cy.token, body: { retention_days: 3 } });
  assert.equal(changed.status, 200);

  await eventually("the older three are gone", async () => (await count(cy.token)) === 2, 60_000);
  const log = await eventually("it is in the audit log", async () => {
    const { body } = await app.call("GET", "/api/v1/audit-log?q=action:retention.applied", { token: cy.token });
    return body.items.length === 1 && body.items[0];
  });
  assert.deepEqual(log.detail, { rows: 3, days: 3 });
});

test("a deleted project takes its logs and keys along; the last one stays", async () => {
  const dee = await app.account("project-dee");
  const last = await app.call("DELETE", `/api/v1/projects/${dee.project}`, { token: dee.token, body: { name: "default" } });
  assert.deepEqual([last.status, last.body.code], [409, "last_project"]);
  const made = await app.call("POST", "/api/v1/projects", { token: dee.token, body: { name: "staging" } });
  const staging = made.body.id;
  const key = (await app.call("POST", "/api/v1/api-keys", { token: dee.token, body: { name: "k", project_id: staging, scopes: ["ingest"] } })).body.secret;
  await app.ingest(key, [{ message: "soon gone" }, { message: "soon gone too" }]);
  await app.ingest(dee.key, [{ message: "stays" }]);
  await eventually("they are stored", async () => (await count(dee.token, "*", { project_id: staging })) === 2 && (await count(dee.token)) === 1);

  const wrong = await app.call("DELETE", `/api/v1/projects/${staging}`, { token: dee.token, body: { name: "Staging" } });
  assert.equal(wrong.status, 422);
  const asked = await app.call("DELETE", `/api/v1/projects/${staging}`, { token: dee.token, body: { name: "staging" } });
  assert.deepEqual([asked.status, asked.body.rows_expected], [202, 2]);
  const job = await done(dee.token, asked.body.job_id);

  assert.equal(job.certificate.rows_erased, 2);
  assert.equal((await app.call("GET", `/api/v1/projects/${staging}`, { token: dee.token })).status, 404);
  assert.equal((await app.call("POST", "/api/v1/logs/ingest", { token: key, body: [{ message: "late" }] })).status, 401);
  assert.deepEqual([await count(dee.token), await count(dee.token, "*", { project_id: staging })], [1, 404]);
});

test("a deleted organization leaves nothing but the proof in a mail", async () => {
  const gus = await app.account("org-gus");
  await app.ingest(gus.key, [{ message: "the last words" }]);
  await eventually("it is stored", async () => (await count(gus.token)) === 1);
  const asked = await app.call("DELETE", "/api/v1/organization", { token: gus.token, body: { name: "org-gus Ltd" } });
  assert.equal(asked.status, 202);

  const proof = await eventually("the proof is mailed", async () =>
    (await app.mails()).find((mail) => mail.includes(`To: ${gus.email}`) && mail.includes("org-gus Ltd was deleted")), 60_000);

  assert.match(proof, /"rows_erased": 1/);
  assert.equal((await app.call("GET", "/api/v1/me", { token: gus.token })).status, 401);
  const login = await app.call("POST", "/api/v1/auth/login", { body: { email: gus.email, password: gus.password } });
  assert.deepEqual([login.status, login.body.code], [401, "wrong_credentials"]);
  assert.equal((await app.account("org-gus")).email, gus.email, "the address is free again");
});

test("a person counts the rows, erases them, and sees the certificate", async () => {
  const hal = await app.account("erase-hal");
  await app.ingest(hal.key, [{ message: "hello", user: "eve" }, { message: "hello", user: "mal" }]);
  await eventually("they are stored", async () => (await count(hal.token)) === 2);
  const at = await page(chromium);
  await logIn(at, app, hal);
  await at.goto(`${app.url}/settings/erasure`);

  await at.getByRole("button", { name: "Erase logs" }).first().click();
  await at.getByLabel("Query").fill("user:eve");
  await at.getByLabel("Reason").fill("She asked");
  await at.getByRole("button", { name: "Count the rows" }).click();
  await at.getByText("1 rows will be erased for good.").waitFor();
  await at.getByRole("button", { name: "Erase", exact: true }).click();

  await at.getByRole("button", { name: "Certificate" }).waitFor({ timeout: 60_000 });
  await at.getByRole("button", { name: "Certificate" }).click();
  await at.getByText('"rows_left": 0').waitFor();
  assert.equal(await count(hal.token), 1);
  assert.deepEqual(at.errors, []);
});
