// Signing in by an OpenID Connect provider: a real one (oidc-provider), run here, with its own login page.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Provider } from "oidc-provider";
import { App, browser, eventually, logIn, page } from "./harness.mjs";

let app, chromium, server;

/** Signs in whoever types a name: their address is `<name>@e2e.example`, confirmed but for the name `stranger`. */
function provider(issuer, redirect) {
  const account = (_, name) => ({
    accountId: name,
    claims: () => ({ sub: name, email: `${name}@e2e.example`, email_verified: name !== "stranger", name: name[0].toUpperCase() + name.slice(1) }),
  });
  return new Provider(issuer, {
    clients: [{ client_id: "cordwood", client_secret: "only for this test", redirect_uris: [redirect] }],
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    findAccount: account,
  });
}

before(async () => {
  server = createServer((request, response) => server.answer(request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  app = await App.start(
    "--oidc-issuer", issuer, "--oidc-client-id", "cordwood", "--oidc-client-secret", "only for this test", "--oidc-name", "Acme",
    "--outbound-allow-networks", "127.0.0.1",
  );
  server.answer = provider(issuer, `${app.url}/api/v1/auth/sso/oidc/callback`).callback();
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await app?.stop();
  server?.closeAllConnections();
  server?.close();
});

/** From a page of ours over the provider's login and consent pages and back. */
async function throughProvider(at, name) {
  await at.waitForURL((url) => url.origin !== app.url);
  await at.locator("input[name=login]").fill(name);
  await at.locator("input[name=password]").fill("anything");
  await at.locator("button[type=submit]").click();
  await eventually("the provider asks for consent or is done", async () =>
    new URL(at.url()).origin === app.url || (await at.locator("input[name=prompt][value=consent]").count()) > 0);
  if (new URL(at.url()).origin !== app.url) await at.locator("button[type=submit]").click();
  await at.waitForURL((url) => url.origin === app.url);
}

const ours = (at) => at.errors.filter((error) => error.includes(app.url));

test("somebody new comes by the provider, names the organization, and comes back later", async () => {
  const at = await page(chromium);
  await at.goto(`${app.url}/signup`);
  await at.getByRole("link", { name: "Continue with Acme" }).click();
  await throughProvider(at, "nora");
  await at.waitForURL(`${app.url}/sso`);
  assert.equal(await at.getByLabel("E-mail").inputValue(), "nora@e2e.example");
  assert.equal(await at.getByLabel("Your name").inputValue(), "Nora");
  await at.getByLabel("Organization").fill("Nora Ltd");
  await at.getByRole("button", { name: "Create account" }).click();
  await at.waitForURL(`${app.url}/send`);

  const later = await page(chromium);
  await later.goto(`${app.url}/alerts`);
  await later.waitForURL((url) => url.pathname === "/login");
  await later.getByRole("link", { name: "Continue with Acme" }).click();
  await throughProvider(later, "nora");
  await later.waitForURL(`${app.url}/alerts`);
  await later.getByText("Nora Ltd").first().waitFor();
  await later.goto(`${app.url}/settings/profile`);
  await later.getByText("You have none: you sign in with another account", { exact: false }).waitFor();
  await later.getByRole("cell", { name: "nora@e2e.example" }).waitFor();
  assert.deepEqual([ours(at), ours(later)], [[], []]);
});

test("an account is linked from the profile, and only with a confirmed address", async () => {
  const omar = await app.account("omar");
  await app.confirm(omar.email);
  const at = await page(chromium);
  await logIn(at, app, omar);
  await at.goto(`${app.url}/settings/profile`);
  await at.getByRole("button", { name: "Link Acme" }).click();
  await at.getByLabel("Your password").fill(omar.password);
  await at.getByRole("button", { name: "Go on" }).click();
  await throughProvider(at, "elsewhere");
  await at.getByText("The account is linked", { exact: false }).waitFor();

  const other = await page(chromium);
  await other.goto(`${app.url}/login`);
  await other.getByRole("link", { name: "Continue with Acme" }).click();
  await throughProvider(other, "elsewhere");
  await other.waitForURL((url) => url.pathname === "/explore");
  await other.getByText("omar Ltd").first().waitFor();

  const stranger = await page(chromium);
  await stranger.goto(`${app.url}/login`);
  await stranger.getByRole("link", { name: "Continue with Acme" }).click();
  await throughProvider(stranger, "stranger");
  await stranger.getByText("The provider has not confirmed your e-mail address", { exact: false }).waitFor();
  assert.deepEqual([ours(at), ours(other), ours(stranger)], [[], [], []]);
});
