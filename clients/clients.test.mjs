// Clients of other products against the real server: every text has to arrive byte for byte, with level, time and types.
//
// `cargo xtask test --clients` prepares what is needed and runs this. CORDWOOD_CLIENTS names the folder with the Python environment.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { App, eventually } from "../e2e/harness.mjs";

const here = import.meta.dirname;
const prepared = process.env.CORDWOOD_CLIENTS;
const texts = JSON.parse(await readFile(path.join(here, "texts.json"), "utf8"));
const levels = ["debug", "info", "warn", "error"];
const nested = { ratio: 0.5, flag: true };

let app, account, environment, folder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "cordwood-clients-"));
  app = await App.start("--otlp-grpc-listen", "127.0.0.1:0", "--syslog-listen", "127.0.0.1:0");
  account = await app.account("clients");
  const address = (name) => readFile(path.join(app.folder, `${name}.address`), "utf8");
  const listener = async (protocol) => {
    const body = { project_id: account.project, protocol };
    const made = await app.call("POST", "/api/v1/syslog-listeners", { token: account.token, body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return String(made.body.port);
  };
  environment = {
    PATH: process.env.PATH,
    CORDWOOD_URL: app.url,
    CORDWOOD_KEY: account.key,
    CORDWOOD_GRPC: await address("otlp-grpc"),
    CORDWOOD_SYSLOG: await address("syslog"),
    CORDWOOD_SYSLOG_TCP: await listener("tcp"),
    CORDWOOD_SYSLOG_UDP: await listener("udp"),
    NO_PROXY: "127.0.0.1",
  };
});

