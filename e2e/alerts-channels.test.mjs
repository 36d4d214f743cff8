// Alerts over every kind of channel: made in the browser, fired by real events, and every byte of what is sent looked at.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page, programs } from "./harness.mjs";
import { MailServer } from "./mail.mjs";

/** Keeps every request; answers 200. */
async function receiver() {
  const requests = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      requests.push({ url: request.url, headers: request.headers, body: JSON.parse(body) });
      answer.end("ok");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { requests, url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

let app, chromium, at, account, slack, pagerduty, webhook, smtp;
const channels = {};

before(async () => {
  [slack, pagerduty, webhook, smtp] = await Promise.all([receiver(), receiver(), receiver(), MailServer.start()]);
  app = await App.start("--outbound-allow-networks", "127.0.0.0/8", "--pagerduty-url", `${pagerduty.url}/v2/enqueue`, "--smtp-url", smtp.url);
  chromium = await browser();
  at = await page(chromium);
  account = await app.account("ada");
  const verify = await eventually("the mail with the link is there", async () => smtp.mails.find((mail) => mail.text.includes("/verify-email?token=")));
  const token = verify.text.match(/\/verify-email\?token=([\w-]+)/)[1];
  await app.call("POST", "/api/v1/auth/verify-email", { body: { token } });
  await app.ingest(account.key, [{ level: "info", source: "api", message: "all is well" }]);
  await logIn(at, app, account);
});

after(async () => {
  await chromium?.close();
  await app?.stop();
  await smtp?.leave();
  for (const each of [slack, pagerduty, webhook]) each?.stop();
});

async function makeChannel(name, kind, fill) {
  await at.getByRole("button", { name: "Create channel" }).first().click();
  const dialog = at.getByRole("dialog", { name: "New channel" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Kind").selectOption(kind);
  await fill(dialog);
  await dialog.getByRole("button", { name: "Create channel" }).click();
  if (kind === "webhook") await dialog.getByRole("button", { name: "Done" }).click();
  await dialog.waitFor({ state: "hidden" });
}

test("each kind of channel is made in the browser, and its test arrives", { timeout: 120_000 }, async () => {
  await at.goto(`${app.url}/settings/channels`);
  await makeChannel("Mail", "email", (dialog) => dialog.getByLabel("E-mail addresses").fill(account.email));
  await makeChannel("Chat", "slack", (dialog) => dialog.getByLabel("Webhook address").fill(`${slack.url}/services/T0/B0/secret`));
  await makeChannel("Pager", "pagerduty", (dialog) => dialog.getByLabel("Integration key").fill("R0UT1NG"));
  await makeChannel("Hook", "webhook", (dialog) => dialog.getByLabel("Address").fill(`${webhook.url}/hook`));
  for (const name of ["Mail", "Chat", "Pager", "Hook"]) await at.getByRole("row", { name }).getByRole("button", { name: "Test" }).click();
  const arrived = () => [slack, pagerduty, webhook].map((each) => each.requests.length).join(", ");
  await eventually(() => `all four tests arrived, not ${arrived()} and the mails ${smtp.mails.map((mail) => mail.subject)}`, async () =>
    slack.requests.length === 1 && pagerduty.requests.length === 2 && webhook.requests.length === 1 && smtp.about("Firing: Test of this channel").length === 1,
  );
  const listed = await app.call("GET", "/api/v1/notification-channels", { token: account.token });
  for (const channel of listed.body.items) channels[channel.name] = channel.id;
  assert.ok(!JSON.stringify(listed.body).includes("secret\""), "no secret is shown");
  assert.ok(!JSON.stringify(listed.body).includes("T0/B0"));
});

const rule = (more) =>
  app.call("POST", "/api/v1/alert-rules", {
    token: account.token,
    body: { project_id: account.project, window: "20s", every: "10s", delay: "1s", channel_ids: Object.values(channels), ...more },
  });
const fail = (source, count = 3) =>
  app.ingest(account.key, Array.from({ length: count }, (_, number) => ({ level: "error", source, message: `payment failed for order ${number}` })));
const hooks = (event, group) => webhook.requests.filter(({ body }) => body.event === event && body.group === group);

let groups;

test("each alert is to be a message of its own here", async () => {
  const { status } = await app.call("PUT", "/api/v1/notification-policy", { token: account.token, body: { digest_after: 0 } });
  assert.equal(status, 200);
});

test("a group that appears fires everywhere, and again while it goes on", { timeout: 180_000 }, async () => {
  const made = await rule({
    name: "Failures", query: 'level:error "payment failed" | stats count() as n by source', condition: { op: ">", threshold: 2 },
    severity: "critical", renotify: "10s",
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  groups = made.body.id;
  await eventually("it fires, and says it again", async () => {
    await fail("api");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    return hooks("fired", "source=api").length === 1 && hooks("renotified", "source=api").length >= 1;
  }, 90_000);
  const { body } = hooks("fired", "source=api")[0];
  assert.equal(body.rule.severity, "critical");
  assert.ok(body.value > 2);
  assert.ok(body.samples.length > 0 && body.samples[0].marks.length > 0, JSON.stringify(body.samples));
  const fired = pagerduty.requests.map((request) => request.body).filter((event) => event.payload?.group === "source=api");
  assert.equal(fired[0].event_action, "trigger");
  assert.equal(new Set(fired.map((event) => event.dedup_key)).size, 1);
  assert.ok(slack.requests.some((request) => JSON.stringify(request.body).includes("*payment failed*")));
  const [mail] = await eventually("the mail is there", async () => {
    const mails = smtp.about("Firing: Failures (source=api)");
    return mails.length === 1 && mails;
  });
  assert.deepEqual([mail.to, mail.headers["Auto-Submitted"]], [[account.email], "auto-generated"]);
  assert.match(mail.text, /\*payment failed\* for order/);
  assert.match(mail.html, /<mark[^>]*>payment failed<\/mark>/);
  for (const part of [mail.text, mail.html]) assert.ok(part.includes(`${app.url}/alerts/${groups}`) && part.includes(`${app.url}/mute?token=`));
});

test("another group fires by itself, and both are resolved when they vanish", { timeout: 240_000 }, async () => {
  await fail("web", 4);
  await eventually("the other group fires", async () => hooks("fired", "source=web").length === 1, 60_000);
  await eventually("both are resolved", async () => hooks("resolved", "source=api").length === 1 && hooks("resolved", "source=web").length === 1, 120_000);
  const resolved = pagerduty.requests.map((request) => request.body).filter((event) => event.event_action === "resolve");
  assert.ok(resolved.length >= 3, "the test, and both groups");
  await eventually("the mails are there", async () => smtp.about("Resolved: Failures").length === 2);
});

test("the link in a message mutes, after a question", { timeout: 180_000 }, async () => {
  const link = hooks("fired", "source=api")[0].body.links.mute;
  const anonymous = await page(chromium);
  await anonymous.goto(link);
  await anonymous.getByText("source=api").waitFor();
  await anonymous.getByRole("button", { name: "For an hour" }).click();
  await anonymous.getByText(/^Muted until/).waitFor();
  const before = hooks("fired", "source=api").length;
  await fail("api", 5);
  const state = async () => (await app.call("GET", `/api/v1/alert-rules/${groups}`, { token: account.token })).body.state;
  await eventually("it fires", async () => (await state()) === "firing", 60_000);
  assert.equal(hooks("fired", "source=api").length, before, "and nobody is told");
});

test("while the mail server is away mails wait, and then arrive once", { timeout: 240_000 }, async () => {
  await smtp.leave();
  const made = await rule({ name: "Silence", query: "source:heartbeat | stats max(n) as n", value: "n", condition: { op: ">", threshold: 1 }, no_data: "alert" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await eventually("no data is told by webhook", async () => webhook.requests.some(({ body }) => body.rule.name === "Silence" && body.event === "no_data"), 60_000);
  await eventually("its mail was tried in vain", async () => {
    const waiting = await app.call("GET", "/api/v1/notifications?state=queued", { token: account.token });
    return waiting.body.items.some((each) => each.title === "No data: Silence" && each.attempts > 0);
  });
  assert.equal(smtp.about("No data: Silence").length, 0);
  await smtp.comeBack();
  await eventually("the mail came after all", async () => smtp.about("No data: Silence").length === 1, 120_000);
  const ids = smtp.mails.map((mail) => mail.id);
  assert.equal(new Set(ids).size, ids.length, "no mail came twice");
});

test("routes, quiet hours and maintenance are set on their page", async () => {
  await at.goto(`${app.url}/settings/routing`);
  await at.getByRole("button", { name: "Add route" }).click();
  const route = at.getByRole("dialog", { name: "Route" });
  await route.getByLabel("Critical").check();
  await route.getByLabel("With labels").fill("team=shop");
  await route.getByLabel("Hook").check();
  await route.getByRole("button", { name: "Save" }).click();
  await at.getByTestId("routes").getByText("Critical, team=shop").waitFor();
  await at.getByRole("button", { name: "Add quiet hours" }).click();
  const quiet = at.getByRole("dialog", { name: "Quiet hours" });
  await quiet.getByLabel("Time zone").fill("Nowhere/Land");
  await quiet.getByRole("button", { name: "Save" }).click();
  await quiet.getByText("Europe/Berlin or UTC").waitFor();
  await quiet.getByLabel("Time zone").fill("Europe/Berlin");
  await quiet.getByRole("button", { name: "Save" }).click();
  await at.getByTestId("quiet-hours").getByText("22:00 – 07:00, every day").waitFor();
  await at.getByRole("button", { name: "Add maintenance" }).click();
  const maintenance = at.getByRole("dialog", { name: "Maintenance" });
  await maintenance.getByLabel("Name").fill("Database move");
  await maintenance.getByLabel("Alerts with labels").fill("team=nobody");
  await maintenance.getByRole("button", { name: "Save" }).click();
  await at.getByTestId("maintenance").getByText("Database move").waitFor();
  await at.getByLabel("Gather what follows after").selectOption("10");
  const saved = await eventually("all of it is saved", async () => {
    const { body } = await app.call("GET", "/api/v1/notification-policy", { token: account.token });
    return body.digest_after === 10 && body;
  });
  assert.deepEqual(saved.routes, [{ severities: ["critical"], labels: { team: "shop" }, channel_ids: [channels.Hook] }]);
  assert.equal(saved.quiet_hours[0].time_zone, "Europe/Berlin");
  assert.deepEqual(saved.maintenance[0].labels, { team: "nobody" });
  await at.getByRole("button", { name: "Remove the quiet hours 22:00 – 07:00, every day" }).click();
  await at.getByText("Messages leave at any time of day.").waitFor();
});

test("rules go through the command line as a file and come back the same", async () => {
  const { body: key } = await app.call("POST", "/api/v1/api-keys", { token: account.token, body: { name: "rules", project_id: account.project, scopes: ["admin"] } });
  const cordwood = (...args) => {
    const ran = spawnSync(path.join(programs, "cordwood"), ["alerts", ...args], { encoding: "utf8", env: { ...process.env, CORDWOOD_SERVER: app.url, CORDWOOD_TOKEN: key.secret } });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout + ran.stderr;
  };
  const folder = await mkdtemp(path.join(tmpdir(), "cordwood-rules-"));
  const file = path.join(folder, "alerts.yaml");
  await writeFile(file, cordwood("export"));
  assert.match(await readFile(file, "utf8"), /name: Failures[\s\S]*channels:[\s\S]*- Hook/);
  assert.match(cordwood("apply", "--dry-run", file), /unchanged Failures/);
  await writeFile(file, (await readFile(file, "utf8")).replace("name: Silence", "name: Silence again"));
  assert.match(cordwood("apply", file), /created Silence again/);
  assert.match(cordwood("list"), /Silence again/);
  assert.match(cordwood("mute", "Silence again", "--for", "1h"), /Silence again is muted until/);
  cordwood("pull", folder);
  assert.match(cordwood("apply", path.join(folder, "silence-again.json")), /unchanged Silence again/);
  await rm(folder, { recursive: true });
});

test("the pages show evaluations and attempts", async () => {
  await at.goto(`${app.url}/alerts/${groups}`);
  await at.getByTestId("evaluations").getByRole("row").nth(2).waitFor();
  await at.goto(`${app.url}/settings/channels`);
  await at.getByTestId("delivery-log").getByText("No data: Silence").first().waitFor();
  assert.deepEqual(at.errors, []);
});
