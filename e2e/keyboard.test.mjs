// The whole way without a mouse: from the login to an event in the clipboard, its surroundings, and back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, page } from "./harness.mjs";

let app, chromium, at, account;

before(async () => {
  app = await App.start();
  chromium = await browser();
  account = await app.account("ada");
  const events = Array.from({ length: 30 }, (_, index) => ({
    level: index % 3 === 0 ? "error" : "info",
    source: index % 2 === 0 ? "api" : "worker",
    host: "web-1",
    message: index % 3 === 0 ? `upstream timeout after ${3000 + index} ms` : `job ${index} done`,
  }));
  await app.ingest(account.key, events);
  await eventually("the events are found", async () => (await app.search(account.token, "")).rows.length === 30);
  at = await page(chromium);
  await at.context().grantPermissions(["clipboard-read", "clipboard-write"]);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

const key = (name) => at.keyboard.press(name);
const counted = (count) =>
  eventually(`${count} events are counted`, async () => new RegExp(`\\b${count} events`).test(await at.getByTestId("status").innerText()));

/** Tabs on until the element that has the focus is the wanted one. */
async function tabTo(wanted) {
  for (let step = 0; step < 150; step += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement || element.contains(document.activeElement)).catch(() => false)) return;
    await key("Tab");
  }
  throw new Error(`no number of tabs leads to ${wanted}`);
}

/** The first Escape may close completions only. */
const leaveQuery = () =>
  eventually("the query has not the focus any more", async () => {
    await key("Escape");
    return at.evaluate(() => !document.activeElement?.closest("[data-typing]"));
  });

test("one logs in", async () => {
  await at.goto(`${app.url}/login`);
  await at.getByLabel("E-mail").waitFor();
  await tabTo(at.getByLabel("E-mail"));
  await at.keyboard.type(account.email);
  await tabTo(at.getByLabel("Password", { exact: true }));
  await at.keyboard.type(account.password);
  await key("Enter");
  await at.waitForURL("**/explore");
  await counted(30);
});

test("one searches, walks through the rows and copies an event", async () => {
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await key("/");
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await at.keyboard.type("timeout");
  await key("Enter");
  await counted(10);
  await leaveQuery();
  await key("j");
  await key("j");
  await key("Enter");
  const event = at.getByRole("region", { name: "Event details" });
  await event.waitFor();
  const before = await event.innerText();
  await key("j");
  await eventually("the panel follows", async () => (await event.innerText()) !== before);
  await key("y");
  const copied = await eventually("the event is in the clipboard", async () => {
    const text = await at.evaluate(() => navigator.clipboard.readText());
    return text.includes("upstream timeout") && JSON.parse(text);
  });
  assert.equal(copied.level, "error");
});

test("one looks around the event, and comes back", async () => {
  await key("c");
  const around = at.getByRole("dialog", { name: "Lines around this event" });
  await around.getByText("job").first().waitFor();
  await key("Escape");
  await around.waitFor({ state: "hidden" });
  await key("Escape");
  await at.getByRole("region", { name: "Event details" }).waitFor({ state: "detached" });
});

test("one narrows by a value of a field, chooses another time, and finds all keys", async () => {
  const only = at.getByRole("complementary", { name: "Fields" }).getByRole("button", { name: /^api .*only these/ });
  await only.waitFor();
  await tabTo(only);
  await key("Enter");
  await eventually("the value is asked for", () => new URL(at.url()).searchParams.get("q") === "timeout source:api");
  await counted(5);
  await key("t");
  await at.getByRole("textbox", { name: "Type a range" }).waitFor();
  await eventually("the field has the focus", () => at.getByRole("textbox", { name: "Type a range" }).evaluate((field) => field === document.activeElement));
  await at.keyboard.type("1h");
  await key("Enter");
  await eventually("the range is in the address", () => new URL(at.url()).searchParams.get("from") === "now-1h");
  await key("?");
  await at.getByRole("dialog").getByRole("tab", { name: "Keys" }).waitFor();
  await key("Escape");
});

test("nothing went wrong in the page's scripts", () => {
  assert.deepEqual(at.errors, []);
});
