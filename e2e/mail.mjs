// A real mail server for the journeys: aiosmtpd in a process of its own, which can be killed and come back on its port.
//
// Python is CORDWOOD_PYTHON, with what e2e/requirements.txt names; `cargo xtask test` makes it.

import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { root } from "./harness.mjs";

const python = process.env.CORDWOOD_PYTHON ?? path.join(root, "target/e2e/venv/bin/python");

export class MailServer {
  /** Mails in the order in which they were taken: `{from, to, subject, id, headers, text, html}`. */
  mails = [];
  port = 0;

  static async start() {
    const server = new MailServer();
    await server.comeBack();
    return server;
  }

  get url() {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Starts the process, on the port that it had before. */
  async comeBack() {
    this.process = spawn(python, [path.join(root, "e2e/mail_server.py"), String(this.port)], { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    this.process.stderr.on("data", (data) => (errors += data));
    const ended = new Promise((_, fail) => {
      this.process.on("error", fail);
      this.process.on("exit", (status) => fail(new Error(`the mail server ended with ${status}: ${errors}`)));
    });
    const lines = createInterface({ input: this.process.stdout });
    const listening = new Promise((resolve) => {
      lines.on("line", (line) => {
        const told = JSON.parse(line);
        if (told.listening) resolve(told.listening);
        else this.mails.push(told);
      });
    });
    this.port = await Promise.race([listening, ended]);
    ended.catch(() => {});
  }

  /** Kills the process: connections break, and new ones are refused. */
  async leave() {
    const gone = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGKILL");
    await gone;
  }

  about(subject) {
    return this.mails.filter((mail) => mail.subject.startsWith(subject));
  }
}
