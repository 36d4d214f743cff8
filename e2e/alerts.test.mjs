// From a search to an alert to a mail: made in the browser, fired and resolved by real events, told by real mails.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium, at, account;

before(async () => {
  app = await App.start();
  chromium = await browser();
  at = await page(chromium);
  account = await app.account("ada");
  await app.confirm(account.email); // mails about alerts go to confirmed addresses only
  await app.ingest(account.key, [{ level: "info", source: "api", message: "all is well" }]);
  await logIn(at, app, account);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

/** Alert mails have the name of the rule in their subject. */
const alertMails = async () => (await app.mails()).filter((mail) => /^Subject:.*Payment failures/m.test(mail));
const state = () => at.getByTestId("alert-state").getAttribute("data-state");

/** What the page says of the past, as a person who opens it now reads it. */
async function history() {
  await at.reload();
  await at.getByTestId("alert-state").waitFor();
  await at.waitForLoadState("networkidle");
  return at.locator("main").innerText();
}

test("an alert is made from the search that found the trouble", async () => {
  await at.goto(`${app.url}/explore?q=${encodeURIComponent('level:error "payment failed"')}`);
  await at.getByRole("link", { name: "Create alert" }).click();
  await at.waitForURL("**/alerts/new?**");
  await at.getByLabel("Name", { exact: true }).fill("Payment failures");
  await eventually("the query is taken along", async () => (await at.locator("main").innerHTML()).includes("payment failed"));
  await at.getByLabel("Threshold").fill("2");
  await at.getByLabel("over the").selectOption("1m");
  await at.getByLabel("Checked every").selectOption("10s");
  await at.getByTestId("preview-summary").getByText("Would not have fired").waitFor();
});

test("the threshold is dragged on the chart, and the rule replayed without asking again", async () => {
  const chart = at.locator(".preview-chart .u-over");
  const { x, y, width, height } = await chart.boundingBox();
  const cursor = () => chart.evaluate((over) => over.style.cursor);
  let line = 0;
  for (let down = 1; down < height && !line; down += 3) {
    await at.mouse.move(x + width / 2, y + down);
    if ((await cursor()) === "ns-resize") line = down + 4;
  }
  assert.ok(line > 0, "the line can be taken");
  let asked = 0;
  at.on("request", (request) => (asked += request.url().includes("/preview")));
  await at.mouse.move(x + width / 2, y + line);
  await at.mouse.down();
  await at.mouse.move(x + width / 2, y + line + (height - line) / 2, { steps: 5 });
  const dragged = Number(await at.getByLabel("Threshold").inputValue());
  assert.ok(dragged > 0 && dragged < 2, `the field follows: ${dragged}`);
  assert.equal(asked, 0);
  await at.mouse.move(x + width / 2, y + height - 1, { steps: 5 });
  await at.mouse.up();
  await at.getByLabel("Threshold").fill("-1");
  await at.getByTestId("preview-summary").getByText(/Would have fired once · .* pages a week/).waitFor();
  await at.getByLabel("Threshold").fill("2");
  await at.getByTestId("preview-summary").getByText("Would not have fired").waitFor();
});

test("a channel is made without leaving the page", async () => {
  await at.getByRole("button", { name: "New channel" }).click();
  const dialog = at.getByRole("dialog", { name: "New channel" });
  await dialog.getByLabel("Name").fill("On-call");
  await dialog.getByLabel("E-mail addresses").fill(account.email);
  await dialog.getByRole("button", { name: "Create channel" }).click();
  await dialog.waitFor({ state: "hidden" });
  assert.ok(await at.getByLabel("On-call").isChecked());
  await at.getByRole("button", { name: "Create alert" }).click();
  await at.waitForURL(/\/alerts\/[0-9a-f-]{36}$/);
  await eventually("it is checked and well", async () => (await state()) === "ok");
});

test("matching events make it fire, and the mail is there", { timeout: 120_000 }, async () => {
  const failure = (order) => ({ level: "error", source: "checkout", message: `payment failed for order ${order}` });
  await app.ingest(account.key, [1, 2, 3, 4].map(failure));
  await eventually("the mail is there", async () => (await alertMails()).length === 1, 90_000);
  const [mail] = await alertMails();
  assert.match(mail, /^To:.*ada@e2e\.example/m);
  assert.match(mail, /\*payment failed\* for order 4/);
  assert.match(mail, new RegExp(`${app.url}/alerts/`));
  await eventually("the page shows it firing", async () => (await state()) === "firing");
  await eventually("the page tells of the mail", async () => /On-call/.test(await history()));
});

test("when the events stop it is resolved, with a second mail", { timeout: 180_000 }, async () => {
  await eventually("the second mail is there", async () => (await alertMails()).length === 2, 150_000);
  await eventually("the page shows it well again", async () => (await state()) === "ok");
  await eventually("both mails are in the history", async () => (await history()).match(/Sent/g)?.length === 2);
});

test("the list shows it", async () => {
  await at.getByRole("link", { name: "Alerts" }).first().click();
  await at.getByRole("link", { name: "Payment failures" }).waitFor();
});

test("nothing went wrong in the page's scripts", () => {
  assert.deepEqual(at.errors, []);
});
