// Working on a search: conditions as pills, rows narrowed while typing, views of rows, columns, history, commands, comparing, and a
// journey without a mouse.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium, at, account;

before(async () => {
  app = await App.start();
  chromium = await browser();
  account = await app.account("ada");
  const events = Array.from({ length: 60 }, (_, index) => ({
    level: index % 3 === 0 ? "error" : "info",
    source: index % 2 === 0 ? "api" : "worker",
    message: index % 3 === 0 ? `upstream timeout after ${3000 + index} ms` : `job ${index} done`,
    http: { status: index % 3 === 0 ? 504 : 200 },
    duration_ms: index,
  }));
  await app.ingest(account.key, events);
  await eventually("the events are found", async () => (await app.search(account.token, "")).rows.length === 60);
  at = await page(chromium);
  await at.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await logIn(at, app, account);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

beforeEach(async () => {
  await at.goto(`${app.url}/explore`);
  await counted(60);
});

const status = () => at.getByTestId("status").innerText();
const counted = (count) => eventually(`${count} events are counted`, async () => new RegExp(`\\b${count} events`).test(await status()));
const rows = () => at.locator(".rows-space .line");
const asked = () => new URL(at.url()).searchParams.get("q") ?? "";
const pill = (text) => at.getByRole("list", { name: "Conditions" }).getByRole("button", { name: text, exact: true });

async function type(text) {
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await at.keyboard.press("/");
  await at.getByRole("textbox", { name: "Query" }).waitFor();
  await at.keyboard.press("ControlOrMeta+a");
  await at.keyboard.press("Delete");
  await at.keyboard.type(text);
}

async function run(text) {
  await type(text);
  await at.keyboard.press("Escape");
  await at.getByRole("textbox", { name: "Query" }).focus();
  await at.keyboard.press("Enter");
}

test("pills and text are the same query", async () => {
  await run("timeout level:error");
  await counted(20);
  await pill("level:error").click();
  await at.getByRole("menuitem", { name: "Exclude instead" }).click();
  await eventually("the text says so", () => asked() === "timeout -level:error");
  await pill("-level:error").click();
  await at.getByRole("menuitem", { name: "Turn off for now" }).click();
  await counted(20);
  assert.equal(asked(), "timeout");
  await at.getByRole("button", { name: /-level:error.*turn on/ }).click();
  await eventually("it counts again", () => asked() === "timeout -level:error");
  await pill("-level:error").click();
  await at.getByRole("menuitem", { name: "Edit" }).click();
  await at.getByRole("textbox", { name: "Condition" }).fill("source:api");
  await at.keyboard.press("Enter");
  await eventually("the edited condition is asked", () => asked() === "timeout source:api");
  await counted(10);
  await at.getByRole("button", { name: "Remove source:api" }).click();
  await counted(20);
});

test("loaded rows are narrowed while typing, and said to be a part", async () => {
  await type("source:worker timeout");
  await at.getByTestId("narrowed").getByText("Partial: 10 of the 60 loaded events").waitFor();
  await eventually("only matching rows are drawn", async () => (await rows().count()) === 10);
  assert.equal(asked(), "");
  await at.getByRole("button", { name: "Search all" }).click();
  await counted(10);
  await at.getByTestId("narrowed").waitFor({ state: "detached" });
});

test("rows can be compact, wrapped or JSON, and stay so", async () => {
  const height = async () => (await rows().first().boundingBox()).height;
  assert.equal(await height(), 24);
  await at.getByRole("button", { name: "Compact" }).click();
  await at.getByRole("menuitemradio", { name: "JSON" }).click();
  await rows().first().getByText('"http"').waitFor();
  assert.ok((await height()) > 100);
  await at.reload();
  await rows().first().getByText('"http"').waitFor();
  await at.locator("#rows").focus();
  await at.keyboard.press("v");
  await eventually("they are compact again", async () => (await height()) === 24);
});

test("columns are added, moved, resized and remembered", async () => {
  await at.goto(`${app.url}/explore?columns=http.status,duration_ms`);
  const heads = () => at.getByRole("columnheader").allInnerTexts();
  await eventually("both columns are there", async () => (await heads()).join().includes("http.status,duration_ms"));
  await at.getByRole("button", { name: "http.status", exact: true }).click();
  await at.getByRole("menuitem", { name: "Move right" }).click();
  await eventually("they changed places", async () => (await heads()).join().includes("duration_ms,http.status"));
  const edge = at.getByRole("separator", { name: "Width of duration_ms" });
  const width = Number(await edge.getAttribute("aria-valuenow"));
  await edge.focus();
  await at.keyboard.press("ArrowRight");
  assert.equal(Number(await edge.getAttribute("aria-valuenow")), width + 10);
  await at.goto(`${app.url}/explore`);
  await eventually("the next visit has them", async () => (await heads()).join().includes("duration_ms,http.status"));
  assert.equal(Number(await edge.getAttribute("aria-valuenow")), width + 10);
  for (const column of ["http.status", "duration_ms"]) {
    await at.getByRole("button", { name: column, exact: true }).click();
    await at.getByRole("menuitem", { name: "Remove column" }).click();
  }
  await eventually("none is left", async () => !(await heads()).join().includes("http.status"));
});

test("former queries are found and run again", async () => {
  await run("source:worker");
  await counted(30);
  await run("timeout");
  await counted(20);
  await at.getByRole("button", { name: "Query history (h)" }).click();
  const history = at.getByRole("dialog", { name: "Query history" });
  await history.getByLabel("Search in the history").fill("worker");
  await at.keyboard.press("Enter");
  await counted(30);
  assert.equal(asked(), "source:worker");
});

test("commands are found by a few letters", async () => {
  await at.keyboard.press("ControlOrMeta+k");
  await at.getByRole("combobox", { name: "Command" }).fill("wrapped");
  await at.keyboard.press("Enter");
  await at.getByRole("button", { name: "Wrapped" }).waitFor();
  await at.keyboard.press("ControlOrMeta+k");
  await at.getByRole("combobox", { name: "Command" }).fill("rows: compact");
  await at.keyboard.press("Enter");
  await at.keyboard.press("ControlOrMeta+k");
  await at.getByRole("combobox", { name: "Command" }).fill("go to alerts");
  await at.keyboard.press("Enter");
  await at.waitForURL("**/alerts");
});

test("a text is found in rows that are not drawn", async () => {
  await at.locator("#rows").focus();
  await at.keyboard.press("ControlOrMeta+f");
  const field = at.getByRole("searchbox", { name: "Find in loaded rows" });
  await field.fill("job 1 done");
  await at.getByTestId("find-count").getByText("1 rows").waitFor();
  await at.keyboard.press("Enter");
  await at.getByTestId("find-count").getByText("1 of 1").waitFor();
  await at.locator(".line-cursor").getByText("job 1 done").waitFor();
  await field.fill("TIMEOUT");
  await at.keyboard.press("Enter");
  await at.keyboard.press("Shift+Enter");
  await eventually("every place counts", async () => /^\d+ of 20$/.test(await at.getByTestId("find-count").innerText()));
  await at.keyboard.press("Escape");
  await field.waitFor({ state: "detached" });
});

test("fields are pinned for oneself and for everybody", async () => {
  const fields = at.getByRole("complementary", { name: "Fields" });
  await fields.getByText("duration_ms").hover();
  await fields.getByRole("button", { name: "Keep duration_ms at the top", exact: true }).click();
  await fields.getByRole("heading", { name: "Pinned" }).waitFor();
  await fields.getByText("http.status").hover();
  await fields.getByRole("button", { name: "Keep http.status at the top for everybody" }).click();
  await eventually("the server keeps it", async () => {
    const { body } = await app.call("GET", `/api/v1/projects/${account.project}/pinned-fields`, { token: account.token });
    return body.fields.join() === "http.status";
  });
  await at.reload();
  await eventually("both are at the top", async () => {
    const text = await fields.innerText();
    return text.indexOf("http.status") < text.indexOf("level") && text.indexOf("duration_ms") < text.indexOf("level");
  });
});

test("times are shown in any zone", async () => {
  await at.keyboard.press("ControlOrMeta+k");
  await at.getByRole("combobox", { name: "Command" }).fill("another zone");
  await at.keyboard.press("Enter");
  const dialog = at.getByRole("dialog", { name: "Time zone" });
  await dialog.getByLabel("Find").fill("tokyo");
  await at.keyboard.press("Enter");
  await at.getByRole("button", { name: "Asia/Tokyo" }).waitFor();
  await rows().first().click();
  const event = at.getByRole("region", { name: "Event details" });
  const time = event.locator("time");
  const iso = await time.getAttribute("datetime");
  const expected = new Date(iso).toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo" });
  await eventually("the row has the time of Tokyo", async () => (await rows().first().innerText()).includes(expected));
  await at.reload();
  await at.getByRole("button", { name: "Asia/Tokyo" }).click();
  await at.getByRole("columnheader").getByRole("button", { name: "UTC" }).waitFor();
});

test("a search is taken to a terminal", async () => {
  await run("level:error");
  await counted(20);
  await at.getByRole("button", { name: "Share" }).click();
  await at.getByRole("menuitem", { name: "Copy for the command line" }).click();
  await eventually("the command is in the clipboard", async () =>
    (await at.evaluate(() => navigator.clipboard.readText())).startsWith("cordwood query 'level:error' --from 'now-15m' --to 'now' --project "));
});

test("two events are compared", async () => {
  await rows().nth(0).click();
  await at.getByRole("button", { name: "Compare with another event" }).click();
  await rows().nth(1).click();
  await at.getByRole("button", { name: "Compare with the event chosen before" }).click();
  const dialog = at.getByRole("dialog", { name: "Compare two events" });
  await dialog.getByRole("rowheader", { name: "duration_ms" }).waitFor();
  assert.match(await dialog.innerText(), /of \d+ fields differ/);
});

test("a dragged range can be undone, also by the back button", async () => {
  const box = await at.locator(".histogram .u-over").boundingBox();
  await at.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await at.mouse.down();
  await at.mouse.move(box.x + box.width - 2, box.y + 20, { steps: 4 });
  await at.mouse.up();
  await at.getByRole("button", { name: "Reset zoom" }).waitFor();
  assert.ok(new URL(at.url()).searchParams.get("from"));
  await at.goBack();
  await eventually("the range is as before", () => !new URL(at.url()).searchParams.get("from"));
});

test("an event is found, opened and copied without a mouse", async () => {
  await run("timeout source:api");
  await counted(10);
  await at.keyboard.press("Escape");
  await at.keyboard.press("j");
  await at.keyboard.press("j");
  await at.keyboard.press("Enter");
  await at.getByRole("region", { name: "Event details" }).waitFor();
  await at.keyboard.press("y");
  const copied = await eventually("the event is in the clipboard", async () => {
    const text = await at.evaluate(() => navigator.clipboard.readText());
    return text.includes("upstream timeout") && text;
  });
  assert.equal(JSON.parse(copied).source, "api");
  await at.keyboard.press("Escape");
  await at.getByRole("region", { name: "Event details" }).waitFor({ state: "detached" });
});

test("nothing went wrong in the page's scripts", () => {
  assert.deepEqual(at.errors, []);
});
