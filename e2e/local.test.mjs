// A log file in the browser: no account, no upload, the same search.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, page } from "./harness.mjs";

let app, chromium, at;
const sent = [];

before(async () => {
  app = await App.start();
  chromium = await browser();
  at = await page(chromium);
  at.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

const status = () => at.getByTestId("status").innerText();
const counted = (text) => eventually(`${text} events are counted`, async () => (await status()).startsWith(`${text} events`));

const lines = Array.from({ length: 5000 }, (_, index) => {
  const time = new Date(Date.UTC(2026, 2, 10, 10, 0, 0) + index * 1000).toISOString();
  return index % 10 === 0 ? `${time} ERROR upstream timeout for order ${index}` : `${time} INFO order ${index} stored`;
}).join("\n");

test("the login page leads to it, and it needs no account", async () => {
  await at.goto(`${app.url}/login`);
  await at.getByRole("link", { name: "Search a log file in your browser" }).click();
  await at.getByRole("heading", { name: "Search a log file" }).waitFor();
});

test("a file is read, counted and charted", async () => {
  await at.getByLabel("Log file").setInputFiles({ name: "app.log", mimeType: "text/plain", buffer: Buffer.from(lines) });
  await counted("5,000");
  await at.getByRole("img", { name: /5,000 events over time: 4,500 info, 500 error/ }).waitFor();
  await at.getByText("stays on this machine").waitFor();
});

test("it is searched with the same language, page after page", async () => {
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await at.keyboard.press("/");
  await at.keyboard.type("level:error timeout");
  await at.keyboard.press("Escape");
  await at.getByRole("textbox", { name: "Query" }).focus();
  await at.keyboard.press("Enter");
  await counted("500");
  await at.getByTestId("rows").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await eventually("the second page is there", async () => Number(await at.locator("#rows").getAttribute("aria-rowcount")) === 500);
});

test("an event opens, and the back button closes it", async () => {
  await at.locator(".rows-space .line").first().click();
  await at.getByRole("region", { name: "Event details" }).waitFor();
  await at.goBack();
  await at.getByRole("region", { name: "Event details" }).waitFor({ state: "detached" });
});

test("its messages are clustered", async () => {
  await at.keyboard.press("p");
  const row = at.getByRole("row").filter({ hasText: "upstream timeout for order <num>" });
  await row.waitFor();
  assert.match(await row.innerText(), /^500/);
});

test("its events are counted in a table", async () => {
  await at.goto(`${app.url}/local`);
  await at.getByLabel("Log file").setInputFiles({ name: "app.log", mimeType: "text/plain", buffer: Buffer.from(lines) });
  await counted("5,000");
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await at.keyboard.press("/");
  await at.keyboard.type("* | stats count() as n by level | sort -n");
  await at.keyboard.press("Enter");
  const table = at.getByRole("table").first();
  await table.getByText("info").waitFor();
  assert.match(await table.innerText(), /info\s+4,500\s+error\s+500/);
});

test("a sample shows what it does", async () => {
  await at.goto(`${app.url}/local`);
  await at.getByRole("button", { name: "Try a sample" }).click();
  await counted("1,200");
});

test("nothing was sent anywhere, and nothing went wrong", () => {
  assert.deepEqual(sent, []);
  assert.deepEqual(at.errors, []);
});
