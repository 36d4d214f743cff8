// Joining by invitation, the second factor, and the audit log, as people meet them.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium;

before(async () => {
  app = await App.start();
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

async function inviteLink(email) {
  const mail = await eventually("the invitation is mailed", async () =>
    (await app.mails()).find((each) => each.includes(`To: ${email}`) && each.includes("/invite?token=")));
  return `${app.url}/invite?token=${mail.match(/\/invite\?token=([\w-]+)/)[1]}`;
}

/** What an authenticator app shows, some half minutes from now. */
function code(secret, ahead = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", key).update(step).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

test("somebody new is invited, joins, and is seen", async () => {
  const ada = await app.account("ada");
  const at = await page(chromium);
  await logIn(at, app, ada);
  await at.goto(`${app.url}/settings/members`);
  await at.getByRole("button", { name: "Invite" }).click();
  await at.getByLabel("E-mail").fill("bea@e2e.example");
  await at.getByRole("dialog").getByLabel("Role").selectOption("Viewer");
  await at.getByRole("button", { name: "Send invitation" }).click();
  await at.getByRole("cell", { name: "bea@e2e.example", exact: true }).waitFor();
  await at.getByText("pending").waitFor();

  const guest = await page(chromium);
  await guest.goto(await inviteLink("bea@e2e.example"));
  await guest.getByLabel("Your name").fill("Bea");
  await guest.getByLabel("Password").fill("plenty of unrelated words");
  await guest.getByRole("button", { name: "Join" }).click();
  await guest.waitForURL((url) => url.pathname === "/explore");
  await guest.goto(`${app.url}/settings/members`);
  await guest.getByRole("cell", { name: "bea@e2e.example", exact: true }).waitFor();
  assert.equal(await guest.getByRole("button", { name: "Invite" }).count(), 0, "a viewer invites nobody");

  await at.reload();
  await at.getByRole("cell", { name: "bea@e2e.example", exact: true }).waitFor();
  assert.equal(await at.getByText("pending").count(), 0);
  await at.goto(`${app.url}/settings/audit-log`);
  await at.getByText("invitation.accepted").waitFor();
  await at.getByLabel("Search the audit log").fill("action:invitation.sent");
  await at.getByRole("button", { name: "Search" }).click();
  await at.getByText("invitation.accepted").waitFor({ state: "detached" });
  await at.getByRole("button", { name: "Check the chain" }).click();
  await at.getByText("entries are as they were written", { exact: false }).waitFor();
  assert.deepEqual([at.errors, guest.errors], [[], []]);
});

test("somebody with an account logs in and joins", async () => {
  const [cid, dan] = [await app.account("cid"), await app.account("dan")];
  await app.call("POST", "/api/v1/invitations", { token: cid.token, body: { email: dan.email, role: "editor" } });
  const at = await page(chromium);
  await at.goto(await inviteLink(dan.email));
  await at.getByRole("link", { name: "Log in" }).click();
  await at.getByLabel("E-mail").fill(dan.email);
  await at.getByLabel("Password", { exact: true }).fill(dan.password);
  await at.getByRole("button", { name: "Log in" }).click();
  await at.getByRole("button", { name: "Join cid Ltd" }).click();
  await at.waitForURL((url) => url.pathname === "/explore");
  await at.getByText("cid Ltd").first().waitFor();
  assert.deepEqual(at.errors, []);
});

test("a second factor is set up, asked for, and replaced by a recovery code", async () => {
  const eva = await app.account("eva");
  const at = await page(chromium);
  await logIn(at, app, eva);
  await at.goto(`${app.url}/settings/profile`);
  await at.getByRole("button", { name: "Set up" }).click();
  await at.getByLabel("Your password").fill(eva.password);
  await at.getByRole("button", { name: "Go on" }).click();
  await at.getByRole("img", { name: "The key as a QR code" }).waitFor();
  const secret = (await at.getByTestId("secret").textContent()).trim();
  await at.getByLabel("Code that the app shows").fill(code(secret));
  await at.getByRole("button", { name: "Switch on" }).click();
  const codes = (await at.getByRole("region", { name: "Recovery codes" }).textContent()).trim().split(/\s+/);
  assert.equal(codes.length, 10);
  await at.getByRole("button", { name: "I have kept them" }).click();
  await at.getByText("10 recovery codes left").waitFor();

  for (const answer of [() => code(secret, 1), () => codes[0]]) {
    const other = await page(chromium);
    await other.goto(`${app.url}/login`);
    await other.getByLabel("E-mail").fill(eva.email);
    await other.getByLabel("Password", { exact: true }).fill(eva.password);
    await other.getByRole("button", { name: "Log in" }).click();
    await other.getByLabel("Code").fill("000000");
    await other.getByRole("button", { name: "Log in" }).click();
    await other.getByText("The code is wrong", { exact: false }).waitFor();
    await other.getByLabel("Code").fill(answer());
    await other.getByRole("button", { name: "Log in" }).click();
    await other.waitForURL((url) => url.pathname === "/explore");
    assert.deepEqual(other.errors, []);
    await other.context().close();
  }
  assert.deepEqual(at.errors, []);
});

test("a key is rotated: the new one works, the old one for a while", async () => {
  const fay = await app.account("fay");
  const at = await page(chromium);
  await logIn(at, app, fay);
  await at.goto(`${app.url}/settings/api-keys`);
  await at.getByRole("button", { name: "Rotate e2e" }).click();
  await at.getByRole("button", { name: "Rotate", exact: true }).click();
  const secret = (await at.getByTestId("secret").textContent()).trim();
  await at.getByRole("button", { name: "Done" }).click();
  await at.getByText("a newer key follows it").waitFor();
  for (const key of [fay.key, secret]) await app.ingest(key, [{ message: "hello" }]);
  assert.deepEqual(at.errors, []);
});

test("a command line is let in by somebody who has to sign in first", async () => {
  const dev = await app.account("dev");
  const begun = await app.call("POST", "/api/v1/auth/device", { body: { client_name: "dev@laptop" } });
  const at = await page(chromium);
  const link = new URL(begun.body.verification_uri_complete);
  await at.goto(`${app.url}${link.pathname}${link.search}`);
  await at.waitForURL(/\/login\?next=/);
  await at.getByLabel("E-mail").fill(dev.email);
  await at.getByLabel("Password", { exact: true }).fill(dev.password);
  await at.getByRole("button", { name: "Log in" }).click();
  await at.getByRole("heading", { name: "Sign in a command line" }).waitFor();
  assert.equal(await at.getByLabel("Code").inputValue(), begun.body.user_code);
  await at.getByRole("button", { name: "Continue" }).click();
  await at.getByText("dev@laptop").waitFor();
  await at.getByText("search the logs").waitFor();
  await at.getByRole("button", { name: "Sign it in" }).click();
  await at.getByText("The command line is signed in.").waitFor();
  const body = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: begun.body.device_code };
  const granted = await app.call("POST", "/api/v1/auth/device/token", { body });
  assert.equal(granted.status, 200);
  const checked = () => app.call("POST", "/api/v1/query/check", { token: granted.body.access_token, body: { query: "*" } });
  assert.equal((await checked()).status, 200);
  await at.goto(`${app.url}/settings/profile`);
  const lines = at.getByRole("region", { name: "Command lines" });
  await lines.getByText("cordwood on dev@laptop").waitFor();
  await lines.getByRole("button", { name: "Sign out" }).click();
  await at.getByText("cordwood login signs a terminal in.").waitFor();
  assert.equal((await checked()).status, 401);
  await at.context().close();
});
