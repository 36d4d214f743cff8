// pino, whose lines go to the native endpoint as NDJSON.

import { Writable } from "node:stream";
import pino from "pino";
import { key, numbered, url } from "./common.mjs";

const lines = [];
const stream = new Writable({
  write(chunk, _, done) {
    lines.push(chunk.toString());
    done();
  },
});
const logger = pino({ level: "trace", name: "pino" }, stream);
for (const { text, place, level } of numbered) {
  logger[level]({ place, nested: { ratio: 0.5, flag: true } }, "%s", text);
}
const answer = await fetch(`${url}/api/v1/logs/ingest`, {
  method: "POST",
  headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/x-ndjson" },
  body: lines.join(""),
});
if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