after(async () => {
  await app?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a program to its end, at most a minute; fails with what it printed. */
async function run(program, words, more = {}) {
  const child = spawn(program, words, { env: { ...environment, ...more }, cwd: here, timeout: 60_000 });
  let printed = "";
  child.stdout.on("data", (data) => (printed += data));
  child.stderr.on("data", (data) => (printed += data));
  const status = await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  assert.equal(status, 0, `${program} ${words.join(" ")}:\n${printed}`);
}

const python = (script, ...words) => run(path.join(prepared, "venv/bin/python"), [path.join(here, "python", script), ...words]);
const node = (script, ...words) => run(process.execPath, [path.join(here, "node", script), ...words]);

/** The events of a source, once there are so many. */
async function stored(source, count) {
  const rows = await eventually(`${count} events of ${source} can be searched`, async () => {
    const answer = await app.search(account.token, `source:"${source}"`, { limit: 1000 });
    assert.ok(answer.rows.length <= count, `more than was sent: ${JSON.stringify(answer.rows)}`);
    return answer.rows.length === count && answer.rows;
  });
  return rows;
}

/** Every text once, byte for byte, with its level and a time of now; gives each event with its place to `more`. */
async function arrived(source, more = () => {}, levelOf = (place) => levels[place % levels.length]) {
  const rows = await stored(source, texts.length);
  for (const [place, text] of texts.entries()) {
    const same = rows.filter((row) => row.message === text);
    assert.equal(same.length, 1, `"${text}" of ${source} among ${JSON.stringify(rows.map((row) => row.message))}`);
    assert.equal(same[0].level, levelOf(place), text);
    assert.ok(Math.abs(Date.now() - Date.parse(same[0].timestamp)) < 120_000, same[0].timestamp);
    more(same[0], place);
  }
}

for (const version of [7, 8, 9]) {
  test(`elasticsearch-py ${version}`, async () => {
    const packages = path.join(prepared, `elasticsearch-${version}`);
    await run(path.join(prepared, "venv/bin/python"), [path.join(here, "python/elastic.py")], { PYTHONPATH: packages });
    const rows = await stored(`es-${version}`, texts.length + 1);
    for (const [place, text] of texts.entries()) {
      const row = rows.find((each) => each.message === text);
      assert.ok(row, `"${text}" among ${JSON.stringify(rows.map((each) => each.message))}`);
      assert.equal(row.level, levels[place % levels.length]);
      assert.deepEqual(row.attributes, { place, nested });
    }
    assert.ok(rows.some((row) => row.message === "single"));
  });
}

for (const [script, form] of [["python", "http"], ["python", "grpc"], ["node", "json"], ["node", "proto"]]) {
  test(`OpenTelemetry for ${script}, ${form}`, async () => {
    await (script === "python" ? python("otlp.py", form) : node("otlp.mjs", form));
    await arrived(`otlp-${script}-${form}`, (row, place) => {
      assert.equal(row.host, "client-host");
      assert.equal(row.attributes.place, place);
      assert.deepEqual(row.attributes.nested, nested);
    });
  });
}

test("python-logging-loki", async () => {
  await python("loki.py");
  await arrived("loki-python", (row, place) => assert.equal(row.attributes.place, String(place)));
});

test("splunk-handler for Splunk's HEC", async () => {
  await python("splunk.py");
  // It sends the text alone, with no level.
  await arrived("splunk-python", (row) => assert.equal(row.host, "client-host"), () => null);
});

test("datadog-api-client", async () => {
  await python("datadog.py");
  await arrived("datadog-python", (row, place) => {
    assert.equal(row.host, "client-host");
    assert.deepEqual(row.attributes.tags, { env: "test", place: String(place) });
    assert.equal(String(row.attributes.place), String(place));
  });
});

for (const protocol of ["tcp", "udp"]) {
  test(`Python's SysLogHandler over ${protocol}`, async () => {
    await python("stdlib.py", protocol);
    await arrived(`stdlib-${protocol}`);
  });
}

test("logger(1) over TCP with the key in structured data", async () => {
  const [host, port] = environment.CORDWOOD_SYSLOG.split(":");
  const priorities = ["debug", "info", "warning", "err"];
  for (const [place, text] of texts.entries()) {
    const words = ["--rfc5424", "--tcp", "-n", host, "-P", port, "-t", "logger", "-p", `user.${priorities[place % 4]}`];
    const key = ["--sd-id", "cordwood@0", "--sd-param", `key="${account.key}"`];
    await run("logger", [...words, ...key, ...(place % 2 ? ["--octet-count"] : []), "--", text]);
  }
  await arrived("logger", (row) => assert.ok(!JSON.stringify(row).includes(account.key)));
});

test("rsyslog forwards a file over TCP", async () => {
  const [host, port] = environment.CORDWOOD_SYSLOG.split(":");
  const work = path.join(folder, "rsyslog");
  await mkdir(work);
  await writeFile(path.join(work, "app.log"), texts.map((text) => `${text}\n`).join(""));
  await writeFile(
    path.join(work, "rsyslog.conf"),
    `global(workDirectory="${work}" parser.escapeControlCharactersOnReceive="off")
module(load="imfile")
template(name="cordwood" type="string"
  string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% [cordwood@0 key=\\"${account.key}\\"] %msg%")
input(type="imfile" file="${work}/app.log" tag="rsyslog:" severity="warning" facility="local0")
action(type="omfwd" target="${host}" port="${port}" protocol="tcp" template="cordwood" TCP_Framing="octet-counted"
  action.resumeRetryCount="-1")
`,
  );
  const words = ["-n", "-f", path.join(work, "rsyslog.conf"), "-i", path.join(work, "pid")];
  const rsyslog = spawn("/usr/sbin/rsyslogd", words, { stdio: ["ignore", "inherit", "inherit"] });
  try {
    await arrived("rsyslog", () => {}, () => "warn");
  } finally {
    rsyslog.kill();
    await new Promise((resolve) => rsyslog.on("close", resolve));
  }
});

test("syslog-ng forwards a file over TCP", async () => {
  const [host, port] = environment.CORDWOOD_SYSLOG.split(":");
  const [work, unpacked] = [path.join(folder, "syslog-ng"), path.join(prepared, "syslog-ng")];
  await mkdir(work);
  await writeFile(path.join(work, "app.log"), texts.map((text) => `${text}\n`).join(""));
  await writeFile(
    path.join(work, "syslog-ng.conf"),
    `@version: 3.38
source s_app { file("${work}/app.log" program-override("syslog-ng") default-severity("warning") flags(no-parse) follow-freq(1)); };
destination d_cordwood {
  network("${host}" port(${port}) transport("tcp")
    template("<\${PRI}>1 \${ISODATE} \${HOST} \${PROGRAM} \${PID:--} \${MSGID:--} [cordwood@0 key=\\"${account.key}\\"] \${MESSAGE}\\n"));
};
log { source(s_app); destination(d_cordwood); };
`,
  );
  const libraries = ["usr/lib/syslog-ng", "usr/lib", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
  const words = ["-F", "--no-caps", "-f", path.join(work, "syslog-ng.conf"), "-R", path.join(work, "persist")];
  words.push("-p", path.join(work, "pid"), "-c", path.join(work, "control"), "--module-path", path.join(unpacked, "usr/lib/syslog-ng/3.38"));
  const syslogNg = spawn(path.join(unpacked, "usr/sbin/syslog-ng"), words, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, LD_LIBRARY_PATH: libraries.map((each) => path.join(unpacked, each)).join(":") },
  });
  try {
    await arrived("syslog-ng", () => {}, () => "warn");
  } finally {
    syslogNg.kill();
    await new Promise((resolve) => syslogNg.on("close", resolve));
  }
});

test("Docker's driver for Splunk", async (context) => {
  const work = path.join(folder, "docker");
  await mkdir(path.join(work, "image/bin"), { recursive: true });
  await copyFile("/bin/busybox", path.join(work, "image/bin/sh"));
  const socket = `unix://${work}/socket`;
  const own = ["--data-root", path.join(work, "data"), "--exec-root", path.join(work, "exec"), "--pidfile", path.join(work, "pid")];
  const alone = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "--host", socket];
  const daemon = spawn("dockerd", [...own, ...alone], { stdio: "ignore" });
  const ended = new Promise((resolve) => daemon.on("close", resolve).on("error", resolve));
  const docker = (...words) => run("docker", ["--host", socket, ...words]);
  try {
    const isUp = () => docker("info").then(() => true, () => false);
    const gaveUp = ended.then(() => "ended");
    const started = await Promise.race([gaveUp, eventually("dockerd answers", isUp)]);
    // It needs control groups and namespaces, which a container may not have.
    if (started === "ended") return context.skip("dockerd cannot run here");
    await run("sh", ["-c", `tar -C ${work}/image -c . | docker --host ${socket} import - busybox`]);
    const splunk = [`splunk-url=${app.url}`, `splunk-token=${account.key}`, "splunk-format=json", "splunk-source=docker", "tag={{.Name}}"];
    const options = ["--log-driver=splunk", ...splunk.flatMap((each) => ["--log-opt", each])];
    const printed = texts.map((text, place) => JSON.stringify({ level: levels[place % 4], message: text, place, nested }));
    const script = printed.map((line) => `echo '${line.replaceAll("'", "'\\''")}'`).join("\n");
    await docker("run", "--name", "client", "--network", "none", ...options, "busybox", "/bin/sh", "-c", script);
    await arrived("docker", (row, place) => {
      assert.equal(row.attributes.place, place);
      assert.deepEqual(row.attributes.nested, nested);
      assert.equal(row.attributes.tag, "client");
    });
  } finally {
    daemon.kill();
    await ended;
  }
});

test("pino", async () => {
  await node("pino.mjs");
  await arrived("pino", (row, place) => {
    assert.equal(row.attributes.place, place);
    assert.deepEqual(row.attributes.nested, nested);
  });
});

test("winston", async () => {
  await node("winston.mjs");
  await arrived("winston", (row, place) => {
    assert.equal(row.attributes.place, place);
    assert.deepEqual(row.attributes.nested, nested);
  });
});
