// Starts the real server on a free port with its own data folder, and a real Chromium; both are gone after the tests.
//
// Programs come from CORDWOOD_PROGRAMS (target/debug by default), the browser from CORDWOOD_CHROMIUM.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

export const root = path.resolve(import.meta.dirname, "..");
export const programs = process.env.CORDWOOD_PROGRAMS ?? path.join(root, "target/debug");

/** Waits until `probe` gives something true, and returns it. The error says what was waited for; `what` may be a function. */
export async function eventually(what, probe, limitMs = 30_000) {
  const deadline = Date.now() + limitMs;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const wanted = typeof what === "function" ? what() : what;
      throw new Error(`waited ${limitMs / 1000} s in vain until ${wanted}; last: ${last}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One server with one data folder. */
export class App {
  static async start(...settings) {
    const app = new App();
    app.folder = await mkdtemp(path.join(tmpdir(), "cordwood-e2e-"));
    app.port = await freePort();
    app.url = `http://127.0.0.1:${app.port}`;
    app.log = "";
    const flags = ["--listen", `127.0.0.1:${app.port}`, "--data-dir", app.folder, "--signup-per-hour", "0", "--wal-reserve-percent", "0", ...settings];
    // Our own variables are no settings of the server, and it refuses those it does not know.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CORDWOOD_")));
    app.process = spawn(path.join(programs, "cordwood-server"), flags, { cwd: root, env, stdio: ["ignore", "ignore", "pipe"] });
    app.process.stderr.on("data", (data) => (app.log += data));
    app.ended = new Promise((resolve) => app.process.on("exit", resolve));
    // The first start of the engine reads a library of half a gigabyte.
    await eventually(() => `the server is ready; its log: ${app.log}`, async () => {
      if (app.process.exitCode !== null) throw new Error("it has ended");
      return (await fetch(`${app.url}/readyz`)).ok;
    }, 90_000);
    return app;
  }

  async stop() {
    this.process.kill("SIGTERM");
    const status = await this.ended;
    await rm(this.folder, { recursive: true, force: true });
    if (status !== 0) throw new Error(`the server ended with ${status}:\n${this.log}`);
  }

  /** A request to the API with a token; answers `{status, body}`. */
  async call(method, address, { token, body, headers } = {}) {
    const answer = await fetch(this.url + address, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text };
  }

  /** An account made through the API: `{token, project, key, email, password}`. */
  async account(name) {
    const email = `${name}@e2e.example`;
    const password = "plenty of unrelated words";
    const signup = await this.call("POST", "/api/v1/auth/signup", { body: { email, password, name, organization: `${name} Ltd` } });
    if (signup.status !== 201) throw new Error(`sign-up answered ${signup.status}: ${JSON.stringify(signup.body)}`);
    const token = signup.body.access_token;
    const project = signup.body.projects[0].id;
    const made = await this.call("POST", "/api/v1/api-keys", {
      token,
      body: { name: "e2e", project_id: project, scopes: ["ingest", "query"] },
    });
    return { email, password, token, project, key: made.body.secret };
  }

  /** Follows the link in the mail that sign-up sent. */
  async confirm(email) {
    const mail = await eventually("the mail with the link is there", async () =>
      (await this.mails()).find((each) => each.includes(`To: ${email}`) && each.includes("/verify-email?token=")),
    );
    const token = mail.match(/\/verify-email\?token=([\w-]+)/)[1];
    const answer = await this.call("POST", "/api/v1/auth/verify-email", { body: { token } });
    if (answer.status !== 204) throw new Error(`verify-email answered ${JSON.stringify(answer)}`);
  }

  async ingest(key, events) {
    const answer = await this.call("POST", "/api/v1/logs/ingest", { token: key, body: events });
    if (answer.status !== 202 || answer.body.rejected !== 0) throw new Error(`ingest answered ${JSON.stringify(answer)}`);
  }

  async search(token, query, more = {}) {
    const answer = await this.call("POST", "/api/v1/logs/search", { token, body: { query, from: "now-1h", to: "now+1h", ...more } });
    if (answer.status !== 200) throw new Error(`search answered ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** The mails so far, oldest first, as text with soft line breaks undone. */
  async mails() {
    const folder = path.join(this.folder, "mail");
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".eml")).sort();
    return Promise.all(names.map(async (name) => readable(await readFile(path.join(folder, name), "utf8"))));
  }
}

function readable(mail) {
  return mail
    .replace(/=\r?\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\r\n/g, "\n");
}

/** A browser with the flags that a machine without a display or a way out needs. */
export function browser() {
  return chromium.launch({
    executablePath: process.env.CORDWOOD_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page of a fresh browser profile that fails the test on errors of its scripts. */
export async function page(of, { theme = "light", width = 1280, height = 800 } = {}) {
  const context = await of.newContext({ colorScheme: theme, viewport: { width, height }, reducedMotion: "reduce" });
  const made = await context.newPage();
  made.errors = [];
  made.on("pageerror", (error) => made.errors.push(String(error)));
  made.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) made.errors.push(`${message.text()} (${message.location().url}:${message.location().lineNumber})`);
  });
  return made;
}

/** Logs in through the form. */
export async function logIn(at, app, account) {
  await at.goto(`${app.url}/login`);
  await at.getByLabel("E-mail").fill(account.email);
  await at.getByLabel("Password", { exact: true }).fill(account.password);
  await at.getByRole("button", { name: "Log in" }).click();
  await at.waitForURL((url) => !url.pathname.startsWith("/login"));
}
