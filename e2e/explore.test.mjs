// From sign-up to the lines: an API key, a real log file, the page that turns green, searches and their results.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, page } from "./harness.mjs";

let app, chromium, at;

before(async () => {
  app = await App.start();
  chromium = await browser();
  at = await page(chromium);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

/** Lines as a web server and a service write them. */
const lines = Array.from({ length: 40 }, (_, index) =>
  index % 4 === 0
    ? `ERROR [api] upstream timeout after ${3000 + index} ms for order ${7000 + index}`
    : `INFO [api] GET /api/v1/cart ${200} in ${10 + index} ms`,
).join("\n");

async function runQuery(text) {
  const editor = at.getByRole("textbox", { name: "Query" });
  await editor.click();
  await at.keyboard.press("ControlOrMeta+a");
  await at.keyboard.press("Delete");
  await at.keyboard.type(text);
  await at.keyboard.press("Escape"); // completion stays out of the way of Enter
  await editor.focus();
  await at.keyboard.press("Enter");
}

const status = () => at.getByTestId("status").innerText();

test("signing up leads to a key and a command that is ready to paste", async () => {
  await at.goto(app.url);
  await at.waitForURL("**/login");
  await at.getByRole("link", { name: "Create" }).or(at.getByRole("link", { name: /sign up/i })).first().click();
  await at.getByLabel("Your name").fill("Ada");
  await at.getByLabel("Organization").fill("Acme");
  await at.getByLabel("E-mail").fill("ada@acme.example");
  await at.getByLabel("Password").fill("plenty of unrelated words");
  await at.getByRole("button", { name: "Create account" }).click();
  await at.waitForURL("**/send");
  await at.getByText("cwi_").first().waitFor();
  const command = await at.getByLabel("Command").first().innerText();
  assert.match(command, /curl .*\/api\/v1\/logs\/ingest/s);
  assert.match(command, /cwi_\w+/);
});

test("the page turns green when the first lines arrive", async () => {
  assert.equal(await at.getByTestId("arrival").getAttribute("data-state"), "waiting");
  const key = (await at.locator("body").innerText()).match(/cwi_\w+/)[0];
  const answer = await fetch(`${app.url}/api/v1/logs/ingest?source=api`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "text/plain" },
    body: lines,
  });
  assert.equal(answer.status, 202);
  assert.deepEqual((({ accepted, rejected }) => ({ accepted, rejected }))(await answer.json()), { accepted: 40, rejected: 0 });
  await at.locator('[data-testid="arrival"][data-state="received"]').waitFor();
});

test("Explore shows the lines, newest first, with a histogram and fields", async () => {
  await at.getByRole("link", { name: "Explore" }).first().click();
  await at.getByText("upstream timeout").first().waitFor();
  await eventually("all 40 are counted", async () => /\b40 events/.test(await status()));
  await at.getByRole("region", { name: "Events over time" }).waitFor();
  await at.getByRole("complementary", { name: "Fields" }).getByText("source").first().waitFor();
});

test("a filter narrows the rows", async () => {
  await runQuery("level:error timeout");
  await eventually("only the errors are counted", async () => /\b10 events/.test(await status()));
  assert.equal(await at.getByText("GET /api/v1/cart").count(), 0);
  assert.match(decodeURIComponent(at.url()), /q=level:error timeout/);
});

test("a table is drawn for a query with stats", async () => {
  await runQuery("source:api | stats count() by level");
  const table = at.getByRole("table").first();
  await table.getByText("error").waitFor();
  const text = await table.innerText();
  assert.match(text, /error\s+10/);
  assert.match(text, /info\s+30/);
});

test("a wrong query says where and what to write", async () => {
  await runQuery("level:eror");
  await at.getByText("E023").first().waitFor();
});

test("an event opens with its attributes and closes again", async () => {
  await runQuery("timeout");
  await eventually("the rows are there", async () => /\b10 events/.test(await status()));
  await at.getByText("upstream timeout").first().click();
  const event = at.getByRole("complementary", { name: "Event", exact: true });
  await event.getByText("source").first().waitFor();
  await at.keyboard.press("Escape");
  await event.waitFor({ state: "hidden" });
});

test("nothing went wrong in the page's scripts", () => {
  assert.deepEqual(at.errors, []);
});
